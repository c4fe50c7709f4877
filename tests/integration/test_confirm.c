/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrades on trial: they go back by themselves, unless somebody confirms them. */
#include "test.h"

#include "host_fixture.h"
#include "program.h"

#define LONG_MS 3600000

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

static void start(struct host *h)
{
    drop("integration/birds-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    stage(h, "integration/birds-2.0.0", "2.0.0");
    host_call_int(h, "bird.3", "{\"add\": 5}");
}

static json_t *on_trial(const char *to, int ms)
{
    json_t *params = target(to);

    json_object_set_new(params, "confirm_within_ms", json_integer(ms));
    return params;
}

static json_t *awaits(struct host *h)
{
    return json_object_get(host_ask(h, "releases", NULL), "awaits");
}

static void falls(struct host *h, const char *bird)
{
    host_refuses(h, "call", talk_message(bird, "\"fall\""));
    host_event(h, "server.restart", "server", bird);
}

static void what_nobody_confirms_goes_back_with_what_happened_since(void **state)
{
    struct host *h = *state;
    json_t *report, *back;

    start(h);
    report = host_ask(h, "upgrade", on_trial("birds", 1000));
    assert_int_equal(int_at(report, "confirm_within_ms"), 1000);
    assert_string_equal(recorded_vsn("birds"), "1.0.0");
    assert_int_equal(host_call_int(h, "bird.3", "{\"add\": 2}"), 7);
    back = host_event(h, "upgrade.back", NULL, NULL);
    assert_string_equal(text_at(back, "release"), "local@1");
    assert_string_equal(text_at(back, "from"), "local@2");
    assert_has(text_at(back, "reason"), "not confirmed");
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    assert_int_equal(host_call_int(h, "bird.3", "\"get\""), 7);
    assert_string_equal(host_release_status(h, "local@1"), "permanent");
    assert_string_equal(host_release_status(h, "local@2"), "old");
    assert_null(awaits(h));
    host_change(h, "upgrade", "birds@2.0.0"); /* and may be done again */
    assert_string_equal(recorded_vsn("birds"), "2.0.0");
    host_stop(h);
}

static void what_is_confirmed_stays_and_is_permanent(void **state)
{
    struct host *h = *state;
    json_t *waits, *done;

    start(h);
    host_ask(h, "upgrade", on_trial("birds", LONG_MS));
    host_event(h, "upgrade.awaits", "release", "local@2");
    waits = awaits(h);
    assert_string_equal(text_at(waits, "release"), "local@2");
    assert_string_equal(text_at(waits, "from"), "local@1");
    assert_in_range(int_at(waits, "left_ms"), LONG_MS - 60000, LONG_MS);
    done = host_ask(h, "confirm", NULL);
    assert_string_equal(text_at(done, "release"), "local@2");
    assert_true(json_is_true(at(done, "permanent")));
    assert_string_equal(recorded_vsn("birds"), "2.0.0");
    assert_null(awaits(h));
    assert_int_equal(
        int_at(host_refuses(h, "confirm", NULL), "code"),
        int_at(host_refuses(h, "withdraw", NULL), "code")); /* there is nothing */
    falls(h, "bird.1");                                     /* too late */
    host_change(h, "downgrade", "birds@1.0.0");
    assert_int_equal(host_events(h, "upgrade.back"), 0);
    host_stop(h);
}

static void it_goes_back_at_once_when_servers_fall_more_than_before(void **state)
{
    struct host *h = *state;

    start(h);
    host_ask(h, "upgrade", on_trial("birds", LONG_MS));
    assert_int_equal(host_call_int(h, "bird.3", "{\"add\": 2}"), 7);
    host_refuses(h, "call", talk_message("bird.1", "\"fall\""));
    host_event(h, "upgrade.back", "reason", "1 restart since, and 0");
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    assert_int_equal(host_call_int(h, "bird.3", "\"get\""), 7);
    assert_int_equal(host_call_int(h, "bird.1", "\"get\""), 0);
    host_stop(h);
}

static void as_many_falls_as_before_are_no_reason(void **state)
{
    struct host *h = *state;

    start(h);
    for (int i = 0; i < 3; i++)
        falls(h, "bird.0");
    host_ask(h, "upgrade", on_trial("birds", LONG_MS)); /* three in a moment: many */
    falls(h, "bird.1");
    assert_int_equal(
        int_at(json_array_get(at(awaits(h), "applications"), 0), "restarts"), 1);
    host_ask(h, "confirm", NULL);
    assert_string_equal(host_vsn(h, "birds"), "2.0.0");
    host_stop(h);
}

static void an_application_that_ends_is_started_as_it_was(void **state)
{
    struct host *h = *state;

    start(h);
    stage(h, "integration/birds-2.0.1", "2.0.1");
    host_ask(h, "upgrade", on_trial("birds@2.0.1", LONG_MS));
    host_refuses(h, "call", talk_message("bird.1", "\"fall\""));
    host_event(h, "upgrade.back", "reason", "has ended");
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    assert_int_equal(host_call_int(h, "bird.3", "\"get\""), 0); /* it began anew */
    assert_null(host_release(h, "birds", "2.0.1", "running"));
    assert_string_equal(recorded_vsn("birds"), "1.0.0");
    host_stop(h);
}

static void where_the_way_back_is_refused_it_stays_and_says_so(void **state)
{
    struct host *h = *state;
    json_t *event;

    start(h);
    host_ask(h, "upgrade", on_trial("birds", 1500));
    host_call_int(h, "bird.4", "{\"stays\": 1}");
    event = host_event(h, "upgrade.back_refused", NULL, NULL);
    assert_string_equal(text_at(event, "level"), "error");
    assert_string_equal(text_at(event, "server"), "bird.4");
    assert_has(text_at(event, "reason"), "it likes it up there");
    assert_string_equal(host_vsn(h, "birds"), "2.0.0");
    assert_int_equal(host_call_int(h, "bird.3", "{\"add\": 1}"), 6);
    assert_has(text_at(awaits(h), "refused"), "it likes it up there");
    assert_string_equal(recorded_vsn("birds"), "1.0.0");

    host_call_int(h, "bird.4", "{\"stays\": 0}"); /* who repaired it may */
    host_ask(h, "withdraw", NULL);
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    assert_int_equal(host_call_int(h, "bird.3", "\"get\""), 6);
    assert_null(awaits(h));
    host_stop(h);
}

static void another_change_has_to_wait(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h);
    host_ask(h, "upgrade", on_trial("birds", LONG_MS));
    error = host_change_refused(h, "downgrade", "birds@1.0.0");
    assert_string_equal(text_at(error, "data.code"), "busy");
    assert_has(text_at(error, "message"), "local@2 awaits confirmation");
    host_refuses(h, "remove", json_pack("{s:s}", "release", "local@1"));
    stage(h, "integration/birds-2.0.1", "2.0.1");
    assert_string_equal(host_vsn(h, "birds"), "2.0.0");
    host_ask(h, "upgrade", json_pack("{s:[s], s:b}", "targets", "birds", "plan", 1));

    host_ask(h, "withdraw", NULL);
    host_event(h, "upgrade.back", "reason", "withdrawn");
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    host_change(h, "upgrade", "birds@2.0.1");
    host_stop(h);
}

