/* SPDX-License-Identifier: Apache-2.0 */
/* A callback that never comes back ends, if it is to end, and holds nobody else up. */
#include "test.h"

#include <signal.h>

#include "host_fixture.h"

static void start_with(struct host *h, const char *sin)
{
    char path[100];

    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    drop("samples/counter-1.0.0");
    drop(path);
    host_start(h, "--workers", "1", NULL);
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 1);
}

static void loop_in(struct host *h, const char *server, const char *where)
{
    talk_ask(h->talk, "call", talk_message(server, where));
}

static void others_answer(struct host *h)
{
    for (int i = 0; i < 100; i++)
        host_call_int(h, "counter", "\"bump\"");
}

/* -- a limit -- */

static void is_ended(struct host *h, const char *where, const char *function)
{
    json_t *event;

    start_with(h, "loops");
    loop_in(h, "limited", where);
    others_answer(h);
    event = host_event(h, "server.slow", "server", "limited");
    assert_has(text_at(event, "function"), function);
    assert_string_equal(text_at(event, "file"), "loops.c");
    others_answer(h);
    event = host_event(h, "server.killed", "server", "limited");
    assert_has(text_at(event, "reason"), "a callback took longer than 300 ms, in ");
    assert_has(text_at(event, "function"), function);
    assert_true(int_at(event, "line") > 0);
    host_event(h, "server.restart", "server", "limited");
    assert_int_equal(host_call_int(h, "limited", "\"bump\""), 1);
    others_answer(h);
    host_stop(h);
}

static void a_loop_in_a_call_ends_at_its_limit(void **state)
{
    is_ended(*state, "\"call\"", "spin");
}

static void a_loop_in_strlen_ends_at_its_limit(void **state)
{
    NEEDS_INTERPOSITION;
    is_ended(*state, "\"strlen\"", "spin_in_strlen");
}

#ifndef __SANITIZE_ADDRESS__ /* which comes in between, and finds what is lost */
static void a_loop_around_malloc_ends_when_it_is_not_in_malloc(void **state)
{
    is_ended(*state, "\"malloc\"", "spin_in_malloc");
}

static void one_that_sleeps_ends_at_its_limit(void **state)
{
    NEEDS_INTERPOSITION;
    is_ended(*state, "\"sleep\"", "sleep_for_ever");
}

static void one_that_waits_for_a_descriptor_ends_at_its_limit(void **state)
{
    NEEDS_INTERPOSITION;
    is_ended(*state, "\"read\"", "read_for_ever");
}
#endif

static void its_caller_is_told(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_with(h, "loops");
    error = host_refuses(h, "call", talk_message("limited", "\"call\""));
    assert_string_equal(text_at(error, "data.code"), "died");
    assert_has(text_at(error, "message"),
               "a callback took longer than 300 ms, in spin (");
    host_stop(h);
}

static void a_loop_in_save_ends_at_its_limit(void **state)
{
    struct host *h = *state;

    start_with(h, "loops");
    host_call_int(h, "limited", "\"save\"");
    host_refuses(h, "state", json_pack("{s:s}", "name", "limited"));
    host_event(h, "server.killed", "server", "limited");
    assert_int_equal(host_call_int(h, "limited", "\"bump\""), 1); /* it goes on */
    assert_int_equal(host_events(h, "server.restart"), 0);
    host_stop(h);
}

static void a_loop_in_terminate_ends_at_its_limit(void **state)
{
    struct host *h = *state;

    start_with(h, "loops");
    host_call_int(h, "limited", "\"terminate\"");
    host_refuses(h, "call", talk_message("limited", "\"stop\""));
    host_event(h, "server.restart", "server", "limited");
    host_stop(h);
}

static void a_server_that_loops_in_init_is_not_started(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    drop("tests/misbehaving/loops_in_init");
    host_start(h, NULL);
    host_event(h, "server.killed", "server", "limited");
    assert_null(host_vsn(h, "loops_in_init"));
    others_answer(h);
    host_stop(h);
}

/* -- no limit -- */

static void two_are_slow(struct host *h) /* in whatever order */
{
    host_event(h, "server.slow", NULL, NULL);
    host_event(h, "server.slow", NULL, NULL);
}

