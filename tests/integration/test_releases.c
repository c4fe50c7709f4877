/* SPDX-License-Identifier: Apache-2.0 */
/* Releases: what they are, what becomes of them, and which a host begins with. */
#include "test.h"

#include <dirent.h>

#include "dying.h"
#include "program.h"

#define MANUAL "--permanent", "manual"

static json_t *release(const char *name)
{
    return json_pack("{s:s}", "release", name);
}

static void is(struct host *h, const char *name, const char *status)
{
    const char *has = host_release_status(h, name);

    if (!has || strcmp(has, status) != 0)
        fail_msg("release %s is %s, not %s", name, has ? has : "nowhere", status);
}

/* A host that runs counter 1.0.0 and good 1.0.0, with more of both at hand. */
static void start_both(struct host *h, const char *permanent)
{
    drop("samples/counter-1.0.0");
    drop("tests/misbehaving/good_1_0_0");
    host_start(h, "--on-drop", "stage", "--permanent", permanent, NULL);
    host_ask(h, "unpack",
             json_pack("{s:[s, s, s]}", "files", built("samples/counter-2.0.0"),
                       PLUGINS "/good_1_1_0.so", PLUGINS "/crashes_in_live_change.so"));
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
}

static json_t *both(const char *one, const char *other)
{
    return json_pack("{s:[s, s]}", "targets", one, other);
}

static void both_run(struct host *h, const char *counter, const char *good)
{
    assert_string_equal(host_vsn(h, "counter"), counter);
    assert_string_equal(host_vsn(h, "good"), good);
}

static bool is_stored(const char *end)
{
    DIR *dir = opendir(in_folder("data/store"));
    struct dirent *entry;
    bool found = false;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        found |= strstr(entry->d_name, end) != NULL;
    closedir(dir);
    return found;
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
    is(h, "local@1", "old");
    is(h, "local@2", "permanent"); /* one release for both */

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
    is(h, "local@1", "permanent");
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
    is(h, "local@1", "permanent");
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
    is(h, "local@2", "permanent");
    host_stop(h);
}

/* OTP: a node that restarts before make_permanent runs the permanent release. */
static void manually_a_host_begins_with_the_permanent_release(void **state)
{
    struct host *h = *state;

    start_both(h, "manual");
    host_change(h, "upgrade", "counter@2.0.0");
    is(h, "local@1", "permanent");
    is(h, "local@2", "current");
    assert_string_equal(recorded_vsn("counter"), "1.0.0");
    host_kill(h);

    host_start(h, "--on-drop", "stage", MANUAL, NULL);
    both_run(h, "1.0.0", "1.0.0");
    is(h, "local@1", "permanent");
    is(h, "local@2", "unpacked");
    host_ask(h, "install", release("local@2"));
    both_run(h, "2.0.0", "1.0.0");
    assert_string_equal(text_at(host_ask(h, "permanent", NULL), "release"), "local@2");
    is(h, "local@1", "old");
    host_stop(h);

    host_start(h, "--on-drop", "stage", MANUAL, NULL);
    both_run(h, "2.0.0", "1.0.0");
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
    is(h, "local@1", "permanent");
    is(h, "local@3", "current");
    host_kill(h);
    unlink(in_folder("plugins/good_1_0_0.so"));
    host_start(h, MANUAL, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_null(host_vsn(h, "good"));
    host_stop(h);
}

/* -- installing -- */

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
    is(h, "local@1", "current");
    is(h, "local@3", "permanent");

    report = host_ask(h, "install", release("local@3"));
    assert_true(json_is_true(at(report, "permanent")));
    assert_string_equal(
        text_at(json_array_get(at(report, "started"), 0), "application"), "good");
    both_run(h, "2.0.0", "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    assert_int_equal(host_call_int(h, "tally", "\"get\""), 100);
    is(h, "local@1", "old");
    assert_has(text_at(host_refuses(h, "install", release("local@3")), "message"),
               "already");
    host_stop(h);
}

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
    is(h, "local@1", "permanent");
    is(h, "local@3", "old");
    both_run(h, "1.0.0", "1.0.0");
    host_stop(h);
}

/* -- permanent, remove, reboot-old: OTP's conditions -- */

static void only_what_runs_is_made_permanent(void **state)
{
    struct host *h = *state;

    start_both(h, "manual");
    host_change(h, "upgrade", "counter@2.0.0");
    host_change(h, "upgrade", "good@1.1.0");
    is(h, "local@2", "old");
    assert_has(text_at(host_refuses(h, "permanent", release("local@2")), "message"),
               "is old");
    assert_string_equal(
        text_at(host_refuses(h, "permanent", release("shop@1")), "data.code"),
        "not_found");
    host_ask(h, "permanent", release("local@1")); /* it is already */
    is(h, "local@3", "current");
    host_ask(h, "permanent", NULL);
    is(h, "local@3", "permanent");
    host_stop(h);
}

