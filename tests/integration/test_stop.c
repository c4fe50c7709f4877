/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a host: in order, and within the times that its children are given. */
#include "test.h"

#include <signal.h>
#include <time.h>

#include "host_fixture.h"
#include "program.h"

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The log has these, in this order. */
static void log_has_in_order(const char *const *words)
{
    char *log = host_log(), *at = log;

    for (; *words; words++) {
        at = strstr(at, *words);
        if (!at) {
            fprintf(stderr, "the host said:\n%s\n", log);
            free(log);
            fail_msg("there is no '%s', or not in this order", *words);
        }
        at++;
    }
    free(log);
}

static void start_crew(struct host *h)
{
    drop("samples/counter-1.0.0");
    drop("integration/crew-1.0.0");
    drop("integration/gate");
    host_start(h, NULL);
    host_call_int(h, "counter", "\"bump\"");
}

/* Applications end in the reverse order of their start, and so do children. */
static void ended_in_order(struct host *h)
{
    static const char *const order[] = {"host.stop",
                                        "application.stop app=gate",
                                        "server=b app=crew text=gone",
                                        "server=a app=crew text=gone",
                                        "application.stop app=crew",
                                        "application.stop app=counter",
                                        "host.stopped",
                                        NULL};

    host_ended(h);
    log_has_in_order(order);
    assert_false(
        host_log_has("server=c app=crew text=gone")); /* it is killed at once */
    assert_false(host_log_has("server.exit"));
}

static void a_sigterm_ends_it_in_order(void **state)
{
    struct host *h = *state;

    start_crew(h);
    kill(h->pid, SIGTERM);
    assert_string_equal(host_told(h), "STOPPING=1");
    ended_in_order(h);
    assert_true(host_log_has("signal=SIGTERM"));
}

static void a_sigint_ends_it_in_order(void **state)
{
    struct host *h = *state;

    start_crew(h);
    kill(h->pid, SIGINT);
    assert_string_equal(host_told(h), "STOPPING=1");
    ended_in_order(h);
    assert_true(host_log_has("signal=SIGINT"));
}

static void moult_stop_ends_it_in_order_and_waits_for_that(void **state)
{
    struct host *h = *state;

    start_crew(h);
    assert_int_equal(moult(h->socket, "stop", NULL)->status, 0);
    assert_int_not_equal(access(in_folder("moult.sock"), F_OK), 0);
    ended_in_order(h);
    assert_int_equal(moult(h->socket, "stop", NULL)->status, 3);
}

static void a_server_that_does_not_end_in_its_time_is_killed(void **state)
{
    struct host *h = *state;
    int64_t began, took;

    drop("integration/gate");
    drop("integration/lingers"); /* which is given 200 ms */
    host_start(h, NULL);
    talk_ask(h->talk, "call", talk_message("lingers", "{\"do\": [\"gate\"]}"));
    host_event(h, "plugin.log", "text", "waits");
    began = now_ms();
    kill(h->pid, SIGTERM);
    host_ended(h);
    took = now_ms() - began;
    assert_true(took >= 200);
    assert_true(took < 5000 + PATIENCE_MS / 10);
    assert_false(host_log_has("server=lingers app=lingers text=gone"));
}

static void a_server_that_ends_in_its_time_is_waited_for(void **state)
{
    static const char *const order[] = {"host.stop", "server=a app=crew text=gone",
                                        "application.stop app=crew", NULL};
    struct host *h = *state;

    start_crew(h);
    /* In a callback when the end comes, and out of it because gate ends before. */
    talk_ask(h->talk, "call", talk_message("a", "{\"do\": [\"gate\", \"bump\"]}"));
    host_event(h, "plugin.log", "text", "waits");
    kill(h->pid, SIGTERM);
    host_ended(h);
    log_has_in_order(order);
}

static void clients_are_hung_up_on(void **state)
{
    struct host *h = *state;
    struct talk *idle, *waiting, *silent;
    char junk[1000];

    start_crew(h);
    idle = talk_open(h->socket);
    silent = talk_open(h->socket);
    waiting = talk_open(h->socket);
    memset(junk, 'x', sizeof(junk));
    talk_send(silent, junk, sizeof(junk)); /* half a request */
    talk_ask(waiting, "call", talk_message("a", "{\"do\": [\"gate\"]}"));
    host_event(h, "plugin.log", "text", "waits");
    kill(h->pid, SIGTERM);
    assert_null(talk_hear(idle));
    assert_null(talk_hear(silent));
    while (talk_hear(waiting)) /* an error, or nothing more */
        ;
    host_ended(h);
    talk_close(idle);
    talk_close(silent);
    talk_close(waiting);
}

static void ten_thousand_servers_end(void **state)
{
    struct host *h = *state;

    drop("integration/many-1.0.0");
    host_start(h, NULL);
    assert_int_equal(int_at(host_ask(h, "status", NULL), "processes"), 10002);
    host_stop(h);
    assert_true(host_log_has("application.stop"));
}

/* What was asked before is done before the end. */
static void an_upgrade_that_was_asked_for_is_finished(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("samples/counter-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    talk_ask(h->talk, "upgrade", target("counter@1.1.0"));
    talk_notice(h->talk, "progress");
    kill(h->pid, SIGTERM);
    host_ended(h);
    assert_string_equal(recorded_vsn("counter"), "1.1.0");
}

static void signals_that_come_thick_end_it_once(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    for (int i = 0; i < 3; i++) {
        host_start(h, NULL);
        kill(h->pid, SIGTERM);
        kill(h->pid, SIGINT);
        kill(h->pid, SIGTERM);
        host_ended(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_sigterm_ends_it_in_order),
        HOST_TEST(a_sigint_ends_it_in_order),
        HOST_TEST(moult_stop_ends_it_in_order_and_waits_for_that),
        HOST_TEST(a_server_that_does_not_end_in_its_time_is_killed),
        HOST_TEST(a_server_that_ends_in_its_time_is_waited_for),
        HOST_TEST(clients_are_hung_up_on),
        HOST_TEST(ten_thousand_servers_end),
        HOST_TEST(an_upgrade_that_was_asked_for_is_finished),
        HOST_TEST(signals_that_come_thick_end_it_once),
    };

    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
