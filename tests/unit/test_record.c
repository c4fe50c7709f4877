/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "folder.h"
#include "record.h"

static struct record *reopen(struct record *record)
{
    struct record *fresh = NULL;
    struct fault why = {0};

    record_close(record);
    assert_int_equal(record_open(folder, &fresh, &why), 0);
    return fresh;
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

static void put(struct record *record, const char *app, const char *vsn)
{
    assert_int_equal(record_prepare(record, app, vsn, "cafe", NULL), 0);
    assert_int_equal(record_commit(record, NULL), 0);
}

static void what_was_committed_is_there_after_opening_again(void **state)
{
    struct record *r = reopen(NULL);

    assert_null(record_vsn(r, "counter"));
    put(r, "counter", "1.0.0");
    put(r, "chat", "0.3");
    put(r, "counter", "2.0.0");
    r = reopen(r);
    assert_string_equal(record_vsn(r, "counter"), "2.0.0");
    assert_string_equal(record_hash(r, "counter"), "cafe");
    assert_string_equal(record_vsn(r, "chat"), "0.3");
    record_close(r);
}

static void what_was_only_prepared_is_gone_after_opening_again(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    assert_int_equal(record_prepare(r, "counter", "2.0.0", "beef", NULL), 0);
    assert_string_equal(record_vsn(r, "counter"), "1.0.0");
    r = reopen(r); /* as after a kill between the two */
    assert_string_equal(record_vsn(r, "counter"), "1.0.0");
    assert_int_equal(access(in_folder("releases.json.new"), F_OK), -1);
    record_close(r);
}

static void what_is_forgotten_leaves_no_file(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    assert_int_equal(record_prepare(r, "counter", "2.0.0", "beef", NULL), 0);
    record_forget(r);
    assert_int_equal(access(in_folder("releases.json.new"), F_OK), -1);
    assert_int_equal(record_commit(r, NULL), 0);
    assert_string_equal(record_vsn(r, "counter"), "1.0.0");
    record_close(r);
}

static void a_torn_record_is_set_aside_and_the_host_goes_on(void **state)
{
    struct record *r = reopen(NULL);
    struct stat info;

    put(r, "counter", "1.0.0");
    assert_int_equal(stat(in_folder("releases.json"), &info), 0);
    for (off_t len = info.st_size - 1; len >= 0; len -= 7) {
        put(r, "counter", len % 2 ? "1.0.0" : "1.0.1");
        assert_int_equal(truncate(in_folder("releases.json"), len), 0);
        r = reopen(r);
        assert_null(record_vsn(r, "counter"));
        assert_int_equal(access(in_folder("releases.json.bad"), F_OK), 0);
    }
    record_close(r);
}

static void a_record_with_a_wrong_checksum_or_format_is_set_aside(void **state)
{
    struct record *r;

    write_text(
        in_folder("releases.json"),
        "{\"format\":1,\"applications\":{\"counter\":{\"vsn\":\"9\",\"hash\":\"x\"}},"
        "\"checksum\":\"0000000000000000\"}");
    r = reopen(NULL);
    assert_null(record_vsn(r, "counter"));
    write_text(in_folder("releases.json"), "[]");
    r = reopen(r);
    assert_null(record_vsn(r, "counter"));
    record_close(r);
}

static void a_record_that_cannot_be_written_is_refused_and_unchanged(void **state)
{
    struct record *r = reopen(NULL);
    struct fault why = {0};

    put(r, "counter", "1.0.0");
    assert_int_equal(mkdir(in_folder("releases.json.new"), 0700), 0);
    assert_true(record_prepare(r, "counter", "2.0.0", "beef", &why) < 0);
    assert_non_null(strstr(why.text, "releases.json.new"));
    assert_string_equal(record_vsn(r, "counter"), "1.0.0");
    assert_int_equal(rmdir(in_folder("releases.json.new")), 0);
    r = reopen(r);
    assert_string_equal(record_vsn(r, "counter"), "1.0.0");
    record_close(r);
}

static void a_record_that_says_so_already_is_not_written_again(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    assert_int_equal(record_prepare(r, "counter", "1.0.0", "cafe", NULL), 0);
    assert_int_equal(access(in_folder("releases.json.new"), F_OK), -1);
    record_close(r);
}

#define RECORD_TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_TEST(what_was_committed_is_there_after_opening_again),
        RECORD_TEST(what_was_only_prepared_is_gone_after_opening_again),
        RECORD_TEST(what_is_forgotten_leaves_no_file),
        RECORD_TEST(a_torn_record_is_set_aside_and_the_host_goes_on),
        RECORD_TEST(a_record_with_a_wrong_checksum_or_format_is_set_aside),
        RECORD_TEST(a_record_that_cannot_be_written_is_refused_and_unchanged),
        RECORD_TEST(a_record_that_says_so_already_is_not_written_again),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
