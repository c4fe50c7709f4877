/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Old code goes when nothing runs it, is named for what does, and goes at once if told; code
 * that can't be loaded leaves what runs: the code_SUITEs of kernel and the emulator on a real
 * host, and what a shared object may leave behind besides.  That more than two versions may
 * live is in integration/test_spawn.c; call_purged_fun_* and replace_path have no counterpart.
 */
#include "test.h"

#include <stdio.h>

#include "host_fixture.h"
#include "program.h"

/* A bee of 1.0.0 goes on in a host that runs 1.1.0. */
static void start_hive(struct host *h)
{
    drop("integration/gate");
    drop("integration/hive-1.0.0");
    host_start(h, "--on-drop", "stage", "--workers", "2", NULL);
    drop("integration/hive-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    assert_int_equal(host_call_int(h, "queen", "\"spawn\""), 0);
}

static json_t *purge(const char *target, bool brutal)
{
    return json_pack("{s:s, s:b}", "target", target, "brutal", brutal);
}

static const char *bee(struct host *h)
{
    return json_string_value(host_call(h, "bee", "\"vsn\""));
}

/* soft_purge, t_check_old_code; release_handler_SUITE: instructions */
static void what_runs_it_is_named_and_left_alone(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_hive(h);
    host_change(h, "upgrade", "hive@1.1.0");
    error = host_refuses(h, "purge", purge("hive@1.0.0", false));
    assert_has(text_at(error, "message"),
               "it is kept for what still runs it: 'bee' <0.");
    assert_string_equal(bee(h), "1.0.0");
    assert_true(host_maps(h, "hive-1.0.0"));
    host_stop(h);
}

/* purge, multi_proc_purge; otp_9417: what is not loaded may be purged */
static void brutal_kills_it_and_the_code_is_gone(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_hive(h);
    host_change(h, "upgrade", "hive@1.1.0");
    report = host_ask(h, "purge", purge("hive@1.0.0", true));
    assert_int_equal(int_at(report, "killed"), 1);
    assert_int_equal(json_is_true(at(report, "unloaded")), 1);
    assert_false(host_maps(h, "hive-1.0.0"));
    assert_int_equal(int_at(host_event(h, "purge.killed", "vsn", "1.0.0"), "processes"),
                     1);
    host_refuses(h, "call", talk_message("bee", "\"vsn\""));
    assert_int_equal(host_call_int(h, "queen", "\"count\""), 7);
    assert_int_equal(host_events(h, "server.restart"), 0);
    report = host_ask(h, "purge", purge("hive@1.0.0", true)); /* it is not loaded */
    assert_int_equal(int_at(report, "killed"), 0);
    assert_int_equal(json_is_true(at(report, "unloaded")), 1);
    host_stop(h);
}

/* release_handler_SUITE: instructions, with brutal_purge before */
static void an_upgrade_can_be_brutal(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_hive(h);
    report =
        host_ask(h, "upgrade",
                 json_pack("{s:[s], s:b}", "targets", "hive@1.1.0", "brutal", true));
    assert_int_equal(int_at(report, "killed"), 1);
    assert_false(host_maps(h, "hive-1.0.0"));
    assert_int_equal(host_call_int(h, "queen", "\"spawn\""), 0);
    assert_string_equal(bee(h), "1.1.0");
    host_stop(h);
}

static void the_command_line_upgrades_brutally(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    start_hive(h);
    ran = moult(h->socket, "upgrade", "hive@1.1.0", "--brutal", NULL);
    assert_string_equal(ran->err, "");
    assert_int_equal(ran->status, 0);
    assert_false(host_maps(h, "hive-1.0.0"));
    assert_int_equal(host_call_int(h, "queen", "\"spawn\""), 0);
    host_stop(h);
}

/* purge_many_exits: there, too, it does not have to wait for a message */
static void what_computes_without_end_is_killed_too(void **state)
{
    struct host *h = *state;

    start_hive(h);
    host_change(h, "upgrade", "hive@1.1.0");
    host_ask(h, "cast", talk_message("bee", "\"spin\""));
    assert_int_equal(int_at(host_ask(h, "purge", purge("hive@1.0.0", true)), "killed"),
                     1);
    assert_false(host_maps(h, "hive-1.0.0"));
    host_stop(h);
}

/* delete: what is current stays */
static void what_servers_run_is_not_purged(void **state)
{
    struct host *h = *state;

    start_hive(h);
    assert_has(text_at(host_refuses(h, "purge", purge("hive@1.0.0", true)), "message"),
               "hive 1.0.0 is what runs");
    assert_has(text_at(host_refuses(h, "purge", purge("hive@7.0.0", true)), "message"),
               "there is no version 7.0.0 of 'hive'");
    assert_has(text_at(host_refuses(h, "purge", purge("hive", true)), "message"),
               "'hive' names no version");
    assert_string_equal(bee(h), "1.0.0");
    host_stop(h);
}

