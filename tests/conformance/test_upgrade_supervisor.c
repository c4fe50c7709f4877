/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervisors below supervisors, on a real host and through upgrades: release_handler_SUITE,
 * upgrade_supervisor and upgrade_supervisor_fail.
 */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "host_fixture.h"

static void start_orchard(struct host *h)
{
    drop("integration/orchard-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    host_call(h, "clerk", "\"sow\"");
    host_call(h, "clerk", "{\"grow\": 1}");
    host_call(h, "clerk", "\"sow\"");
    assert_int_equal(host_call_int(h, "clerk", "{\"grow\": 5}"), 5);
    host_call(h, "x", "{\"add\": 3}");
}

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

/* The child `id` of `supervisor`, which must have it. */
static json_t *child(const json_t *supervisor, const char *id)
{
    json_t *c;
    size_t i;

    json_array_foreach(at(supervisor, "children"), i, c)
    {
        const char *text = json_string_value(json_object_get(c, "id"));

        if (text && strcmp(text, id) == 0)
            return c;
    }
    fail_msg("there is no child '%s'", id);
    return NULL;
}

static json_t *top(struct host *h)
{
    return at(json_array_get(at(host_ask(h, "tree", NULL), "applications"), 0),
              "supervisor");
}

static void the_tree_shows_supervisors_and_what_is_below_them(void **state)
{
    struct host *h = *state;
    json_t *pool, *grove;

    start_orchard(h);
    pool = child(top(h), "pool");
    assert_string_equal(text_at(pool, "type"), "supervisor");
    assert_string_equal(text_at(pool, "strategy"), "rest_for_one");
    assert_string_equal(text_at(child(pool, "x"), "status"), "running");
    assert_string_equal(text_at(child(pool, "y"), "type"), "worker");
    grove = child(top(h), "grove");
    assert_string_equal(text_at(grove, "strategy"), "simple_one_for_one");
    assert_int_equal(int_at(grove, "count"), 2);
    host_stop(h);
}

static void an_upgrade_reaches_below_supervisors(void **state)
{
    struct host *h = *state;
    json_t *report, *pool;

    start_orchard(h);
    stage(h, "integration/orchard-1.1.0", "1.1.0");
    report = host_change(h, "upgrade", "orchard@1.1.0");
    assert_int_equal(int_at(report, "servers"), 6); /* clerk, x, two of each */
    assert_int_equal(int_at(report, "moved.schema"), 5);
    assert_int_equal(int_at(report, "moved.added"), 4);
    assert_int_equal(int_at(report, "moved.removed"), 1);
    assert_int_equal(host_call_int(h, "clerk", "{\"grow\": 1}"), 6);
    assert_int_equal(host_call_int(h, "x", "{\"add\": 1}"), 4);
    assert_int_equal(host_call_int(h, "z", "{\"add\": 2}"), 2);
    assert_int_equal(host_call_int(h, "b", "{\"add\": 2}"), 2);
    assert_has(
        text_at(host_refuses(h, "call", talk_message("y", "{\"add\": 1}")), "message"),
        "y");
    pool = child(top(h), "pool");
    assert_int_equal(int_at(pool, "count"), 2);
    assert_string_equal(text_at(child(pool, "x"), "vsn"), "1.1.0");
    host_event(h, "image.close", "vsn", "1.0.0");
    host_call(h, "clerk", "\"sow\"");
    assert_int_equal(host_call_int(h, "clerk", "{\"grow\": 2}"), 2);
    host_stop(h);
}

static void a_monitor_outlives_an_upgrade(void **state)
{
    struct host *h = *state;

    start_orchard(h);
    host_call(h, "clerk", "\"watch\"");
    stage(h, "integration/orchard-1.1.0", "1.1.0");
    host_change(h, "upgrade", "orchard@1.1.0");
    host_call(h, "clerk", "\"fell\"");
    host_event(h, "plugin.log", "text", "a tree was felled");
    assert_int_equal(host_call_int(h, "clerk", "\"lost\""), 1);
    host_stop(h);
}

