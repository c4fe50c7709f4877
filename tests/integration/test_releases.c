/* SPDX-License-Identifier: Apache-2.0 */
/* Releases: what they are, what becomes of them, and which a host begins with. */
#include "test.h"

#include <dirent.h>

#include "dying.h"
#include "program.h"
#include "release_fixture.h"

#define MANUAL "--permanent", "manual"

static json_t *both(const char *one, const char *other)
{
    return json_pack("{s:[s, s]}", "targets", one, other);
}

/* -- several applications at once -- */

static void several_applications_go_together(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_both(h, "auto");
    report = host_ask(h, "upgrade", both("good", "counter@2.0.0"));
    assert_int_equal(json_array_size(report), 2);
    assert_string_equal(text_at(json_array_get(report, 0), "application"), "good");
    assert_string_equal(text_at(json_array_get(report, 0), "to"), "1.1.0");
    assert_string_equal(text_at(json_array_get(report, 1), "to"), "2.0.0");
    assert_int_equal(int_at(json_array_get(report, 0), "pause_us"),
                     int_at(json_array_get(report, 1), "pause_us"));
    both_run(h, "2.0.0", "1.1.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    assert_int_equal(host_call_int(h, "tally", "\"get\""), 110);
    assert_int_equal(host_events(h, "upgrade.commit"), 2);
    release_is(h, "local@1", "old");
    release_is(h, "local@2", "permanent"); /* one release for both */

    report = host_ask(h, "downgrade", both("counter@1.0.0", "good@1.0.0"));
    both_run(h, "1.0.0", "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

static void of_several_applications_all_go_or_none(void **state)
{
    struct host *h = *state;
    size_t processes;
    json_t *error;

    start_both(h, "auto");
    processes = json_array_size(host_ask(h, "ps", NULL));
    error = host_refuses(h, "upgrade", both("good@1.1.0", "counter@3.4.0"));
    assert_string_equal(text_at(error, "data.step"), "migrate");
    assert_string_equal(text_at(error, "data.application"), "counter");
    both_run(h, "1.0.0", "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    assert_int_equal(host_call_int(h, "tally", "\"get\""), 100);
    assert_int_equal(json_array_size(host_ask(h, "ps", NULL)), processes);
    release_is(h, "local@1", "permanent");
    assert_null(host_release_status(h, "local@2"));
    assert_int_equal(host_events(h, "upgrade.refused"), 2);
    host_stop(h);
}

static void one_that_is_there_already_does_not_keep_the_others(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_both(h, "auto");
    host_change(h, "upgrade", "good@1.1.0");
    report = host_ask(h, "upgrade", both("good", "counter@2.0.0"));
    assert_int_equal(int_at(json_array_get(report, 0), "servers"), 0);
    assert_int_equal(int_at(json_array_get(report, 1), "servers"), 1);
    both_run(h, "2.0.0", "1.1.0");
    assert_has(text_at(host_refuses(h, "upgrade", both("good@1.1.0", "counter@2.0.0")),
                       "message"),
               "already");
    host_stop(h);
}

static void a_plan_of_several_touches_nothing(void **state)
{
    struct host *h = *state;
    json_t *plan;

    start_both(h, "auto");
    plan = host_ask(h, "upgrade",
                    json_pack("{s:[s, s], s:b}", "targets", "good@1.1.0",
                              "counter@2.0.0", "plan", 1));
    assert_int_equal(json_array_size(plan), 2);
    assert_true(json_array_size(at(json_array_get(plan, 1), "steps")) > 3);
    both_run(h, "1.0.0", "1.0.0");
    release_is(h, "local@1", "permanent");
    assert_null(host_release_status(h, "local@2"));
    host_stop(h);
}

static void one_that_does_not_run_yet_is_started_by_an_upgrade(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_both(h, "auto");
    host_ask(h, "unpack",
             json_pack("{s:[s, s]}", "files", built("samples/kv-1.0.0"),
                       PLUGINS "/leaks_a_descriptor.so"));
    host_ask(h, "upgrade", json_pack("{s:[s], s:b}", "targets", "kv", "plan", 1));
    assert_null(host_vsn(h, "kv"));
    report = host_change(h, "upgrade", "kv@1.0.0");
    assert_string_equal(
        text_at(json_array_get(at(report, "started"), 0), "application"), "kv");
    assert_string_equal(host_vsn(h, "kv"), "1.0.0");
    assert_string_equal(recorded_vsn("kv"), "1.0.0");
    host_ask(h, "install", release("local@1")); /* and stopped ... */
    assert_null(host_vsn(h, "kv"));
    host_ask(h, "permanent", NULL);
    host_change(h, "upgrade", "kv"); /* ... it may be started again */
    assert_string_equal(host_vsn(h, "kv"), "1.0.0");
    report = host_ask(h, "upgrade", both("leaks_a_descriptor", "counter@2.0.0"));
    assert_string_equal(text_at(json_array_get(report, 1), "from"), "1.0.0");
    assert_string_equal(host_vsn(h, "leaks_a_descriptor"), "1.0.0");
    both_run(h, "2.0.0", "1.0.0");
    host_stop(h);
}

