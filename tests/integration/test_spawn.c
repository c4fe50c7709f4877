/* SPDX-License-Identifier: Apache-2.0 */
/* Plain processes in a host: upgrades go on around them, and they end alone. */
#include "test.h"

#include <errno.h>

#include "host_fixture.h"

/* Of the process with that id; "" if there is none. */
static const char *status_of(struct host *h, const char *id)
{
    json_t *list = host_ask(h, "ps", NULL), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (strcmp(text_at(entry, "id"), id) == 0)
            return text_at(entry, "status");
    }
    return "";
}

static void start_hive(struct host *h)
{
    drop("integration/gate");
    drop("integration/hive-1.0.0");
    host_start(h, "--on-drop", "stage", "--workers", "2", NULL);
    drop("integration/hive-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    assert_int_equal(host_call_int(h, "queen", "\"spawn\""), 0);
    while (strcmp(status_of(h, "bee"), "waiting") != 0)
        ; /* it registers itself */
}

static const char *vsn_of(struct host *h, const char *server)
{
    return json_string_value(host_call(h, server, "\"vsn\""));
}

/* The queen is inside a callback, and waits for the bee, which waits at the gate. */
static json_int_t ask_queen_to_wait(struct host *h)
{
    json_t *params = talk_message("queen", "{\"ask\": \"gate\"}");
    json_int_t id;

    json_object_set_new(params, "timeout_ms", json_integer(PATIENCE_MS));
    id = talk_ask(h->talk, "call", params);
    host_event(h, "plugin.log", "text", "waits");
    return id;
}

static void tell_bee(struct host *h, const char *what)
{
    host_ask(h, "cast", talk_message("bee", what));
}

static void one_goes_on_in_old_code_which_stays_until_it_ends(void **state)
{
    struct host *h = *state;
    json_t *old;

    start_hive(h);
    assert_string_equal(vsn_of(h, "bee"), "1.0.0");
    assert_int_equal(int_at(host_change(h, "upgrade", "hive@1.1.0"), "moved.schema"),
                     2);
    assert_string_equal(vsn_of(h, "queen"), "1.1.0");
    assert_string_equal(vsn_of(h, "bee"), "1.0.0");
    assert_int_equal(host_call_int(h, "bee", "\"count\""), 7); /* of new servers */
    old = host_release(h, "hive", "1.0.0", "old");
    assert_has(text_at(old, "reason"), "'bee'");
    assert_true(host_maps(h, "hive-1.0.0"));
    tell_bee(h, "\"end\"");
    host_event(h, "image.close", "vsn", "1.0.0");
    assert_false(host_maps(h, "hive-1.0.0"));
    assert_null(json_object_get(host_release(h, "hive", "1.0.0", "old"), "reason"));
    host_stop(h);
}

static void
a_server_that_waits_for_one_can_be_upgraded_when_it_is_answered(void **state)
{
    struct host *h = *state;
    json_int_t asked, upgrade;

    start_hive(h);
    asked = ask_queen_to_wait(h);
    upgrade = talk_ask(h->talk, "upgrade", target("hive@1.1.0"));
    while (strcmp(status_of(h, "drone"), "held") != 0)
        ;
    /* The bee asks the drone, which is at rest for the upgrade, before it answers. */
    assert_int_equal(host_call_int(h, "gate", "\"open\""), 1);
    assert_int_equal(int_at(talk_answer(h->talk, asked), "result"), 7);
    assert_int_equal(int_at(talk_answer(h->talk, upgrade), "result.moved.schema"), 2);
    assert_string_equal(vsn_of(h, "bee"), "1.0.0");
    host_stop(h);
}

