/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at any moment, and records that are not as they were written. */
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/inotify.h>

#include "host_fixture.h"
#include "program.h"

static bool ends_with(const char *text, const char *end)
{
    size_t m = strlen(text), n = strlen(end);

    return m >= n && strcmp(text + m - n, end) == 0;
}

/* Fails the test if that folder has a file that was being written. */
static void has_no_leftovers(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (ends_with(entry->d_name, ".part") || ends_with(entry->d_name, ".new") ||
            ends_with(entry->d_name, ".bad"))
            fail_msg("%s/%s was left behind", path, entry->d_name);
    closedir(dir);
}

/* Start again after an accident: all is whole, on 1.0.0 or on 2.0.0. */
static bool comes_up_whole(struct host *h)
{
    const char *vsn;
    bool is_new;

    host_start(h, "--on-drop", "stage", NULL);
    vsn = host_vsn(h, "counter");
    assert_non_null(vsn);
    is_new = strcmp(vsn, "2.0.0") == 0;
    if (!is_new)
        assert_string_equal(vsn, "1.0.0");
    assert_string_equal(recorded_vsn("counter"), vsn);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 3}"), 3);
    assert_int_equal(host_events(h, "release.record_bad"), 0);
    assert_int_equal(host_events(h, "release.missing"), 0);
    has_no_leftovers(in_folder("data"));
    has_no_leftovers(in_folder("data/store"));

    /* And both ways are open. */
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-2.0.0")));
    host_change(h, is_new ? "downgrade" : "upgrade",
                is_new ? "counter@1.0.0" : "counter@2.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 3);
    host_stop(h);
    return is_new;
}

