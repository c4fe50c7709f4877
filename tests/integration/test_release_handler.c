/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases of OTP's release_handler_SUITE and code_SUITE, on a real host, that no other test
 * has: each is named for what must be true, with the case behind it.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host_fixture.h"
#include "program.h"

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

/* supervisor_which_children_timeout: there it ends the node. */
static void a_suspended_supervisor_does_not_hold_up_an_upgrade(void **state)
{
    struct host *h = *state;
    const char *top;

    drop("integration/grower-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    stage(h, "integration/grower-1.1.0", "1.1.0");
    top = text_at(json_array_get(at(host_ask(h, "tree", NULL), "applications"), 0),
                  "supervisor.pid");
    host_ask(h, "suspend", json_pack("{s:s}", "name", top));
    assert_int_equal(int_at(host_change(h, "upgrade", "grower@1.1.0"), "moved.added"),
                     2);
    host_ask(h, "resume", json_pack("{s:s}", "name", top));
    assert_string_equal(json_string_value(host_call(h, "root", "\"vsn\"")), "1.1.0");
    host_stop(h);
}

static json_t *release(const char *name)
{
    return json_pack("{s:s}", "release", name);
}

/* otp_2760 */
static void an_application_that_a_release_has_not_is_unloaded(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, "--permanent", "manual", NULL);
    drop("integration/echo");
    host_event(h, "application.start", "app", "echo");
    assert_true(host_maps(h, "echo-1.0.0"));
    host_ask(h, "install", release("local@1"));
    assert_null(host_vsn(h, "echo"));
    host_event(h, "image.close", "app", "echo");
    assert_false(host_maps(h, "echo-1.0.0"));
    host_stop(h);
}

/* otp_9864 */
static void removing_follows_no_symbolic_link(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, "--permanent", "manual", "--on-drop", "stage", NULL);
    copy_file(built("samples/counter-1.1.0"), in_folder("elsewhere.so"));
    assert_int_equal(symlink("../elsewhere.so", in_folder("plugins/linked.so")), 0);
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", in_folder("plugins/linked.so")));
    host_change(h, "upgrade", "counter@1.1.0");
    host_ask(h, "install", release("local@1"));
    host_ask(h, "remove", release("local@2"));
    assert_int_equal(access(in_folder("elsewhere.so"), F_OK), 0);
    assert_int_equal(access(in_folder("plugins/linked.so"), F_OK), 0);
    host_stop(h);
}

/* move_system, target_system_unicode, unicode_upgrade */
static void what_a_host_keeps_may_be_moved_and_named_in_any_script(void **state)
{
    struct host *h = *state;
    char moved[300];

    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    stage(h, "samples/counter-1.1.0", "1.1.0");
    host_change(h, "upgrade", "counter@1.1.0");
    host_stop(h);
    unlink(in_folder("plugins/counter-1.0.0.so"));
    unlink(in_folder("plugins/counter-1.1.0.so"));
    snprintf(moved, sizeof(moved), "%s", in_folder("données_данные_データ"));
    assert_int_equal(rename(in_folder("data"), moved), 0);
    host_start(h, "--on-drop", "stage", "--data", moved, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_change(h, "downgrade", "counter@1.0.0");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_string_equal(text_at(host_ask(h, "status", NULL), "data"), moved);
    host_stop(h);
    assert_int_equal(rename(moved, in_folder("data")), 0);
}

/* release_handler_which_releases */
static void releases_are_listed_with_what_they_are(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", "--permanent", "manual", NULL);
    stage(h, "samples/counter-1.1.0", "1.1.0");
    assert_string_equal(host_release_status(h, "local@1"), "permanent");
    host_change(h, "upgrade", "counter@1.1.0");
    assert_string_equal(host_release_status(h, "local@2"), "current");
    host_ask(h, "permanent", NULL);
    assert_string_equal(host_release_status(h, "local@2"), "permanent");
    assert_string_equal(host_release_status(h, "local@1"), "old");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_suspended_supervisor_does_not_hold_up_an_upgrade),
        HOST_TEST(an_application_that_a_release_has_not_is_unloaded),
        HOST_TEST(removing_follows_no_symbolic_link),
        HOST_TEST(what_a_host_keeps_may_be_moved_and_named_in_any_script),
        HOST_TEST(releases_are_listed_with_what_they_are),
    };

    return cmocka_run_group_tests_name("release_handler", tests, NULL, NULL);
}
