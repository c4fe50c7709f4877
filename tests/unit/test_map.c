/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "map.h"
#include "random.h"

#define KEYS 600u /* that the model knows: 1 to KEYS, and their far twins */

/* The far twin of a small key has the same home in a small map. */
static uint64_t key_of(uint32_t i)
{
    return i % 2 ? (uint64_t)i << 40 | i : i;
}

static void check(const struct map *map, const uint64_t model[KEYS + 1])
{
    const struct map_entry *e;
    uint32_t count = 0, met = 0, at = 0;

    for (uint32_t i = 1; i <= KEYS; i++) {
        uint64_t value = 0;

        assert_int_equal(map_find(map, key_of(i), &value), model[i] != 0);
        assert_int_equal(value, model[i]);
        count += model[i] != 0;
    }
    assert_int_equal(map->count, count);
    while ((e = map_next(map, &at))) {
        assert_int_equal(e->value, model[e->key & 0xffff]);
        met++;
    }
    assert_int_equal(met, count);
}

static void it_does_what_a_plain_table_does(void **state)
{
    struct map map = {0};
    uint64_t model[KEYS + 1] = {0}, value;

    for (uint32_t step = 0; step < 60000; step++) {
        uint32_t i = 1 + random_below(KEYS);

        if (random_below(1000) < 300 + step / 100) {
            bool there = map_remove(&map, key_of(i), &value);

            assert_int_equal(there, model[i] != 0);
            if (there)
                assert_int_equal(value, model[i]);
            model[i] = 0;
        } else {
            model[i] = random_bits() | 1;
            assert_int_equal(map_put(&map, key_of(i), model[i]), 0);
        }
        if (step % 500 == 0)
            check(&map, model);
    }
    check(&map, model);
    map_finish(&map);
    assert_int_equal(map.count, 0);
    assert_null(map.entries);
}

static void an_empty_one_owns_nothing_and_holds_nothing(void **state)
{
    struct map map = {0};
    uint32_t at = 0;

    assert_false(map_find(&map, 1, NULL));
    assert_false(map_remove(&map, 1, NULL));
    assert_null(map_next(&map, &at));
    map_finish(&map);
}

static void putting_again_replaces(void **state)
{
    struct map map = {0};
    uint64_t value;

    map_put(&map, UINT64_MAX, 1);
    map_put(&map, UINT64_MAX, 2);
    assert_int_equal(map.count, 1);
    assert_true(map_find(&map, UINT64_MAX, &value));
    assert_int_equal(value, 2);
    map_finish(&map);
}

/* As send_timer.c sweeps: remove while walking, and look at the same place again. */
static void walking_and_removing_meets_every_entry(void **state)
{
    struct map map = {0};
    const struct map_entry *e;
    uint32_t at = 0, left = 0;

    for (uint64_t key = 1; key <= 1000; key++)
        map_put(&map, key * 7919, key);
    while ((e = map_next(&map, &at))) {
        if (e->value % 3 == 0)
            continue;
        map_remove(&map, e->key, NULL);
        at--;
    }
    for (at = 0; (e = map_next(&map, &at)); left++)
        assert_int_equal(e->value % 3, 0);
    assert_int_equal(left, 333);
    map_finish(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_does_what_a_plain_table_does),
        cmocka_unit_test(an_empty_one_owns_nothing_and_holds_nothing),
        cmocka_unit_test(putting_again_replaces),
        cmocka_unit_test(walking_and_removing_meets_every_entry),
    };

    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
