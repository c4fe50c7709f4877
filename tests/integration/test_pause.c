/* SPDX-License-Identifier: Apache-2.0 */
/* How long an upgrade may hold servers up, and what is told of who takes long. */
#include "test.h"

#include "host_fixture.h"

#define COUNT 10

static void start_birds(struct host *h, const char *const *options)
{
    drop("integration/birds-1.0.0");
    host_start_with(h, NULL, options);
    drop("integration/birds-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    for (int i = 0; i < COUNT; i++) {
        char name[16];

        snprintf(name, sizeof(name), "bird.%d", i);
        host_call_int(h, name, "{\"add\": 5}");
    }
}

static void start(struct host *h)
{
    static const char *const options[] = {"--on-drop", "stage", "--rehearse", "off",
                                          NULL};

    start_birds(h, options);
}

static json_t *within(const char *to, const char *limit, int ms)
{
    json_t *params = target(to);

    json_object_set_new(params, limit, json_integer(ms));
    return params;
}

static void nothing_has_changed(struct host *h)
{
    assert_string_equal(host_vsn(h, "birds"), "1.0.0");
    assert_int_equal(host_call_int(h, "bird.0", "\"get\""), 5);
    assert_int_equal(host_call_int(h, "bird.9", "\"get\""), 5);
    assert_string_equal(recorded_vsn("birds"), "1.0.0");
}

static void a_pause_that_is_too_long_is_given_up_and_the_slowest_are_named(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h);
    host_call_int(h, "bird.3", "{\"slow\": 300}");
    host_call_int(h, "bird.7", "{\"slow\": 320}");
    error = host_refuses(h, "upgrade", within("birds", "max_pause_ms", 200));
    assert_string_equal(text_at(error, "data.step"), "migrate");
    assert_has(text_at(error, "data.server"), "bird.");
    assert_has(text_at(error, "message"), "longer than 200 ms; the slowest were");
    nothing_has_changed(h);

    /* Where each is done in time and all together are not. */
    for (int i = 0; i < COUNT; i++) {
        char name[16];

        snprintf(name, sizeof(name), "bird.%d", i);
        host_call_int(h, name, i == 4 ? "{\"slow\": 60}" : "{\"slow\": 40}");
    }
    error = host_refuses(h, "upgrade", within("birds", "max_pause_ms", 110));
    assert_has(text_at(error, "message"), "longer than 110 ms; the slowest were");
    nothing_has_changed(h);
    host_change(h, "upgrade", "birds@2.0.0");
    assert_int_equal(host_call_int(h, "bird.3", "\"get\""), 5);
    host_stop(h);
}

static void a_server_that_takes_too_long_to_move_is_named(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h);
    host_call_int(h, "bird.6", "{\"slow\": 15}");
    error = host_refuses(h, "upgrade", within("birds", "max_move_ms", 10));
    assert_string_equal(text_at(error, "data.server"), "bird.6");
    assert_string_equal(text_at(error, "data.step"), "migrate");
    host_event(h, "upgrade.refused", "server", "bird.6");
    nothing_has_changed(h);
    host_ask(h, "upgrade", within("birds", "max_move_ms", 10000));
    host_stop(h);
}

static void limits_may_be_configured(void **state)
{
    static const char text[] = "on_drop = \"stage\"; rehearse = \"off\";\n"
                               "max_move_ms = 10; max_pause_ms = 60000;\n";
    const char *options[] = {"--config", in_folder("moult.conf"), NULL};
    struct host *h = *state;
    json_t *error;

    write_file(in_folder("moult.conf"), text, strlen(text));
    start_birds(h, options);
    host_call_int(h, "bird.2", "{\"slow\": 30}");
    error = host_change_refused(h, "upgrade", "birds@2.0.0");
    assert_string_equal(text_at(error, "data.server"), "bird.2");
    nothing_has_changed(h);
    host_ask(h, "upgrade", within("birds", "max_move_ms", 10000));
    host_stop(h);
}

