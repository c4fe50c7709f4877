/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "clock.h"

#define MS UINT64_C(1000000) /* ns */

static void time_never_goes_back(void **state)
{
    uint64_t last = clock_ns();

    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_ns();

        assert_true(now >= last);
        last = now;
    }
}

static void
a_cached_time_is_never_ahead_and_half_a_millisecond_behind_at_most(void **state)
{
    struct clock_cache cache = {0};
    uint64_t until = clock_ns() + 60 * MS, before, cached;
    uint32_t reads = 0, late = 0;

    do {
        before = clock_ns();
        cached = clock_cached_ns(&cache);
        assert_true(cached <= clock_ns());
        late += cached + MS / 2 < before;
        reads++;
    } while (cached < until);
    assert_true(reads > 100);
    assert_int_equal(late, 0);
}

static void the_latest_that_it_can_be_is_never_behind_and_soon_there(void **state)
{
    struct clock_cache cache = {0};
    uint64_t until = clock_ns() + 60 * MS, before, latest;
    uint32_t reads = 0;

    do {
        before = clock_ns();
        latest = clock_latest_ns(&cache);
        assert_true(latest >= before);
        assert_true(latest <= clock_ns() + MS / 2);
        reads++;
    } while (latest < until);
    assert_true(reads > 100);
}

static void virtual_time_stands_still_until_it_is_advanced(void **state)
{
    struct clock_cache cache = {0};
    uint64_t began;

    clock_set_virtual(true);
    assert_true(clock_is_virtual());
    began = clock_ns();
    assert_int_equal(clock_cached_ns(&cache), began);
    clock_advance(3 * MS);
    assert_int_equal(clock_ns(), began + 3 * MS);
    assert_int_equal(clock_cached_ns(&cache), began + 3 * MS);
    clock_set_virtual(false);
    assert_false(clock_is_virtual());
}

static void ticks_go_up(void **state)
{
    uint64_t ticks = clock_ticks(), until = clock_ns() + MS;

    while (clock_ns() < until)
        ;
    assert_true(clock_ticks() > ticks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(
            a_cached_time_is_never_ahead_and_half_a_millisecond_behind_at_most),
        cmocka_unit_test(the_latest_that_it_can_be_is_never_behind_and_soon_there),
        cmocka_unit_test(virtual_time_stands_still_until_it_is_advanced),
        cmocka_unit_test(ticks_go_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