static void what_is_dropped_meanwhile_is_only_taken_in(void **state)
{
    struct host *h = *state;

    drop("integration/birds-1.0.0");
    host_start(h, NULL);
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("integration/birds-2.0.0")));
    host_ask(h, "upgrade", on_trial("birds", LONG_MS));
    stage(h, "integration/birds-2.0.1", "2.0.1");
    stage(h, "samples/counter-1.0.0", "1.0.0");
    host_event(h, "drop.waits", "reason", "local@2 awaits confirmation");
    assert_string_equal(host_vsn(h, "birds"), "2.0.0");
    assert_null(host_vsn(h, "counter"));
    host_ask(h, "confirm", NULL);
    host_change(h, "upgrade", "birds@2.0.1");
    host_stop(h);
}

static void a_host_that_ends_meanwhile_begins_with_what_was_permanent(void **state)
{
    struct host *h = *state;

    start(h);
    host_ask(h, "upgrade", on_trial("birds", LONG_MS));
    host_kill(h);
    host_start(h, "--on-drop", "stage", NULL);
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    assert_null(awaits(h));
    host_ask(h, "upgrade", on_trial("birds", LONG_MS));
    host_stop(h); /* in order, too */
    host_start(h, "--on-drop", "stage", NULL);
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    host_stop(h);
}

