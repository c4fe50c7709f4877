/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that a person looks into, or holds still. */
#include "test.h"

#include <signal.h>

#include "host_fixture.h"
#include "program.h"

static void start_crew(struct host *h)
{
    drop("integration/gate");
    drop("integration/relay");
    drop("integration/crew-1.0.0");
    drop("integration/echo");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/crew-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
}

static json_t *named(const char *name)
{
    return json_pack("{s:s}", "name", name);
}

static json_t *listed(struct host *h, const char *key, const char *text)
{
    json_t *list = host_ask(h, "ps", NULL), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (strcmp(text_at(entry, key), text) == 0)
            return entry;
    }
    return NULL;
}

static json_int_t begin_call(struct host *h, const char *name, const char *message)
{
    json_t *params = talk_message(name, message);

    json_object_set_new(params, "timeout_ms", json_integer(PATIENCE_MS));
    return talk_ask(h->talk, "call", params);
}

static void wait_for_mail(struct host *h, const char *name)
{
    while (int_at(listed(h, "name", name), "mailbox") == 0)
        ;
}

/* -- upgrades -- */

static void a_suspended_server_stays_so_through_an_upgrade(void **state)
{
    struct host *h = *state;
    json_int_t asked;

    start_crew(h);
    host_ask(h, "suspend", named("b"));
    asked = begin_call(h, "b", "\"vsn\"");
    wait_for_mail(h, "b");
    host_change(h, "upgrade", "crew@1.1.0");
    assert_string_equal(text_at(listed(h, "name", "b"), "status"), "suspended");
    assert_int_equal(int_at(host_ask(h, "state", named("b")), "state.extra"), 9);
    assert_false(talk_has_answer(h->talk, asked));
    host_ask(h, "resume", named("b"));
    assert_string_equal(text_at(talk_answer(h->talk, asked), "result"), "1.1.0");
    host_stop(h);
}

static void
who_waits_for_a_suspended_server_holds_an_upgrade_up_not_for_ever(void **state)
{
    struct host *h = *state;
    json_int_t asked;
    json_t *error;

    start_crew(h);
    host_ask(h, "suspend", named("b"));
    asked = begin_call(h, "a", "{\"do\": [[\"b\", \"count\"], \"bump\"]}");
    wait_for_mail(h, "b");
    error = host_change_refused(h, "upgrade", "crew@1.1.0");
    assert_string_equal(text_at(error, "data.code"), "timeout");
    assert_string_equal(text_at(listed(h, "name", "b"), "status"), "suspended");
    host_ask(h, "resume", named("b"));
    assert_int_equal(int_at(talk_answer(h->talk, asked), "result"), 1);
    host_change(h, "upgrade", "crew@1.1.0");
    host_stop(h);
}

static void a_suspended_supervisor_restarts_when_it_goes_on(void **state)
{
    struct host *h = *state;
    json_t *pid;

    start_crew(h);
    pid = json_incref(at(host_ask(h, "children", named("crew")), "pid"));
    host_ask(h, "suspend", named(json_string_value(pid)));
    host_refuses(h, "call", talk_message("a", "\"stop\""));
    host_event(h, "server.crash", "server", "a");
    assert_int_equal(host_call_int(h, "b", "\"count\""), 0); /* the others go on */
    assert_null(listed(h, "name", "a"));
    host_ask(h, "resume", named(json_string_value(pid)));
    host_event(h, "server.restart", "server", "a");
    assert_int_equal(host_call_int(h, "a", "\"count\""), 0);
    json_decref(pid);
    host_stop(h);
}

/* -- who is asked about -- */

static void a_process_is_named_by_its_pid_too(void **state)
{
    struct host *h = *state;
    const char *pid;
    char other[80];

    start_crew(h);
    pid = text_at(listed(h, "name", "a"), "pid");
    assert_int_equal(int_at(host_ask(h, "state", named(pid)), "state.count"), 0);
    snprintf(other, sizeof(other), "%sx", pid);
    host_refuses(h, "state", named(other));
    snprintf(other, sizeof(other), "%.*s", (int)strlen(pid) - 2, pid + 1);
    assert_int_equal(int_at(host_ask(h, "state", named(other)), "state.count"), 0);
    host_ask(h, "suspend", named(pid));
    assert_string_equal(text_at(listed(h, "name", "a"), "status"), "suspended");
    host_ask(h, "resume", named(pid));
    assert_has(text_at(host_refuses(h, "suspend", named("<0.1.99>")), "message"),
               "<0.1.99>");
    host_stop(h);
}

