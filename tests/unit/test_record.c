/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "ledger.h"
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

/* What would be if `app` ran `vsn`; given. */
static json_t *with(const struct record *record, const char *app, const char *vsn)
{
    const json_t *running = ledger_running(record_ledger(record));
    json_t *apps =
               running ? json_deep_copy(ledger_applications(running)) : json_object(),
           *next;

    json_object_set_new(apps, app, json_pack("{s:s, s:s}", "vsn", vsn, "hash", "cafe"));
    next = ledger_become(record_ledger(record), apps, false);
    json_decref(apps);
    return next;
}

static int prepare(struct record *record, const char *app, const char *vsn,
                   struct fault *why)
{
    json_t *next = with(record, app, vsn);
    int error = record_prepare(record, next, why);

    json_decref(next);
    return error;
}

static void put(struct record *record, const char *app, const char *vsn)
{
    assert_int_equal(prepare(record, app, vsn, NULL), 0);
    assert_int_equal(record_commit(record, NULL), 0);
}

/* The vsn of `app` that a host would begin with, or NULL. */
static const char *vsn_of(const struct record *record, const char *app)
{
    const json_t *apps = ledger_applications(ledger_permanent(record_ledger(record)));

    return json_string_value(json_object_get(json_object_get(apps, app), "vsn"));
}

static void what_was_committed_is_there_after_opening_again(void **state)
{
    struct record *r = reopen(NULL);

    assert_null(vsn_of(r, "counter"));
    put(r, "counter", "1.0.0");
    put(r, "chat", "0.3");
    put(r, "counter", "2.0.0");
    r = reopen(r);
    assert_string_equal(vsn_of(r, "counter"), "2.0.0");
    assert_string_equal(vsn_of(r, "chat"), "0.3");
    record_close(r);
}

static void what_was_only_prepared_is_gone_after_opening_again(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    assert_int_equal(prepare(r, "counter", "2.0.0", NULL), 0);
    assert_string_equal(vsn_of(r, "counter"), "1.0.0");
    r = reopen(r); /* as after a kill between the two */
    assert_string_equal(vsn_of(r, "counter"), "1.0.0");
    assert_int_equal(access(in_folder("releases.json.new"), F_OK), -1);
    record_close(r);
}

static void what_is_forgotten_leaves_no_file(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    assert_int_equal(prepare(r, "counter", "2.0.0", NULL), 0);
    record_forget(r);
    assert_int_equal(access(in_folder("releases.json.new"), F_OK), -1);
    assert_int_equal(record_commit(r, NULL), 0);
    assert_string_equal(vsn_of(r, "counter"), "1.0.0");
    record_close(r);
}

static void of_a_torn_record_the_one_before_is_used(void **state)
{
    struct record *r = reopen(NULL);
    struct stat info;
    int count = 0;

    put(r, "counter", "1.0.0");
    put(r, "counter", "2.0.0");
    assert_int_equal(stat(in_folder("releases.json"), &info), 0);
    for (off_t len = info.st_size - 1; len >= 0; len -= 7) {
        put(r, "counter", ++count % 2 ? "1.0.0" : "2.0.0");
        put(r, "counter", "3.0.0");
        assert_int_equal(truncate(in_folder("releases.json"), len), 0);
        r = reopen(r);
        assert_string_equal(vsn_of(r, "counter"), count % 2 ? "1.0.0" : "2.0.0");
        assert_int_equal(access(in_folder("releases.json.bad"), F_OK), 0);
    }
    record_close(r);
}

static void what_was_read_from_the_one_before_is_the_record_from_then_on(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    put(r, "counter", "2.0.0");
    assert_int_equal(unlink(in_folder("releases.json")), 0);
    for (int i = 0; i < 2; i++) {
        r = reopen(r);
        assert_string_equal(vsn_of(r, "counter"), "1.0.0");
        assert_int_equal(record_replace(r, (json_t *)record_ledger(r), NULL), 0);
        unlink(in_folder("releases.json.old"));
    }
    record_close(r);
}

static void a_record_may_be_torn_again_and_again(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    put(r, "counter", "2.0.0");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(truncate(in_folder("releases.json"), 9), 0);
        r = reopen(r);
        assert_string_equal(vsn_of(r, "counter"), "1.0.0");
        assert_int_equal(record_replace(r, (json_t *)record_ledger(r), NULL), 0);
    }
    record_close(r);
}