static void one_that_became_a_server_is_upgraded_as_others(void **state)
{
    struct host *h = *state;

    start_hive(h);
    tell_bee(h, "\"settle\"");
    assert_int_equal(host_call_int(h, "bee", "\"count\""), 40);
    assert_int_equal(int_at(host_change(h, "upgrade", "hive@1.1.0"), "moved.schema"),
                     3);
    assert_string_equal(vsn_of(h, "bee"), "1.1.0");
    assert_int_equal(host_call_int(h, "bee", "\"count\""), 40);
    host_event(h, "image.close", "vsn", "1.0.0");
    host_stop(h);
}

static void one_in_old_code_starts_no_server_and_becomes_none(void **state)
{
    struct host *h = *state;

    start_hive(h);
    assert_int_equal(host_call_int(h, "bee", "\"start\""), 0);
    assert_int_equal(host_call_int(h, "comb", "\"count\""), 7);
    assert_int_equal(int_at(host_change(h, "upgrade", "hive@1.1.0"), "moved.schema"),
                     3);
    assert_string_equal(vsn_of(h, "comb"), "1.1.0");
    assert_string_equal(vsn_of(h, "bee"), "1.0.0");
    assert_int_equal(host_call_int(h, "bee", "\"start\""), -ESTALE);
    tell_bee(h, "\"settle\"");
    host_event(h, "image.close", "vsn", "1.0.0");
    assert_int_equal(int_at(host_change(h, "downgrade", "hive@1.0.0"), "moved.schema"),
                     3); /* nobody is in the way */
    host_stop(h);
}

static void what_new_code_spawned_ends_when_it_is_not_to_run(void **state)
{
    struct host *h = *state;
    json_int_t asked;

    start_hive(h);
    asked = ask_queen_to_wait(h);
    assert_has(text_at(host_change_refused(h, "upgrade", "hive@1.1.0"), "message"),
               "queen");
    host_event(h, "image.close", "vsn", "1.1.0");
    assert_string_equal(status_of(h, "stray"), "");
    assert_string_equal(status_of(h, "bee"), "waiting");
    assert_int_equal(host_call_int(h, "gate", "\"open\""), 1);
    assert_int_equal(int_at(talk_answer(h->talk, asked), "result"), 7);
    host_stop(h);
}

static void tasks_do_what_a_server_asks_of_them(void **state)
{
    struct host *h = *state;

    start_hive(h);
    assert_int_equal(host_call_int(h, "queen", "\"work\""), 12);
    assert_int_equal(int_at(host_change(h, "upgrade", "hive@1.1.0"), "moved.pointer"),
                     1);
    assert_int_equal(host_call_int(h, "queen", "\"work\""), 12);
    host_stop(h);
}

static void a_fault_ends_it_alone(void **state)
{
    struct host *h = *state;

    start_hive(h);
    tell_bee(h, "\"fault\"");
    host_event(h, "server.fault", "function", "bee");
    host_event(h, "process.exit", "process", "bee");
    assert_string_equal(status_of(h, "bee"), "");
    assert_int_equal(host_call_int(h, "queen", "\"count\""), 7);
    host_stop(h);
}

/* It has waited for longer than it may compute. */
static void one_that_computes_too_long_is_ended(void **state)
{
    struct host *h = *state;

    start_hive(h);
    tell_bee(h, "\"spin\"");
    host_event(h, "server.killed", "server", "bee");
    host_event(h, "process.exit", "process", "bee");
    assert_int_equal(host_call_int(h, "queen", "\"spawn\""), 0);
    assert_string_equal(vsn_of(h, "bee"), "1.0.0");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(one_goes_on_in_old_code_which_stays_until_it_ends),
        HOST_TEST(a_server_that_waits_for_one_can_be_upgraded_when_it_is_answered),
        HOST_TEST(one_that_became_a_server_is_upgraded_as_others),
        HOST_TEST(one_in_old_code_starts_no_server_and_becomes_none),
        HOST_TEST(what_new_code_spawned_ends_when_it_is_not_to_run),
        HOST_TEST(tasks_do_what_a_server_asks_of_them),
        HOST_TEST(a_fault_ends_it_alone),
        HOST_TEST(one_that_computes_too_long_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