static void one_that_starts_goes_with_the_others_or_not_at_all(void **state)
{
    struct host *h = *state;

    start_both(h, "auto");
    host_ask(h, "unpack", json_pack("{s:[s]}", "files", built("samples/kv-1.0.0")));
    host_refuses(h, "upgrade", both("kv", "counter@3.4.0"));
    assert_null(host_vsn(h, "kv"));
    both_run(h, "1.0.0", "1.0.0");
    release_is(h, "local@1", "permanent");
    assert_null(host_release_status(h, "local@2"));
    host_stop(h);
}

/* -- what a host begins with -- */

static void a_host_begins_with_what_was_upgraded_to(void **state)
{
    struct host *h = *state;

    start_both(h, "auto");
    host_change(h, "upgrade", "counter@2.0.0");
    assert_string_equal(recorded_vsn("counter"), "2.0.0");
    host_kill(h);
    host_start(h, "--on-drop", "stage", NULL);
    both_run(h, "2.0.0", "1.0.0");
    release_is(h, "local@2", "permanent");
    host_stop(h);
}

static void manually_what_is_dropped_is_on_trial_too(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, MANUAL, NULL);
    drop("samples/counter-1.1.0");
    host_event(h, "upgrade.commit", "to", "1.1.0");
    drop("tests/misbehaving/good_1_0_0");
    host_event(h, "application.start", "app", "good");
    host_ask(h, "ping", NULL);
    host_event(h, "release.run", "release", "local@3");
    release_is(h, "local@1", "permanent");
    release_is(h, "local@3", "current");
    host_kill(h);
    unlink(in_folder("plugins/good_1_0_0.so"));
    host_start(h, MANUAL, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_null(host_vsn(h, "good"));
    host_stop(h);
}

/* -- release files and packages -- */

static void release_files_that_wait_are_64_at_most(void **state)
{
    struct host *h = *state;
    json_t *event;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    for (int i = 0; i < 65; i++) {
        char path[64], text[200];

        snprintf(path, sizeof(path), "plugins/r%d.rel", i);
        snprintf(text, sizeof(text),
                 "release = \"shop\"; vsn = \"%d\"; applications = { no = \"1\"; };",
                 i);
        write_file(in_folder(path), text, strlen(text));
        snprintf(path, sizeof(path), "/r%d.rel", i);
        event = host_event(h, "release.incomplete", "file", path);
        assert_int_equal(json_is_true(json_object_get(event, "waits")), i < 64);
    }
    host_stop(h);
}

static void there_are_256_releases_at_most(void **state)
{
    struct host *h = *state;
    json_t *error;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    for (int i = 0; i <= 256; i++) {
        char vsn[16];

        snprintf(vsn, sizeof(vsn), "%d", i);
        write_release("shop", vsn, "counter = \"1.0.0\";");
        if (i < 256)
            host_ask(h, "unpack", json_pack("{s:[s]}", "files", in_folder("shop.rel")));
    }
    error =
        host_refuses(h, "unpack", json_pack("{s:[s]}", "files", in_folder("shop.rel")));
    assert_has(text_at(error, "message"),
               "there are 256 releases: 'moult remove' makes room for more");
    host_ask(h, "remove", release("shop@0"));
    host_ask(h, "unpack", json_pack("{s:[s]}", "files", in_folder("shop.rel")));
    host_stop(h);
}

/* -- kill -9 at each step -- */

static const char *const staging[] = {"--on-drop", "stage", MANUAL, NULL};

/* What is walked through. */
struct walk {
    void (*prepare)(struct host *h); /* what has to be there before */
    /* False if the host died of it. */
    bool (*ask)(struct host *h, struct talk *talk);
    void (*check)(struct host *h); /* what must be true afterwards */
    bool goes_back;                /* it is begun with counter 1.0.0 in any case */
    unsigned writes;               /* at least, that it may die at */
};

static void upgrade(struct host *h)
{
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-2.0.0")));
    host_change(h, "upgrade", "counter@2.0.0");
}

static void upgrade_and_back(struct host *h)
{
    upgrade(h);
    host_ask(h, "install", release("local@1"));
}

static bool install(struct host *h, struct talk *talk)
{
    return dying_does(talk, "install", release("local@2")) &&
           dying_does(talk, "install", release("local@1")) &&
           dying_does(talk, "install", release("local@2"));
}

static bool install_and_keep(struct host *h, struct talk *talk)
{
    return dying_does(talk, "install", release("local@2")) &&
           dying_does(talk, "permanent", NULL);
}

static void unpack_next(struct host *h)
{
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-2.0.0")));
}

static bool upgrade_on_trial(struct host *h, struct talk *talk)
{
    return dying_does(talk, "upgrade",
                      json_pack("{s:[s], s:i}", "targets", "counter@2.0.0",
                                "confirm_within_ms", 600000));
}

static bool confirm_it(struct host *h, struct talk *talk)
{
    return upgrade_on_trial(h, talk) && dying_does(talk, "confirm", NULL);
}