static void a_count_that_changes_starts_more_and_ends_the_rest(void **state)
{
    struct host *h = *state;

    start_orchard(h);
    stage(h, "integration/orchard-1.1.0", "1.1.0");
    host_call(h, "hive.1", "{\"add\": 5}");
    host_change(h, "upgrade", "orchard@1.1.0");
    assert_int_equal(host_call_int(h, "hive.1", "{\"add\": 1}"), 6);
    assert_int_equal(host_call_int(h, "hive.3", "{\"add\": 1}"), 1);
    host_change(h, "downgrade", "orchard@1.0.0");
    assert_int_equal(host_call_int(h, "hive.1", "{\"add\": 1}"), 7);
    assert_has(text_at(host_refuses(h, "call", talk_message("hive.2", "{\"add\": 1}")),
                       "message"),
               "hive.2");
    assert_int_equal(int_at(top(h), "count"), 5);
    host_stop(h);
}

static void and_so_does_a_downgrade(void **state)
{
    struct host *h = *state;

    start_orchard(h);
    stage(h, "integration/orchard-1.1.0", "1.1.0");
    host_change(h, "upgrade", "orchard@1.1.0");
    host_change(h, "downgrade", "orchard@1.0.0");
    assert_int_equal(host_call_int(h, "clerk", "{\"grow\": 1}"), 6);
    assert_int_equal(host_call_int(h, "x", "{\"add\": 1}"), 4);
    assert_int_equal(host_call_int(h, "y", "{\"add\": 2}"), 2);
    assert_int_equal(json_array_size(at(top(h), "children")), 5);
    host_event(h, "image.close", "vsn", "1.1.0");
    host_call(h, "clerk", "\"fell\"");
    assert_int_equal(int_at(child(top(h), "grove"), "count"), 1);
    host_stop(h);
}

static void assert_as_it_was(struct host *h)
{
    assert_string_equal(host_vsn(h, "orchard"), "1.0.0");
    assert_int_equal(host_call_int(h, "clerk", "{\"grow\": 1}"), 6);
    assert_int_equal(host_call_int(h, "x", "{\"add\": 1}"), 4);
    assert_int_equal(host_call_int(h, "y", "{\"add\": 2}"), 2);
    assert_int_equal(int_at(top(h), "count"), 5);
    assert_int_equal(int_at(child(top(h), "pool"), "count"), 2);
}

/* upgrade_supervisor_fail: there it ends the node. */
static void a_new_child_below_that_does_not_start_refuses_it(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_orchard(h);
    stage(h, "integration/orchard_refuses", "1.2.0");
    why = host_change_refused(h, "upgrade", "orchard@1.2.0");
    assert_has(text_at(why, "message"), "child 'z' failed to start: no ground for z");
    assert_as_it_was(h);
    host_stop(h);
}

static void a_supervisor_does_not_become_something_else(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_orchard(h);
    stage(h, "integration/orchard_server", "1.3.0");
    why = host_change_refused(h, "upgrade", "orchard@1.3.0");
    assert_has(text_at(why, "message"),
               "'pool' is a supervisor in 1.0.0 and a server in 1.3.0");
    stage(h, "integration/orchard_simple", "1.4.0");
    why = host_change_refused(h, "upgrade", "orchard@1.4.0");
    assert_has(text_at(why, "message"), "supervisor 'pool' is with a list of children");
    assert_as_it_was(h);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(the_tree_shows_supervisors_and_what_is_below_them),
        HOST_TEST(an_upgrade_reaches_below_supervisors),
        HOST_TEST(a_monitor_outlives_an_upgrade),
        HOST_TEST(a_count_that_changes_starts_more_and_ends_the_rest),
        HOST_TEST(and_so_does_a_downgrade),
        HOST_TEST(a_new_child_below_that_does_not_start_refuses_it),
        HOST_TEST(a_supervisor_does_not_become_something_else),
    };

    return cmocka_run_group_tests_name("upgrade_supervisor", tests, NULL, NULL);
}
