/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 10,000 servers upgraded at once, or none of them: release_handler_SUITE, otp_9395_*, which
 * ask how long that takes and whether many are looked after.
 */
#include "test.h"

#include <errno.h>

#include "host_fixture.h"
#include "program.h"

#define COUNT 10000

static void start_many(struct host *h)
{
    drop("integration/many-1.0.0");
    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    host_call_int(h, "one.0", "{\"add\": 3}");
    host_call_int(h, "one.77", "{\"add\": 77}");
    host_call_int(h, "one.9999", "{\"add\": -1}");
}

static void stage(struct host *h, const char *plugin_path, const char *vsn)
{
    drop(plugin_path);
    host_event(h, "plugin.staged", "vsn", vsn);
}

/* Ask every server whether its state is whole; all in flight at once. */
static void all_run(struct host *h, const char *vsn)
{
    json_int_t *ids = calloc(COUNT, sizeof(*ids));
    char name[32];

    for (int i = 0; i < COUNT; i += 500) {
        for (int j = i; j < i + 500; j++) {
            snprintf(name, sizeof(name), "one.%d", j);
            ids[j] = talk_ask(h->talk, "call", talk_message(name, "\"whole\""));
        }
        for (int j = i; j < i + 500; j++)
            assert_string_equal(text_at(talk_answer(h->talk, ids[j]), "result"), vsn);
    }
    free(ids);
    assert_int_equal(host_call_int(h, "one.0", "\"get\""), 3);
    assert_int_equal(host_call_int(h, "one.77", "\"get\""), 77);
    assert_int_equal(host_call_int(h, "one.9999", "\"get\""), -1);
    assert_int_equal(host_call_int(h, "one.1234", "\"get\""), 0);
    assert_string_equal(host_vsn(h, "many"), vsn);
}

static void moves(struct host *h, const char *verb, const char *to, const char *how)
{
    char text[32], path[32];
    json_t *report;

    snprintf(text, sizeof(text), "many@%s", to);
    snprintf(path, sizeof(path), "moved.%s", how);
    report = host_change(h, verb, text);
    assert_int_equal(int_at(report, "servers"), COUNT);
    assert_int_equal(int_at(report, path), COUNT);
    assert_int_equal(json_array_size(at(report, "list")), COUNT);
    all_run(h, to);
}

static void ten_thousand_servers_move_by_pointer_both_ways(void **state)
{
    struct host *h = *state;

    start_many(h);
    stage(h, "integration/many-1.0.1", "1.0.1");
    moves(h, "upgrade", "1.0.1", "pointer");
    moves(h, "downgrade", "1.0.0", "pointer");
    host_stop(h);
}

static void ten_thousand_servers_move_by_schema_both_ways(void **state)
{
    struct host *h = *state;

    start_many(h);
    stage(h, "integration/many-1.1.0", "1.1.0");
    moves(h, "upgrade", "1.1.0", "schema");
    moves(h, "downgrade", "1.0.0", "schema");
    host_stop(h);
}

static void ten_thousand_servers_move_by_code_change_both_ways(void **state)
{
    struct host *h = *state;

    start_many(h);
    stage(h, "integration/many-2.0.0", "2.0.0");
    moves(h, "upgrade", "2.0.0", "code_change");
    moves(h, "downgrade", "1.0.0", "code_change");
    host_stop(h);
}

static void is_refused_for(struct host *h, const char *server)
{
    json_t *error = host_change_refused(h, "upgrade", "many@2.1.0");

    assert_string_equal(text_at(error, "data.application"), "many");
    assert_string_equal(text_at(error, "data.server"), server);
    assert_string_equal(text_at(error, "data.field"), "code_change");
    assert_has(text_at(error, "message"), "77 brings bad luck");
    assert_has(text_at(host_event(h, "upgrade.refused", "app", "many"), "server"),
               server);
    assert_int_equal(host_events(h, "upgrade.commit"), 0);
    assert_false(host_maps(h, "many-2.1.0"));
    all_run(h, "1.0.0");
}

