/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/heart in a host whose service manager wants to hear from it. */
#include "test.h"

#include "host_fixture.h"

static void it_beats_while_servers_run(void **state)
{
    static const char *const variables[] = {"WATCHDOG_USEC=20000", NULL};
    struct host *h = *state;

    host_start_with(h, variables, NULL);
    drop("plugins/heart-1.0.0");
    for (int i = 0; i < 3; i++)
        assert_string_equal(host_told(h), "WATCHDOG=1");
    assert_true(host_call_int(h, "heart", "\"beats\"") >= 3);
    host_stop(h);
}

static void does_not_start(struct host *h, const char *const *variables)
{
    host_start_with(h, variables, NULL);
    drop("plugins/heart-1.0.0");
    host_event(h, "plugin.log", "text", "the service manager asks for no watchdog");
    host_event(h, "application.start", "app", "heart");
    host_stop(h);
}

static void it_does_not_start_where_no_watchdog_is_asked_for(void **state)
{
    does_not_start(*state, (const char *const[]){"WATCHDOG_USEC=0", NULL});
}

static void it_does_not_start_where_another_process_is_to_be_heard(void **state)
{
    does_not_start(
        *state, (const char *const[]){"WATCHDOG_USEC=20000", "WATCHDOG_PID=1", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(it_beats_while_servers_run),
        HOST_TEST(it_does_not_start_where_no_watchdog_is_asked_for),
        HOST_TEST(it_does_not_start_where_another_process_is_to_be_heard),
    };

    return cmocka_run_group_tests_name("heart", tests, NULL, NULL);
}