static void removing_deletes_just_what_no_other_release_has(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_both(h, "manual");
    host_change(h, "upgrade", "counter@2.0.0");
    host_change(h, "upgrade", "good@1.1.0");
    host_change(h, "downgrade", "counter@1.0.0");
    is(h, "local@4", "current"); /* counter 1.0.0 and good 1.1.0 */
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
    is(h, "local@1", "permanent");
    is(h, "local@2", "old");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 0); /* state is lost */
    /* None was handed down; what looks through the folder has one or two for a moment. */
    assert_in_range(host_descriptors(h), 1, descriptors + 2);
    host_stop(h);
}

/* -- release files and packages -- */

static void write_release(const char *name, const char *vsn, const char *applications)
{
    char path[64], text[300];

    snprintf(path, sizeof(path), "%s.rel", name);
    snprintf(text, sizeof(text),
             "release = \"shop\";\nvsn = \"%s\";\napplications = { %s };\n", vsn,
             applications);
    write_file(in_folder(path), text, strlen(text));
}

static void drop_release(const char *name)
{
    char from[64], to[64], *path;

    snprintf(from, sizeof(from), "%s", name);
    snprintf(to, sizeof(to), "plugins/%s", name);
    path = strdup(in_folder(from));
    copy_file(path, in_folder(to));
    free(path);
}

/* Pack shop of `vsn` from what is built, as NAME.pack. */
static void pack(const char *vsn, const char *applications, const char *to)
{
    const struct ran *ran;

    mkdir(in_folder("build"), 0700);
    for (size_t i = 0; i < 3; i++) {
        static const char *const plugins_of[] = {"samples/counter-2.0.0",
                                                 "samples/counter-1.1.0",
                                                 "tests/misbehaving/good_1_0_0"};
        char name[32];

        snprintf(name, sizeof(name), "build/%zu.so", i); /* names say nothing */
        copy_file(built(plugins_of[i]), in_folder(name));
    }
    write_release("shop", vsn, applications);
    ran = moult(NULL, "pack", "shop.rel", "--plugins", "build", "--to", to, NULL);
    assert_string_equal(ran->err, "");
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, vsn);
}

/* A file may be reported, and looked at, more than once. */
static void nothing_is_left_of_unpacking(struct host *h)
{
    host_refuses(h, "install", release("after@all")); /* that came before */
    assert_int_not_equal(access(in_folder("data/unpacking"), F_OK), 0);
}