static void processes_come_in_the_order_that_is_asked_for(void **state)
{
    struct host *h = *state;
    json_t *list;

    start_crew(h);
    for (int i = 0; i < 20; i++)
        host_call(h, "echo", "1");
    list = host_ask(h, "ps", json_pack("{s:s, s:i}", "sort", "reductions", "limit", 2));
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_at(json_array_get(list, 0), "name"), "echo");
    host_ask(h, "suspend", named("b"));
    for (int i = 0; i < 3; i++)
        host_ask(h, "cast", talk_message("b", "1"));
    list = host_ask(h, "ps", json_pack("{s:s, s:i}", "sort", "mailbox", "limit", 2));
    assert_string_equal(text_at(json_array_get(list, 0), "name"), "b");
    assert_int_equal(int_at(json_array_get(list, 0), "mailbox"), 3);
    host_ask(h, "resume", named("b"));
    list = host_ask(h, "ps", json_pack("{s:s}", "sort", "memory"));
    for (size_t i = 1; i < json_array_size(list); i++)
        assert_true(int_at(json_array_get(list, i - 1), "memory") >=
                    int_at(json_array_get(list, i), "memory"));
    list = host_ask(h, "ps", json_pack("{s:s, s:i}", "sort", "name", "limit", 3));
    assert_string_equal(text_at(json_array_get(list, 0), "name"), "a");
    assert_string_equal(text_at(json_array_get(list, 2), "name"), "c");
    assert_has(
        text_at(host_refuses(h, "ps", json_pack("{s:s}", "sort", "age")), "message"),
        "'sort'");
    host_stop(h);
}

static void the_children_of_one_supervisor_are_listed(void **state)
{
    struct host *h = *state;
    json_t *children;

    start_crew(h);
    children = host_ask(h, "children", named("crew"));
    assert_int_equal(int_at(children, "count"), 3);
    assert_string_equal(text_at(json_array_get(at(children, "children"), 2), "id"),
                        "c");
    assert_has(text_at(host_refuses(h, "children", named("a")), "message"),
               "no supervisor");
    host_stop(h);
}

static void a_process_tells_what_it_is_and_who_is_above_it(void **state)
{
    struct host *h = *state;
    json_t *info;

    start_crew(h);
    info = host_ask(h, "info", named("a"));
    assert_string_equal(text_at(info, "kind"), "server");
    assert_string_equal(text_at(info, "application"), "crew");
    assert_string_equal(text_at(info, "vsn"), "1.0.0");
    assert_string_equal(text_at(info, "status"), "idle");
    assert_int_equal(json_array_size(at(info, "ancestors")), 2);
    assert_string_equal(text_at(json_array_get(at(info, "ancestors"), 1), "name"),
                        "application_controller");
    host_ask(h, "suspend", named("a"));
    info = host_ask(h, "info", named("a"));
    assert_string_equal(text_at(info, "status"), "suspended");
    host_stop(h);
}

static void a_process_that_waits_in_a_callback_tells_in_which(void **state)
{
    struct host *h = *state;
    json_int_t asked;
    json_t *info;

    start_crew(h);
    host_ask(h, "suspend", named("b"));
    asked = begin_call(h, "a", "{\"do\": [[\"b\", \"count\"]]}");
    wait_for_mail(h, "b");
    info = host_ask(h, "info", named("a"));
    assert_string_equal(text_at(info, "status"), "waiting");
    assert_string_equal(text_at(info, "function"), "handle_call");
    host_ask(h, "resume", named("b"));
    talk_answer(h->talk, asked);
    host_stop(h);
}

/* -- statistics and traces -- */

static void a_server_counts_while_it_is_asked_to(void **state)
{
    struct host *h = *state;

    start_crew(h);
    host_ask(h, "statistics", json_pack("{s:s, s:b}", "name", "echo", "on", 1));
    host_call(h, "echo", "1");
    host_call(h, "echo", "2");
    assert_int_equal(int_at(host_ask(h, "statistics", named("echo")), "in"), 2);
    host_ask(h, "statistics", json_pack("{s:s, s:b}", "name", "echo", "on", 0));
    assert_true(json_is_null(host_ask(h, "statistics", named("echo"))));
    host_stop(h);
}

