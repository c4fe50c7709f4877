/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that wait while their server goes to a version that reads them differently. */
#include "test.h"

#include <string.h>

#include "host_fixture.h"

/* A host with purse 1.0.0, and `next` at hand. */
static void start(struct host *h, const char *next, const char *vsn)
{
    drop("integration/purse-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
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
    host_call(h, "purse", "{\"after\": [200, 9]}");
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

/* With that amount among others the upgrade is refused, and nothing has changed. */
static void assert_refused(struct host *h, int amount, const char *words)
{
    json_t *error;
    json_int_t id;

    start(h, "integration/purse-2.0.0", "2.0.0");
    host_call(h, "purse", "{\"after\": [100, 9]}");
    suspend(h, "purse");
    cast(h, "purse", 1);
    cast(h, "purse", amount);
    id = talk_ask(h->talk, "call", message("purse", 3, NULL));
    error = host_change_refused(h, "upgrade", "purse@2.0.0");
    assert_string_equal(text_at(error, "data.step"), "migrate");
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
        HOST_TEST(one_that_is_refused_refuses_the_upgrade),
        HOST_TEST(so_does_one_that_it_crashes_on),
        HOST_TEST(so_does_one_that_becomes_nothing),
        HOST_TEST(a_version_without_a_message_change_is_refused),
    };

    return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
