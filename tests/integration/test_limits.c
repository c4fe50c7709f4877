/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin or a client can grow has an end, and it hears of it. */
#include "test.h"

#include <string.h>

#include "host_fixture.h"

static void a_full_mailbox_refuses_calls_and_casts_from_the_socket(void **state)
{
    struct host *h = *state;
    json_int_t waiting;
    json_t *error;

    drop("integration/narrow");
    host_start(h, NULL);
    waiting = talk_ask(h->talk, "call", talk_message("narrow", "\"wait\""));
    while (!json_is_true(host_call(h, "sink", "\"does it wait?\"")))
        ;
    host_ask(h, "cast", talk_message("narrow", "1"));
    host_ask(h, "cast", talk_message("narrow", "2"));
    error = host_refuses(h, "cast", talk_message("narrow", "3"));
    assert_string_equal(text_at(error, "data.code"), "busy");
    assert_has(text_at(error, "message"),
               "the mailbox is full: 2 messages may wait there");
    error = host_refuses(h, "call", talk_message("narrow", "{\"take\": 1}"));
    assert_string_equal(text_at(error, "data.code"), "busy");
    assert_has(text_at(error, "message"), "the mailbox is full");
    host_call(h, "sink", "\"release\"");
    talk_answer(h->talk, waiting);
    host_event(h, "mailbox.full", "server", "narrow");
    host_stop(h);
}

static void a_server_beyond_its_max_heap_is_started_again(void **state)
{
    struct host *h = *state;
    json_t *event;

    drop("integration/narrow");
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "narrow", "{\"take\": 500000}"), 500000);
    assert_int_equal(host_call_int(h, "other", "{\"take\": 5000000}"), 5000000);
    host_ask(h, "cast", talk_message("narrow", "3"));
    talk_ask(h->talk, "call", talk_message("narrow", "{\"take\": 600000}"));
    event = host_event(h, "server.exit", "server", "narrow");
    assert_has(text_at(event, "reason"), "its max_heap of 1048576 bytes");
    host_event(h, "server.restart", "server", "narrow");
    assert_int_equal(host_call_int(h, "narrow", "{\"take\": 500000}"), 500000);
    host_stop(h);
}

static void an_application_has_the_max_heap_of_the_configuration(void **state)
{
    static const char conf[] = "applications = { narrow = { max_heap = \"2M\"; }; };";
    struct host *h = *state;
    json_t *event;

    drop("integration/narrow");
    write_file(in_folder("moult.conf"), conf, strlen(conf));
    host_start(h, "--config", "moult.conf", NULL);
    assert_int_equal(host_call_int(h, "narrow", "{\"take\": 1000000}"), 1000000);
    talk_ask(h->talk, "call", talk_message("other", "{\"take\": 1500000}"));
    event = host_event(h, "server.exit", "server", "other");
    assert_has(text_at(event, "reason"), "its application's max_heap of 2097152 bytes");
    host_event(h, "server.restart", "server", "other");
    assert_int_equal(host_call_int(h, "narrow", "1"), 0);
    assert_int_equal(host_call_int(h, "other", "{\"take\": 1000}"), 1000);
    host_stop(h);
}

static void what_is_said_at_once_is_cut_to_its_limit(void **state)
{
    struct host *h = *state;
    char text[1504];

    drop("integration/echo");
    host_start(h, NULL);
    memset(text, 'x', sizeof(text));
    text[0] = text[1501] = '"';
    text[1502] = 0;
    host_ask(h, "cast", talk_message("echo", text));
    assert_int_equal(
        strlen(text_at(host_event(h, "plugin.log", "server", "echo"), "text")), 1000);
    host_stop(h);
}

static void a_host_has_as_many_processes_as_it_is_told(void **state)
{
    static const char conf[] = "max_processes = 100;";
    struct host *h = *state;
    json_t *event;

    write_file(in_folder("moult.conf"), conf, strlen(conf));
    host_start(h, "--config", "moult.conf", NULL);
    drop("integration/many-1.0.0");
    event = host_event(h, "host.full", "setting", "max_processes");
    assert_int_equal(json_integer_value(json_object_get(event, "limit")), 100);
    host_ask(h, "ping", NULL);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_full_mailbox_refuses_calls_and_casts_from_the_socket),
        HOST_TEST(a_server_beyond_its_max_heap_is_started_again),
        HOST_TEST(an_application_has_the_max_heap_of_the_configuration),
        HOST_TEST(what_is_said_at_once_is_cut_to_its_limit),
        HOST_TEST(a_host_has_as_many_processes_as_it_is_told),
    };

    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