static void a_trace_tells_what_comes_and_goes_until_the_end(void **state)
{
    struct host *h = *state;
    struct talk *t;
    json_int_t traced;
    json_t *note;

    start_crew(h);
    t = talk_open(h->socket);
    traced = talk_ask(t, "trace", named("echo"));
    talk_notice(t, "trace.begin");
    host_call(h, "echo", "{\"add\": 5}");
    note = talk_notice(t, "trace");
    assert_string_equal(text_at(note, "event"), "in");
    assert_string_equal(text_at(note, "kind"), "call");
    assert_int_equal(int_at(note, "message.add"), 5);
    note = talk_notice(t, "trace");
    assert_string_equal(text_at(note, "event"), "out");
    assert_string_equal(text_at(note, "kind"), "reply");
    host_refuses(h, "call", talk_message("echo", "\"crash\""));
    talk_notice(t, "trace");
    assert_string_equal(text_at(talk_answer(t, traced), "result.ended"),
                        "the disk is gone");
    talk_close(t);
    host_stop(h);
}

static void a_trace_ends_with_its_client(void **state)
{
    struct host *h = *state;

    start_crew(h);
    for (int i = 0; i < 20; i++) { /* of eight that there may be */
        struct talk *t = talk_open(h->socket);

        talk_ask(t, "trace", named("echo"));
        talk_notice(t, "trace.begin");
        talk_close(t);
        while (listed(h, "id", "trace"))
            ;
    }
    host_stop(h);
}

/* As a text, so long that few of them fill what a client may leave unread. */
static const char *long_message(void)
{
    static char text[3003];

    memset(text, 'x', sizeof(text) - 1);
    text[0] = text[sizeof(text) - 2] = '"';
    return text;
}

static void a_client_that_does_not_read_holds_up_nobody_and_learns_it(void **state)
{
    struct host *h = *state;
    json_int_t told = 0, missed = 0, last = 0;
    struct talk *t;

    start_crew(h);
    t = talk_open(h->socket);
    talk_ask(t, "trace", named("echo"));
    talk_notice(t, "trace.begin");
    for (int i = 0; i < 3000; i++)
        host_ask(h, "cast", talk_message("echo", long_message()));
    host_call(h, "echo", "1");
    while (missed == 0) { /* what it has not missed first */
        json_t *note = talk_notice(t, "trace"), *gap = json_object_get(note, "missed");

        told++;
        missed = json_integer_value(gap);
        if (told % 100 == 0)
            last = host_call_int(h, "echo", "7");
    }
    assert_int_equal(last, 7);
    assert_true(told < 3000);
    talk_close(t);
    host_stop(h);
}

static void the_command_prints_a_trace_until_it_is_interrupted(void **state)
{
    const char *const argv[] = {MOULT, "trace", "echo", NULL};
    struct host *h = *state;
    char variable[400];
    const char *const variables[] = {variable, NULL};
    pid_t pid;
    int watch, out;
    char text[512] = "";

    start_crew(h);
    snprintf(variable, sizeof(variable), "MOULT_SOCKET=%s", h->socket);
    pid = program_start(argv, variables, "trace.out", NULL);
    watch = program_watch(pid);
    while (!listed(h, "id", "trace"))
        ;
    while (!strstr(text, "reply")) { /* it may not have begun yet */
        FILE *in;
        size_t len;

        host_call(h, "echo", "{\"add\": 5}");
        in = fopen(in_folder("trace.out"), "re");
        len = in ? fread(text, 1, sizeof(text) - 1, in) : 0;
        text[len] = 0;
        if (in)
            fclose(in);
    }
    assert_has(text, " in  call ");
    assert_has(text, "{\"add\": 5}");
    kill(pid, SIGINT);
    out = program_wait(pid, watch);
    assert_true(WIFEXITED(out));
    assert_int_equal(WEXITSTATUS(out), 0);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_suspended_server_stays_so_through_an_upgrade),
        HOST_TEST(who_waits_for_a_suspended_server_holds_an_upgrade_up_not_for_ever),
        HOST_TEST(a_suspended_supervisor_restarts_when_it_goes_on),
        HOST_TEST(a_process_is_named_by_its_pid_too),
        HOST_TEST(processes_come_in_the_order_that_is_asked_for),
        HOST_TEST(the_children_of_one_supervisor_are_listed),
        HOST_TEST(a_process_tells_what_it_is_and_who_is_above_it),
        HOST_TEST(a_process_that_waits_in_a_callback_tells_in_which),
        HOST_TEST(a_server_counts_while_it_is_asked_to),
        HOST_TEST(a_trace_tells_what_comes_and_goes_until_the_end),
        HOST_TEST(a_trace_ends_with_its_client),
        HOST_TEST(a_client_that_does_not_read_holds_up_nobody_and_learns_it),
        HOST_TEST(the_command_prints_a_trace_until_it_is_interrupted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