static void all_may_loop_and_others_answer(void **state)
{
    struct host *h = *state;

    NEEDS_INTERPOSITION;
    start_with(h, "loops");
    loop_in(h, "endless", "\"call\"");
    loop_in(h, "brutal", "\"strlen\"");
    two_are_slow(h);
    others_answer(h);
    assert_int_equal(host_events(h, "server.killed"), 0);
    host_stop(h);
    assert_true(host_log_has("server.killed"));
    assert_false(host_log_has("host.stuck"));
}

static void a_host_stops_in_its_time_whatever_loops(void **state)
{
    struct host *h = *state;

    start_with(h, "loops");
    host_call_int(h, "endless", "\"terminate\"");
    loop_in(h, "endless", "\"stop\"");
    loop_in(h, "brutal", "\"call\"");
    two_are_slow(h);
    host_stop(h);
    assert_false(host_log_has("host.stuck"));
}

static void a_loop_that_is_declared_to_block_ends_with_the_host(void **state)
{
    struct host *h = *state;

    start_with(h, "loops");
    loop_in(h, "endless", "\"blocking\"");
    loop_in(h, "limited", "\"blocking\"");
    others_answer(h);
    host_stop(h);
    assert_true(host_log_has("server.killed"));
    assert_false(host_log_has("server.slow"));
    assert_false(host_log_has("host.stuck"));
}

/* -- in an upgrade -- */

static void an_upgrade_rolls_back(struct host *h, const char *sin, const char *vsn,
                                  const char *function)
{
    char to[64], path[100];
    json_t *error;

    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    snprintf(to, sizeof(to), "counter@%s", vsn);
    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop(path);
    host_event(h, "plugin.staged", "vsn", vsn);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
    error = host_change_refused(h, "upgrade", to);
    assert_has(text_at(error, "data.reason"), "a callback took longer than ");
    assert_string_equal(text_at(error, "data.step"), "migrate");
    assert_string_equal(text_at(error, "data.server"), "counter");
    assert_string_equal(text_at(error, "data.field"), function);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    assert_int_equal(host_events(h, "server.exit"), 0);
    host_stop(h);
}

static void a_loop_in_code_change_rolls_the_upgrade_back(void **state)
{
    an_upgrade_rolls_back(*state, "loops_in_live_change", "3.6.0", "code_change");
}

static void a_loop_in_load_rolls_the_upgrade_back(void **state)
{
    an_upgrade_rolls_back(*state, "loops_in_live_load", "3.7.0", "load");
}

/* -- many -- */

static void many_leave_nothing_behind(void **state)
{
    struct host *h = *state;
    unsigned threads = 0;

    start_with(h, "loops");
    for (int i = 0; i < 10; i++) {
        loop_in(h, "limited", "\"call\"");
        host_event(h, "server.restart", "server", "limited");
        if (i == 0)
            threads = host_threads(h) - host_extras(h);
    }
    assert_int_equal(host_threads(h) - host_extras(h), threads);
    assert_in_range(host_extras(h), 1, 8);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_loop_in_a_call_ends_at_its_limit),
        HOST_TEST(a_loop_in_strlen_ends_at_its_limit),
#ifndef __SANITIZE_ADDRESS__
        HOST_TEST(a_loop_around_malloc_ends_when_it_is_not_in_malloc),
        HOST_TEST(one_that_sleeps_ends_at_its_limit),
        HOST_TEST(one_that_waits_for_a_descriptor_ends_at_its_limit),
#endif
        HOST_TEST(its_caller_is_told),
        HOST_TEST(a_loop_in_save_ends_at_its_limit),
        HOST_TEST(a_loop_in_terminate_ends_at_its_limit),
        HOST_TEST(a_server_that_loops_in_init_is_not_started),
        HOST_TEST(all_may_loop_and_others_answer),
        HOST_TEST(a_host_stops_in_its_time_whatever_loops),
        HOST_TEST(a_loop_that_is_declared_to_block_ends_with_the_host),
        HOST_TEST(a_loop_in_code_change_rolls_the_upgrade_back),
        HOST_TEST(a_loop_in_load_rolls_the_upgrade_back),
        HOST_TEST(many_leave_nothing_behind),
    };

    return cmocka_run_group_tests_name("runaway", tests, NULL, NULL);
}
