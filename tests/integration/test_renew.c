/* SPDX-License-Identifier: Apache-2.0 */
/* Children that an upgrade has other args for: they go on, or are started anew. */
#include "test.h"

#include <string.h>

#include "host_fixture.h"

static void start(struct host *h)
{
    static const char *const names[] = {"kept", "anew", "below", "same"};

    drop("integration/stand-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/stand-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        host_call(h, names[i], "{\"add\": 5}");
}

static void assert_stands(struct host *h, const char *name, int shelf, int count)
{
    json_t *got = host_call(h, name, "\"get\"");

    assert_int_equal(int_at(got, "shelf"), shelf);
    assert_int_equal(int_at(got, "count"), count);
}

static void let_start(struct host *h, bool open)
{
    host_ask(h, "env",
             json_pack("{s:s, s:s, s:b}", "application", "stand", "key", "open",
                       "value", open));
}

static void only_those_that_say_so_are_started_anew(void **state)
{
    struct host *h = *state;
    json_t *report;

    start(h);
    report = host_change(h, "upgrade", "stand@2.0.0");
    assert_int_equal(int_at(report, "moved.pointer"), 4);
    assert_int_equal(int_at(report, "moved.renewed"), 2);
    assert_stands(h, "kept", 1, 5);
    assert_stands(h, "same", 0, 5);
    assert_stands(h, "anew", 2, 0);
    assert_stands(h, "below", 2, 0);
    host_event(h, "server.renew", "server", "anew");
    assert_int_equal(host_events(h, "server.restart"), 0);
    host_change(h, "downgrade", "stand@1.0.0");
    assert_stands(h, "kept", 1, 5);
    assert_stands(h, "anew", 1, 0);
    host_stop(h);
}

static void the_others_have_other_args_when_they_start_again(void **state)
{
    struct host *h = *state;

    start(h);
    host_change(h, "upgrade", "stand@2.0.0");
    host_ask(h, "cast", talk_message("kept", "\"fall\""));
    host_event(h, "server.restart", "server", "kept");
    assert_stands(h, "kept", 2, 0);
    host_stop(h);
}

static void a_plan_says_which(void **state)
{
    struct host *h = *state;
    json_t *plan, *step;
    unsigned found = 0;
    size_t i;

    start(h);
    plan = host_ask(h, "upgrade",
                    json_pack("{s:[s], s:b}", "targets", "stand", "plan", 1));
    json_array_foreach(at(plan, "steps"), i, step)
    {
        const char *text = text_at(step, "text");

        found += strcmp(text, "'kept' moves by pointer: its child spec is another; it "
                              "has other args from its next start on") == 0;
        found += strcmp(text, "'anew' moves by pointer: its child spec is another; it "
                              "is started anew then, with other args") == 0;
        found +=
            strcmp(text, "'row/below' moves by pointer: its child spec is another; "
                         "it is started anew then, with other args") == 0;
    }
    assert_int_equal(found, 3);
    assert_stands(h, "anew", 1, 5);
    host_stop(h);
}

/* `anew` waits a moment before each further start. */
static void one_that_does_not_start_anew_is_tried_again(void **state)
{
    struct host *h = *state;

    start(h);
    let_start(h, false);
    host_change(h, "upgrade", "stand@2.0.0");
    host_event(h, "server.start_failed", "server", "anew");
    assert_string_equal(host_vsn(h, "stand"), "2.0.0");
    let_start(h, true);
    host_event(h, "server.restart", "server", "anew");
    assert_stands(h, "anew", 2, 0);
    assert_stands(h, "kept", 1, 5);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(only_those_that_say_so_are_started_anew),
        HOST_TEST(the_others_have_other_args_when_they_start_again),
        HOST_TEST(a_plan_says_which),
        HOST_TEST(one_that_does_not_start_anew_is_tried_again),
    };

    return cmocka_run_group_tests_name("renew", tests, NULL, NULL);
}
