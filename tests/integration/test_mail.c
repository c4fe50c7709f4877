/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that wait while their server goes to a version that reads them differently. */
#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host_fixture.h"
#include "program.h"

/* A host with purse 1.0.0, and `next` at hand. */
static void start(struct host *h, const char *next, const char *vsn)
{
    drop("integration/purse-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop(next);
    host_event(h, "plugin.staged", "vsn", vsn);
}

static void stage(struct host *h, const char *next, const char *vsn)
{
    drop(next);
    host_event(h, "plugin.staged", "vsn", vsn);
}

static void suspend(struct host *h, const char *name)
{
    host_ask(h, "suspend", json_pack("{s:s}", "name", name));
}

static void resume(struct host *h, const char *name)
{
    host_ask(h, "resume", json_pack("{s:s}", "name", name));
}

static json_t *message(const char *name, int amount, const char *pad)
{
    return json_pack("{s:s, s:{s:i, s:s*}}", "name", name, "message", "add", amount,
                     "pad", pad);
}

static void cast(struct host *h, const char *name, int amount)
{
    host_ask(h, "cast", message(name, amount, NULL));
}

static void assert_has_pence(struct host *h, const char *name, int pence, int calls,
                             int casts)
{
    json_t *got = host_call(h, name, "\"get\"");

    assert_int_equal(int_at(got, "pence"), pence);
    assert_int_equal(int_at(got, "carried.call"), calls);
    assert_int_equal(int_at(got, "carried.cast"), casts);
}

static void what_waits_is_read_as_it_was_meant(void **state)
{
    struct host *h = *state;
    json_int_t id;

    start(h, "integration/purse-2.0.0", "2.0.0");
    suspend(h, "purse");
    cast(h, "purse", 5);
    host_ask(h, "cast",
             message("purse", 7,
                     "that it does not fit into an envelope, which "
                     "has room for a short one, and not for this"));
    id = talk_ask(h->talk, "call", message("purse", 3, NULL));
    host_change(h, "upgrade", "purse@2.0.0");
    resume(h, "purse");
    assert_int_equal(int_at(talk_answer(h->talk, id), "result.pence"), 1500);
    assert_has_pence(h, "purse", 1500, 1, 2);
    cast(h, "purse", 5); /* in the new format */
    assert_has_pence(h, "purse", 1505, 1, 2);
    host_stop(h);
}

static void so_is_what_a_timer_sends_later(void **state)
{
    struct host *h = *state;
    json_t *got;

    start(h, "integration/purse-2.0.0", "2.0.0");
    host_call(h, "purse", "{\"after\": [1500, 9]}");
    host_change(h, "upgrade", "purse@2.0.0");
    host_event(h, "plugin.log", "text", "pence=900");
    got = host_call(h, "purse", "\"get\"");
    assert_int_equal(int_at(got, "carried.info"), 1);
    host_stop(h);
}

static void so_is_what_one_sends_again_and_again(void **state)
{
    struct host *h = *state;

    start(h, "integration/purse-2.0.0", "2.0.0");
    suspend(h, "purse");
    resume(h, "purse");
    host_call(h, "purse", "{\"every\": [20, 1]}");
    host_event(h, "plugin.log", "text", "pence=100");
    host_change(h, "upgrade", "purse@2.0.0");
    host_event(h, "plugin.log", "text", "pence=1500");
    host_change(h, "downgrade", "purse@1.0.0");
    host_event(h, "plugin.log", "text", "pence=3000");
    host_call(h, "purse", "\"stop\"");
    host_stop(h);
}

static void a_timer_that_was_carried_can_be_stopped(void **state)
{
    struct host *h = *state;

    start(h, "integration/purse-2.0.0", "2.0.0");
    host_call(h, "purse", "{\"after\": [3600000, 9]}");
    host_change(h, "upgrade", "purse@2.0.0");
    host_call(h, "purse", "\"stop\"");
    assert_has_pence(h, "purse", 0, 0, 0);
    host_stop(h);
}

static void so_is_what_a_statem_has_postponed(void **state)
{
    struct host *h = *state;
    json_int_t id;

    start(h, "integration/purse-2.0.0", "2.0.0");
    cast(h, "till", 5);
    id = talk_ask(h->talk, "call", message("till", 3, NULL));
    host_ask(h, "state", json_pack("{s:s}", "name", "till"));
    host_change(h, "upgrade", "purse@2.0.0");
    host_call(h, "till", "\"open\"");
    assert_int_equal(int_at(talk_answer(h->talk, id), "result.pence"), 800);
    assert_has_pence(h, "till", 800, 1, 1);
    host_stop(h);
}

static void the_newer_format_s_version_carries_it_back_as_well(void **state)
{
    struct host *h = *state;

    start(h, "integration/purse-2.1.0", "2.1.0"); /* whose state is another, too */
    host_change(h, "upgrade", "purse@2.1.0");
    suspend(h, "purse");
    cast(h, "purse", 500);
    host_change(h, "downgrade", "purse@1.0.0");
    resume(h, "purse");
    assert_has_pence(h, "purse", 500, 0, 1);
    host_stop(h);
}

static void one_that_was_carried_is_carried_again(void **state)
{
    struct host *h = *state;

    start(h, "integration/purse-2.0.0", "2.0.0");
    suspend(h, "purse");
    cast(h, "purse", 5);
    for (int i = 0; i < 5; i++) {
        host_change(h, "upgrade", "purse@2.0.0");
        host_change(h, "downgrade", "purse@1.0.0");
    }
    host_change(h, "upgrade", "purse@2.0.0");
    resume(h, "purse");
    assert_has_pence(h, "purse", 500, 0, 1);
    host_stop(h);
}

static void versions_of_one_format_leave_it_as_it_is(void **state)
{
    struct host *h = *state;

    start(h, "integration/purse-1.1.0", "1.1.0");
    suspend(h, "purse");
    cast(h, "purse", 666);
    host_change(h, "upgrade", "purse@1.1.0");
    resume(h, "purse");
    assert_has_pence(h, "purse", 66600, 0, 0);
    host_stop(h);
}

static void each_version_between_carries_it_on(void **state)
{
    struct host *h = *state;
    json_t *report;
    json_int_t id;

    start(h, "integration/purse-2.0.0", "2.0.0");
    stage(h, "integration/purse-3.1.0", "3.1.0");
    suspend(h, "purse");
    cast(h, "purse", 5);
    id = talk_ask(h->talk, "call", message("purse", 3, NULL));
    cast(h, "till", 9);
    report = host_change(h, "upgrade", "purse@3.1.0");
    assert_string_equal(json_string_value(json_array_get(at(report, "via"), 0)),
                        "2.0.0");
    assert_int_equal(int_at(report, "rehearsed_messages"), 3);
    resume(h, "purse");
    assert_int_equal(int_at(talk_answer(h->talk, id), "result.pence"), 800);
    assert_has_pence(h, "purse", 800, 1, 1);
    host_stop(h);
}

static void and_back_again(void **state)
{
    struct host *h = *state;

    start(h, "integration/purse-2.0.0", "2.0.0");
    stage(h, "integration/purse-3.1.0", "3.1.0");
    host_change(h, "upgrade", "purse@3.1.0");
    suspend(h, "purse");
    cast(h, "purse", 5000);
    host_change(h, "downgrade", "purse@1.0.0");
    resume(h, "purse");
    assert_has_pence(h, "purse", 500, 0, 1);
    host_stop(h);
}

static void without_one_between_there_is_no_way(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h, "integration/purse-3.1.0", "3.1.0");
    error = host_change_refused(h, "upgrade", "purse@3.1.0");
    assert_has(text_at(error, "message"),
               "message_change of server 'purse' in 3.1.0 goes no further back than "
               "format 1, and in 1.0.0 it has 0");
    assert_string_equal(text_at(error, "data.step"), "plan");
    host_stop(h);
}

