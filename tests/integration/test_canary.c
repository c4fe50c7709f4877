/* SPDX-License-Identifier: Apache-2.0 */
/* A part of an application's servers in another version, beside the rest. */
#include "test.h"

#include "host_fixture.h"
#include "program.h"

#define COUNT 10

static const char *bird(int which)
{
    static char name[16];

    snprintf(name, sizeof(name), "bird.%d", which);
    return name;
}

static void start(struct host *h)
{
    drop("integration/birds-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/birds-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    for (int i = 0; i < COUNT; i++)
        host_call_int(h, bird(i), "{\"add\": 5}");
}

/* Ask for a canary of `who`, with two names or (second NULL) one. */
static json_t *canary_of(const char *who, const char *other)
{
    json_t *params = target("birds@2.0.0");

    json_object_set_new(params, "canary", json_pack("[s, s*]", who, other));
    return params;
}

static void start_two(struct host *h)
{
    start(h);
    host_ask(h, "upgrade", canary_of("bird.1", "bird.4"));
}

static const char *vsn_of(struct host *h, int which)
{
    return json_string_value(host_call(h, bird(which), "\"vsn\""));
}

static void two_run_the_new_version(struct host *h)
{
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(vsn_of(h, i), i == 1 || i == 4 ? "2.0.0" : "1.0.0");
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    assert_string_equal(recorded_vsn("birds"), "1.0.0");
}

static void all_run(struct host *h, const char *vsn)
{
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(vsn_of(h, i), vsn);
    assert_string_equal(host_vsn(h, "birds"), vsn);
    assert_string_equal(recorded_vsn("birds"), vsn);
}

static void falls(struct host *h, int which)
{
    host_refuses(h, "call", talk_message(bird(which), "\"fall\""));
    host_event(h, "server.restart", "server", bird(which));
}

/* What is known of the old version, or the new one. */
static json_t *of_new(struct host *h, bool is_new)
{
    return json_array_get(at(host_ask(h, "canary", NULL), "versions"), is_new);
}

static void servers_that_are_named_go_ahead_with_their_state(void **state)
{
    struct host *h = *state;
    json_t *report, *how;

    start(h);
    report = host_ask(h, "upgrade", canary_of("bird.1", "bird.4"));
    assert_int_equal(int_at(report, "servers"), 2);
    assert_int_equal(int_at(report, "of"), COUNT);
    assert_string_equal(text_at(host_ask(h, "releases", NULL), "canary.to"), "2.0.0");
    assert_has(moult(h->socket, "releases", NULL)->out,
               "birds 2.0.0 runs as a canary beside 1.0.0");
    assert_int_equal(int_at(report, "moved.code_change"), 2);
    two_run_the_new_version(h);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(host_call_int(h, bird(i), "{\"add\": 1}"), 6);
    how = host_ask(h, "canary", NULL);
    assert_string_equal(text_at(how, "application"), "birds");
    assert_string_equal(text_at(of_new(h, false), "vsn"), "1.0.0");
    assert_string_equal(text_at(of_new(h, true), "vsn"), "2.0.0");
    assert_int_equal(int_at(of_new(h, false), "servers"), 8);
    assert_int_equal(int_at(of_new(h, true), "servers"), 2);
    host_stop(h);
}

static void a_share_goes_ahead_and_one_at_least(void **state)
{
    struct host *h = *state;

    start(h);
    assert_int_equal(int_at(host_ask(h, "upgrade", canary_of("30%", NULL)), "servers"),
                     3);
    host_ask(h, "withdraw", NULL);
    assert_int_equal(int_at(host_ask(h, "upgrade", canary_of("0.5%", NULL)), "servers"),
                     1);
    host_ask(h, "withdraw", NULL);
    assert_int_equal(int_at(host_ask(h, "upgrade", canary_of("100%", NULL)), "servers"),
                     COUNT);
    host_ask(h, "promote", NULL);
    all_run(h, "2.0.0");
    host_stop(h);
}

static void the_rest_follows_when_it_is_promoted(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_two(h);
    report = host_ask(h, "promote", NULL);
    assert_int_equal(int_at(report, "moved.code_change"), 8);
    assert_int_equal(int_at(report, "moved.unchanged"), 2);
    assert_int_equal(int_at(report, "moved.added"), 0);
    assert_int_equal(int_at(report, "rehearsed"), 8);
    all_run(h, "2.0.0");
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(host_call_int(h, bird(i), "\"get\""), 5);
    assert_true(json_is_null(host_ask(h, "canary", NULL)));
    assert_false(host_maps(h, "birds-1.0.0"));
    falls(h, 1);
    falls(h, 2);
    all_run(h, "2.0.0");
    host_change(h, "downgrade", "birds@1.0.0");
    all_run(h, "1.0.0");
    host_stop(h);
}

static void the_part_comes_back_when_it_is_withdrawn(void **state)
{
    struct host *h = *state;

    start_two(h);
    host_call_int(h, "bird.4", "{\"add\": 2}");
    falls(h, 1);
    assert_int_equal(int_at(host_ask(h, "withdraw", NULL), "moved.code_change"), 2);
    all_run(h, "1.0.0");
    assert_int_equal(host_call_int(h, "bird.4", "\"get\""), 7);
    assert_int_equal(host_call_int(h, "bird.1", "\"get\""), 0);
    assert_false(host_maps(h, "birds-2.0.0"));
    falls(h, 4);
    all_run(h, "1.0.0");
    host_change(h, "upgrade", "birds@2.0.0");
    all_run(h, "2.0.0");
    host_stop(h);
}

static void who_is_started_again_keeps_its_version(void **state)
{
    struct host *h = *state;

    start_two(h);
    falls(h, 1);
    falls(h, 1);
    falls(h, 2);
    two_run_the_new_version(h);
    assert_int_equal(int_at(of_new(h, true), "crashes"), 2);
    assert_int_equal(int_at(of_new(h, true), "restarts"), 2);
    assert_int_equal(int_at(of_new(h, false), "crashes"), 1);
    assert_int_equal(int_at(of_new(h, true), "servers"), 2);
    host_ask(h, "promote", NULL);
    all_run(h, "2.0.0");
    host_stop(h);
}

static void how_long_calls_take_and_how_many_fail_is_told_by_version(void **state)
{
    struct host *h = *state;

    start_two(h);
    for (int i = 0; i < 10; i++) {
        host_call_int(h, "bird.1", "{\"works\": 20}");
        host_call_int(h, "bird.2", "\"get\"");
    }
    assert_int_equal(int_at(of_new(h, true), "calls"), 10);
    assert_int_equal(int_at(of_new(h, false), "calls"), 10);
    assert_true(int_at(of_new(h, true), "p50_us") >= 20000);
    assert_true(int_at(of_new(h, true), "mean_us") >= 20000);
    assert_true(int_at(of_new(h, false), "p50_us") < 20000);
    host_refuses(h, "call", talk_message("bird.1", "\"sing\""));
    assert_int_equal(int_at(of_new(h, true), "calls"), 11);
    assert_int_equal(int_at(of_new(h, true), "failed"), 1);
    assert_int_equal(int_at(of_new(h, false), "failed"), 0);
    falls(h, 1); /* who takes its place is timed, too */
    do
        host_call_int(h, "bird.1", "\"get\"");
    while (int_at(of_new(h, true), "calls") < 13);
    host_ask(h, "withdraw", NULL);
    host_stop(h);
}

static void a_refused_promotion_leaves_it_as_it_was(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_two(h);
    host_call_int(h, "bird.7", "{\"slow\": 30}");
    error = host_refuses(h, "promote", json_pack("{s:i}", "max_move_ms", 10));
    assert_string_equal(text_at(error, "data.server"), "bird.7");
    two_run_the_new_version(h);
    host_ask(h, "promote", NULL);
    all_run(h, "2.0.0");
    host_stop(h);
}

static void a_refused_return_leaves_it_as_it_was(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_two(h);
    host_call_int(h, "bird.4", "{\"stays\": 1}");
    error = host_refuses(h, "withdraw", NULL);
    assert_string_equal(text_at(error, "data.server"), "bird.4");
    host_event(h, "canary.withdraw_refused", "reason", "it likes it up there");
    two_run_the_new_version(h);
    host_call_int(h, "bird.4", "{\"stays\": 0}");
    host_ask(h, "withdraw", NULL);
    all_run(h, "1.0.0");
    host_stop(h);
}

static void a_canary_that_is_refused_changes_nothing(void **state)
{
    struct host *h = *state;
    json_t *slow;

    start(h);
    assert_has(
        text_at(host_refuses(h, "upgrade", canary_of("bird.1", "bird.77")), "message"),
        "no server called 'bird.77'");
    host_refuses(h, "upgrade", canary_of("0%", NULL));
    host_refuses(h, "upgrade", canary_of("101%", NULL));
    host_refuses(
        h, "upgrade",
        json_pack("{s:[s, s], s:[s]}", "targets", "birds", "counter", "canary", "5%"));
    host_refuses(h, "upgrade",
                 json_pack("{s:[s], s:[s]}", "targets", "birds@7", "canary", "5%"));
    host_refuses(h, "upgrade",
                 json_pack("{s:[s], s:[s]}", "targets", "birds@1.0.0", "canary", "5%"));
    host_refuses(h, "promote", NULL);
    host_refuses(h, "withdraw", NULL);
    host_call_int(h, "bird.1", "{\"slow\": 30}");
    slow = canary_of("bird.1", NULL);
    json_object_set_new(slow, "max_move_ms", json_integer(10));
    host_refuses(h, "upgrade", slow);
    assert_true(json_is_null(host_ask(h, "canary", NULL)));
    assert_false(host_maps(h, "birds-2.0.0"));
    all_run(h, "1.0.0");
    host_stop(h);
}

static void another_change_has_to_wait_for_it(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_two(h);
    error = host_change_refused(h, "upgrade", "birds@2.0.0");
    assert_string_equal(text_at(error, "data.code"), "busy");
    assert_has(text_at(error, "message"), "a canary of birds in 2.0.0");
    host_refuses(h, "upgrade", canary_of("bird.2", NULL));
    drop("integration/birds-2.0.1");
    host_event(h, "plugin.staged", "vsn", "2.0.1");
    two_run_the_new_version(h);
    host_ask(h, "withdraw", NULL);
    host_change(h, "upgrade", "birds@2.0.1");
    host_stop(h);
}

static void a_host_that_dies_begins_with_the_old_version(void **state)
{
    struct host *h = *state;

    start_two(h);
    host_kill(h);
    host_start(h, "--on-drop", "stage", NULL);
    all_run(h, "1.0.0");
    assert_true(json_is_null(host_ask(h, "canary", NULL)));
    host_ask(h, "upgrade", canary_of("bird.1", NULL));
    host_stop(h); /* in order, too */
    host_start(h, "--on-drop", "stage", NULL);
    all_run(h, "1.0.0");
    host_stop(h);
}

static void what_is_promoted_may_be_on_trial(void **state)
{
    struct host *h = *state;

    start_two(h);
    host_ask(h, "promote", json_pack("{s:i}", "confirm_within_ms", 3600000));
    assert_string_equal(host_vsn(h, "birds"), "2.0.0");
    falls(h, 4);
    host_event(h, "upgrade.back", NULL, NULL);
    all_run(h, "1.0.0");
    assert_int_equal(host_call_int(h, "bird.1", "\"get\""), 5);
    host_stop(h);
}

static void it_ends_with_its_application(void **state)
{
    struct host *h = *state;

    drop("integration/birds-2.0.1"); /* which gives up when the first one falls */
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/birds-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    host_ask(h, "upgrade", canary_of("20%", NULL)); /* down */
    host_refuses(h, "call", talk_message("bird.3", "\"fall\""));
    host_event(h, "canary.ended", NULL, NULL);
    assert_true(json_is_null(host_ask(h, "canary", NULL)));
    host_stop(h);
}

/* The vsn of the server with that id; NULL: there is none. */
static const char *listed_vsn(struct host *h, const char *id)
{
    json_t *list = host_ask(h, "ps", NULL), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (strcmp(text_at(entry, "id"), id) == 0)
            return text_at(entry, "vsn");
    }
    return NULL;
}

