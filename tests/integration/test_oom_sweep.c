/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of a real host fails once, and once with those that follow it: the host
 * goes on or says what it can't do, and works when there is memory again.
 */
#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oom.h"

/* What is there besides is to answer, too. */
static json_int_t counts(struct host *h)
{
    return oom_counts(h, "counter");
}

static void start_with_counter(struct host *h)
{
    drop("samples/counter-1.0.0");
    drop("integration/echo");
    drop("integration/narrow");
    oom_start(h, NULL);
}

/* -- what is asked for -- */

static void ask_all(struct host *h)
{
    static const char *const methods[] = {
        "status",  "apps",     "ps",      "tree",          "ping",
        "methods", "releases", "version", "events.recent", "registry"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        oom_try(h, methods[i], NULL);
}

static void ask_call(struct host *h)
{
    oom_try(h, "call", talk_message("counter", "{\"add\": 0}"));
    oom_try(h, "call",
            talk_message("echo", "[1, {\"text\": \"a longer one, so that it does "
                                 "not fit in what is there already: abcdefgh\"}]"));
    oom_try(h, "call", talk_message("echo", "\"refuse\""));
    oom_try(h, "call", talk_message("nobody", "1"));
    oom_try(h, "state", json_pack("{s:s}", "name", "counter"));
    oom_try(h, "cast", talk_message("echo", "\"hello\""));
    oom_try(h, "call", talk_message("via:rooms:lobby", "{\"join\": \"news\"}"));
    oom_try(h, "call", talk_message("via:rooms:lobby", "\"leave\""));
    assert_int_equal(counts(h), 0);
}

static void ask_events(struct host *h)
{
    struct talk *talk = talk_open(h->socket);
    json_t *line;

    talk_ask(talk, "events.subscribe", json_pack("{s:i}", "since", 1));
    talk_say(talk, "[{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"},"
                   "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"status\"}]\n");
    do
        line = talk_hear(talk);
    while (line && !json_is_array(line) && !json_is_null(json_object_get(line, "id")));
    talk_close(talk);
    assert_int_equal(counts(h), 0);
}

static void a_host_without_memory_says_so_to_who_asks(void **state)
{
    struct host *h = *state;

    drop("integration/lobby-1.0.0");
    start_with_counter(h);
    oom_sweep(h, "asking", 7, ask_all);
    oom_sweep(h, "calling", 1, ask_call);
    oom_sweep(h, "listening", 3, ask_events);
    oom_stop(h);
}

static void crash(struct host *h)
{
    oom_try(h, "call", talk_message("narrow", "\"crash\""));
    oom_disarm();
    oom_wait_for(h, "narrow", "1");
    assert_int_equal(counts(h), 0);
}

static void a_server_that_ended_is_started_again(void **state)
{
    struct host *h = *state;

    start_with_counter(h);
    oom_sweep(h, "restarting", 1, crash);
    oom_stop(h);
}

/* -- handlers and state machines -- */

/* Handlers that there was no memory to remove, or to say that they were. */
static void remove_left(struct host *h, const char *message)
{
    bool removed;

    do {
        json_t *answer = oom_ask(h, "call", talk_message("clerk", message));

        removed = json_object_get(answer, "result") != NULL;
        json_decref(answer);
    } while (removed);
}

static void manage(struct host *h)
{
    oom_try(h, "call", talk_message("clerk", "[\"add\", \"late/1\"]"));
    oom_try(h, "cast", talk_message("bells", "\"ring\""));
    oom_try(h, "call", talk_message("bells", "{\"late/1\": \"count\"}"));
    oom_try(h, "call", talk_message("clerk", "[\"swap\", \"late/1\", \"late/2\"]"));
    oom_try(h, "call", talk_message("clerk", "[\"delete\", \"late/2\"]"));
    oom_try(h, "state", json_pack("{s:s}", "name", "bells"));
    oom_disarm();
    oom_wait_for(h, "bells", "{\"log\": \"count\"}");
    oom_wait_for(h, "clerk", "\"gone\"");
    remove_left(h, "[\"delete\", \"late/1\"]");
    remove_left(h, "[\"delete\", \"late/2\"]");
}

static void set_latch(struct host *h)
{
    oom_try(h, "call", talk_message("latch", "{\"open in\": 1000000}"));
    oom_try(h, "cast", talk_message("latch", "\"nothing\""));
    oom_disarm();
    oom_wait_for(h, "latch", "{\"open in\": 1000000}");
}

static void managers_and_statems_go_on_or_are_started_again(void **state)
{
    struct host *h = *state;

    drop("integration/bells-1.0.0");
    drop("integration/latch-1.0.0");
    oom_start(h, NULL);
    oom_sweep(h, "managing", 3, manage);
    oom_sweep(h, "a latch", 1, set_latch);
    oom_stop(h);
}

/* -- processes and tasks -- */

static void work(struct host *h)
{
    oom_try(h, "call", talk_message("queen", "\"work\""));
    oom_disarm();
    oom_wait_for(h, "queen", "\"work\"");
}

