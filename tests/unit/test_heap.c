/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <string.h>

#include "heap.h"
#include "random.h"

static int is_zero(const unsigned char *memory, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (memory[i])
            return 0;
    return 1;
}

static void memory_is_zeroed_and_aligned(void **state)
{
    struct heap heap = {0};

    for (size_t size = 0; size < 5000; size = size * 3 + 1) {
        unsigned char *memory = heap_alloc(&heap, size);

        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        assert_true(is_zero(memory, size));
        memset(memory, 0xff, size);
    }
    heap_finish(&heap);
    assert_int_equal(heap.used, 0);
}

static void what_grows_is_zeroed_where_it_is_new(void **state)
{
    struct heap heap = {0};
    unsigned char *memory = heap_realloc(&heap, NULL, 10);

    memset(memory, 7, 10);
    memory = heap_realloc(&heap, memory, 4);
    memory = heap_realloc(&heap, memory, 3000);
    assert_memory_equal(memory, "\7\7\7\7", 4);
    assert_true(is_zero(memory + 4, 2996));
    heap_finish(&heap);
}

static void a_limit_refuses_and_leaves_everything_as_it_was(void **state)
{
    struct allowance allowance = {.limit = 200};
    struct heap heap;
    char *memory;

    heap_init(&heap, &allowance);
    memory = heap_alloc(&heap, 100);
    assert_non_null(memory);
    memcpy(memory, "here", 5);
    assert_null(heap_alloc(&heap, 100));
    assert_null(heap_realloc(&heap, memory, 169));
    assert_string_equal(memory, "here");
    memory = heap_realloc(&heap, memory, 168);
    assert_non_null(memory);
    assert_int_equal(heap.used, 200);
    assert_null(heap_alloc(&heap, 0));
    heap_free(&heap, memory);
    assert_int_equal(heap.used, 0);
    heap_finish(&heap);
}

static void a_size_that_can_not_be_is_refused(void **state)
{
    struct heap heap = {0};
    void *memory = heap_alloc(&heap, 1);

    assert_null(heap_alloc(&heap, SIZE_MAX));
    assert_null(heap_alloc(&heap, SIZE_MAX - 16));
    assert_null(heap_realloc(&heap, memory, SIZE_MAX - 40));
    heap_finish(&heap);
}

static void freeing_nothing_is_fine(void **state)
{
    struct heap heap = {0};

    heap_free(&heap, NULL);
    heap_finish(&heap);
}

static void a_heap_can_be_moved(void **state)
{
    struct heap a = {0}, b;
    void *first = heap_alloc(&a, 1);

    heap_alloc(&a, 2);
    b = a;
    heap_free(&b, first);
    assert_non_null(heap_alloc(&b, 3));
    heap_finish(&b);
}

static void what_waits_counts_against_the_limit(void **state)
{
    struct allowance allowance = {.limit = 1000};
    struct heap heap;

    heap_init(&heap, &allowance);
    heap.queued = 900;
    heap_check(&heap);
    assert_int_equal(heap.over, HEAP_OVER_NOTHING);
    assert_null(heap_alloc(&heap, 100));
    assert_int_equal(heap.over, HEAP_OVER_LIMIT);
    heap_finish(&heap);
    assert_int_equal(heap.over, HEAP_OVER_NOTHING);
    heap.queued = 1001;
    heap_check(&heap);
    assert_int_equal(heap.over, HEAP_OVER_LIMIT);
}

static void heaps_that_share_a_quota_have_no_more_together(void **state)
{
    struct quota quota = {.limit = 10000};
    struct allowance of_a = {0}, of_b = {0};
    struct heap a, b;
    void *memory;

    heap_init(&a, &of_a);
    heap_init(&b, &of_b);
    heap_share(&a, &quota);
    heap_share(&b, &quota);
    memory = heap_alloc(&a, 6000);
    assert_non_null(memory);
    assert_null(heap_alloc(&b, 6000));
    assert_int_equal(b.over, HEAP_OVER_QUOTA);
    assert_int_equal(a.over, HEAP_OVER_NOTHING);
    heap_free(&a, memory);
    assert_non_null(heap_alloc(&b, 9900)); /* to the last share */
    heap_finish(&b);
    assert_int_equal(quota.held, 0);
}

static void what_a_heap_has_already_counts_when_it_comes_to_share(void **state)
{
    struct quota quota = {.limit = 1000};
    struct allowance allowance = {0};
    struct heap heap;

    heap_init(&heap, &allowance);
    assert_non_null(heap_alloc(&heap, 2000));
    heap_share(&heap, &quota);
    assert_int_equal(heap.over, HEAP_OVER_QUOTA);
    assert_int_equal(quota.held, 0);
    heap_finish(&heap);
}

