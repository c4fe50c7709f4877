/* SPDX-License-Identifier: Apache-2.0 */
/* A manager on a real host: handlers that crash leave it, and all go to another version. */
#include "test.h"

#include <string.h>

#include "host_fixture.h"

static void start_bells(struct host *h)
{
    drop("integration/bells-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
}

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

static void add(struct host *h, const char *handler)
{
    char message[100];

    snprintf(message, sizeof(message), "[\"add\", \"%s\"]", handler);
    assert_int_equal(host_call_int(h, "clerk", message), 0);
}

static void notify(struct host *h, const char *word)
{
    host_ask(h, "cast", talk_message("bells", word));
}

static json_int_t count_of(struct host *h, const char *handler)
{
    char message[100];

    snprintf(message, sizeof(message), "{\"%s\": \"count\"}", handler);
    return host_call_int(h, "bells", message);
}

/* "frail late log", the newest first. */
static void assert_handlers(struct host *h, const char *names)
{
    json_t *list =
        at(host_ask(h, "state", json_pack("{s:s}", "name", "bells")), "state.handlers");
    char text[200] = "";
    json_t *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        size_t len = strlen(text);

        snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
                 text_at(entry, "handler"));
    }
    assert_string_equal(text, names);
}

static void assert_clerk_saw(struct host *h, const char *handler)
{
    assert_string_equal(json_string_value(host_call(h, "clerk", "\"gone\"")), handler);
}

/* The manager is the one that was there from the start. */
static void assert_went_on(struct host *h)
{
    assert_int_equal(host_events(h, "server.exit"), 0);
    assert_int_equal(host_events(h, "server.restart"), 0);
}

/* -- handlers that fail -- */

static void fails_over(struct host *h, const char *word, const char *event,
                       const char *words)
{
    start_bells(h);
    add(h, "late");
    add(h, "frail/1");
    add(h, "late/2");
    notify(h, word);
    host_event(h, event, "server", "bells");
    assert_has(text_at(host_event(h, "handler.failed", "handler", "frail/1"), "reason"),
               words);
    assert_handlers(h, "late/2 late log");
    assert_int_equal(count_of(h, "late/2"), 1);
    assert_int_equal(count_of(h, "late"), 1);
    assert_int_equal(count_of(h, "log"), 1);
    assert_clerk_saw(h, "frail/1");
    assert_went_on(h);
    host_stop(h);
}

static void a_handler_that_crashes_goes_and_all_others_get_the_event_once(void **state)
{
    fails_over(*state, "\"crash\"", "server.fault", "SIGSEGV at address 0x0 in ");
}

static void and_one_that_aborts(void **state)
{
    NEEDS_INTERPOSITION;
    fails_over(*state, "\"abort\"", "server.fault", "abort() in ");
}

static void and_one_that_takes_too_long(void **state)
{
    fails_over(*state, "\"loop\"", "server.killed",
               "a callback took longer than 300 ms, in ");
}

static void who_calls_a_handler_that_crashes_is_told(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_bells(h);
    add(h, "frail");
    error = host_refuses(h, "call", talk_message("bells", "{\"frail\": \"crash\"}"));
    assert_has(text_at(error, "message"), "SIGSEGV at address 0x0 in ");
    assert_handlers(h, "log");
    assert_went_on(h);
    host_stop(h);
}

static void what_crashes_in_init_is_not_added(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_bells(h);
    error = host_refuses(h, "call",
                         talk_message("clerk", "[\"add\", \"frail\", \"crash\"]"));
    assert_has(text_at(error, "message"), "SIGSEGV at address 0x0 in ");
    assert_handlers(h, "log");
    assert_went_on(h);
    host_stop(h);
}

static void what_crashes_in_terminate_is_gone(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_bells(h);
    add(h, "frail/1");
    add(h, "frail/2");
    add(h, "frail/3");
    error = host_refuses(h, "call", talk_message("clerk", "[\"delete\", \"frail/1\"]"));
    assert_has(text_at(error, "message"), "SIGSEGV at address 0x0 in ");
    assert_int_equal(host_call_int(h, "clerk", "[\"delete\", \"frail/2\", \"well\"]"),
                     0);
    assert_int_equal(host_call_int(h, "clerk", "[\"swap\", \"frail/3\", \"late\"]"), 0);
    assert_handlers(h, "late log");
    assert_went_on(h);
    host_stop(h);
}

/* In whatever order. */
static void wait_for_faults_and_restart(struct host *h, int faults)
{
    bool restarts = true;

    while (faults > 0 || restarts) {
        const char *name = text_at(talk_notice(h->events, "event"), "event");

        faults -= strcmp(name, "server.fault") == 0;
        restarts &= strcmp(name, "server.restart") != 0;
    }
}

