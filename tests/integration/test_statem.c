/* SPDX-License-Identifier: Apache-2.0 */
/* A statem on a real host, upgraded while its state timeout runs and calls are postponed. */
#include "test.h"

#include <string.h>

#include "host_fixture.h"

#define OPENS_MS "4000" /* long enough for what is to happen before */

static void start_latch(struct host *h)
{
    drop("integration/latch-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
}

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

static const char *state_of(struct host *h)
{
    return text_at(host_ask(h, "state", json_pack("{s:s}", "name", "latch")),
                   "state.state");
}

/* A call that waits for the latch to open, which it will in OPENS_MS. */
static json_int_t wait_at(struct host *h)
{
    json_int_t id;

    host_call(h, "latch", "{\"open in\": " OPENS_MS "}");
    id = talk_ask(h->talk, "call", talk_message("latch", "\"pass\""));
    assert_string_equal(state_of(h), "shut"); /* and the call before it is postponed */
    return id;
}

static json_int_t passed(struct host *h, json_int_t id)
{
    return int_at(talk_answer(h->talk, id), "result");
}

static void a_timeout_and_a_postponed_call_survive_an_upgrade_by_schema(void **state)
{
    struct host *h = *state;
    json_int_t id;
    json_t *report;

    start_latch(h);
    stage(h, "integration/latch-1.1.0", "1.1.0");
    id = wait_at(h);
    report = host_change(h, "upgrade", "latch@1.1.0");
    assert_int_equal(int_at(report, "moved.schema"), 1);
    assert_false(talk_has_answer(h->talk, id));
    assert_int_equal(passed(h, id), 1);
    assert_string_equal(state_of(h), "open");
    assert_int_equal(int_at(host_ask(h, "state", json_pack("{s:s}", "name", "latch")),
                            "state.timeouts"),
                     1); /* it was the new version that it opened in */
    host_stop(h);
}

static void and_one_by_code_change_that_renames_the_state(void **state)
{
    struct host *h = *state;
    json_int_t id;
    json_t *report;

    start_latch(h);
    stage(h, "integration/latch-2.0.0", "2.0.0");
    id = wait_at(h);
    report = host_change(h, "upgrade", "latch@2.0.0");
    assert_int_equal(int_at(report, "moved.code_change"), 1);
    assert_string_equal(state_of(h), "closed");
    assert_false(talk_has_answer(h->talk, id));
    host_change(h, "downgrade", "latch@1.0.0");
    assert_string_equal(state_of(h), "shut");
    host_change(h, "upgrade", "latch@2.0.0");
    assert_int_equal(passed(h, id), 101);
    assert_string_equal(state_of(h), "open");
    host_stop(h);
}

static void a_version_without_the_state_it_is_in_is_refused(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_latch(h);
    stage(h, "integration/latch_ajar", "1.2.0");
    host_call(h, "latch", "{\"open in\": 0}");
    assert_int_equal(host_call_int(h, "latch", "\"pass\""), 1);
    why = host_change_refused(h, "upgrade", "latch@1.2.0");
    assert_string_equal(text_at(why, "data.step"), "rehearse");
    assert_has(text_at(why, "message"),
               "is in state 'open', which 1.2.0 does not have");
    assert_int_equal(host_call_int(h, "latch", "\"pass\""), 2);
    assert_string_equal(host_vsn(h, "latch"), "1.0.0");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_timeout_and_a_postponed_call_survive_an_upgrade_by_schema),
        HOST_TEST(and_one_by_code_change_that_renames_the_state),
        HOST_TEST(a_version_without_the_state_it_is_in_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
