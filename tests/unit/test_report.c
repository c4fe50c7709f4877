/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as crash.c writes them, of this program's own functions. */
#include "test.h"

#include <errno.h>

#include "folder.h"

#include "crash.h"
#include "report.h"

/* Its address is all that matters, so nobody may merge it with another. */
__attribute__((noinline)) static int function_that_failed(int n)
{
    __asm__ volatile("" : "+r"(n));
    return n * 7919;
}

static json_t *lent; /* until the test ends */

static json_t *lend(json_t *value)
{
    json_array_append_new(lent, value);
    return value;
}

static int setup(void **state)
{
    lent = json_array();
    return folder_make(state);
}

static int teardown(void **state)
{
    json_decref(lent);
    return folder_remove(state);
}

static void write_one(bool contained, const char *words)
{
    uintptr_t pc = (uintptr_t)function_that_failed;
    struct crash crash = {.what = "SIGSEGV",
                          .contained = contained,
                          .at_address = true,
                          .address = 0x10,
                          .words = words,
                          .depth = 3,
                          .frames = {pc + 1, pc + 2, 0x10}};

    crash_set_folder(in_folder("crashes"));
    crash_write(&crash);
}

static json_t *list(void)
{
    return lend(reports_list(folder));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static json_t *read_first(void)
{
    struct fault why = {0};
    json_t *report = report_read(folder, text(json_array_get(list(), 0), "id"), &why);

    assert_non_null(report);
    return lend(report);
}

static json_t *frame(const json_t *report, size_t i)
{
    return json_array_get(json_object_get(report, "frames"), i);
}

static void a_report_is_listed_and_read_back(void **state)
{
    json_t *report;

    write_one(true, "it failed");
    assert_int_equal(json_array_size(list()), 1);
    report = json_array_get(list(), 0);
    assert_string_equal(text(report, "status"), "contained");
    assert_string_equal(text(report, "reason"), "it failed");
    assert_null(json_object_get(report, "frames"));
    report = read_first();
    assert_string_equal(text(report, "signal"), "SIGSEGV");
    assert_string_equal(text(report, "address"), "0x10");
    assert_int_equal(json_integer_value(json_object_get(report, "os_pid")), getpid());
    assert_int_equal(json_array_size(json_object_get(report, "frames")), 3);
}

static void every_frame_has_its_function_and_line(void **state)
{
    json_t *report;

    write_one(true, "it failed");
    report = read_first();
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(text(frame(report, i), "function"), "function_that_failed");
        assert_string_equal(text(frame(report, i), "file"), "test_report.c");
        assert_true(json_integer_value(json_object_get(frame(report, i), "line")) > 0);
        assert_string_not_equal(text(frame(report, i), "build_id"), "");
    }
    assert_string_equal(text(frame(report, 2), "pc"), "0x10");
    assert_null(json_object_get(frame(report, 2), "object"));
}

/* Put another file's name into all reports, in place of this program's. */
static void move_the_program_to(const char *path)
{
    char command[2000];

    snprintf(command, sizeof(command), "sed -i 's|%s|%s|' %s/*.crash",
             text(frame(read_first(), 0), "object"), path, in_folder("crashes"));
    assert_int_equal(system(command), 0); /* NOLINT: the test's own */
}

static void a_file_that_has_gone_is_found_by_its_build_id(void **state)
{
    char command[2000];

    write_one(true, "it failed");
    move_the_program_to("/nowhere/7-plugin-1.0.0.so");
    assert_string_equal(text(frame(read_first(), 0), "function"), "");
    mkdir(in_folder("store"), 0700);
    snprintf(command, sizeof(command), "cp /proc/%d/exe %s", (int)getpid(),
             in_folder("store/9-plugin-1.0.0.so"));
    assert_int_equal(system(command), 0); /* NOLINT: the test's own */
    assert_string_equal(text(frame(read_first(), 0), "function"),
                        "function_that_failed");
}