static void tasks_are_done_or_refused(void **state)
{
    struct host *h = *state;

    drop("integration/hive-1.0.0");
    oom_start(h, NULL);
    oom_sweep(h, "tasks", 1, work);
    oom_stop(h);
}

/* -- versions -- */

static bool runs(struct host *h, const char *vsn)
{
    return oom_runs(h, "counter", vsn);
}

/* Go to `vsn` while memory fails, and if that was refused, after that. */
static void change(struct host *h, const char *verb, const char *vsn)
{
    char to[40];
    bool done;

    snprintf(to, sizeof(to), "counter@%s", vsn);
    json_decref(oom_ask(h, verb, target(to)));
    oom_disarm();
    assert_int_equal(counts(h), 3);
    done = runs(h, vsn);
    if (!done) {
        json_t *answer = oom_ask(h, verb, target(to));

        if (!json_object_get(answer, "result") && !runs(h, vsn))
            fail_msg("refused for good: %s", json_dumps(answer, 0));
        json_decref(answer);
    }
    assert_true(runs(h, vsn));
    assert_int_equal(counts(h), 3);
}

static void go_up(struct host *h)
{
    struct oom_armed armed = oom_hold();

    oom_go_on(armed);
    change(h, "upgrade", "2.0.0");
    oom_go_on(armed);
    change(h, "downgrade", "1.0.0");
}

static void versions_change_or_stay(void **state)
{
    struct host *h = *state;
    static const char *const stage[] = {"--on-drop", "stage", NULL};

    drop("samples/counter-1.0.0");
    oom_start(h, stage);
    json_decref(oom_ask(h, "call", talk_message("counter", "{\"add\": 3}")));
    json_decref(oom_ask(h, "unpack",
                        json_pack("{s:[s]}", "files", built("samples/counter-2.0.0"))));
    oom_sweep(h, "upgrading", 17, go_up);
    oom_stop(h);
}

/* -- a file that is dropped -- */

static void clear(void)
{
    nftw(in_folder("data"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    nftw(in_folder("plugins"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    mkdir(in_folder("plugins"), 0700);
}

static void drop_another(struct host *h)
{
    struct oom_armed armed = oom_hold();
    time_t end = time(NULL) + PATIENCE_MS / 1000;

    clear();
    truncate(in_folder("host.log"), 0);
    start_with_counter(h);
    json_decref(oom_ask(h, "call", talk_message("counter", "{\"add\": 3}")));
    oom_go_on(armed);
    drop("samples/counter-1.1.0");
    do { /* it is noticed some time, and if only by an event that there is no room for */
        oom_settle(h);
        if (time(NULL) > end)
            fail_msg("the file was not noticed");
    } while (!host_log_has("counter-1.1.0.so") && !host_log_has("missed") &&
             !host_log_has("could not be recorded") && !host_log_has("plugin.refused"));
    oom_settle(h);
    oom_disarm();
    assert_int_equal(counts(h), 3);
    drop_as("samples/counter-1.1.0", "again.so");
    while (!runs(h, "1.1.0")) { /* it may be there, and wait to be asked for */
        oom_try(h, "upgrade", target("counter@1.1.0"));
        if (time(NULL) > end)
            fail_msg("1.1.0 does not run");
    }
    assert_int_equal(counts(h), 3);
    host_stop(h);
}

static void a_file_that_there_was_no_memory_for_can_be_dropped_again(void **state)
{
    oom_sweep(*state, "dropping", 13, drop_another);
}

/* -- beginning and end -- */

static void start_and_stop(struct host *h)
{
    bool is_ready;

    truncate(in_folder("host.log"), 0);
    is_ready = oom_try_start(h);
    oom_disarm();
    assert_false(host_log_has("record_bad"));
    if (is_ready) {
        host_stop(h);
    } else {
        int status = host_wait(h);

        if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) {
            fprintf(stderr, "%s", host_log());
            fail_msg("it ended with status %#x", (unsigned)status);
        }
    }
}

static void a_host_starts_or_says_why_not(void **state)
{
    drop("samples/counter-1.0.0");
    oom_sweep(*state, "starting", 3, start_and_stop);
}

static void stop_it(struct host *h)
{
    struct oom_armed armed = oom_hold();

    start_with_counter(h);
    oom_go_on(armed);
    host_stop(h);
    oom_disarm();
}

static void a_host_stops(void **state)
{
    oom_sweep(*state, "stopping", 5, stop_it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_TEST(a_host_without_memory_says_so_to_who_asks),
        OOM_TEST(a_server_that_ended_is_started_again),
        OOM_TEST(managers_and_statems_go_on_or_are_started_again),
        OOM_TEST(tasks_are_done_or_refused),
        OOM_TEST(versions_change_or_stay),
        OOM_TEST(a_file_that_there_was_no_memory_for_can_be_dropped_again),
        OOM_TEST(a_host_starts_or_says_why_not),
        OOM_TEST(a_host_stops),
    };

    oom_begin();
    return cmocka_run_group_tests_name("oom_sweep", tests, NULL, NULL);
}
