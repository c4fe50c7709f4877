/* SPDX-License-Identifier: Apache-2.0 */
/* Registries of a plugin's, on a real host and through upgrades. */
#include "test.h"

#include <string.h>

#include "host_fixture.h"
#include "program.h"

#define GUEST "via:rooms:lobby"

static void start(struct host *h)
{
    drop("integration/lobby-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    host_call(h, GUEST, "{\"join\": \"news\"}");
    host_call(h, GUEST, "{\"join\": [1, 2]}");
    host_call(h, "other", "{\"join\": \"news\"}");
}

/* The registry of that name, as `registry` tells of it. */
static json_t *registry(struct host *h, const char *name)
{
    return json_array_get(host_ask(h, "registry", json_pack("{s:s}", "name", name)), 0);
}

static void a_name_via_a_registry_is_one_on_the_command_line(void **state)
{
    struct host *h = *state;
    json_t *rooms;

    start(h);
    assert_int_equal(host_call_int(h, GUEST, "null"), 3);
    rooms = registry(h, "rooms");
    assert_int_equal(int_at(rooms, "count"), 1);
    assert_string_equal(text_at(rooms, "keys"), "unique");
    assert_string_equal(text_at(json_array_get(at(rooms, "entries"), 0), "key"),
                        "lobby");
    assert_string_equal(
        text_at(json_array_get(at(rooms, "entries"), 0), "pid"),
        text_at(host_ask(h, "state", json_pack("{s:s}", "name", GUEST)), "pid"));
    host_stop(h);
}

static void entries_and_registries_are_kept_by_an_upgrade(void **state)
{
    struct host *h = *state;
    json_t *before, *rooms;

    start(h);
    before = json_deep_copy(registry(h, "topics"));
    rooms = json_deep_copy(registry(h, "rooms"));
    assert_int_equal(int_at(before, "count"), 3);
    drop("integration/lobby-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    host_change(h, "upgrade", "lobby@1.1.0");
    assert_true(json_equal(registry(h, "topics"), before));
    assert_true(json_equal(registry(h, "rooms"), rooms));
    assert_int_equal(host_call_int(h, GUEST, "{\"join\": \"weather\"}"), 3);
    assert_int_equal(int_at(registry(h, "topics"), "count"), 4);
    host_change(h, "downgrade", "lobby@1.0.0");
    assert_int_equal(int_at(registry(h, "topics"), "count"), 4);
    json_decref(before);
    json_decref(rooms);
    host_stop(h);
}

static void a_crash_frees_the_name_and_takes_the_entries(void **state)
{
    struct host *h = *state;
    json_t *topics;

    start(h);
    host_refuses(h, "call", json_pack("{s:s, s:s}", "name", GUEST, "message", "crash"));
    host_event(h, "server.restart", "server", "guest");
    topics = registry(h, "topics");
    assert_int_equal(int_at(topics, "count"), 1);
    assert_string_equal(text_at(json_array_get(at(topics, "entries"), 0), "name"),
                        "other");
    assert_int_equal(host_call_int(h, GUEST, "null"), 1); /* it has its name again */
    host_stop(h);
}

static void args_and_names_that_cannot_be_are_refused_before_they_run(void **state)
{
    struct host *h = *state;
    json_t *event;

    start(h);
    drop("integration/lobby_args");
    event = host_event(h, "plugin.refused", "reason", "topics");
    assert_has(text_at(event, "reason"),
               "the args of child 'topics': a registry's keys are \"unique\" or "
               "\"duplicate\"");
    drop("integration/lobby_name");
    event = host_event(h, "plugin.refused", "reason", "guest");
    assert_has(text_at(event, "reason"),
               "the name 'via:rooms' of child 'guest' is not whole: via:REGISTRY:KEY");
    host_stop(h);
}

static void registries_are_shown_to_people_and_programs(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *list;

    start(h);
    ran = moult(h->socket, "registry", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "rooms <");
    assert_has(ran->out, "duplicate keys, 2 partitions by pid, 3 entries");
    assert_has(ran->out, "\"news\"");
    assert_has(ran->out, "[1, 2]");
    ran = moult(h->socket, "registry", "topics", "--limit", "1", NULL);
    assert_int_equal(ran->status, 0);
    assert_null(strstr(ran->out, "rooms"));
    assert_has(ran->out, "and 2 more: --limit N shows more");
    ran = moult(h->socket, "registry", "nowhere", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "no registry is registered as 'nowhere'");
    ran = moult(h->socket, "registry", "topics", "--json", NULL);
    list = json_loads(ran->out, 0, NULL);
    assert_true(json_equal(json_array_get(list, 0), registry(h, "topics")));
    json_decref(list);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_name_via_a_registry_is_one_on_the_command_line),
        HOST_TEST(entries_and_registries_are_kept_by_an_upgrade),
        HOST_TEST(a_crash_frees_the_name_and_takes_the_entries),
        HOST_TEST(args_and_names_that_cannot_be_are_refused_before_they_run),
        HOST_TEST(registries_are_shown_to_people_and_programs),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