static void another_file_under_the_same_name_is_not_taken_for_it(void **state)
{
    write_one(true, "it failed");
    move_the_program_to("/bin/sh");
    assert_string_equal(text(frame(read_first(), 0), "object"), "/bin/sh");
    assert_string_equal(text(frame(read_first(), 0), "function"), "");
}

static void words_can_forge_no_line(void **state)
{
    write_one(true, "it failed\nvsn: 9.9.9\n  0x1 /bin/sh+0x1");
    assert_string_equal(text(read_first(), "reason"),
                        "it failed vsn: 9.9.9   0x1 /bin/sh+0x1");
    assert_string_equal(text(read_first(), "vsn"), "");
}

static void the_newest_comes_first(void **state)
{
    char words[8];

    for (int i = 1; i <= 12; i++) {
        snprintf(words, sizeof(words), "%d", i);
        write_one(true, words);
    }
    for (size_t i = 0; i < 12; i++) {
        snprintf(words, sizeof(words), "%zu", 12 - i);
        assert_string_equal(text(json_array_get(list(), i), "reason"), words);
    }
}

static void only_the_last_hundred_are_kept(void **state)
{
    for (unsigned i = 0; i < CRASH_REPORTS + 20; i++)
        write_one(true, i < 20 ? "old" : "new");
    assert_int_equal(json_array_size(list()), CRASH_REPORTS);
    for (size_t i = 0; i < CRASH_REPORTS; i++)
        assert_string_equal(text(json_array_get(list(), i), "reason"), "new");
}

static void write_text(const char *content)
{
    write_file(in_folder("crashes/1-2-3.crash"), content, strlen(content));
}

static void nonsense_in_a_report_is_no_crash(void **state)
{
    static const char *const contents[] = {
        "",
        "\n\n:\n: \n",
        "backtrace:\n  \n  0x\n   +\n  1 + build-id ",
        "message: ",
        "message: zz\nline:",
        "message: ff\nmessage: 9fff\npid: x\n"};

    assert_int_equal(json_array_size(list()), 0);
    mkdir(in_folder("crashes"), 0700);
    for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
        write_text(contents[i]);
        assert_string_equal(text(read_first(), "time"), "1970-01-01T00:00:01Z");
    }
}

static void a_message_is_json_unless_it_was_cut(void **state)
{
    mkdir(in_folder("crashes"), 0700);
    write_text("message: a16361646405\n"); /* {"add": 5} */
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(read_first(), "message"), "add")),
                     5);
    write_text("message: a1636164...\n");
    assert_null(json_object_get(read_first(), "message"));
    assert_string_equal(text(read_first(), "message_bytes"), "a1636164...");
}

static void an_id_leads_to_no_other_file(void **state)
{
    static const char *const ids[] = {"", "1-2-4", "../crashes/1-2-3", "1-2-3.crash",
                                      "/etc/passwd"};
    struct fault why;

    mkdir(in_folder("crashes"), 0700);
    write_text("moult: a fatal fault\n");
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        why = (struct fault){.error = 0};
        assert_null(report_read(folder, ids[i], &why));
        assert_int_equal(why.error, -ENOENT);
    }
}

#define REPORT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPORT_TEST(a_report_is_listed_and_read_back),
        REPORT_TEST(every_frame_has_its_function_and_line),
        REPORT_TEST(a_file_that_has_gone_is_found_by_its_build_id),
        REPORT_TEST(another_file_under_the_same_name_is_not_taken_for_it),
        REPORT_TEST(words_can_forge_no_line),
        REPORT_TEST(the_newest_comes_first),
        REPORT_TEST(only_the_last_hundred_are_kept),
        REPORT_TEST(nonsense_in_a_report_is_no_crash),
        REPORT_TEST(a_message_is_json_unless_it_was_cut),
        REPORT_TEST(an_id_leads_to_no_other_file),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
