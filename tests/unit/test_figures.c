/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "figures.h"

static struct figures f;

static int begin(void **state)
{
    figures_reset(&f);
    return 0;
}

static void of_no_calls_there_is_nothing_to_tell(void **state)
{
    assert_int_equal(figures_calls(&f), 0);
    assert_int_equal(figures_mean(&f), 0);
    assert_int_equal(figures_quantile(&f, 50), 0);
}

static void quantiles_are_an_eighth_too_long_at_most(void **state)
{
    for (uint64_t ns = 1; ns < 1000000000000; ns = ns * 9 / 7 + 1) {
        uint64_t told;

        figures_reset(&f);
        figures_add(&f, ns);
        figures_add(&f, UINT64_MAX); /* so that the most is no bound */
        told = figures_quantile(&f, 50);
        assert_true(told >= ns);
        assert_true(told - ns <= ns / 8);
    }
}

static void one_of_a_hundred_shows_at_the_end_alone(void **state)
{
    for (int i = 0; i < 99; i++)
        figures_add(&f, 1000);
    figures_add(&f, 100000);
    assert_in_range(figures_quantile(&f, 50), 1000, 1125);
    assert_in_range(figures_quantile(&f, 99), 1000, 1125);
    assert_int_equal(figures_quantile(&f, 100), 100000);
    assert_int_equal(figures_mean(&f), (99 * 1000 + 100000) / 100);
    assert_int_equal(figures_most(&f), 100000);
    assert_int_equal(figures_calls(&f), 100);
}

static void all_times_have_a_place(void **state)
{
    figures_add(&f, 0);
    figures_add(&f, UINT64_MAX);
    assert_int_equal(figures_quantile(&f, 50), 0);
    assert_true(figures_quantile(&f, 100) == UINT64_MAX);
}

static void failed_calls_are_counted_apart(void **state)
{
    figures_add(&f, 5);
    figures_add(&f, 5);
    figures_fail(&f);
    assert_int_equal(figures_calls(&f), 2);
    assert_int_equal(figures_failed(&f), 1);
    figures_reset(&f);
    assert_int_equal(figures_failed(&f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(of_no_calls_there_is_nothing_to_tell, begin),
        cmocka_unit_test_setup(quantiles_are_an_eighth_too_long_at_most, begin),
        cmocka_unit_test_setup(one_of_a_hundred_shows_at_the_end_alone, begin),
        cmocka_unit_test_setup(all_times_have_a_place, begin),
        cmocka_unit_test_setup(failed_calls_are_counted_apart, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