static void what_waits_and_the_share_stay_when_blocks_are_swapped(void **state)
{
    struct quota quota = {.limit = 10000};
    struct allowance allowance = {0};
    struct heap heap, other;
    void *memory;

    heap_init(&heap, &allowance);
    heap_init(&other, NULL);
    heap_share(&heap, &quota);
    assert_non_null(heap_alloc(&heap, 5000));
    heap.queued = 1000;
    memory = heap_alloc(&other, 8000);
    heap_swap(&heap, &other);
    assert_int_equal(heap.over, HEAP_OVER_NOTHING);
    assert_int_equal(heap.queued, 1000);
    assert_int_equal(other.queued, 0);
    assert_true(quota.held >= 9000 && quota.held <= 10000);
    heap_finish(&other);
    heap_free(&heap, memory);
    assert_int_equal(heap.used, 0);
    heap_finish(&heap);
    assert_int_equal(quota.held, 0);
}

static void what_is_swapped_in_may_be_too_much(void **state)
{
    struct allowance allowance = {.limit = 1000};
    struct heap heap, other;

    heap_init(&heap, &allowance);
    heap_init(&other, NULL);
    assert_non_null(heap_alloc(&other, 1000));
    heap_swap(&heap, &other);
    assert_int_equal(heap.over, HEAP_OVER_LIMIT);
    heap_finish(&heap);
    heap_finish(&other);
}

static void a_heap_without_a_allowance_has_no_limit(void **state)
{
    struct heap heap;

    heap_init(&heap, NULL);
    heap_set_limit(&heap, 0);
    assert_non_null(heap_alloc(&heap, 100000));
    heap_finish(&heap);
}

/* A hundred blocks that come, grow and go by chance, against what they must hold. */
static void any_order_of_use_keeps_the_blocks_apart(void **state)
{
    struct heap heap = {0};
    unsigned char *blocks[100] = {0};
    size_t sizes[100] = {0}, used = 0;

    for (int i = 0; i < 20000; i++) {
        uint32_t b = random_below(100);
        size_t size = random_below(2000);

        for (size_t k = 0; k < sizes[b]; k += 97)
            assert_int_equal(blocks[b][k], (unsigned char)b);
        if (random_below(3) == 0) {
            heap_free(&heap, blocks[b]);
            blocks[b] = NULL;
            sizes[b] = 0;
        } else {
            blocks[b] = heap_realloc(&heap, blocks[b], size);
            memset(blocks[b], (int)b, size);
            sizes[b] = size;
        }
    }
    for (int b = 0; b < 100; b++)
        used += blocks[b] ? sizes[b] + 32 : 0;
    assert_int_equal(heap.used, used);
    heap_finish(&heap);
}

static void a_part_is_freed_by_itself(void **state)
{
    struct heap heap = {0};
    unsigned char *own = heap_alloc(&heap, 10), *grows;

    heap.part = 7;
    grows = heap_alloc(&heap, 10);
    heap_alloc(&heap, 2000);
    heap.part = 65535;
    heap_alloc(&heap, 20);
    grows = heap_realloc(&heap, grows, 5000); /* it stays where it was */
    memset(grows, 1, 5000);
    heap.part = 0;
    heap_free_part(&heap, 7);
    assert_int_equal(heap.used, 32 + 10 + 32 + 20);
    heap_free_part(&heap, 7);
    heap_free_part(&heap, 65535);
    assert_int_equal(heap.used, 32 + 10);
    heap_free(&heap, own);
    assert_int_equal(heap.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(what_grows_is_zeroed_where_it_is_new),
        cmocka_unit_test(a_limit_refuses_and_leaves_everything_as_it_was),
        cmocka_unit_test(a_size_that_can_not_be_is_refused),
        cmocka_unit_test(freeing_nothing_is_fine),
        cmocka_unit_test(a_heap_can_be_moved),
        cmocka_unit_test(what_waits_counts_against_the_limit),
        cmocka_unit_test(heaps_that_share_a_quota_have_no_more_together),
        cmocka_unit_test(what_a_heap_has_already_counts_when_it_comes_to_share),
        cmocka_unit_test(what_waits_and_the_share_stay_when_blocks_are_swapped),
        cmocka_unit_test(what_is_swapped_in_may_be_too_much),
        cmocka_unit_test(a_heap_without_a_allowance_has_no_limit),
        cmocka_unit_test(a_part_is_freed_by_itself),
        cmocka_unit_test(any_order_of_use_keeps_the_blocks_apart),
    };

    random_start();
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