/* Of 250 that wait there are 100 that are tried. */
static void a_bounded_number_is_rehearsed(void **state)
{
    struct host *h = *state;
    json_t *report;

    start(h, "integration/purse-2.0.0", "2.0.0");
    suspend(h, "purse");
    for (int i = 0; i < 250; i++)
        cast(h, "purse", 1);
    report = host_ask(h, "rehearse", json_pack("{s:[s]}", "targets", "purse@2.0.0"));
    assert_int_equal(int_at(report, "rehearsed_messages"), 100);
    assert_int_equal(int_at(report, "rehearsed"), 2);
    resume(h, "purse");
    assert_has_pence(h, "purse", 25000, 0, 0);
    host_stop(h);
}

static bool has_step(const json_t *plan, const char *text)
{
    json_t *step;
    size_t i;

    json_array_foreach(at(plan, "steps"), i, step)
    {
        if (strcmp(text_at(step, "text"), text) == 0)
            return true;
    }
    return false;
}

static void a_plan_says_that_messages_are_carried(void **state)
{
    struct host *h = *state;
    json_t *plan;

    start(h, "integration/purse-2.0.0", "2.0.0");
    stage(h, "integration/purse-3.1.0", "3.1.0");
    plan = host_ask(h, "upgrade",
                    json_pack("{s:[s], s:b}", "targets", "purse@3.1.0", "plan", 1));
    assert_true(has_step(plan, "'purse' moves by pointer: nothing changed; what waits "
                               "for it by message_change (0 -> 1 -> 2)"));
    assert_true(
        has_step(plan, "of 2 live states a copy is carried in another process"));
    host_stop(h);
}

static void none_is_where_none_is_changed(void **state)
{
    struct host *h = *state;
    json_t *report;

    start(h, "integration/purse-1.1.0", "1.1.0");
    suspend(h, "purse");
    cast(h, "purse", 666);
    report = host_ask(h, "rehearse", json_pack("{s:[s]}", "targets", "purse@1.1.0"));
    assert_int_equal(int_at(report, "rehearsed_messages"), 0);
    resume(h, "purse");
    host_stop(h);
}

