/* SPDX-License-Identifier: Apache-2.0 */
/* NAME.appup beside a plugin: found, read, known and stored with it. */
#include <errno.h>

#include "appupfile.h"
#include "beside.h"
#include "folder.h"
#include "manifest.h"
#include "store.h"

static struct appup appup;
static struct fault why;

static int begin(void **state)
{
    appup = (struct appup){0};
    why = (struct fault){0};
    return folder_make(state);
}

static int end(void **state)
{
    appup_release(&appup);
    return folder_remove(state);
}

static void write_to(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "we");

    fputs(text, out);
    fclose(out);
}

static int take(const char *text)
{
    write_to("web.appup", text);
    return appupfile_take(in_folder("web-2.0.so"), "web", "2.0", &appup, &why);
}

static void assert_refused(const char *text, const char *words)
{
    assert_int_equal(take(text), -EINVAL);
    if (!strstr(why.text, words))
        fail_msg("'%s' lacks '%s'", why.text, words);
    why = (struct fault){0};
    appup_release(&appup);
}

static void all_that_it_says_is_taken(void **state)
{
    const struct way *way;

    assert_int_equal(
        take(
            "name = \"web\"; vsn = \"2.0\";\n"
            "up = ({ vsn = \"1.0\"; instructions = (\n"
            "        { update = \"a\"; change = \"advanced\"; extra = [7]; },\n"
            "        { load_module = \"b\"; deps = [\"a\"]; },\n"
            "        { update = \"\"; change = \"supervisor\"; }); },\n"
            "      { pattern = \"1\\\\..*\"; });\n"
            "down = ({ vsn = \"1.0\"; instructions = ({ code_change = \"a\"; },\n"
            "        { load = \"b\"; }, { remove = \"c\"; }, { add_module = \"d\"; },\n"
            "        { delete_module = \"e\"; }); });\n"),
        0);
    assert_true(appup.is_there);
    assert_int_equal(appup.ways[APPUP_UP].count, 2);
    way = appup_find(&appup, APPUP_UP, "1.0");
    assert_int_equal(way->count, 3);
    assert_int_equal(way->list[0].change, MOULT_ADVANCED);
    assert_memory_equal(way->list[0].extra, "\x81\x07", 2);
    assert_string_equal(way->list[0].where, "web.appup:3");
    assert_int_equal(way->list[1].kind, MOULT_LOAD_MODULE);
    assert_string_equal(way->list[1].deps[0], "a");
    assert_int_equal(appup_find(&appup, APPUP_UP, "1.5")->count, 0);
    way = appup_find(&appup, APPUP_DOWN, "1.0");
    assert_int_equal(way_find(way, "a")->change, MOULT_ADVANCED);
    assert_int_equal(way_find(way, "b")->kind, MOULT_LOAD_MODULE);
    assert_int_equal(way_find(way, "c")->kind, MOULT_DELETE_MODULE);
}

/* OTP: syntax_check, bad_appup_relup. */
static void what_can_t_be_is_refused_by_line_and_key(void **state)
{
#define UP(text) "vsn = \"2.0\"; up = ({ vsn = \"1\"; instructions = (\n" text "); });"

    assert_refused("up = ();", "does not say which version's it is: vsn = \"2.0\";");
    assert_refused("vsn = 2;", "web.appup:1: 'vsn' is not \"2.0\"");
    assert_refused("vsn = \"2.0\"; colour = 1;", "web.appup:1: 'colour': an appup has");
    assert_refused("vsn = \"2.0\"; up = [1];", "web.appup:1: 'up' must be a list");
    assert_refused("vsn = \"2.0\"; up = (1);", "web.appup:1 must be a group");
    assert_refused("vsn = \"2.0\"; up = ({});", "web.appup:1: set vsn or pattern");
    assert_refused("vsn = \"2.0\"; up = ({ vsn = 1; });", "'vsn' must be a string");
    assert_refused("vsn = \"2.0\"; up = ({ from = \"1\"; });",
                   "'from' says nothing of a way");
    assert_refused("vsn = \"2.0\"; up = ({ pattern = \"(\"; });", "'(' is none");
    assert_refused("vsn = \"2.0\"; up = ({ vsn = \"1\"; instructions = 1; });",
                   "'instructions' must be a list");
    assert_refused(UP("1"), "web.appup:2: instructions must be groups");
    assert_refused(UP("{}"), "web.appup:2: a group without an instruction");
    assert_refused(UP("{ update = 1; }"), "'update' must be a name");
    assert_refused(UP("{ update = \"a\"; load = \"a\"; }"), "'load' is a second");
    assert_refused(UP("{ updat = \"a\"; }"), "'updat' is no instruction");
    assert_refused(UP("{ suspend = \"a\"; }"), "'suspend' is what every upgrade does");
    assert_refused(UP("{ purge = [\"a\"]; }"), "'purge' is no instruction of its own");
    assert_refused(UP("{ update = \"a\"; change = \"hard\"; }"),
                   "'change' must be \"soft\"");
    assert_refused(UP("{ update = \"a\"; deps = \"b\"; }"), "'deps' must be an array");
    assert_refused(UP("{ update = \"a\"; deps = [1]; }"), "'deps' must be an array");
    assert_refused(UP("{ update = \"a\"; deps = [\"b\"]; }"),
                   "web.appup:2 relies on 'b', which has no instruction");
    assert_refused(UP("{ update = \"a\"; extra = 1; }"), "only an advanced change");
    assert_refused(UP("{ update = \"a\"; },\n{ load = \"a\"; }"),
                   "web.appup:3: module 'a' has an instruction already, web.appup:2");
    assert_refused(UP("{ add_application = \"Kv\"; }"), "'Kv' is not the name of an");
    assert_refused(UP("{ add_application = \"web\"; }"),
                   "'web' itself is there in both");
    assert_refused(UP("{ restart_application = \"kv\"; }"), "only 'web' itself can be");
    assert_refused(UP("{ add_application = \"kv\"; extra = 1; }"),
                   "add_application has no extra");
    assert_refused(
        UP("{ add_application = \"kv\"; },\n{ remove_application = \"kv\"; }"),
        "web.appup:3: application 'kv' has an instruction already, web.appup:2");
    assert_refused("vsn = \"2.0\"; up = (", "syntax error");
}

