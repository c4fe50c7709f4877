/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "budget.h"
#include "clock.h"

#define MS 1000000u

static void without_terms_there_is_no_end(void **state)
{
    const struct terms none = {0};
    struct budget b = budget_begin(&none, clock_ns());

    assert_false(budget_is_over(&b));
    assert_int_equal(budget_patience(&b, 5000), 5000);
    assert_int_equal(budget_check_move(&b, 3600000ull * MS, "tally", NULL), 0);
}

static void the_whole_is_over_when_its_time_is(void **state)
{
    const struct terms terms = {.max_pause_ms = 50};
    uint64_t now = clock_ns();
    struct budget past = budget_begin(&terms, now - 50 * MS),
                  future = budget_begin(&terms, now + 3600000ull * MS);

    assert_true(budget_is_over(&past));
    assert_int_equal(budget_patience(&past, 5000), 1);
    assert_false(budget_is_over(&future));
    assert_int_equal(budget_patience(&future, 5000), 5000);
}

static void the_move_of_one_may_take_so_long_and_no_longer(void **state)
{
    const struct terms terms = {.max_move_ms = 5};
    struct budget b = budget_begin(&terms, clock_ns());
    struct fault why = {0};

    assert_int_equal(budget_patience(&b, 5000), 5);
    assert_int_equal(budget_patience(&b, 3), 3);
    assert_int_equal(budget_check_move(&b, 5 * MS, "tally", &why), 0);
    assert_int_equal(budget_check_move(&b, 5 * MS + 1, "tally", &why), -ETIMEDOUT);
    assert_string_equal(why.server, "tally");
    assert_non_null(strstr(why.text, "each may take 5 ms"));
}

static void the_slowest_are_named_in_order(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    static const uint32_t us[] = {3000, 0, 9000, 1000, 7000, 2000, 8000};
    const struct terms terms = {.max_pause_ms = 20};
    struct budget b = budget_begin(&terms, clock_ns());
    struct slowest slowest = {0};
    struct fault why = {0};

    for (size_t i = 0; i < sizeof(us) / sizeof(*us); i++)
        slowest_add(&slowest, names[i], us[i]);
    assert_int_equal(slowest.count, BUDGET_NAMED);
    assert_int_equal(budget_exceeded(&b, &slowest, &why), -ETIMEDOUT);
    assert_string_equal(
        why.text, "the pause would be longer than 20 ms; the slowest were 'c' 9.0 "
                  "ms, 'g' 8.0 ms, 'e' 7.0 ms, 'a' 3.0 ms, 'f' 2.0 ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_terms_there_is_no_end),
        cmocka_unit_test(the_whole_is_over_when_its_time_is),
        cmocka_unit_test(the_move_of_one_may_take_so_long_and_no_longer),
        cmocka_unit_test(the_slowest_are_named_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
