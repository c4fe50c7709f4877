/* SPDX-License-Identifier: Apache-2.0 */
/* NAME.app beside a plugin: found, merged, known and stored with it. */
#include <errno.h>

#include "appfile.h"
#include "appspec.h"
#include "beside.h"
#include "folder.h"
#include "manifest.h"
#include "settings.h"
#include "store.h"

static struct resource resource;
static struct fault why;

static int begin(void **state)
{
    resource = (struct resource){0};
    why = (struct fault){0};
    return folder_make(state);
}

static int end(void **state)
{
    appspec_release(&resource);
    return folder_remove(state);
}

static void write_to(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "we");

    fputs(text, out);
    fclose(out);
}

static int merge(const char *text)
{
    write_to("web.app", text);
    return appfile_merge(in_folder("web-1.0.so"), "web", "1.0", &resource, &why);
}

static void assert_refused(const char *text, const char *words)
{
    assert_int_equal(merge(text), -EINVAL);
    if (!strstr(why.text, words))
        fail_msg("'%s' lacks '%s'", why.text, words);
    why = (struct fault){0};
    appspec_release(&resource);
}

static void without_one_nothing_is_said(void **state)
{
    assert_int_equal(
        appfile_merge(in_folder("web-1.0.so"), "web", "1.0", &resource, &why), 0);
    assert_null(resource.applications);
    assert_int_equal(resource.env_count, 0);
}

static void all_that_it_says_is_taken(void **state)
{
    assert_int_equal(
        merge("name = \"web\"; vsn = \"1.0\"; id = \"w\"; description = \"serves\";\n"
              "modules = [\"http\"]; registered = [\"web\"];\n"
              "applications = [\"kv\", \"log\"]; optional_applications = [\"log\"];\n"
              "included_applications = (\"part\");\n"
              "env = { port = 80; hosts = (\"a\", 1); big = 5000000000L; };\n"),
        0);
    assert_string_equal(resource.description, "serves");
    assert_string_equal(resource.applications[1], "log");
    assert_string_equal(resource.optional[0], "log");
    assert_string_equal(resource.included[0], "part");
    assert_string_equal(resource.modules[0], "http");
    assert_int_equal(resource.env_count, 3);
    assert_memory_equal(resource.env[0].value, "\x18\x50", 2);
    assert_memory_equal(resource.env[2].value, "\x1b\0\0\0\x01\x2a\x05\xf2\0", 9);
}

/* `count` numbered entries between the two. */
static const char *many(const char *before, const char *format, int count,
                        const char *behind)
{
    static char text[65536];
    int len = snprintf(text, sizeof(text), "%s", before);

    for (int i = 0; i < count; i++)
        len += snprintf(text + len, sizeof(text) - (size_t)len, format, i);
    snprintf(text + len, sizeof(text) - (size_t)len, "%s", behind);
    return text;
}

static void its_lists_have_1024_entries_at_most(void **state)
{
    assert_int_equal(merge(many("env = {", "k%d = 1; ", 1024, "};")), 0);
    assert_int_equal(resource.env_count, 1024);
    appspec_release(&resource);
    assert_refused(many("env = {", "k%d = 1; ", 1025, "};"),
                   "web.app:1: 'env' has more than 1024 entries");
    assert_refused(many("applications = [\"kv\"", ", \"a%d\"", 1024, "];"),
                   "web.app:1: 'applications' has more than 1024 entries");
    assert_refused(many("start_phases = (\"go\"", ", \"p%d\"", 1024, ");"),
                   "web.app:1: 'start_phases' has more than 1024 entries");
}

static void what_can_t_be_is_refused_by_line_and_key(void **state)
{
    assert_refused("applications = \"kv\";",
                   "web.app:1: 'applications' must be an array");
    assert_refused("\napplications = [1];",
                   "web.app:2: 'applications' must be an array");
    assert_refused("env = 3;", "web.app:1: 'env' must be a group");
    assert_refused("colour = 3;", "web.app:1: 'colour' says nothing of an application");
    assert_refused("vsn = 1;", "web.app:1: 'vsn' must be a string");
    assert_refused("name = \"wob\";", "'name' is \"wob\", and the plugin's is \"web\"");
    assert_refused("mod = { args = 1; };", "the plugin has no mod");
    assert_refused("start_phases = (1);", "'start_phases' must be a list of names");
    assert_refused("start_phases = (\"go\");", "its mod has no start_phase");
    assert_refused("applications = [\"web\"];", "it is one of its own applications");
    assert_refused("applications = [\"a\", \"a\"];", "its applications have 'a' twice");
    assert_refused("applications = [\"A b\"];", "'A b' of its applications is not");
    assert_refused("optional_applications = [\"kv\"];", "and not of its applications");
    assert_refused("applications = [\"a\"]; included_applications = [\"a\"];",
                   "is one of its applications and of its included_applications");
    assert_refused("env = {\n Port = 3; };", "'Port' of its env is no key");
    assert_refused("env = {", "web.app:1: syntax error");
}