static void one_that_refuses_among_ten_thousand_keeps_all(void **state)
{
    struct host *h = *state;

    start_many(h);
    stage(h, "integration/many_bad", "2.1.0");
    is_refused_for(h, "one.77");

    /* Without it, the very same upgrade is done. */
    host_call_int(h, "one.77", "{\"add\": 1}");
    assert_int_equal(
        int_at(host_change(h, "upgrade", "many@2.1.0"), "moved.code_change"), COUNT);
    assert_int_equal(host_call_int(h, "one.77", "\"get\""), 78);
    host_stop(h);
}

/* Which of them a rehearsal looks at is chance: each half of the servers has to count. */
static void it_does_not_matter_which_one_refuses(void **state)
{
    static const int which[] = {0, 4999, 9999};
    struct host *h = *state;
    char name[32];

    drop("integration/many-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    stage(h, "integration/many_bad", "2.1.0");
    for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
        json_t *error;

        snprintf(name, sizeof(name), "one.%d", which[i]);
        host_call_int(h, name, "{\"add\": 77}");
        error = host_change_refused(h, "upgrade", "many@2.1.0");
        assert_string_equal(text_at(error, "data.server"), name);
        host_call_int(h, name, "{\"add\": -77}");
        assert_string_equal(json_string_value(host_call(h, name, "\"whole\"")),
                            "1.0.0");
    }
    host_change(h, "upgrade", "many@2.1.0");
    host_stop(h);
}

static json_int_t rehearsed(struct host *h, const char *how)
{
    json_int_t count;

    host_start(h, "--on-drop", "stage", "--rehearse", how, NULL);
    count = int_at(host_ask(h, "rehearse", target("many@1.1.0")), "rehearsed");
    host_stop(h);
    return count;
}

static void a_rehearsal_takes_as_many_of_them_as_is_said(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *error;

    drop("integration/many-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    stage(h, "integration/many-1.1.0", "1.1.0");
    stage(h, "integration/many_bad", "2.1.0");
    assert_int_equal(int_at(host_ask(h, "rehearse", target("many@1.1.0")), "rehearsed"),
                     1000);
    host_stop(h);
    assert_int_equal(rehearsed(h, "sample 1"), 1);
    assert_int_equal(rehearsed(h, "sample 2500"), 2500);
    assert_int_equal(rehearsed(h, "sample 999999999"), COUNT);
    assert_int_equal(rehearsed(h, "all"), COUNT);

    host_start(h, "--on-drop", "stage", "--rehearse", "all", NULL);
    host_call_int(h, "one.4711", "{\"add\": 77}");
    error = host_refuses(h, "rehearse", target("many@2.1.0"));
    assert_string_equal(text_at(error, "data.step"), "rehearse");
    assert_string_equal(text_at(error, "data.server"), "one.4711");
    assert_int_equal(int_at(host_ask(h, "snapshot",
                                     json_pack("{s:s, s:s}", "application", "many",
                                               "file", in_folder("many.states"))),
                            "states"),
                     COUNT);
    host_stop(h);
    ran = moult(NULL, "check", in_folder("plugins/many_bad.so"),
                "plugins/many-1.0.0.so", "--states", "many.states", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "one.4711");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(ten_thousand_servers_move_by_pointer_both_ways),
        HOST_TEST(ten_thousand_servers_move_by_schema_both_ways),
        HOST_TEST(ten_thousand_servers_move_by_code_change_both_ways),
        HOST_TEST(one_that_refuses_among_ten_thousand_keeps_all),
        HOST_TEST(it_does_not_matter_which_one_refuses),
        HOST_TEST(a_rehearsal_takes_as_many_of_them_as_is_said),
    };

    return cmocka_run_group_tests_name("many", tests, NULL, NULL);
}