/* Nothing that was there before is there. */
static void begin_anew(struct host *h)
{
    nftw(in_folder("data"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    drop("samples/counter-1.0.0");
}

/* -- at each step -- */

static struct talk *dial(struct host *h)
{
    return talk_open(h->socket);
}

/* Ask for what changes the disk most; false if the host died of it. */
static bool unpack_and_upgrade(struct host *h)
{
    struct talk *talk = dial(h);
    bool done;

    talk_ask(talk, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-2.0.0")));
    talk_ask(talk, "upgrade", target("counter@2.0.0"));
    do {
        json_t *line = talk_hear(talk);

        done = line && json_object_get(line, "result");
        if (!line) {
            talk_close(talk);
            return false;
        }
        done = done && json_object_get(json_object_get(line, "result"), "servers");
    } while (!done);
    talk_close(talk);
    return true;
}

static void a_host_that_dies_between_any_two_writes_comes_up_whole(void **state)
{
    static const char *const options[] = {"--on-drop", "stage", NULL};
    struct host *h = *state;
    char preload[600], die_at[32], asan[400];
    const char *variables[] = {preload, die_at, asan, NULL};
    const char *given = getenv("ASAN_OPTIONS");
    bool survived = false;
    unsigned olds = 0, news = 0;

    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/integration/die_at.so", BUILT);
    snprintf(asan, sizeof(asan), "ASAN_OPTIONS=%s:verify_asan_link_order=0",
             given ? given : "");
    for (int n = 1; !survived; n++) {
        snprintf(die_at, sizeof(die_at), "DIE_AT=%d", n);
        begin_anew(h);
        if (host_try_start(h, variables, options) && unpack_and_upgrade(h)) {
            survived = true;
            host_kill(h);
        } else {
            assert_int_equal(host_wait(h), SIGKILL);
            program_orphans();
        }
        if (comes_up_whole(h))
            news++;
        else
            olds++;
        assert_true(n < 200);
    }
    assert_true(olds > 20); /* that many writes there are before it */
    assert_true(news >= 1);
}

/* -- at any moment -- */

static void a_host_that_is_killed_at_any_moment_comes_up_whole(void **state)
{
    struct host *h = *state;
    unsigned seed = 12345;

    for (int i = 0; i < SCALE(30); i++) {
        json_int_t id;
        int notices = i % 5, round_trips;

        begin_anew(h);
        host_start(h, "--on-drop", "stage", NULL);
        host_ask(h, "unpack",
                 json_pack("{s:[s]}", "files", built("samples/counter-2.0.0")));
        id = talk_ask(h->talk, "upgrade", target("counter@2.0.0"));
        while (notices-- > 0)
            talk_notice(h->talk, "progress");
        for (round_trips = rand_r(&seed) % 8; round_trips > 0; round_trips--)
            talk_result(h->events, "ping", NULL);
        if (i % 7 == 6)
            talk_answer(h->talk, id);
        host_kill(h);
        comes_up_whole(h);
    }
}

static void what_was_answered_is_there_after_a_kill(void **state)
{
    struct host *h = *state;

    begin_anew(h);
    host_start(h, "--on-drop", "stage", NULL);
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-2.0.0")));
    host_change(h, "upgrade", "counter@2.0.0");
    host_kill(h);
    assert_true(comes_up_whole(h));
}

/* -- in the middle of vetting -- */

/* Wait until a file comes to be in the store, under its last name. */
static void wait_for_stored(int watch, const char *words)
{
    _Alignas(struct inotify_event) char bytes[4096];

    for (;;) {
        ssize_t len = read(watch, bytes, sizeof(bytes));

        assert_true(len > 0);
        for (char *at = bytes; at < bytes + len;) {
            struct inotify_event *e = (struct inotify_event *)(void *)at;

            if (strstr(e->name, words) && ends_with(e->name, ".so"))
                return;
            at += sizeof(*e) + e->len;
        }
    }
}

static void what_was_not_vetted_to_the_end_is_not_run_after_a_kill(void **state)
{
    struct host *h = *state;
    int watch;

    begin_anew(h);
    host_start(h, NULL);
    watch = inotify_init1(IN_CLOEXEC);
    assert_true(inotify_add_watch(watch, in_folder("data/store"), IN_MOVED_TO) >= 0);
    drop("tests/misbehaving/hangs_in_constructor");
    wait_for_stored(watch, "hangs_in_constructor");
    close(watch);
    host_kill(h);

    host_start(h, NULL);
    host_event(h, "plugin.refused", "app", "hangs_in_constructor");
    assert_null(host_vsn(h, "hangs_in_constructor"));
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_false(host_maps(h, "hangs_in_constructor"));
    host_stop(h);
}

/* -- the record -- */

/* Run once, stop, spoil the record, and start again. */
static void spoil(struct host *h, const char *text, size_t len)
{
    json_t *event;

    write_file(in_folder("data/releases.json"), text, len);
    host_start(h, "--on-drop", "stage", NULL);
    event = host_event(h, "release.record_bad", "file", "releases.json");
    assert_true(strlen(text_at(event, "reason")) > 5);
    assert_int_equal(access(in_folder("data/releases.json.bad"), F_OK), 0);
    assert_true(host_log_has("release.record_bad"));
    assert_string_equal(host_vsn(h, "counter"), "1.1.0"); /* the highest there is */
    assert_string_equal(recorded_vsn("counter"), "1.1.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 0);
    host_stop(h);
    assert_int_equal(unlink(in_folder("data/releases.json.bad")), 0);
}

static void a_record_that_is_spoilt_is_set_aside(void **state)
{
    struct host *h = *state;
    size_t len;
    char *good, *vsn;

    begin_anew(h);
    drop("samples/counter-1.1.0");
    host_start(h, NULL);
    host_stop(h);
    good = read_whole(in_folder("data/releases.json"), &len);
    good[len] = 0;

    spoil(h, "", 0);
    spoil(h, good, len / 2);
    spoil(h, good, len - 1);
    spoil(h, "\0\0\0\0\0\0\0\0", 8);
    spoil(h, "[1, 2, 3]", 9);
    spoil(h, "{\"applications\": {}, \"format\": 1}", 33);
    vsn = strstr(good, "1.1.0");
    vsn[2] = '0'; /* the checksum notices */
    spoil(h, good, len);
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_host_that_dies_between_any_two_writes_comes_up_whole),
        HOST_TEST(a_host_that_is_killed_at_any_moment_comes_up_whole),
        HOST_TEST(what_was_answered_is_there_after_a_kill),
        HOST_TEST(what_was_not_vetted_to_the_end_is_not_run_after_a_kill),
        HOST_TEST(a_record_that_is_spoilt_is_set_aside),
    };

    return cmocka_run_group_tests_name("kill", tests, NULL, NULL);
}
