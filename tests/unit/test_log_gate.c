/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "harness.h"
#include "log_gate.h"

static struct log_gate gate;

static int begin(void **state)
{
    gate = (struct log_gate){0};
    event_set_level(EVENT_INFO);
    return one_worker(state);
}

static int end(void **state)
{
    event_set_level(EVENT_INFO);
    return workers_end(state);
}

static void without_a_level_of_its_own_the_host_s_counts(void **state)
{
    assert_false(log_gate_allows(&gate, EVENT_DEBUG));
    assert_true(log_gate_allows(&gate, EVENT_INFO));
    event_set_level(EVENT_ERROR);
    assert_false(log_gate_allows(&gate, EVENT_WARN));
    assert_int_equal(log_gate_level(&gate), EVENT_ERROR);
}

static void its_own_level_may_be_lower_or_higher_than_the_host_s(void **state)
{
    log_gate_set(&gate, EVENT_DEBUG);
    assert_true(log_gate_allows(&gate, EVENT_DEBUG));
    log_gate_set(&gate, EVENT_ERROR);
    assert_false(log_gate_allows(&gate, EVENT_WARN));
    assert_true(log_gate_allows(&gate, EVENT_ERROR));
    assert_int_equal(log_gate_level(&gate), EVENT_ERROR);
    log_gate_set(&gate, EVENT_NONE);
    assert_false(log_gate_allows(&gate, EVENT_ERROR));
}

static void a_flood_is_cut_and_told_of_once_it_is_over(void **state)
{
    uint32_t dropped;

    for (unsigned i = 0; i < LOG_GATE_MOST; i++)
        assert_true(log_gate_pass(&gate, &dropped));
    for (int i = 0; i < 3; i++)
        assert_false(log_gate_pass(&gate, &dropped));
    assert_int_equal(dropped, 0);
    pass(1000);
    assert_true(log_gate_pass(&gate, &dropped));
    assert_int_equal(dropped, 3);
    assert_true(log_gate_pass(&gate, &dropped));
    assert_int_equal(dropped, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_level_of_its_own_the_host_s_counts),
        TEST(its_own_level_may_be_lower_or_higher_than_the_host_s),
        TEST(a_flood_is_cut_and_told_of_once_it_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