static void the_command_line_purges(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    start_hive(h);
    assert_has(moult(h->socket, "purge", "hive@1.1.0", NULL)->out,
               "hive 1.1.0 is not loaded any more");
    assert_int_equal(moult(h->socket, "upgrade", "hive@1.1.0", NULL)->status, 0);
    ran = moult(h->socket, "purge", "hive@1.0.0", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "'bee' <0.");
    assert_has(moult(h->socket, "releases", NULL)->out, "'bee' <0.");
    ran = moult(h->socket, "purge", "hive@1.0.0", "--brutal", NULL);
    assert_has(ran->out, "hive 1.0.0 is not loaded any more, 1 killed");
    host_stop(h);
}

/* -- what can't be unloaded -- */

/* The next version takes over; the one before lingers, for a reason, and can come back. */
static void assert_lingers(struct host *h, const char *sin, const char *words)
{
    char path[100], target[100];

    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    drop(path);
    host_start(h, "--workers", "1", NULL);
    host_call(h, "sinner", "\"sin\"");
    snprintf(path, sizeof(path), "tests/misbehaving/%s_no_more", sin);
    drop(path);
    assert_has(text_at(host_event(h, "image.lingers", "vsn", "1.0.0"), "reason"),
               words);
    assert_has(text_at(host_release(h, sin, "1.0.0", "old"), "reason"), words);
    snprintf(target, sizeof(target), "%s@1.0.0", sin);
    assert_has(text_at(host_ask(h, "purge", purge(target, true)), "reason"), words);
    assert_int_equal(host_call_int(h, "sinner", "\"bump\""), 1);
    host_change(h, "downgrade", target); /* which is loaded anew, from another path */
    host_call(h, "sinner", "\"sin\"");
    assert_int_equal(host_call_int(h, "sinner", "\"bump\""), 2);
    host_stop(h);
}

static void a_unique_symbol_keeps_an_image_and_is_named(void **state)
{
    assert_lingers(*state, "has_a_unique_symbol", "unique");
}

static void so_does_a_thread_local_with_a_destructor(void **state)
{
    assert_lingers(*state, "has_a_thread_local", "a destructor of thread-local data");
}

/* -- loading: on_load_update, on_load_errors -- */

static void start_counting(struct host *h)
{
    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
}

static void is_refused(struct host *h, const char *name, const char *words)
{
    assert_has(text_at(host_event(h, "plugin.refused", "file", name), "reason"), words);
}

static void goes_on(struct host *h)
{
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    assert_int_equal(host_events(h, "server.exit"), 0);
}

static void what_its_code_does_before_it_is_asked(void **state)
{
    static const char *const sins[][2] = {
        {"crashes_in_constructor", "SIGSEGV"},
        {"exits_in_constructor", "exit"},
        {"aborts_in_constructor", "the moon is full"},
        {"crashes_in_destructor", "SIGSEGV"},
    };
    struct host *h = *state;
    char plugin_path[100];

    start_counting(h);
    for (size_t i = 0; i < sizeof(sins) / sizeof(sins[0]); i++) {
        snprintf(plugin_path, sizeof(plugin_path), "tests/misbehaving/%s", sins[i][0]);
        drop(plugin_path);
        is_refused(h, sins[i][0], sins[i][1]);
    }
    goes_on(h);
    host_stop(h);
}

static void a_constructor_that_hangs_while_calls_are_answered(void **state)
{
    struct host *h = *state;

    start_counting(h);
    drop("tests/misbehaving/hangs_in_constructor");
    /* Sooner than it is given up. */
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    is_refused(h, "hangs_in_constructor", "did not come to an end within");
    goes_on(h);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(what_runs_it_is_named_and_left_alone),
        HOST_TEST(brutal_kills_it_and_the_code_is_gone),
        HOST_TEST(an_upgrade_can_be_brutal),
        HOST_TEST(the_command_line_upgrades_brutally),
        HOST_TEST(what_computes_without_end_is_killed_too),
        HOST_TEST(what_servers_run_is_not_purged),
        HOST_TEST(the_command_line_purges),
        HOST_TEST(a_unique_symbol_keeps_an_image_and_is_named),
        HOST_TEST(so_does_a_thread_local_with_a_destructor),
        HOST_TEST(what_its_code_does_before_it_is_asked),
        HOST_TEST(a_constructor_that_hangs_while_calls_are_answered),
    };

    return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
