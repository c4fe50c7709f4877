/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrades that meet servers in the middle of a callback. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "host_fixture.h"

#define WAIT_THEN(steps) "{\"do\": [\"gate\", " steps "]}"

/* crew 1.0.0, with a gate and a relay outside of it; crew 1.1.0 is staged. */
static void start_crew(struct host *h)
{
    drop("integration/gate");
    drop("integration/relay");
    drop("integration/crew-1.0.0");
    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", "--workers", "3", NULL);
    drop("integration/crew-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
}

static json_int_t ask_call(struct talk *t, const char *name, const char *message)
{
    json_t *params = talk_message(name, message);

    json_object_set_new(params, "timeout_ms", json_integer(PATIENCE_MS));
    return talk_ask(t, "call", params);
}

/* Let `name` do that; it is at the gate when this returns. */
static json_int_t send_to_gate(struct host *h, const char *name, const char *message)
{
    json_int_t id = ask_call(h->talk, name, message);

    host_event(h, "plugin.log", "text", "waits");
    return id;
}

static const char *status_of(struct host *h, const char *server)
{
    json_t *list = host_ask(h, "ps", NULL), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (strcmp(text_at(entry, "id"), server) == 0)
            return text_at(entry, "status");
    }
    fail_msg("there is no server '%s'", server);
    return NULL;
}

/* Ask for the upgrade, and wait until it holds `server`. */
static json_int_t begin_upgrade_to(struct host *h, const char *to, const char *server)
{
    json_int_t id = talk_ask(h->talk, "upgrade", target(to));

    while (strcmp(status_of(h, server), "held") != 0)
        ;
    return id;
}

static json_int_t begin_upgrade(struct host *h, const char *server)
{
    return begin_upgrade_to(h, "crew@1.1.0", server);
}

static const char *vsn_of(struct host *h, const char *server)
{
    return json_string_value(host_call(h, server, "\"vsn\""));
}

static void all_run_the_new_code(struct host *h)
{
    assert_string_equal(vsn_of(h, "a"), "1.1.0");
    assert_string_equal(vsn_of(h, "b"), "1.1.0");
    assert_string_equal(vsn_of(h, "c"), "1.1.0");
}

static void has_moved(struct host *h, json_int_t id)
{
    json_t *report = at(talk_answer(h->talk, id), "result");

    assert_int_equal(int_at(report, "moved.schema"), 3);
    all_run_the_new_code(h);
}

/* The pause lasts from when this returns until a byte is written to what it returns. */
static int begin_pause(struct host *h)
{
    int halt;

    assert_int_equal(mkfifo(in_folder("halt"), 0600), 0);
    assert_int_equal(host_call_int(h, "gate", "\"open\""), 1);
    halt = open(in_folder("halt"), O_WRONLY | O_CLOEXEC);
    assert_true(halt >= 0);
    unlink(in_folder("halt"));
    return halt;
}