static void all_go_with_their_owner_although_each_crashes(void **state)
{
    struct host *h = *state;

    start_bells(h);
    add(h, "frail/1");
    add(h, "late");
    add(h, "frail/2");
    host_ask(h, "cast", talk_message("clerk", "\"stop\""));
    wait_for_faults_and_restart(h, 2);
    assert_handlers(h, "log");
    add(h, "late");
    assert_int_equal(host_events(h, "server.restart"), 1);
    host_stop(h);
}

static void a_manager_ends_in_order_although_each_crashes(void **state)
{
    struct host *h = *state;

    start_bells(h);
    add(h, "frail/1");
    add(h, "frail/2");
    host_stop(h);
}

/* -- other versions -- */

static void handlers_are_carried_to_another_version_and_back(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_bells(h);
    stage(h, "integration/bells-2.0.0", "2.0.0");
    add(h, "late");
    add(h, "frail");
    notify(h, "\"ring\"");
    report = host_change(h, "upgrade", "bells@2.0.0");
    assert_int_equal(int_at(report, "moved.code_change"), 1);
    assert_handlers(h, "frail late log");
    notify(h, "\"ring\"");
    assert_int_equal(count_of(h, "log"), 200);
    assert_int_equal(count_of(h, "late"), 101);
    host_change(h, "downgrade", "bells@1.0.0");
    assert_int_equal(count_of(h, "log"), 2);
    assert_int_equal(count_of(h, "late"), 101);
    notify(h, "\"crash\"");
    host_event(h, "handler.failed", "handler", "frail");
    assert_int_equal(count_of(h, "log"), 3);
    assert_clerk_saw(h, "frail");
    assert_went_on(h);
    host_stop(h);
}

static void a_bug_fixed_hands_the_handlers_over(void **state)
{
    struct host *h = *state;

    start_bells(h);
    stage(h, "integration/bells-1.0.1", "1.0.1");
    add(h, "late");
    notify(h, "\"ring\"");
    assert_int_equal(int_at(host_change(h, "upgrade", "bells@1.0.1"), "moved.pointer"),
                     2);
    host_event(h, "image.close", "vsn", "1.0.0");
    notify(h, "\"ring\"");
    assert_int_equal(count_of(h, "late"), 2);
    host_stop(h);
}

static void a_handler_that_refuses_keeps_all_as_they_were(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_bells(h);
    stage(h, "integration/bells-2.0.0", "2.0.0");
    for (int i = 0; i < 99; i++)
        notify(h, "\"ring\"");
    assert_int_equal(count_of(h, "log"), 99);
    why = host_change_refused(h, "upgrade", "bells@2.0.0");
    assert_string_equal(text_at(why, "data.step"), "rehearse");
    assert_has(text_at(why, "message"), "handler 'log': code_change of server");
    notify(h, "\"ring\"");
    assert_int_equal(count_of(h, "log"), 100);
    assert_string_equal(host_vsn(h, "bells"), "1.0.0");
    host_change(h, "upgrade", "bells@2.0.0");
    assert_int_equal(count_of(h, "log"), 10000);
    host_stop(h);
}

static void a_version_without_the_kind_of_one_is_refused(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_bells(h);
    stage(h, "integration/bells-1.1.0", "1.1.0");
    add(h, "late");
    why = host_change_refused(h, "upgrade", "bells@1.1.0");
    assert_has(text_at(why, "message"), "handler 'late' of server 'bells' is of a kind "
                                        "that 1.1.0 does not have");
    assert_int_equal(host_call_int(h, "clerk", "[\"delete\", \"late\"]"), 0);
    host_change(h, "upgrade", "bells@1.1.0");
    assert_handlers(h, "log");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_handler_that_crashes_goes_and_all_others_get_the_event_once),
        HOST_TEST(and_one_that_aborts),
        HOST_TEST(and_one_that_takes_too_long),
        HOST_TEST(who_calls_a_handler_that_crashes_is_told),
        HOST_TEST(what_crashes_in_init_is_not_added),
        HOST_TEST(what_crashes_in_terminate_is_gone),
        HOST_TEST(all_go_with_their_owner_although_each_crashes),
        HOST_TEST(a_manager_ends_in_order_although_each_crashes),
        HOST_TEST(handlers_are_carried_to_another_version_and_back),
        HOST_TEST(a_bug_fixed_hands_the_handlers_over),
        HOST_TEST(a_handler_that_refuses_keeps_all_as_they_were),
        HOST_TEST(a_version_without_the_kind_of_one_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
