/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "pace.h"

static int begin(void **state)
{
    pace_forget();
    return 0;
}

static uint64_t estimate(enum plan_move move, size_t servers, bool *measured)
{
    struct pace_counts counts = {0};

    counts.moved[move] = servers;
    return pace_estimate_ns(&counts, measured);
}

static void note(enum plan_move move, size_t servers, uint64_t ns)
{
    struct pace_counts counts = {0};

    counts.moved[move] = servers;
    pace_note(&counts, ns);
}

static void what_was_never_measured_is_assumed(void **state)
{
    bool measured = true;
    uint64_t few = estimate(PLAN_CODE_CHANGE, 1, &measured);

    assert_false(measured);
    assert_true(few > 0);
    assert_true(estimate(PLAN_CODE_CHANGE, 100000, &measured) > 100 * few);
    assert_true(estimate(PLAN_POINTER, 100000, &measured) <
                estimate(PLAN_SCHEMA, 100000, &measured));
    assert_false(measured);
}

static void a_pause_of_few_servers_is_what_any_takes(void **state)
{
    bool measured;

    note(PLAN_POINTER, 3, 70000);
    assert_in_range(estimate(PLAN_POINTER, 3, &measured), 70000, 72000);
    assert_true(measured);
    estimate(PLAN_SCHEMA, 5000, &measured);
    assert_false(measured);
}

static void many_say_what_one_of_them_costs(void **state)
{
    bool measured;

    note(PLAN_POINTER, 1, 50000);
    note(PLAN_SCHEMA, 1000, 50000 + 1000 * 7000);
    assert_int_equal(estimate(PLAN_SCHEMA, 2000, &measured), 50000 + 2000 * 7000);
    assert_true(measured);
    estimate(PLAN_CODE_CHANGE, 2000, &measured);
    assert_false(measured);
    note(PLAN_SCHEMA, 1000, 10); /* in less than there is to be for any */
    assert_int_equal(estimate(PLAN_SCHEMA, 2000, &measured), 50000);
}

static void children_that_come_or_go_are_not_in_the_pause(void **state)
{
    bool measured;

    assert_int_equal(estimate(PLAN_ADDED, 1000, &measured),
                     estimate(PLAN_POINTER, 0, &measured));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_never_measured_is_assumed),
        TEST(a_pause_of_few_servers_is_what_any_takes),
        TEST(many_say_what_one_of_them_costs),
        TEST(children_that_come_or_go_are_not_in_the_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