/* A host whose states and messages are tried as `rehearse` says. */
static void start_rehearsing(struct host *h, const char *rehearse)
{
    drop("integration/purse-1.0.0");
    host_start(h, "--on-drop", "stage", "--rehearse", rehearse, NULL);
    stage(h, "integration/purse-2.0.0", "2.0.0");
}

/* With that amount among others the upgrade is refused, and nothing has changed. */
static void assert_refused_at(struct host *h, const char *step, int amount,
                              const char *words)
{
    json_t *error;
    json_int_t id;

    start_rehearsing(h, strcmp(step, "rehearse") == 0 ? "all" : "off");
    host_call(h, "purse", "{\"after\": [100, 9]}");
    suspend(h, "purse");
    cast(h, "purse", 1);
    cast(h, "purse", amount);
    id = talk_ask(h->talk, "call", message("purse", 3, NULL));
    error = host_change_refused(h, "upgrade", "purse@2.0.0");
    assert_string_equal(text_at(error, "data.step"), step);
    assert_string_equal(text_at(error, "data.server"), "purse");
    assert_string_equal(text_at(error, "data.field"), "message_change");
    assert_has(text_at(error, "message"), words);
    assert_string_equal(host_vsn(h, "purse"), "1.0.0");
    resume(h, "purse");
    talk_answer(h->talk, id);
    host_event(h, "plugin.log", "text", "pence=");
    assert_has_pence(h, "purse", (1 + amount + 3 + 9) * 100, 0, 0);
    assert_int_equal(host_events(h, "server.restart"), 0);
    host_stop(h);
}

static void assert_refused(struct host *h, int amount, const char *words)
{
    assert_refused_at(h, "rehearse", amount, words);
    nftw(in_folder("data"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    unlink(in_folder("plugins/purse-2.0.0.so"));
    assert_refused_at(h, "migrate", amount, words);
}

static void one_that_is_refused_refuses_the_upgrade(void **state)
{
    assert_refused(*state, 666,
                   "message_change of server 'purse' refuses to take a message "
                   "from format 0 to 1");
}

static void so_does_one_that_it_crashes_on(void **state)
{
    assert_refused(*state, 667, "SIGSEGV");
}

static void so_does_one_that_becomes_nothing(void **state)
{
    assert_refused(*state, 668, "does not write one item");
}

static const struct ran *check_kept(const char *next)
{
    char one[300], two[300];

    snprintf(one, sizeof(one), "%s", built("integration/purse-1.0.0"));
    snprintf(two, sizeof(two), "%s", built(next));
    return moult(NULL, "check", two, one, "--states", "purse.states", NULL);
}

static json_t *keep(struct host *h)
{
    return host_ask(h, "snapshot",
                    json_pack("{s:s, s:s}", "application", "purse", "file",
                              in_folder("purse.states")));
}

static void what_was_kept_is_carried_without_a_host(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    start(h, "integration/purse-1.1.0", "1.1.0");
    suspend(h, "purse");
    cast(h, "purse", 5);
    assert_int_equal(int_at(keep(h), "messages"), 1);
    ran = check_kept("integration/purse-2.0.0");
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "2 live states were carried, and the messages");
    cast(h, "purse", 666);
    keep(h);
    host_stop(h);
    assert_int_equal(check_kept("integration/purse-1.1.0")->status, 0);
    ran = check_kept("integration/purse-2.0.0");
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "message_change of server 'purse' refuses");
    ran = check_kept("integration/purse_no_change");
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "3.0.0 has no message_change");
}

static void a_version_without_a_message_change_is_refused(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h, "integration/purse_no_change", "3.0.0");
    error = host_change_refused(h, "upgrade", "purse@3.0.0");
    assert_has(text_at(error, "message"),
               "server 'purse' has message_format 0 in 1.0.0 and 2 in 3.0.0, and 3.0.0 "
               "has no message_change");
    assert_string_equal(text_at(error, "data.step"), "plan");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(what_waits_is_read_as_it_was_meant),
        HOST_TEST(so_is_what_a_timer_sends_later),
        HOST_TEST(so_is_what_one_sends_again_and_again),
        HOST_TEST(a_timer_that_was_carried_can_be_stopped),
        HOST_TEST(so_is_what_a_statem_has_postponed),
        HOST_TEST(the_newer_format_s_version_carries_it_back_as_well),
        HOST_TEST(one_that_was_carried_is_carried_again),
        HOST_TEST(versions_of_one_format_leave_it_as_it_is),
        HOST_TEST(each_version_between_carries_it_on),
        HOST_TEST(and_back_again),
        HOST_TEST(without_one_between_there_is_no_way),
        HOST_TEST(a_bounded_number_is_rehearsed),
        HOST_TEST(a_plan_says_that_messages_are_carried),
        HOST_TEST(none_is_where_none_is_changed),
        HOST_TEST(what_was_kept_is_carried_without_a_host),
        HOST_TEST(one_that_is_refused_refuses_the_upgrade),
        HOST_TEST(so_does_one_that_it_crashes_on),
        HOST_TEST(so_does_one_that_becomes_nothing),
        HOST_TEST(a_version_without_a_message_change_is_refused),
    };

    return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
