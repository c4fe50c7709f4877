/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of telemetry in real plugins: faults, upgrades, and what operators see. */
#include "test.h"

#include <string.h>

#include "host_fixture.h"
#include "program.h"

static void attach(struct host *h, const char *event, const char *handler)
{
    char message[128];

    snprintf(message, sizeof(message), "{\"attach\": [\"%s.%s\", \"%s\", \"%s\"]}",
             handler, event, event, handler);
    host_call(h, "gauge", message);
}

static void start(struct host *h)
{
    drop("integration/gauge-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
}

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

/* Handlers run in processes of their own: ask until that many were heard. */
static void hears(struct host *h, json_int_t expected)
{
    json_int_t heard = 0;

    while (heard < expected)
        heard += host_call_int(h, "gauge", "\"heard\"");
    assert_int_equal(heard, expected);
}

static void a_handler_that_crashes_is_detached_and_the_rest_goes_on(void **state)
{
    struct host *h = *state;
    json_t *failure;

    start(h);
    attach(h, "a.b", "crash");
    attach(h, "a.b", "count");
    attach(h, "telemetry.handler.failure", "count");
    host_call(h, "gauge", "{\"emit\": \"a.b\"}");
    failure = host_event(h, "telemetry.failure", "id", "crash.a.b");
    assert_has(text_at(failure, "reason"), "SIGSEGV");
    assert_string_equal(text_at(failure, "of"), "a.b");
    hears(h, 2);
    host_call(h, "gauge", "{\"emit\": \"a.b\"}");
    hears(h, 1);
    assert_int_equal(host_events(h, "server.restart"), 0);
    assert_int_equal(json_array_size(host_ask(h, "telemetry", NULL)), 2);
    host_stop(h);
}

static void a_fault_in_a_span_is_told_of_as_an_exception(void **state)
{
    struct host *h = *state;

    start(h);
    attach(h, "gauge.work.exception", "count");
    host_call(h, "gauge", "{\"span\": \"well\"}");
    host_refuses(h, "call", talk_message("gauge", "{\"span\": \"crash\"}"));
    host_event(h, "plugin.log", "text", "gauge.work.exception");
    host_stop(h);
}

static void an_upgrade_takes_handlers_along_and_unloads_their_old_code(void **state)
{
    struct host *h = *state;

    start(h);
    attach(h, "a.b", "count");
    host_call(h, "gauge", "{\"emit\": \"a.b\"}");
    hears(h, 1);
    stage(h, "integration/gauge-1.1.0", "1.1.0");
    host_change(h, "upgrade", "gauge@1.1.0");
    host_event(h, "image.close", "vsn", "1.0.0");
    host_call(h, "gauge", "{\"emit\": \"a.b\"}");
    hears(h, 100);
    host_change(h, "downgrade", "gauge@1.0.0");
    host_event(h, "image.close", "vsn", "1.1.0");
    host_call(h, "gauge", "{\"emit\": \"a.b\"}");
    hears(h, 1);
    host_stop(h);
}

static void a_version_without_the_handler_is_refused(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h);
    attach(h, "a.b", "count");
    stage(h, "integration/gauge-1.2.0", "1.2.0");
    error = host_change_refused(h, "upgrade", "gauge@1.2.0");
    assert_string_equal(
        text_at(error, "message"),
        "telemetry handler 'count.a.b' runs 'count', which version 1.2.0 "
        "does not list");
    host_call(h, "gauge", "{\"emit\": \"a.b\"}");
    hears(h, 1);
    host_stop(h);
}

static void upgrades_are_told_of(void **state)
{
    struct host *h = *state;

    start(h);
    attach(h, "moult.upgrade.start", "count");
    attach(h, "moult.upgrade.stop", "count");
    attach(h, "moult.upgrade.exception", "count");
    stage(h, "integration/gauge-1.1.0", "1.1.0");
    stage(h, "integration/gauge-1.2.0", "1.2.0");
    host_change(h, "upgrade", "gauge@1.1.0");
    host_event(h, "plugin.log", "text", "moult.upgrade.stop");
    host_change_refused(h, "upgrade", "gauge@1.2.0");
    host_event(h, "plugin.log", "text", "moult.upgrade.exception");
    host_stop(h);
}

static void who_listens_is_shown(void **state)
{
    struct host *h = *state;

    start(h);
    assert_has(moult(h->socket, "telemetry", NULL)->out, "nobody listens");
    attach(h, "a.b", "count");
    assert_has(moult(h->socket, "telemetry", "a", NULL)->out, "count.a.b");
    assert_has(moult(h->socket, "telemetry", "b", NULL)->out, "nobody listens");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_handler_that_crashes_is_detached_and_the_rest_goes_on),
        HOST_TEST(a_fault_in_a_span_is_told_of_as_an_exception),
        HOST_TEST(an_upgrade_takes_handlers_along_and_unloads_their_old_code),
        HOST_TEST(a_version_without_the_handler_is_refused),
        HOST_TEST(upgrades_are_told_of),
        HOST_TEST(who_listens_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
