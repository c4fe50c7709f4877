/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include "random.h"
#include "reader.h"
#include "table.h"

#define KEYS 600u

struct item {
    struct released released;
    uint32_t key, check; /* the same, until it is freed */
};

/* A third of the keys has the same home as others, wherever it is. */
static uint64_t hash_of(uint32_t key)
{
    return key % 3 ? key : 7;
}

static bool matches(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const uint32_t *)key;
}

static struct item *find(const struct table *t, uint32_t key)
{
    return table_find(t, hash_of(key), matches, &key);
}

static void add(struct table *t, uint32_t key)
{
    struct item *item = malloc(sizeof(*item));

    *item = (struct item){.key = key, .check = key};
    assert_int_equal(table_reserve(t), 0);
    table_add(t, hash_of(key), item);
}

static void take_out(struct table *t, struct item *item)
{
    table_remove(t, hash_of(item->key), item);
    reader_release(&item->released);
}

static void toggle(struct table *t, uint32_t key)
{
    struct item *item = find(t, key);

    if (item)
        take_out(t, item);
    else
        add(t, key);
}

static void clear(struct table *t)
{
    struct table_walk walk = table_begin(t);
    struct item *item;

    while ((item = table_next(&walk)))
        take_out(t, item);
    assert_int_equal(t->count, 0);
    table_release(t);
}

static void assert_holds(const struct table *t, const bool model[KEYS])
{
    struct table_walk walk = table_begin(t);
    const struct item *item;
    size_t count = 0, met = 0;

    for (uint32_t key = 0; key < KEYS; key++) {
        assert_int_equal(find(t, key) != NULL, model[key]);
        count += model[key];
    }
    while ((item = table_next(&walk))) {
        assert_true(model[item->key]);
        met++;
    }
    assert_int_equal(met, count);
    assert_int_equal(t->count, count);
}

static void it_does_what_a_plain_table_does(void **state)
{
    struct table t = {0};
    bool model[KEYS] = {0};

    for (uint32_t step = 0; step < 30000; step++) {
        uint32_t key = random_below(1 + random_below(KEYS));

        toggle(&t, key);
        model[key] = !model[key];
        if (step % 500 == 0)
            assert_holds(&t, model);
    }
    assert_holds(&t, model);
    clear(&t);
}

static void an_empty_one_owns_nothing_and_holds_nothing(void **state)
{
    struct table t = {0};
    struct table_walk walk = table_begin(&t);

    assert_null(find(&t, 1));
    assert_null(table_next(&walk));
    table_release(&t);
}

static void graves_do_not_make_it_grow(void **state)
{
    struct table t = {0};

    for (uint32_t key = 0; key < 10000; key++) {
        toggle(&t, key);
        toggle(&t, key);
        assert_true(t.used <= 8);
    }
    clear(&t);
}

static struct {
    struct table table;
    _Atomic bool is_over;
} shared;

/* Keys below 10 are always there; others come and go, and are whole. */
static void *look(void *context)
{
    bool *failed = context;

    for (uint32_t step = 0; !atomic_load(&shared.is_over); step++) {
        uint32_t key = step % KEYS;
        const struct item *item;

        reader_begin();
        item = find(&shared.table, key);
        *failed |= key < 10 ? !item : item && item->check != key;
        reader_end();
    }
    return NULL;
}

static void readers_find_what_stays_while_it_changes(void **state)
{
    pthread_t threads[2];
    bool failed[2] = {0};

    for (uint32_t key = 0; key < 10; key++)
        add(&shared.table, key);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, look, &failed[i]);
    for (uint32_t step = 0; step < 30000; step++)
        toggle(&shared.table, 10 + random_below(KEYS - 10));
    atomic_store(&shared.is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_false(failed[0] || failed[1]);
    clear(&shared.table);
}

static int start(void **state)
{
    return readers_start();
}

static int stop(void **state)
{
    readers_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_does_what_a_plain_table_does),
        cmocka_unit_test(an_empty_one_owns_nothing_and_holds_nothing),
        cmocka_unit_test(graves_do_not_make_it_grow),
        cmocka_unit_test(readers_find_what_stays_while_it_changes),
    };

    random_start();
    return cmocka_run_group_tests_name("table", tests, start, stop);
}