/* `count` times, with its number, between the two. */
static const char *many(const char *before, const char *format, int count,
                        const char *behind)
{
    static char text[32768];
    int len = snprintf(text, sizeof(text), "%s", before);

    for (int i = 0; i < count; i++) {
        len += snprintf(text + len, sizeof(text) - (size_t)len, i ? "," : "");
        len += snprintf(text + len, sizeof(text) - (size_t)len, format, i);
    }
    snprintf(text + len, sizeof(text) - (size_t)len, "%s", behind);
    return text;
}

static void its_lists_have_128_entries_at_most(void **state)
{
    static const char up[] = "vsn = \"2.0\"; up = ({ vsn = \"1\"; instructions = (",
                      one[] = "{ load = \"m%d\"; }", end[] = "); });",
                      ways[] = "vsn = \"2.0\"; up = (", way[] = "{ vsn = \"%d\"; }",
                      deps[] = "vsn = \"2.0\"; up = ({ vsn = \"1\"; instructions = ("
                               "{ load = \"a\"; deps = [";

    assert_int_equal(take(many(up, one, 128, end)), 0);
    assert_int_equal(appup_find(&appup, APPUP_UP, "1")->count, 128);
    appup_release(&appup);
    assert_refused(many(up, one, 129, end), "'instructions' has more than 128 entries");
    assert_refused(many(ways, way, 129, ");"), "'up' has more than 128 entries");
    assert_refused(many(deps, "\"d%d\"", 129, "]; }); });"),
                   "'deps' has more than 128 entries");
}

static void it_takes_the_place_of_the_plugin_s_own(void **state)
{
    appup_add(&appup, APPUP_UP, "0.9", NULL, "", &why);
    appup_add(&appup, APPUP_DOWN, "0.9", NULL, "", &why);
    assert_int_equal(take("vsn = \"2.0\"; up = ({ vsn = \"1.0\"; });"), 0);
    assert_null(appup_find(&appup, APPUP_UP, "0.9"));
    assert_non_null(appup_find(&appup, APPUP_UP, "1.0"));
    assert_int_equal(appup.ways[APPUP_DOWN].count, 0);
}

static void another_version_s_is_left_alone(void **state)
{
    assert_int_equal(take("vsn = \"2.1\"; up = (1);"), 0);
    assert_false(appup.is_there);
}

static void it_is_known_and_stored_with_its_plugin(void **state)
{
    struct manifest without, with;
    struct store *store;
    char command[1200], *stored, *beside;

    snprintf(command, sizeof(command), "cp %s %s", plugin("good_1_0_0"),
             in_folder("good.so"));
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a copy */
    assert_int_equal(manifest_read(in_folder("good.so"), &without, NULL), 0);
    write_to("good.appup", "vsn = \"1.0.0\";");
    assert_int_equal(manifest_read(in_folder("good.so"), &with, NULL), 0);
    assert_string_not_equal(with.hash, without.hash);
    assert_string_equal(with.own_hash, without.own_hash);
    assert_int_equal(store_open(in_folder("store"), &store, NULL), 0);
    assert_int_equal(store_put(store, in_folder("good.so"), &with, &stored, NULL), 0);
    assert_int_equal(manifest_read(stored, &without, NULL), 0);
    assert_string_equal(with.hash, without.hash);
    beside = beside_path(BESIDE_APPUP, stored);
    assert_int_equal(access(beside, F_OK), 0);
    store_drop(store, stored);
    assert_int_not_equal(access(beside, F_OK), 0);
    free(beside);
    free(stored);
    store_close(store);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_that_it_says_is_taken),
        TEST(what_can_t_be_is_refused_by_line_and_key),
        TEST(its_lists_have_128_entries_at_most),
        TEST(it_takes_the_place_of_the_plugin_s_own),
        TEST(another_version_s_is_left_alone),
        TEST(it_is_known_and_stored_with_its_plugin),
    };

    return cmocka_run_group_tests_name("appupfile", tests, NULL, NULL);
}
