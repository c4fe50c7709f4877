/* SPDX-License-Identifier: Apache-2.0 */
/* The sample jobs: a queue and supervised workers, and its upgrade in the middle of it. */
#include "test.h"

#include <stdio.h>

#include "host_fixture.h"

#define JOBS 60

static void start_jobs(struct host *h)
{
    drop("samples/jobs-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("samples/jobs-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
}

static json_int_t ask_jobs(struct host *h, const char *verb, const char *text)
{
    char message[100];
    json_t *params;

    snprintf(message, sizeof(message), "{\"%s\": \"%s\"}", verb, text);
    params = talk_message("jobs", message);
    json_object_set_new(params, "timeout_ms", json_integer(PATIENCE_MS));
    return talk_ask(h->talk, "call", params);
}

static const char *result_of(struct host *h, json_int_t id)
{
    return text_at(talk_answer(h->talk, id), "result");
}

static const char *run(struct host *h, const char *text)
{
    return result_of(h, ask_jobs(h, "run", text));
}

static json_int_t status(struct host *h, const char *what)
{
    return int_at(host_call(h, "jobs", "\"status\""), what);
}

static void see_faults(struct host *h, int count)
{
    for (int i = 0; i < count; i++)
        host_event(h, "server.fault", "app", "jobs");
}

static void a_job_is_done_by_a_worker(void **state)
{
    struct host *h = *state;

    start_jobs(h);
    assert_string_equal(run(h, "hello"), "HELLO");
    assert_int_equal(host_call_int(h, "jobs", "{\"push\": \"later\"}"), 2);
    assert_string_equal(run(h, "last"), "LAST");
    host_stop(h);
}

static void what_fails_is_tried_again_by_another_worker(void **state)
{
    struct host *h = *state;

    start_jobs(h);
    assert_string_equal(run(h, "flaky one"), "FLAKY ONE");
    host_event(h, "server.restart", NULL, NULL);
    assert_int_equal(status(h, "failed"), 0);
    host_stop(h);
}

static void what_fails_always_is_given_up(void **state)
{
    struct host *h = *state;
    json_t *answer;

    start_jobs(h);
    answer = talk_answer(h->talk, ask_jobs(h, "run", "crash"));
    assert_has(text_at(answer, "error.message"), "failed again and again");
    assert_int_equal(status(h, "failed"), 1);
    see_faults(h, 3);
    assert_string_equal(run(h, "after that"), "AFTER THAT");
    host_stop(h);
}

/* What each comes to, with or without the mark that 2.0.0 makes. */
static void assert_all_done(struct host *h, const json_int_t *ids)
{
    for (int i = 0; i < JOBS; i++) {
        char wanted[40];

        snprintf(wanted, sizeof(wanted), i % 10 ? "JOB %d" : "FLAKY %d", i);
        assert_has(result_of(h, ids[i]), wanted);
    }
}

static void an_upgrade_loses_no_job_and_no_client(void **state)
{
    struct host *h = *state;
    json_int_t ids[JOBS], upgrade = 0;

    start_jobs(h);
    for (int i = 0; i < JOBS; i++) {
        char text[40];

        snprintf(text, sizeof(text), i % 10 ? "job %d" : "flaky %d", i);
        ids[i] = ask_jobs(h, "run", text);
        if (i == JOBS / 2)
            upgrade = talk_ask(h->talk, "upgrade", target("jobs@2.0.0"));
    }
    assert_int_equal(int_at(talk_answer(h->talk, upgrade), "result.moved.schema"), 1);
    assert_all_done(h, ids);
    assert_int_equal(status(h, "done"), JOBS);
    assert_int_equal(status(h, "waiting"), 0);
    assert_string_equal(host_vsn(h, "jobs"), "2.0.0");
    assert_string_equal(run(h, "new"), "NEW!");
    host_stop(h);
}

/* It has failed in the old version, and is tried again and given up in the new one. */
static void a_job_that_is_carried_over_keeps_how_often_it_was_tried(void **state)
{
    struct host *h = *state;
    json_int_t ids[3];

    start_jobs(h);
    for (int i = 0; i < 3; i++)
        ids[i] = ask_jobs(h, "run", "crash");
    see_faults(h, 1);
    host_change(h, "upgrade", "jobs@2.0.0");
    for (int i = 0; i < 3; i++)
        assert_has(text_at(talk_answer(h->talk, ids[i]), "error.message"),
                   "failed again and again");
    see_faults(h, 8); /* three for each, as if there had been no upgrade */
    host_change(h, "downgrade", "jobs@1.0.0");
    assert_int_equal(status(h, "failed"), 3);
    assert_string_equal(run(h, "old"), "OLD");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_job_is_done_by_a_worker),
        HOST_TEST(what_fails_is_tried_again_by_another_worker),
        HOST_TEST(what_fails_always_is_given_up),
        HOST_TEST(an_upgrade_loses_no_job_and_no_client),
        HOST_TEST(a_job_that_is_carried_over_keeps_how_often_it_was_tried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
