/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/signal.h>

#include "folder.h"
#include "store.h"

static struct store *store;
static struct manifest manifest;

static int make_store(void **state)
{
    return folder_make(state) || store_open(in_folder("store"), &store, NULL) ||
           manifest_read(plugin("good_1_0_0"), &manifest, NULL);
}

static int remove_store(void **state)
{
    store_close(store);
    store = NULL;
    return folder_remove(state);
}

static char *put(void)
{
    char *stored = NULL;

    assert_int_equal(store_put(store, plugin("good_1_0_0"), &manifest, &stored, NULL),
                     0);
    return stored;
}

static void count_one(void *context, const char *stored)
{
    ++*(int *)context;
}

static int count_stored(void)
{
    int count = 0;

    assert_int_equal(store_each(store, count_one, &count), 0);
    return count;
}

/* All files of the folder, also those that are none of the store's. */
static int count_files(void)
{
    DIR *dir = opendir(in_folder("store"));
    struct dirent *entry;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void a_stored_file_has_the_same_content(void **state)
{
    char *stored = put();
    struct manifest copy;

    assert_string_equal(strrchr(stored, '/'), "/1-good-1.0.0.so");
    assert_int_equal(manifest_read(stored, &copy, NULL), 0);
    assert_string_equal(copy.hash, manifest.hash);
    free(stored);
}

static void what_happens_to_the_dropped_file_does_not_matter(void **state)
{
    struct manifest copy;
    char *stored = NULL;

    copy_file(plugin("good_1_0_0"), in_folder("x.so"));
    assert_int_equal(store_put(store, in_folder("x.so"), &manifest, &stored, NULL), 0);
    write_file(in_folder("x.so"), "spoilt", 6);
    assert_int_equal(manifest_read(stored, &copy, NULL), 0);
    assert_string_equal(copy.hash, manifest.hash);
    free(stored);
}

static void a_serial_is_never_used_again(void **state)
{
    char *first = put(), *second;

    store_drop(store, first);
    store_close(store);
    assert_int_equal(store_open(in_folder("store"), &store, NULL), 0);
    second = put();
    assert_string_equal(strrchr(second, '/'), "/2-good-1.0.0.so");
    free(first);
    free(second);
}

static void a_spoilt_counter_is_made_up_for_by_the_files(void **state)
{
    char *first = put(), *second;

    write_file(in_folder("store/serial"), "what?", 5);
    store_close(store);
    assert_int_equal(store_open(in_folder("store"), &store, NULL), 0);
    second = put();
    assert_string_equal(strrchr(second, '/'), "/2-good-1.0.0.so");
    free(first);
    free(second);
}

static void a_reissued_file_is_another_file(void **state)
{
    char *first = put(), *second = NULL;
    struct stat a, b;

    assert_int_equal(store_reissue(store, first, &second, NULL), 0);
    assert_string_equal(strrchr(second, '/'), "/2-good-1.0.0.so");
    assert_int_equal(stat(first, &a), 0);
    assert_int_equal(stat(second, &b), 0);
    assert_int_equal(a.st_size, b.st_size);
    assert_int_not_equal(a.st_ino, b.st_ino);
    free(first);
    free(second);
}

static void only_stored_files_are_reissued_or_dropped(void **state)
{
    struct fault why = {0};
    char *fresh = NULL;

    write_file(in_folder("1-mine.so"), "x", 1);
    store_drop(store, in_folder("1-mine.so"));
    assert_int_equal(access(in_folder("1-mine.so"), F_OK), 0);
    assert_int_equal(store_reissue(store, in_folder("1-mine.so"), &fresh, &why),
                     -EINVAL);
    assert_null(fresh);
}

static void a_file_that_changes_while_it_is_copied_is_not_stored(void **state)
{
    struct fault why = {0};
    char *stored = NULL;

    assert_int_equal(store_put(store, plugin("good_1_1_0"), &manifest, &stored, &why),
                     -EAGAIN);
    assert_null(stored);
    assert_non_null(strstr(why.text, "changed while"));
    assert_int_equal(count_files(), 1); /* the counter */
}

static void a_full_disk_leaves_nothing_behind(void **state)
{
    struct rlimit before, small;
    struct fault why = {0};
    char *stored = NULL;
    int err;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    err = store_put(store, plugin("good_1_0_0"), &manifest, &stored, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, -EFBIG);
    assert_non_null(strstr(why.text, "unable to copy"));
    assert_int_equal(count_files(), 1);
}

static void what_an_earlier_host_left_half_written_is_removed(void **state)
{
    store_close(store);
    write_file(in_folder("store/7-good-1.0.0.so.part"), "half", 4);
    write_file(in_folder("store/serial.part"), "1", 1);
    assert_int_equal(store_open(in_folder("store"), &store, NULL), 0);
    assert_int_equal(count_files(), 0);
}

static void stored_files_are_found_again(void **state)
{
    free(put());
    free(put());
    store_close(store);
    assert_int_equal(store_open(in_folder("store"), &store, NULL), 0);
    assert_int_equal(count_stored(), 2);
}

static void a_store_is_for_one_host(void **state)
{
    struct store *second = NULL;
    struct fault why = {0};

    assert_int_equal(store_open(in_folder("store"), &second, &why), -EBUSY);
    assert_null(second);
    assert_non_null(strstr(why.text, "another host"));
}

static void a_store_that_can_not_be_made_is_refused(void **state)
{
    struct store *other = NULL;
    struct fault why = {0};

    assert_int_equal(store_open(in_folder("no/such/folder"), &other, &why), -ENOENT);
    write_file(in_folder("file"), "", 0);
    why = (struct fault){0};
    assert_int_equal(store_open(in_folder("file"), &other, &why), -ENOTDIR);
    assert_non_null(strstr(why.text, "file"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stored_file_has_the_same_content),
        TEST(what_happens_to_the_dropped_file_does_not_matter),
        TEST(a_serial_is_never_used_again),
        TEST(a_spoilt_counter_is_made_up_for_by_the_files),
        TEST(a_reissued_file_is_another_file),
        TEST(only_stored_files_are_reissued_or_dropped),
        TEST(a_file_that_changes_while_it_is_copied_is_not_stored),
        TEST(a_full_disk_leaves_nothing_behind),
        TEST(what_an_earlier_host_left_half_written_is_removed),
        TEST(stored_files_are_found_again),
        TEST(a_store_is_for_one_host),
        TEST(a_store_that_can_not_be_made_is_refused),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