static bool withdraw_it(struct host *h, struct talk *talk)
{
    return upgrade_on_trial(h, talk) && dying_does(talk, "withdraw", NULL);
}

static void it_goes_either_way(struct host *h)
{
    bool is_new = strcmp(host_vsn(h, "counter"), "2.0.0") == 0;

    assert_string_equal(recorded_vsn("counter"), host_vsn(h, "counter"));
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 3}"), 3);
    host_change(h, "upgrade", is_new ? "counter@1.0.0" : "counter@2.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 3);
}

static bool remove_one(struct host *h, struct talk *talk)
{
    return dying_does(talk, "remove", release("local@2"));
}

static void both_ways_are_open(struct host *h)
{
    bool is_new = strcmp(host_vsn(h, "counter"), "2.0.0") == 0;

    assert_string_equal(recorded_vsn("counter"), host_vsn(h, "counter"));
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 3}"), 3);
    host_ask(h, "install", release(is_new ? "local@1" : "local@2"));
    host_ask(h, "permanent", NULL);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 3);
}

static void it_is_there_with_its_file_or_neither_is(struct host *h)
{
    bool is_there = host_release_status(h, "local@2") != NULL;

    assert_int_equal(is_there, is_stored("counter-2.0.0"));
    assert_int_equal(is_there, host_release(h, "counter", "2.0.0", NULL) != NULL);
    if (is_there)
        host_ask(h, "remove", release("local@2"));
    assert_false(is_stored("counter-2.0.0"));
}

static void comes_up_whole(struct host *h, const struct walk *w)
{
    const char *vsn;

    host_start_with(h, NULL, staging);
    vsn = host_vsn(h, "counter");
    assert_non_null(vsn);
    if (w->goes_back || strcmp(vsn, "2.0.0") != 0)
        assert_string_equal(vsn, "1.0.0");
    assert_int_equal(host_events(h, "release.record_bad"), 0);
    assert_int_equal(host_events(h, "release.missing"), 0);
    assert_int_equal(host_events(h, "plugin.refused"), 0);
    w->check(h);
    host_stop(h);
}

static void begin_prepared(struct host *h, const struct walk *w)
{
    nftw(in_folder("data"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    drop("samples/counter-1.0.0");
    host_start_with(h, NULL, staging);
    w->prepare(h);
    host_stop(h);
}

static void walk_through(struct host *h, const struct walk *w)
{
    unsigned writes = 0;
    bool died;

    do {
        begin_prepared(h, w);
        died = dying_at(h, (int)writes + 1, staging, w->ask);
        comes_up_whole(h, w);
        writes += died;
        assert_true(writes < 100);
    } while (died);
    assert_true(writes >= w->writes);
}

static void a_host_that_dies_while_it_installs_comes_up_as_it_was(void **state)
{
    walk_through(*state, &(struct walk){upgrade, install, both_ways_are_open, true, 4});
}

static void a_host_that_dies_while_it_makes_permanent_comes_up_whole(void **state)
{
    walk_through(*state, &(struct walk){upgrade, install_and_keep, both_ways_are_open,
                                        false, 5});
}

static void a_host_that_dies_before_it_is_confirmed_comes_up_as_it_was(void **state)
{
    walk_through(*state,
                 &(struct walk){unpack_next, confirm_it, it_goes_either_way, false, 6});
}

static void a_host_that_dies_while_it_withdraws_comes_up_as_it_was(void **state)
{
    walk_through(*state,
                 &(struct walk){unpack_next, withdraw_it, it_goes_either_way, true, 6});
}

static void a_host_that_dies_while_it_removes_has_all_of_it_or_nothing(void **state)
{
    walk_through(*state,
                 &(struct walk){upgrade_and_back, remove_one,
                                it_is_there_with_its_file_or_neither_is, true, 10});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(several_applications_go_together),
        HOST_TEST(of_several_applications_all_go_or_none),
        HOST_TEST(one_that_is_there_already_does_not_keep_the_others),
        HOST_TEST(a_plan_of_several_touches_nothing),
        HOST_TEST(one_that_does_not_run_yet_is_started_by_an_upgrade),
        HOST_TEST(one_that_starts_goes_with_the_others_or_not_at_all),
        HOST_TEST(a_host_begins_with_what_was_upgraded_to),
        HOST_TEST(manually_what_is_dropped_is_on_trial_too),
        HOST_TEST(release_files_that_wait_are_64_at_most),
        HOST_TEST(there_are_256_releases_at_most),
        HOST_TEST(a_host_that_dies_while_it_installs_comes_up_as_it_was),
        HOST_TEST(a_host_that_dies_while_it_makes_permanent_comes_up_whole),
        HOST_TEST(a_host_that_dies_before_it_is_confirmed_comes_up_as_it_was),
        HOST_TEST(a_host_that_dies_while_it_withdraws_comes_up_as_it_was),
        HOST_TEST(a_host_that_dies_while_it_removes_has_all_of_it_or_nothing),
    };

    return cmocka_run_group_tests_name("releases", tests, NULL, NULL);
}