static void to_make_it_permanent_confirms_it(void **state)
{
    struct host *h = *state;

    start(h);
    host_ask(h, "upgrade", on_trial("birds", LONG_MS));
    host_ask(h, "permanent", NULL);
    assert_null(awaits(h));
    assert_string_equal(recorded_vsn("birds"), "2.0.0");
    host_change(h, "downgrade", "birds@1.0.0");
    host_stop(h);
}

static void an_installed_release_goes_back_with_what_it_started(void **state)
{
    static const char text[] = "release = \"aviary\"; vsn = \"2.0\"; applications = {\n"
                               "  birds = \"2.0.0\"; counter = \"1.0.0\"; };\n";
    struct host *h = *state;
    json_t *params, *done;

    start(h);
    stage(h, "samples/counter-1.0.0", "1.0.0");
    write_file(in_folder("aviary.rel"), text, strlen(text));
    host_ask(h, "unpack", json_pack("{s:[s]}", "files", in_folder("aviary.rel")));
    params = json_pack("{s:s, s:i}", "release", "aviary", "confirm_within_ms", LONG_MS);
    done = host_ask(h, "install", params);
    assert_int_equal(int_at(done, "confirm_within_ms"), LONG_MS);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    done = host_ask(h, "withdraw", NULL);
    assert_string_equal(text_at(done, "release"), "local@1");
    assert_string_equal(text_at(done, "from"), "aviary@2.0");
    assert_int_equal(json_array_size(at(done, "stopped")), 1);
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    assert_null(host_vsn(h, "counter"));

    params = json_pack("{s:s, s:i}", "release", "aviary", "confirm_within_ms", LONG_MS);
    host_ask(h, "install", params);
    done = host_ask(h, "confirm", NULL);
    assert_true(json_is_false(at(done, "permanent")));
    assert_string_equal(host_release_status(h, "aviary@2.0"), "current");
    assert_string_equal(host_release_status(h, "local@1"), "permanent");
    host_stop(h);
}

static void people_see_what_is_on_trial(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    start(h);
    ran = moult(h->socket, "upgrade", "birds", "--confirm-within", "3600", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "it goes back in 3600 s, unless 'moult confirm' keeps it");
    ran = moult(h->socket, "releases", NULL);
    assert_has(ran->out, "local@2 awaits confirmation for another ");
    assert_has(ran->out, "birds 1.0.0 -> 2.0.0: 0 restarts since, 0 are allowed");
    ran = moult(h->socket, "confirm", NULL);
    assert_string_equal(ran->out, "local@2 stays, and is permanent\n");
    ran = moult(h->socket, "withdraw", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "nothing awaits confirmation");
    ran = moult(h->socket, "upgrade", "birds", "--confirm-within", "soon", NULL);
    assert_int_equal(ran->status, 2);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(what_nobody_confirms_goes_back_with_what_happened_since),
        HOST_TEST(what_is_confirmed_stays_and_is_permanent),
        HOST_TEST(it_goes_back_at_once_when_servers_fall_more_than_before),
        HOST_TEST(as_many_falls_as_before_are_no_reason),
        HOST_TEST(an_application_that_ends_is_started_as_it_was),
        HOST_TEST(where_the_way_back_is_refused_it_stays_and_says_so),
        HOST_TEST(another_change_has_to_wait),
        HOST_TEST(what_is_dropped_meanwhile_is_only_taken_in),
        HOST_TEST(a_host_that_ends_meanwhile_begins_with_what_was_permanent),
        HOST_TEST(to_make_it_permanent_confirms_it),
        HOST_TEST(an_installed_release_goes_back_with_what_it_started),
        HOST_TEST(people_see_what_is_on_trial),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
