/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <string.h>

#include "ctx.h"
#include "moult.h"

static int start(void **state)
{
    static struct moult_ctx ctx;
    static struct allowance allowance;

    allowance = (struct allowance){0};
    heap_init(&ctx.heap, &allowance);
    *state = &ctx;
    return 0;
}

static int stop(void **state)
{
    moult_ctx *ctx = *state;

    heap_finish(&ctx->heap);
    return 0;
}

static void text_holds_a_copy_that_ends_with_a_zero(void **state)
{
    moult_ctx *ctx = *state;
    moult_text text = {0};

    assert_int_equal(moult_text_set(ctx, &text, "hello world", 5), 0);
    assert_string_equal(text.text, "hello");
    assert_int_equal(text.len, 5);
    assert_int_equal(moult_text_set(ctx, &text, "a", 1), 0);
    assert_string_equal(text.text, "a");
    assert_int_equal(moult_text_set(ctx, &text, "much longer than before", 23), 0);
    assert_string_equal(text.text, "much longer than before");
    assert_int_equal(moult_text_set(ctx, &text, NULL, 0), 0);
    assert_string_equal(text.text, "");
}

static void empty_text_takes_no_memory(void **state)
{
    moult_ctx *ctx = *state;
    moult_text text = {0};
    moult_bytes bytes = {0};

    assert_int_equal(moult_text_set(ctx, &text, "", 0), 0);
    assert_int_equal(moult_bytes_set(ctx, &bytes, NULL, 0), 0);
    assert_null(text.text);
    assert_null(bytes.bytes);
    assert_int_equal(ctx->heap.used, 0);
}

static void text_can_be_set_from_a_part_of_itself(void **state)
{
    moult_ctx *ctx = *state;
    moult_text text = {0};
    moult_bytes bytes = {0};

    moult_text_set(ctx, &text, "hello world", 11);
    assert_int_equal(moult_text_set(ctx, &text, text.text + 6, 5), 0);
    assert_string_equal(text.text, "world");
    moult_bytes_set(ctx, &bytes, "abcdef", 6);
    assert_int_equal(moult_bytes_set(ctx, &bytes, bytes.bytes + 2, 4), 0);
    assert_int_equal(bytes.len, 4);
    assert_memory_equal(bytes.bytes, "cdef", 4);
}

static void what_does_not_fit_leaves_the_text_as_it_was(void **state)
{
    moult_ctx *ctx = *state;
    moult_text text = {0};
    moult_bytes bytes = {0};
    static const char zeroes[600];

    moult_text_set(ctx, &text, "kept", 4);
    assert_int_equal(moult_text_set(ctx, &text, "", (1u << 30) + 1), -EMSGSIZE);
    assert_int_equal(moult_bytes_set(ctx, &bytes, "", SIZE_MAX), -EMSGSIZE);
    heap_set_limit(&ctx->heap, 500);
    assert_int_equal(moult_text_set(ctx, &text, zeroes, 600), -ENOMEM);
    assert_int_equal(moult_bytes_set(ctx, &bytes, zeroes, 600), -ENOMEM);
    assert_string_equal(text.text, "kept");
    assert_null(bytes.bytes);
    assert_int_equal(bytes.capacity, 0);
}

static void a_list_grows_by_zeroed_items(void **state)
{
    moult_ctx *ctx = *state;
    struct pair {
        int32_t a;
        char b;
    };
    MOULT_LIST_OF(struct pair) list = {0};

    for (int32_t i = 0; i < 1000; i++) {
        struct pair *p = moult_list_add(ctx, &list, sizeof(*p));

        assert_non_null(p);
        assert_int_equal(p->a, 0);
        assert_ptr_equal(p, &list.items[i]);
        p->a = i;
    }
    assert_int_equal(list.count, 1000);
    assert_int_equal(list.items[999].a, 999);
    list.count = 10;
    assert_int_equal(((struct pair *)moult_list_add(ctx, &list, 8))->a, 0);
    assert_int_equal(list.items[9].a, 9);
}

static void a_list_that_can_not_grow_is_as_it_was(void **state)
{
    moult_ctx *ctx = *state;
    MOULT_LIST_OF(int64_t) list = {0};

    heap_set_limit(&ctx->heap, 90);
    for (int i = 0; i < 4; i++)
        assert_non_null(moult_list_add(ctx, &list, sizeof(int64_t)));
    assert_null(moult_list_add(ctx, &list, sizeof(int64_t)));
    assert_int_equal(list.count, 4);
    list.count = list.capacity = UINT32_MAX;
    assert_null(moult_list_add(ctx, &list, sizeof(int64_t)));
    list.count = list.capacity = 4;
    assert_null(moult_list_add(ctx, &list, SIZE_MAX / 2));
}

static void memory_goes_with_its_server(void **state)
{
    moult_ctx *ctx = *state;
    void *block = moult_alloc(ctx, 100);

    assert_non_null(block);
    block = moult_realloc(ctx, block, 200);
    assert_non_null(block);
    assert_non_null(moult_realloc(ctx, NULL, 300));
    moult_free(ctx, block);
    moult_free(ctx, NULL);
}

#define MEMORY_TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(text_holds_a_copy_that_ends_with_a_zero),
        MEMORY_TEST(empty_text_takes_no_memory),
        MEMORY_TEST(text_can_be_set_from_a_part_of_itself),
        MEMORY_TEST(what_does_not_fit_leaves_the_text_as_it_was),
        MEMORY_TEST(a_list_grows_by_zeroed_items),
        MEMORY_TEST(a_list_that_can_not_grow_is_as_it_was),
        MEMORY_TEST(memory_goes_with_its_server),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