/* In the versions that come the hive grows from two to four, and has a barn. */
static void children_that_come_with_the_version_come_when_it_is_promoted(void **state)
{
    struct host *h = *state;

    drop("integration/orchard-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/orchard_refuses");
    host_event(h, "plugin.staged", "vsn", "1.2.0");
    host_call_int(h, "hive.0", "{\"add\": 3}");
    host_ask(h, "upgrade",
             json_pack("{s:[s], s:[s]}", "targets", "orchard", "canary", "hive.0"));
    assert_string_equal(listed_vsn(h, "hive.0"), "1.2.0");
    host_refuses(h, "promote", NULL); /* one of the new refuses to start */
    assert_string_equal(listed_vsn(h, "hive.0"), "1.2.0");
    assert_string_equal(listed_vsn(h, "hive.1"), "1.0.0");
    assert_null(listed_vsn(h, "hive.2"));
    assert_int_equal(host_call_int(h, "hive.0", "{\"add\": 1}"), 4);
    host_ask(h, "withdraw", NULL);

    drop("integration/orchard-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    host_ask(
        h, "upgrade",
        json_pack("{s:[s], s:[s]}", "targets", "orchard@1.1.0", "canary", "hive.0"));
    assert_null(listed_vsn(h, "hive.2"));
    host_ask(h, "promote", NULL);
    assert_string_equal(listed_vsn(h, "hive.1"), "1.1.0");
    assert_string_equal(listed_vsn(h, "hive.3"), "1.1.0");
    assert_int_equal(host_call_int(h, "hive.0", "{\"add\": 1}"), 5);
    host_stop(h);
}