static void without_one_before_a_torn_record_is_empty(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    assert_int_equal(truncate(in_folder("releases.json"), 9), 0);
    r = reopen(r);
    assert_null(vsn_of(r, "counter"));
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
    assert_null(vsn_of(r, "counter"));
    write_text(in_folder("releases.json"), "[]");
    r = reopen(r);
    assert_null(vsn_of(r, "counter"));
    record_close(r);
}

#define FORMAT_1                                                              \
    "{\n  \"applications\": {\n    \"counter\": {\n"                          \
    "      \"hash\": \"cafe\",\n      \"vsn\": \"1.1.0\"\n    },\n"           \
    "    \"greeter\": {\n      \"hash\": \"beef\",\n      \"vsn\": \"0.2\"\n" \
    "    }\n  },\n  \"checksum\": \"5b8530b6968cd520\",\n  \"format\": 1\n}"

/* As the first hosts wrote it. */
static void a_record_of_format_1_is_the_release_that_it_would_boot(void **state)
{
    struct record *r;

    write_text(in_folder("releases.json"), FORMAT_1);
    r = reopen(NULL);
    assert_string_equal(vsn_of(r, "counter"), "1.1.0");
    assert_string_equal(vsn_of(r, "greeter"), "0.2");
    put(r, "counter", "2.0.0");
    r = reopen(r);
    assert_string_equal(vsn_of(r, "counter"), "2.0.0");
    assert_string_equal(vsn_of(r, "greeter"), "0.2");
    assert_int_equal(access(in_folder("releases.json.bad"), F_OK), -1);
    record_close(r);
}

static void a_record_that_cannot_be_written_is_refused_and_unchanged(void **state)
{
    struct record *r = reopen(NULL);
    struct fault why = {0};

    put(r, "counter", "1.0.0");
    assert_int_equal(mkdir(in_folder("releases.json.new"), 0700), 0);
    assert_true(prepare(r, "counter", "2.0.0", &why) < 0);
    assert_non_null(strstr(why.text, "releases.json.new"));
    assert_string_equal(vsn_of(r, "counter"), "1.0.0");
    assert_int_equal(rmdir(in_folder("releases.json.new")), 0);
    r = reopen(r);
    assert_string_equal(vsn_of(r, "counter"), "1.0.0");
    record_close(r);
}

static void a_record_that_says_so_already_is_not_written_again(void **state)
{
    struct record *r = reopen(NULL);

    put(r, "counter", "1.0.0");
    assert_int_equal(prepare(r, "counter", "1.0.0", NULL), 0);
    assert_int_equal(access(in_folder("releases.json.new"), F_OK), -1);
    record_close(r);
}

static void what_is_current_is_so_in_memory_alone(void **state)
{
    struct record *r = reopen(NULL);
    json_t *copy,
        *apps = json_pack("{s:{s:s, s:s}}", "counter", "vsn", "2.0.0", "hash", "beef"),
        *next;

    put(r, "counter", "1.0.0");
    next = ledger_become(record_ledger(r), apps, true);
    assert_int_equal(record_replace(r, next, NULL), 0);
    copy = record_copy(r);
    assert_true(ledger_is(ledger_running(copy), "current"));
    json_decref(copy);
    r = reopen(r);
    assert_true(ledger_is(ledger_running(record_ledger(r)), "permanent"));
    assert_string_equal(vsn_of(r, "counter"), "1.0.0");
    record_close(r);
    json_decref(next);
    json_decref(apps);
}

#define RECORD_TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_TEST(what_was_committed_is_there_after_opening_again),
        RECORD_TEST(what_was_only_prepared_is_gone_after_opening_again),
        RECORD_TEST(what_is_forgotten_leaves_no_file),
        RECORD_TEST(of_a_torn_record_the_one_before_is_used),
        RECORD_TEST(what_was_read_from_the_one_before_is_the_record_from_then_on),
        RECORD_TEST(a_record_may_be_torn_again_and_again),
        RECORD_TEST(without_one_before_a_torn_record_is_empty),
        RECORD_TEST(a_record_with_a_wrong_checksum_or_format_is_set_aside),
        RECORD_TEST(a_record_of_format_1_is_the_release_that_it_would_boot),
        RECORD_TEST(a_record_that_cannot_be_written_is_refused_and_unchanged),
        RECORD_TEST(a_record_that_says_so_already_is_not_written_again),
        RECORD_TEST(what_is_current_is_so_in_memory_alone),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
