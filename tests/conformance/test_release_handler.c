/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTP's release_handler_SUITE on a real host: each test is named for what must be true,
 * with the case behind it.  Its supervisors are in test_upgrade_supervisor.c, many processes
 * in test_many.c, purging in test_code.c.  client1 and client2 (another node keeps the
 * files), otp_5761 and otp_9402 (code paths) have no counterpart.
 */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host_fixture.h"
#include "release_fixture.h"

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

static void remove_stored(const char *end)
{
    DIR *dir = opendir(in_folder("data/store"));
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (strstr(entry->d_name, end))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

/* upgrade: install, a reboot without make_permanent goes back */
static void manually_a_host_begins_with_the_permanent_release(void **state)
{
    struct host *h = *state;

    start_both(h, "manual");
    host_change(h, "upgrade", "counter@2.0.0");
    release_is(h, "local@1", "permanent");
    release_is(h, "local@2", "current");
    assert_string_equal(recorded_vsn("counter"), "1.0.0");
    host_kill(h);

    host_start(h, "--on-drop", "stage", MANUAL, NULL);
    both_run(h, "1.0.0", "1.0.0");
    release_is(h, "local@1", "permanent");
    release_is(h, "local@2", "unpacked");
    host_ask(h, "install", release("local@2"));
    both_run(h, "2.0.0", "1.0.0");
    assert_string_equal(text_at(host_ask(h, "permanent", NULL), "release"), "local@2");
    release_is(h, "local@1", "old");
    host_stop(h);

    host_start(h, "--on-drop", "stage", MANUAL, NULL);
    both_run(h, "2.0.0", "1.0.0");
    host_stop(h);
}

/* upgrade; systools_SUITE: replace_app_relup, both directions */
static void installing_moves_starts_and_stops_what_the_release_says(void **state)
{
    struct host *h = *state;
    json_t *report;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
    drop("samples/counter-2.0.0");
    host_event(h, "release.run", "release", "local@2");
    drop("tests/misbehaving/good_1_0_0");
    host_event(h, "release.run", "release", "local@3");

    report = host_ask(h, "install",
                      json_pack("{s:s, s:b}", "release", "local@1", "plan", 1));
    assert_string_equal(
        text_at(json_array_get(at(report, "stopped"), 0), "application"), "good");
    both_run(h, "2.0.0", "1.0.0");

    report = host_ask(h, "install", release("local@1"));
    assert_string_equal(text_at(report, "from"), "local@3");
    assert_false(json_is_true(at(report, "permanent")));
    assert_string_equal(text_at(json_array_get(at(report, "upgraded"), 0), "to"),
                        "1.0.0");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    assert_null(host_release(h, "good", NULL, "running"));
    assert_false(host_maps(h, "good-1.0.0"));
    release_is(h, "local@1", "current");
    release_is(h, "local@3", "permanent");

    report = host_ask(h, "install", release("local@3"));
    assert_true(json_is_true(at(report, "permanent")));
    assert_string_equal(
        text_at(json_array_get(at(report, "started"), 0), "application"), "good");
    both_run(h, "2.0.0", "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    assert_int_equal(host_call_int(h, "tally", "\"get\""), 100);
    release_is(h, "local@1", "old");
    assert_has(text_at(host_refuses(h, "install", release("local@3")), "message"),
               "already");
    host_stop(h);
}

/* upgrade */
static void an_application_that_a_release_dropped_is_not_begun_with(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    drop("tests/misbehaving/good_1_0_0");
    host_event(h, "release.run", "release", "local@2");
    host_ask(h, "install", release("local@1"));
    host_ask(h, "permanent", release("local@1"));
    host_stop(h);
    host_start(h, NULL); /* its file is in the folder still */
    assert_null(host_release(h, "good", NULL, "running"));
    host_stop(h);
}

/* upgrade: there an error may end the node */
static void a_release_that_can_not_be_installed_changes_nothing(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_both(h, "manual");
    host_change(h, "upgrade", "counter@2.0.0");
    host_change(h, "upgrade", "good@1.1.0");
    host_ask(h, "install", release("local@1"));
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    error = host_refuses(h, "install", release("shop@1"));
    assert_string_equal(text_at(error, "data.code"), "not_found");

    host_stop(h);
    remove_stored("good-1.1.0");
    host_start(h, "--on-drop", "stage", MANUAL, NULL);
    error = host_refuses(h, "install", release("local@3"));
    assert_string_equal(text_at(error, "data.code"), "not_found");
    assert_has(text_at(error, "message"), "good 1.1.0");
    host_event(h, "release.refused", "release", "local@3");
    release_is(h, "local@1", "permanent");
    release_is(h, "local@3", "old");
    both_run(h, "1.0.0", "1.0.0");
    host_stop(h);
}