static void children_that_are_new_have_the_old_version(void **state)
{
    struct host *h = *state;
    json_t *list, *entry;
    size_t i, trees = 0;

    drop("integration/orchard-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/orchard-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    host_ask(h, "upgrade",
             json_pack("{s:[s], s:[s]}", "targets", "orchard", "canary", "clerk"));
    assert_string_equal(listed_vsn(h, "clerk"), "1.1.0");
    host_call(h, "clerk", "\"sow\""); /* though who asks for it is of the new one */
    list = host_ask(h, "ps", NULL);
    json_array_foreach(list, i, entry)
    {
        if (!strstr(text_at(entry, "id"), "grove/"))
            continue;
        assert_string_equal(text_at(entry, "vsn"), "1.0.0");
        trees++;
    }
    assert_int_equal(trees, 1);
    host_ask(h, "promote", NULL);
    host_stop(h);
}

static void it_goes_and_comes_by_way_of_versions_between(void **state)
{
    struct host *h = *state;
    json_t *report;

    drop("integration/meter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    host_call_int(h, "meter", "{\"add\": 7}");
    drop("integration/meter-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    drop("integration/meter-3.0.0");
    host_event(h, "plugin.staged", "vsn", "3.0.0");
    report = host_ask(
        h, "upgrade",
        json_pack("{s:[s], s:[s]}", "targets", "meter@3.0.0", "canary", "meter"));
    assert_int_equal(json_array_size(at(report, "via")), 1);
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 1400);
    assert_string_equal(host_vsn(h, "meter"), "1.0.0");
    host_ask(h, "withdraw", NULL);
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    host_stop(h);
}

static void there_is_none_of_what_is_started_anew(void **state)
{
    static const char text[] =
        "vsn = \"2.2.0\";\n"
        "up = ({ vsn = \"1.0.0\"; instructions = ({ restart_application = "
        "\"meter\"; }); });\n"
        "down = ({ vsn = \"1.0.0\"; instructions = ({ restart_application = "
        "\"meter\"; }); });\n";
    struct host *h = *state;
    json_t *error;

    drop("integration/meter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    host_call_int(h, "meter", "{\"add\": 7}");
    write_file(in_folder("plugins/meter_plain.appup"), text, strlen(text));
    drop("integration/meter_plain");
    host_event(h, "plugin.staged", "vsn", "2.2.0");
    error = host_refuses(
        h, "upgrade",
        json_pack("{s:[s], s:[s]}", "targets", "meter@2.2.0", "canary", "meter"));
    assert_has(text_at(error, "message"), "there can be no canary");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    host_stop(h);
}

static void people_see_both_versions_side_by_side(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    start(h);
    ran = moult(h->socket, "canary", NULL);
    assert_string_equal(ran->out, "there is no canary\n");
    ran = moult(h->socket, "upgrade", "birds", "--canary", "bird.1,bird.4", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "2 servers moved by code_change");
    ran = moult(h->socket, "canary", NULL);
    assert_has(ran->out, "birds 1.0.0 and 2.0.0 side by side");
    assert_has(ran->out, "P99 US");
    ran = moult(h->socket, "promote", NULL);
    assert_has(ran->out, "8 servers moved by code_change, 2 unchanged");
    ran = moult(h->socket, "withdraw", NULL);
    assert_int_equal(ran->status, 1);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(servers_that_are_named_go_ahead_with_their_state),
        HOST_TEST(a_share_goes_ahead_and_one_at_least),
        HOST_TEST(the_rest_follows_when_it_is_promoted),
        HOST_TEST(the_part_comes_back_when_it_is_withdrawn),
        HOST_TEST(who_is_started_again_keeps_its_version),
        HOST_TEST(how_long_calls_take_and_how_many_fail_is_told_by_version),
        HOST_TEST(a_refused_promotion_leaves_it_as_it_was),
        HOST_TEST(a_refused_return_leaves_it_as_it_was),
        HOST_TEST(a_canary_that_is_refused_changes_nothing),
        HOST_TEST(another_change_has_to_wait_for_it),
        HOST_TEST(a_host_that_dies_begins_with_the_old_version),
        HOST_TEST(what_is_promoted_may_be_on_trial),
        HOST_TEST(it_ends_with_its_application),
        HOST_TEST(children_that_come_with_the_version_come_when_it_is_promoted),
        HOST_TEST(children_that_are_new_have_the_old_version),
        HOST_TEST(it_goes_and_comes_by_way_of_versions_between),
        HOST_TEST(there_is_none_of_what_is_started_anew),
        HOST_TEST(people_see_both_versions_side_by_side),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