static void what_comes_during_the_pause_is_answered_after_it(void **state)
{
    struct host *h = *state;
    json_int_t waits, upgrade, asked, counted;
    struct talk *other;
    json_t *report;
    int halt;

    start_crew(h);
    drop("integration/crew-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    other = talk_open(h->socket);
    waits = send_to_gate(h, "a", WAIT_THEN("\"bump\""));
    upgrade = begin_upgrade_to(h, "crew@2.0.0", "b");
    halt = begin_pause(h);
    for (int i = 0; i < 3; i++)
        talk_result(other, "cast", talk_message("b", "\"bump\""));
    asked = ask_call(other, "b", "\"vsn\"");
    counted = ask_call(other, "b", "\"count\"");
    talk_result(other, "ping", NULL); /* the calls are in the mailbox */
    assert_false(talk_has_answer(other, asked));
    assert_false(talk_has_answer(h->talk, upgrade));

    assert_int_equal(write(halt, "", 1), 1);
    close(halt);
    report = at(talk_answer(h->talk, upgrade), "result");
    assert_true(int_at(report, "waited") >=
                5); /* a has what the rehearsal asked, too */
    assert_string_equal(text_at(talk_answer(other, asked), "result"), "2.0.0");
    assert_int_equal(int_at(talk_answer(other, counted), "result"), 3);
    assert_int_equal(int_at(talk_answer(h->talk, waits), "result"), 1);
    talk_close(other);
    host_stop(h);
}

static void other_applications_are_not_held_up(void **state)
{
    struct host *h = *state;
    json_int_t waits, upgrade;

    start_crew(h);
    waits = send_to_gate(h, "a", WAIT_THEN("\"bump\""));
    upgrade = begin_upgrade(h, "b");
    for (int i = 1; i <= 100; i++)
        assert_int_equal(host_call_int(h, "counter", "\"bump\""), i);
    assert_false(talk_has_answer(h->talk, upgrade));
    host_call_int(h, "gate", "\"open\"");
    has_moved(h, upgrade);
    talk_answer(h->talk, waits);
    host_stop(h);
}

static void members_that_call_each_other_do_not_hold_it_up(void **state)
{
    struct host *h = *state;
    json_int_t a, upgrade;

    start_crew(h);
    a = send_to_gate(
        h, "a",
        WAIT_THEN("[\"b\", {\"do\": [[\"c\", {\"do\": [\"bump\"]}], \"bump\"]}],"
                  "[\"c\", \"count\"], \"bump\""));
    upgrade = begin_upgrade(h, "c");
    assert_string_equal(status_of(h, "b"), "held");
    host_call_int(h, "gate", "\"open\"");
    has_moved(h, upgrade);
    assert_int_equal(int_at(talk_answer(h->talk, a), "result"), 1);
    assert_int_equal(host_call_int(h, "b", "\"count\""), 1);
    assert_int_equal(host_call_int(h, "c", "\"count\""), 1);
    host_stop(h);
}

/* Two members are in callbacks, and each of them calls the other's neighbour. */
static void members_that_cross_each_other_do_not_hold_it_up(void **state)
{
    struct host *h = *state;
    json_int_t a, b, upgrade;

    start_crew(h);
    a = send_to_gate(h, "a", WAIT_THEN("[\"c\", {\"do\": [\"bump\"]}]"));
    b = send_to_gate(h, "b", WAIT_THEN("[\"a\", \"count\"], [\"c\", \"count\"]"));
    upgrade = begin_upgrade(h, "c");
    assert_int_equal(host_call_int(h, "gate", "\"open\""), 2);
    has_moved(h, upgrade);
    at(talk_answer(h->talk, a), "result");
    at(talk_answer(h->talk, b), "result");
    host_stop(h);
}

static void members_that_call_through_an_outsider_do_not_hold_it_up(void **state)
{
    struct host *h = *state;
    json_int_t a, upgrade;

    start_crew(h);
    a = send_to_gate(h, "a",
                     WAIT_THEN("[\"relay\", {\"do\": [[\"b\", {\"do\": [\"bump\"]}]]}],"
                               "\"bump\""));
    upgrade = begin_upgrade(h, "b");
    host_call_int(h, "gate", "\"open\"");
    has_moved(h, upgrade);
    assert_int_equal(int_at(talk_answer(h->talk, a), "result"), 1);
    assert_int_equal(host_call_int(h, "b", "\"count\""), 1);
    host_stop(h);
}

/* Its supervisor rests too: it may restart it before the pause is over, or after. */
static void a_member_that_ends_meanwhile_is_restarted_with_the_new_code(void **state)
{
    struct host *h = *state;
    json_int_t a, upgrade;
    json_t *error;

    start_crew(h);
    a = send_to_gate(h, "a", WAIT_THEN("[\"b\", \"stop\"]"));
    upgrade = begin_upgrade(h, "b");
    host_call_int(h, "gate", "\"open\"");
    error = at(talk_answer(h->talk, a), "error");
    assert_has(text_at(error, "message"), "it was told to");
    at(talk_answer(h->talk, upgrade), "result");
    host_event(h, "server.restart", "server", "b");
    all_run_the_new_code(h);
    host_stop(h);
}

#define TALKERS 3

/* Chains of calls inside the application all the time, and upgrades all the time. */
static void calls_among_members_never_fail_while_they_are_moved(void **state)
{
    static const char *const chains[TALKERS][2] = {
        {"a", "{\"do\": [[\"b\", {\"do\": [[\"c\", {\"do\": [\"bump\"]}]]}]]}"},
        {"b", "{\"do\": [[\"relay\", {\"do\": [[\"c\", {\"do\": [\"bump\"]}]]}]]}"},
        {"a", "{\"do\": [[\"c\", {\"do\": [\"bump\"]}]]}"}};
    struct host *h = *state;
    struct talk *talks[TALKERS];
    json_int_t ids[TALKERS], change, sum = 0;
    int changes = 0;

    start_crew(h);
    for (int i = 0; i < TALKERS; i++) {
        talks[i] = talk_open(h->socket);
        ids[i] = ask_call(talks[i], chains[i][0], chains[i][1]);
    }
    change = talk_ask(h->talk, "upgrade", target("crew@1.1.0"));
    while (changes < SCALE(50)) {
        struct pollfd fds[TALKERS + 1];

        for (int i = 0; i < TALKERS; i++)
            fds[i] = (struct pollfd){.fd = talks[i]->fd, .events = POLLIN};
        fds[TALKERS] = (struct pollfd){.fd = h->talk->fd, .events = POLLIN};
        if (poll(fds, TALKERS + 1, PATIENCE_MS) < 1)
            fail_msg("nothing is answered any more");
        for (int i = 0; i < TALKERS; i++) {
            if (!talk_has_answer(talks[i], ids[i]))
                continue;
            at(talk_answer(talks[i], ids[i]), "result");
            sum++;
            ids[i] = ask_call(talks[i], chains[i][0], chains[i][1]);
        }
        if (!talk_has_answer(h->talk, change))
            continue;
        at(talk_answer(h->talk, change), "result.pause_us");
        changes++;
        change = talk_ask(h->talk, changes % 2 ? "downgrade" : "upgrade",
                          target(changes % 2 ? "crew@1.0.0" : "crew@1.1.0"));
    }
    at(talk_answer(h->talk, change), "result");
    for (int i = 0; i < TALKERS; i++) {
        at(talk_answer(talks[i], ids[i]), "result");
        talk_close(talks[i]);
    }
    assert_int_equal(host_call_int(h, "c", "\"count\""), sum + TALKERS);
    host_stop(h);
}

static void a_second_request_waits_for_the_first_and_is_done(void **state)
{
    struct host *h = *state;
    struct talk *other;
    json_int_t waits, first, second, third;

    start_crew(h);
    drop("samples/counter-1.1.0");
    host_event(h, "plugin.staged", "app", "counter");
    other = talk_open(h->socket);
    waits = send_to_gate(h, "a", WAIT_THEN("\"bump\""));
    first = begin_upgrade(h, "b");
    second = talk_ask(other, "upgrade", target("counter@1.1.0"));
    third = talk_ask(other, "downgrade", target("crew@1.0.0"));
    talk_result(other, "ping", NULL);
    assert_false(talk_has_answer(other, second));
    host_call_int(h, "gate", "\"open\"");
    at(talk_answer(h->talk, first), "result");
    assert_string_equal(text_at(talk_answer(other, second), "result.to"), "1.1.0");
    assert_string_equal(text_at(talk_answer(other, third), "result.to"), "1.0.0");
    at(talk_answer(h->talk, waits), "result");
    assert_string_equal(vsn_of(h, "a"), "1.0.0");
    talk_close(other);
    host_stop(h);
}

/* `a` waits in a call; `b` has its whole thread.  The drain is given 5 s. */
static void servers_that_stay_busy_end_the_attempt_by_name(void **state)
{
    struct host *h = *state;
    struct talk *other;
    json_int_t a, b, upgrade, asked;
    json_t *error;
    int pipe_fd;

    start_crew(h);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    other = talk_open(h->socket);
    a = send_to_gate(h, "a", WAIT_THEN("\"bump\""));
    b = ask_call(h->talk, "b", "{\"do\": [\"read\", \"bump\"]}");
    pipe_fd = open(in_folder("pipe"), O_WRONLY | O_CLOEXEC); /* waits for the reader */
    upgrade = begin_upgrade(h, "c");
    asked = ask_call(other, "c", "\"vsn\"");

    error = at(talk_answer(h->talk, upgrade), "error");
    assert_string_equal(text_at(error, "data.code"), "timeout");
    assert_string_equal(text_at(error, "data.step"), "drain");
    assert_string_equal(text_at(error, "data.application"), "crew");
    assert_has(text_at(error, "message"), "'a'");
    assert_has(text_at(error, "message"), "'b'");
    assert_null(strstr(text_at(error, "message"), "'c'"));
    assert_has(text_at(host_event(h, "upgrade.refused", "app", "crew"), "reason"),
               "'a'");

    /* All go on with the old code, those that were busy too. */
    assert_string_equal(text_at(talk_answer(other, asked), "result"), "1.0.0");
    host_call_int(h, "gate", "\"open\"");
    assert_int_equal(write(pipe_fd, "x", 1), 1);
    assert_int_equal(int_at(talk_answer(h->talk, a), "result"), 1);
    assert_int_equal(int_at(talk_answer(h->talk, b), "result"), 1);
    assert_string_equal(vsn_of(h, "a"), "1.0.0");
    assert_string_equal(host_vsn(h, "crew"), "1.0.0");
    has_moved(h, talk_ask(h->talk, "upgrade", target("crew@1.1.0")));
    close(pipe_fd);
    talk_close(other);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(what_comes_during_the_pause_is_answered_after_it),
        HOST_TEST(other_applications_are_not_held_up),
        HOST_TEST(members_that_call_each_other_do_not_hold_it_up),
        HOST_TEST(members_that_cross_each_other_do_not_hold_it_up),
        HOST_TEST(members_that_call_through_an_outsider_do_not_hold_it_up),
        HOST_TEST(a_member_that_ends_meanwhile_is_restarted_with_the_new_code),
        HOST_TEST(calls_among_members_never_fail_while_they_are_moved),
        HOST_TEST(a_second_request_waits_for_the_first_and_is_done),
        HOST_TEST(servers_that_stay_busy_end_the_attempt_by_name),
    };

    return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