/* upgrade: make_permanent */
static void only_what_runs_is_made_permanent(void **state)
{
    struct host *h = *state;

    start_both(h, "manual");
    host_change(h, "upgrade", "counter@2.0.0");
    host_change(h, "upgrade", "good@1.1.0");
    release_is(h, "local@2", "old");
    assert_has(text_at(host_refuses(h, "permanent", release("local@2")), "message"),
               "is old");
    assert_string_equal(
        text_at(host_refuses(h, "permanent", release("shop@1")), "data.code"),
        "not_found");
    host_ask(h, "permanent", release("local@1")); /* it is already */
    release_is(h, "local@3", "current");
    host_ask(h, "permanent", NULL);
    release_is(h, "local@3", "permanent");
    host_stop(h);
}

/* upgrade: remove_release */
static void removing_deletes_just_what_no_other_release_has(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_both(h, "manual");
    host_change(h, "upgrade", "counter@2.0.0");
    host_change(h, "upgrade", "good@1.1.0");
    host_change(h, "downgrade", "counter@1.0.0");
    release_is(h, "local@4", "current"); /* counter 1.0.0 and good 1.1.0 */
    assert_has(text_at(host_refuses(h, "remove", release("local@4")), "message"),
               "runs");
    assert_has(text_at(host_refuses(h, "remove", release("local@1")), "message"),
               "permanent");
    report = host_ask(h, "remove", release("local@3"));
    assert_int_equal(json_array_size(at(report, "removed")), 0);
    assert_true(is_stored("counter-2.0.0"));
    report = host_ask(h, "remove", release("local@2"));
    assert_string_equal(json_string_value(json_array_get(at(report, "removed"), 0)),
                        "counter@2.0.0");
    assert_null(host_release_status(h, "local@2"));
    assert_null(host_release(h, "counter", "2.0.0", NULL));
    assert_false(is_stored("counter-2.0.0"));
    assert_true(is_stored("counter-1.0.0"));
    assert_true(is_stored("good-1.1.0"));
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-2.0.0")));
    host_change(h, "upgrade", "counter@2.0.0"); /* it may come back */
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

/* upgrade: reboot_old_release */
static void an_old_release_is_begun_with_anew(void **state)
{
    struct host *h = *state;
    unsigned descriptors;
    pid_t pid;

    start_both(h, "auto");
    descriptors = host_descriptors(h);
    assert_has(text_at(host_refuses(h, "reboot-old", release("local@1")), "message"),
               "not old");
    host_change(h, "upgrade", "counter@2.0.0");
    pid = h->pid;
    assert_string_equal(text_at(host_ask(h, "reboot-old", release("local@1")), "from"),
                        "local@2");
    host_rebooted(h);
    assert_int_equal(int_at(host_ask(h, "status", NULL), "pid"), pid);
    both_run(h, "1.0.0", "1.0.0");
    release_is(h, "local@1", "permanent");
    release_is(h, "local@2", "old");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 0); /* state is lost */
    /* None was handed down; what looks through the folder has one or two for a moment. */
    assert_in_range(host_descriptors(h), 1, descriptors + 2);
    host_stop(h);
}

/* eval_appup: the callback hears of both directions */
static void an_upgrade_keeps_the_state_and_calls_config_change(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    host_start(h, NULL);
    drop("integration/shop-1.1.0");
    host_event(h, "plugin.log", "text", "config_change port=9000 open=1 gone=1");
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"port\"}"), 9000);
    host_change(h, "downgrade", "shop@1.0.0");
    host_event(h, "plugin.log", "text", "config_change port=8080 open=0 gone=1");
    host_stop(h);
    assert_true(host_log_has("\"prep_stop books\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_suspended_supervisor_does_not_hold_up_an_upgrade),
        HOST_TEST(an_application_that_a_release_has_not_is_unloaded),
        HOST_TEST(removing_follows_no_symbolic_link),
        HOST_TEST(what_a_host_keeps_may_be_moved_and_named_in_any_script),
        HOST_TEST(releases_are_listed_with_what_they_are),
        HOST_TEST(manually_a_host_begins_with_the_permanent_release),
        HOST_TEST(installing_moves_starts_and_stops_what_the_release_says),
        HOST_TEST(an_application_that_a_release_dropped_is_not_begun_with),
        HOST_TEST(a_release_that_can_not_be_installed_changes_nothing),
        HOST_TEST(only_what_runs_is_made_permanent),
        HOST_TEST(removing_deletes_just_what_no_other_release_has),
        HOST_TEST(an_old_release_is_begun_with_anew),
        HOST_TEST(an_upgrade_keeps_the_state_and_calls_config_change),
    };

    return cmocka_run_group_tests_name("release_handler", tests, NULL, NULL);
}