static void the_result_lists_every_server_how_it_moved_and_its_time(void **state)
{
    struct host *h = *state;
    bool seen[COUNT] = {false};
    json_t *list, *one;
    size_t i;

    start(h);
    host_call_int(h, "bird.8", "{\"slow\": 20}");
    list = at(host_change(h, "upgrade", "birds@2.0.0"), "list");
    assert_int_equal(json_array_size(list), COUNT);
    json_array_foreach(list, i, one)
    {
        const char *name = text_at(one, "server");
        long which;

        assert_has(name, "bird.");
        which = strtol(strchr(name, '.') + 1, NULL, 10);
        assert_true(which >= 0 && which < COUNT);
        assert_false(seen[which]);
        seen[which] = true;
        assert_string_equal(text_at(one, "moved"), "code_change");
        assert_true(int_at(one, "took_us") >= (which == 8 ? 20000 : 1));
    }
    host_stop(h);
}

static void each_step_is_an_event(void **state)
{
    static const char *const steps[] = {"plan",  "check",   "prepare",
                                        "drain", "migrate", "commit"};
    struct host *h = *state;

    start(h);
    host_change(h, "upgrade", "birds@2.0.0");
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        json_t *event = host_event(h, "upgrade.step", NULL, NULL);

        assert_string_equal(text_at(event, "step"), steps[i]);
        assert_string_equal(text_at(event, "app"), "birds");
    }
    host_stop(h);
}

/* The crew calls through the gate, which is no part of the upgrade. */
static void who_is_waited_for_and_what_it_does_is_told(void **state)
{
    struct host *h = *state;
    json_int_t working, upgrade;
    json_t *waits, *server;

    start(h);
    working = talk_ask(h->talk, "call", talk_message("bird.1", "{\"works\": 1500}"));
    host_event(h, "server.slow", "server", "bird.1");
    upgrade = talk_ask(h->talk, "upgrade", target("birds"));
    do
        waits = talk_notice(h->talk, "progress");
    while (!json_object_get(waits, "servers"));
    assert_string_equal(text_at(waits, "step"), "drain");
    assert_int_equal(int_at(waits, "count"), 1);
    server = json_array_get(at(waits, "servers"), 0);
    assert_string_equal(text_at(server, "server"), "bird.1");
    assert_has(text_at(server, "doing"), "birds.c");
    host_event(h, "upgrade.waits", "text", "bird.1");
    assert_int_equal(int_at(talk_answer(h->talk, working), "result"), 5);
    assert_int_equal(int_at(talk_answer(h->talk, upgrade), "result.servers"), COUNT);
    host_stop(h);
}

static void whose_state_takes_long_to_carry_is_told(void **state)
{
    struct host *h = *state;
    json_t *waits, *server;
    json_int_t upgrade;

    start(h);
    host_call_int(h, "bird.4", "{\"slow\": 1500}");
    upgrade = talk_ask(h->talk, "upgrade", target("birds"));
    do
        waits = talk_notice(h->talk, "progress");
    while (!json_object_get(waits, "servers"));
    assert_string_equal(text_at(waits, "step"), "migrate");
    server = json_array_get(at(waits, "servers"), 0);
    assert_string_equal(text_at(server, "server"), "bird.4");
    assert_has(text_at(server, "doing"), "birds.c");
    assert_string_equal(
        text_at(host_event(h, "upgrade.waits", "text", "bird.4"), "step"), "migrate");
    assert_int_equal(int_at(talk_answer(h->talk, upgrade), "result.servers"), COUNT);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_pause_that_is_too_long_is_given_up_and_the_slowest_are_named),
        HOST_TEST(a_server_that_takes_too_long_to_move_is_named),
        HOST_TEST(limits_may_be_configured),
        HOST_TEST(the_result_lists_every_server_how_it_moved_and_its_time),
        HOST_TEST(each_step_is_an_event),
        HOST_TEST(who_is_waited_for_and_what_it_does_is_told),
        HOST_TEST(whose_state_takes_long_to_carry_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
