/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "folder.h"
#include "watch.h"

#define SEEN_MAX 64

static struct watch *watch;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the next two */
static char seen[SEEN_MAX][64];
static size_t seen_count;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void see(void *context, const char *path)
{
    pthread_mutex_lock(&lock);
    if (seen_count < SEEN_MAX)
        snprintf(seen[seen_count++], sizeof(seen[0]), "%.63s", strrchr(path, '/') + 1);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static bool was_seen(const char *name)
{
    for (size_t i = 0; i < seen_count; i++)
        if (strcmp(seen[i], name) == 0)
            return true;
    return false;
}

/* Wait until `name` is reported; what was reported before is forgotten then. */
static void wait_for(const char *name)
{
    struct timespec limit;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    pthread_mutex_lock(&lock);
    while (!was_seen(name) && !err)
        err = pthread_cond_timedwait(&changed, &lock, &limit);
    seen_count = 0;
    pthread_mutex_unlock(&lock);
    if (err)
        fail_msg("%s was not reported", name);
}

/* All that happened before is reported, in order; was this among it? */
static bool is_reported_by_now(const char *name)
{
    struct timespec limit;
    bool found;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    write_file(in_folder("marker"), "", 0);
    assert_int_equal(rename(in_folder("marker"), in_folder("plugins/marker.so")), 0);
    pthread_mutex_lock(&lock);
    while (!was_seen("marker.so"))
        assert_int_equal(pthread_cond_timedwait(&changed, &lock, &limit), 0);
    found = was_seen(name);
    seen_count = 0;
    pthread_mutex_unlock(&lock);
    return found;
}

static void start(void)
{
    assert_int_equal(watch_start(in_folder("plugins"), see, NULL, &watch, NULL), 0);
}

static int make(void **state)
{
    seen_count = 0;
    if (folder_make(state) || mkdir(in_folder("plugins"), 0700))
        return -1;
    start();
    return 0;
}

static int destroy(void **state)
{
    watch_stop(watch);
    watch = NULL;
    return folder_remove(state);
}

static void a_file_that_was_written_is_reported(void **state)
{
    write_file(in_folder("plugins/a.so"), "x", 1);
    wait_for("a.so");
}

static void a_file_that_was_moved_in_is_reported(void **state)
{
    write_file(in_folder("b"), "x", 1);
    assert_int_equal(rename(in_folder("b"), in_folder("plugins/b.so")), 0);
    wait_for("b.so");
}

static void a_file_that_was_linked_in_is_reported(void **state)
{
    write_file(in_folder("c"), "x", 1);
    assert_int_equal(link(in_folder("c"), in_folder("plugins/c.so")), 0);
    wait_for("c.so");
}

static void a_symbolic_link_is_reported(void **state)
{
    write_file(in_folder("d"), "x", 1);
    assert_int_equal(symlink(in_folder("d"), in_folder("plugins/d.so")), 0);
    wait_for("d.so");
}

static void a_file_that_is_being_written_is_waited_for(void **state)
{
    FILE *f = fopen(in_folder("plugins/slow.so"), "we");

    assert_non_null(f);
    assert_int_equal(fputs("half", f), 1);
    fflush(f);
    assert_false(is_reported_by_now("slow.so"));
    fclose(f);
    wait_for("slow.so");
}

static void a_file_that_is_written_as_the_watch_starts_is_waited_for(void **state)
{
    FILE *f;

    watch_stop(watch);
    f = fopen(in_folder("plugins/slow.so"), "we");
    assert_non_null(f);
    start();
    assert_false(is_reported_by_now("slow.so"));
    fclose(f);
    wait_for("slow.so");
}

static void what_is_there_at_the_start_is_reported(void **state)
{
    watch_stop(watch);
    write_file(in_folder("plugins/early.so"), "x", 1);
    seen_count = 0;
    start();
    wait_for("early.so");
}

static void names_of_unfinished_copies_are_ignored(void **state)
{
    static const char *const names[] = {".a.so",     ".a.so.Xy12", "a.so~", "a.so.tmp",
                                        "a.so.part", "#a.so",      "a.txt", ".so"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_false(watch_is_plugin_name(names[i]));
    assert_true(watch_is_plugin_name("a.so"));
    assert_true(watch_is_plugin_name("shop.rel"));
    assert_true(watch_is_plugin_name("shop-1.2.0.pack"));
    write_file(in_folder("plugins/.a.so.Xy12"), "x", 1);
    assert_false(is_reported_by_now(".a.so.Xy12"));
    assert_int_equal(rename(in_folder("plugins/.a.so.Xy12"), in_folder("plugins/a.so")),
                     0);
    wait_for("a.so");
}

static void folders_are_ignored(void **state)
{
    assert_int_equal(mkdir(in_folder("plugins/dir.so"), 0700), 0);
    assert_false(is_reported_by_now("dir.so"));
}

static void a_file_made_readable_is_reported(void **state)
{
    write_file(in_folder("plugins/e.so"), "x", 1);
    wait_for("e.so");
    assert_int_equal(chmod(in_folder("plugins/e.so"), 0600), 0);
    wait_for("e.so");
}

static void a_directory_that_is_made_again_is_found(void **state)
{
    assert_int_equal(rmdir(in_folder("plugins")), 0);
    assert_int_equal(mkdir(in_folder("plugins"), 0700), 0);
    write_file(in_folder("plugins/f.so"), "x", 1);
    wait_for("f.so");
}

static void a_directory_that_is_replaced_is_found(void **state)
{
    assert_int_equal(rename(in_folder("plugins"), in_folder("old")), 0);
    assert_int_equal(mkdir(in_folder("new"), 0700), 0);
    write_file(in_folder("new/g.so"), "x", 1);
    assert_int_equal(rename(in_folder("new"), in_folder("plugins")), 0);
    wait_for("g.so");
    write_file(in_folder("plugins/h.so"), "x", 1);
    wait_for("h.so");
}

static void a_link_on_the_way_that_is_turned_is_followed(void **state)
{
    watch_stop(watch);
    assert_int_equal(mkdir(in_folder("v1"), 0700), 0);
    assert_int_equal(mkdir(in_folder("v2"), 0700), 0);
    assert_int_equal(mkdir(in_folder("v1/plugins"), 0700), 0);
    assert_int_equal(mkdir(in_folder("v2/plugins"), 0700), 0);
    write_file(in_folder("v2/plugins/i.so"), "x", 1);
    assert_int_equal(symlink("v1", in_folder("current")), 0);
    assert_int_equal(watch_start(in_folder("current/plugins"), see, NULL, &watch, NULL),
                     0);
    assert_int_equal(symlink("v2", in_folder("next")), 0);
    assert_int_equal(rename(in_folder("next"), in_folder("current")), 0);
    wait_for("i.so");
}

static void a_directory_that_is_not_there_yet_is_waited_for(void **state)
{
    watch_stop(watch);
    assert_int_equal(rmdir(in_folder("plugins")), 0);
    assert_int_equal(
        watch_start(in_folder("far/away/plugins/"), see, NULL, &watch, NULL), 0);
    assert_int_equal(mkdir(in_folder("far"), 0700), 0);
    assert_int_equal(mkdir(in_folder("far/away"), 0700), 0);
    assert_int_equal(mkdir(in_folder("far/away/plugins"), 0700), 0);
    write_file(in_folder("far/away/plugins/j.so"), "x", 1);
    wait_for("j.so");
}

static void a_file_is_no_directory(void **state)
{
    struct watch *other = NULL;
    struct fault why = {0};

    assert_int_equal(watch_start(in_folder("plugins"), see, NULL, &other, &why),
                     -EBUSY);
    watch_stop(watch);
    watch = NULL;
    write_file(in_folder("file"), "", 0);
    why = (struct fault){0};
    assert_int_equal(watch_start(in_folder("file"), see, NULL, &other, &why), -ENOTDIR);
    assert_null(other);
}

static void events_that_were_lost_are_made_up_for(void **state)
{
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    char text[24] = "";
    long limit;

    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    limit = strtol(text, NULL, 10);
    if (limit > 100000)
        skip();
    write_file(in_folder("plugins/x"), "x", 1);
    pthread_mutex_lock(&lock); /* the watch is held up as soon as it reports */
    write_file(in_folder("plugins/first.so"), "x", 1);
    for (long i = 0; i < limit; i++) {
        rename(in_folder("plugins/x"), in_folder("plugins/y"));
        rename(in_folder("plugins/y"), in_folder("plugins/x"));
    }
    write_file(in_folder("plugins/late.so"), "x", 1);
    pthread_mutex_unlock(&lock);
    wait_for("late.so");
}

static void many_starts_and_stops_leave_nothing_open(void **state)
{
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

    close(before);
    for (int i = 0; i < 50; i++) {
        watch_stop(watch);
        write_file(in_folder("plugins/k.so"), "x", 1);
        start();
        wait_for("k.so");
    }
    after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    assert_true(after <= before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_was_written_is_reported),
        TEST(a_file_that_was_moved_in_is_reported),
        TEST(a_file_that_was_linked_in_is_reported),
        TEST(a_symbolic_link_is_reported),
        TEST(a_file_that_is_being_written_is_waited_for),
        TEST(a_file_that_is_written_as_the_watch_starts_is_waited_for),
        TEST(what_is_there_at_the_start_is_reported),
        TEST(names_of_unfinished_copies_are_ignored),
        TEST(folders_are_ignored),
        TEST(a_file_made_readable_is_reported),
        TEST(a_directory_that_is_made_again_is_found),
        TEST(a_directory_that_is_replaced_is_found),
        TEST(a_link_on_the_way_that_is_turned_is_followed),
        TEST(a_directory_that_is_not_there_yet_is_waited_for),
        TEST(a_file_is_no_directory),
        TEST(events_that_were_lost_are_made_up_for),
        TEST(many_starts_and_stops_leave_nothing_open),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