static void integers_that_would_be_cut_are_refused(void **state)
{
    assert_int_equal(
        merge("# 5000000000\n/* 5000000000\n */ description = "
              "\"5000000000 \\\" 5000000000\";\nenv = { a = 5000000000; };"),
        -ERANGE);
    assert_string_equal(why.text,
                        "web.app:4: 5000000000 needs more than 32 bits: write "
                        "an L behind it");
    assert_int_equal(
        settings_check_integers("a = -2147483648; b = 2147483647; c = "
                                "0x7fffffff; d = 3000000000.5; e9999999999 "
                                "= 5000000000L;",
                                "f", NULL),
        0);
    assert_int_equal(settings_check_integers("a = 2147483648;", "f", NULL), -ERANGE);
    assert_int_equal(settings_check_integers("a = -2147483649;", "f", NULL), -ERANGE);
    assert_int_equal(settings_check_integers("a = 0x80000000;", "f", NULL), -ERANGE);
}

static void the_file_s_own_goes_before_the_application_s(void **state)
{
    write_to("web-1.0.app", "description = \"its own\";");
    assert_int_equal(merge("description = \"the other\";"), 0);
    assert_string_equal(resource.description, "its own");
}

static void another_version_s_is_left_alone(void **state)
{
    assert_int_equal(merge("vsn = \"2.0\"; description = \"of another\";"), 0);
    assert_null(resource.description);
    write_to("web-1.0.app", "vsn = \"2.0\";"); /* but this one can't be another's */
    assert_int_equal(merge(""), -EINVAL);
}

/* -- with its plugin -- */

static void copy_plugin(void)
{
    char command[1200];

    snprintf(command, sizeof(command), "cp %s %s", plugin("good_1_0_0"),
             in_folder("good.so"));
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a copy */
}

static void a_plugin_is_another_with_another_one(void **state)
{
    struct manifest without, with, other;

    copy_plugin();
    assert_int_equal(manifest_read(in_folder("good.so"), &without, NULL), 0);
    assert_string_equal(without.hash, without.own_hash);
    write_to("good.app", "description = \"1\";");
    assert_int_equal(manifest_read(in_folder("good.so"), &with, NULL), 0);
    write_to("good.app", "description = \"2\";");
    assert_int_equal(manifest_read(in_folder("good.so"), &other, NULL), 0);
    assert_string_not_equal(with.hash, without.hash);
    assert_string_not_equal(with.hash, other.hash);
    assert_string_equal(with.own_hash, without.own_hash);
}

static void it_is_stored_and_dropped_with_its_plugin(void **state)
{
    struct store *store;
    struct manifest m, stored_m;
    char *stored, *again, *beside;

    copy_plugin();
    write_to("good.app", "description = \"1\";");
    assert_int_equal(manifest_read(in_folder("good.so"), &m, NULL), 0);
    assert_int_equal(store_open(in_folder("store"), &store, NULL), 0);
    assert_int_equal(store_put(store, in_folder("good.so"), &m, &stored, NULL), 0);
    assert_int_equal(manifest_read(stored, &stored_m, NULL), 0);
    assert_string_equal(stored_m.hash, m.hash);
    assert_int_equal(store_reissue(store, stored, &again, NULL), 0);
    assert_int_equal(manifest_read(again, &stored_m, NULL), 0);
    assert_string_equal(stored_m.hash, m.hash);
    beside = beside_path(BESIDE_APP, stored);
    assert_int_equal(access(beside, F_OK), 0);
    store_drop(store, stored);
    assert_true(access(beside, F_OK) < 0);
    unlink(again); /* as if we had died in the middle of dropping it */
    store_close(store);
    free(beside);
    beside = beside_path(BESIDE_APP, again);
    assert_int_equal(store_open(in_folder("store"), &store, NULL), 0);
    assert_true(access(beside, F_OK) < 0);
    store_close(store);
    free(beside);
    free(stored);
    free(again);
}

static void one_that_changed_meanwhile_is_to_be_read_again(void **state)
{
    struct store *store;
    struct manifest m;
    char *stored;

    copy_plugin();
    write_to("good.app", "description = \"1\";");
    assert_int_equal(manifest_read(in_folder("good.so"), &m, NULL), 0);
    assert_int_equal(store_open(in_folder("store"), &store, NULL), 0);
    write_to("good.app", "description = \"2\";");
    assert_int_equal(store_put(store, in_folder("good.so"), &m, &stored, NULL),
                     -EAGAIN);
    unlink(in_folder("good.app"));
    assert_int_equal(store_put(store, in_folder("good.so"), &m, &stored, NULL),
                     -EAGAIN);
    store_close(store);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_one_nothing_is_said),
        TEST(all_that_it_says_is_taken),
        TEST(what_can_t_be_is_refused_by_line_and_key),
        TEST(its_lists_have_1024_entries_at_most),
        TEST(integers_that_would_be_cut_are_refused),
        TEST(the_file_s_own_goes_before_the_application_s),
        TEST(another_version_s_is_left_alone),
        TEST(a_plugin_is_another_with_another_one),
        TEST(it_is_stored_and_dropped_with_its_plugin),
        TEST(one_that_changed_meanwhile_is_to_be_read_again),
    };

    return cmocka_run_group_tests_name("appfile", tests, NULL, NULL);
}