static void a_package_that_is_dropped_is_gone_to_as_one(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
    pack("1.0", "counter = \"2.0.0\"; good = \"1.0.0\";", "a.pack");
    drop_release("a.pack");
    host_event(h, "release.run", "release", "shop@1.0");
    both_run(h, "2.0.0", "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    is(h, "shop@1.0", "permanent");
    is(h, "local@1", "old");
    nothing_is_left_of_unpacking(h);

    pack("0.9", "counter = \"1.1.0\";",
         "b.pack"); /* a lower one waits to be asked for */
    drop_release("b.pack");
    host_event(h, "release.unpack", "release", "shop@0.9");
    host_ask(h, "ping", NULL);
    both_run(h, "2.0.0", "1.0.0");
    host_ask(h, "install", release("shop@0.9"));
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    assert_null(host_release(h, "good", NULL, "running"));
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

static void a_package_is_unpacked_and_installed_when_asked(void **state)
{
    struct host *h = *state;
    char path[300];
    json_t *report;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    pack("1.0", "counter = \"2.0.0\"; good = \"1.0.0\";", "a.pack");
    snprintf(path, sizeof(path), "%s", in_folder("a.pack"));
    report = host_ask(h, "unpack", json_pack("{s:[s]}", "files", path));
    assert_string_equal(text_at(json_array_get(report, 0), "release"), "shop@1.0");
    assert_true(json_is_true(at(json_array_get(report, 0), "new")));
    report = host_ask(h, "unpack", json_pack("{s:[s]}", "files", path));
    assert_true(json_is_false(at(json_array_get(report, 0), "new")));
    is(h, "shop@1.0", "unpacked");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_has(text_at(host_release(h, "good", "1.0.0", "staged"), "file"), "/a.pack");
    host_ask(h, "install", release("shop"));
    is(h, "shop@1.0", "current");
    both_run(h, "2.0.0", "1.0.0");
    host_kill(h);
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    is(h, "shop@1.0", "unpacked");
    host_stop(h);
}

static void a_release_file_waits_for_its_plugins(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    write_release("shop", "1.0", "counter = \"1.0.0\"; good = \"1.1.0\";");
    drop_release("shop.rel");
    host_event(h, "release.incomplete", "reason", "good 1.1.0");
    drop("tests/misbehaving/good_1_0_0");
    host_event(h, "release.run", "release", "local@2");
    drop("tests/misbehaving/good_1_1_0");
    host_event(h, "release.unpack", "release", "shop@1.0");
    host_ask(h, "ping", NULL);
    both_run(h, "1.0.0", "1.1.0");
    host_stop(h);
}

static void of_a_folder_with_a_release_file_that_release_is_begun_with(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    drop("samples/counter-1.1.0");
    drop("samples/counter-2.0.0");
    write_release("shop", "1.0", "counter = \"1.1.0\";");
    drop_release("shop.rel");
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    is(h, "shop@1.0", "permanent");
    host_stop(h);
    host_start(h, NULL);
    is(h, "shop@1.0", "permanent");
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_change(h, "upgrade", "counter");
    is(h, "shop@1.0+1", "permanent");
    host_stop(h);
}

static void what_is_wrong_with_a_release_is_told_and_nothing_changes(void **state)
{
    struct host *h = *state;
    size_t len;
    char *whole;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    write_file(in_folder("plugins/a.rel"), "release = 5;", 12);
    assert_has(text_at(host_event(h, "release.refused", "file", "a.rel"), "reason"),
               "a.rel:1");
    write_file(in_folder("plugins/b.pack"), "no tar", 6);
    host_event(h, "release.refused", "file", "b.pack");
    pack("1.0", "counter = \"2.0.0\"; good = \"1.0.0\";", "a.pack");
    whole = read_whole(in_folder("a.pack"), &len);
    write_file(in_folder("plugins/c.pack"), whole, len / 2);
    host_event(h, "release.refused", "file", "c.pack");
    free(whole);
    write_release("shop", "1.0", "counter = \"1.0.0\";");
    drop_release("shop.rel");
    host_event(h, "release.run", "release", "shop@1.0");
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-1.1.0")));
    write_release("shop", "1.0", "counter = \"1.1.0\";");
    drop_release("shop.rel");
    host_event(h, "release.refused", "reason", "higher vsn");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    nothing_is_left_of_unpacking(h);
    host_stop(h);
}

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

static void packing_says_what_is_missing(void **state)
{
    const struct ran *ran;

    write_release("shop", "1.0", "counter = \"9.0\";");
    ran = moult(NULL, "pack", "shop.rel", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "counter 9.0");
    ran = moult(NULL, "pack", "none.rel", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "none.rel");
    assert_int_not_equal(access(in_folder("shop-1.0.pack"), F_OK), 0);
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
        HOST_TEST(a_host_begins_with_what_was_upgraded_to),
        HOST_TEST(manually_a_host_begins_with_the_permanent_release),
        HOST_TEST(manually_what_is_dropped_is_on_trial_too),
        HOST_TEST(installing_moves_starts_and_stops_what_the_release_says),
        HOST_TEST(an_application_that_a_release_dropped_is_not_begun_with),
        HOST_TEST(a_release_that_can_not_be_installed_changes_nothing),
        HOST_TEST(only_what_runs_is_made_permanent),
        HOST_TEST(removing_deletes_just_what_no_other_release_has),
        HOST_TEST(an_old_release_is_begun_with_anew),
        HOST_TEST(a_package_that_is_dropped_is_gone_to_as_one),
        HOST_TEST(a_package_is_unpacked_and_installed_when_asked),
        HOST_TEST(release_files_that_wait_are_64_at_most),
        HOST_TEST(there_are_256_releases_at_most),
        HOST_TEST(a_release_file_waits_for_its_plugins),
        HOST_TEST(of_a_folder_with_a_release_file_that_release_is_begun_with),
        HOST_TEST(what_is_wrong_with_a_release_is_told_and_nothing_changes),
        HOST_TEST(packing_says_what_is_missing),
        HOST_TEST(a_host_that_dies_while_it_installs_comes_up_as_it_was),
        HOST_TEST(a_host_that_dies_while_it_makes_permanent_comes_up_whole),
        HOST_TEST(a_host_that_dies_before_it_is_confirmed_comes_up_as_it_was),
        HOST_TEST(a_host_that_dies_while_it_withdraws_comes_up_as_it_was),
        HOST_TEST(a_host_that_dies_while_it_removes_has_all_of_it_or_nothing),
    };

    return cmocka_run_group_tests_name("releases", tests, NULL, NULL);
}
