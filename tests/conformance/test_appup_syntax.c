/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can't be said in an appup is found before anything is done, and told with where it
 * stands: systools_rc's syntax_check, release_handler's install_release_syntax_check.
 */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "appupfile.h"
#include "folder.h"

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

/* Of web 2.0, from 1.0. */
static int take(const char *instructions)
{
    FILE *out = fopen(in_folder("web.appup"), "we");

    fprintf(out, "vsn = \"2.0\"; up = ({ vsn = \"1.0\"; instructions = (\n%s); });",
            instructions);
    fclose(out);
    why = (struct fault){0};
    appup_release(&appup);
    return appupfile_take(in_folder("web-2.0.so"), "web", "2.0", &appup, &why);
}

static void assert_none(const char *instructions, const char *words)
{
    if (take(instructions) != -EINVAL)
        fail_msg("%s is taken", instructions);
    if (!strstr(why.text, "web.appup:2") || !strstr(why.text, words))
        fail_msg("'%s' lacks '%s'", why.text, words);
}

static const struct way *assert_taken(const char *instructions)
{
    if (take(instructions) < 0)
        fail_msg("%s", why.text);
    return appup_find(&appup, APPUP_UP, "1.0");
}

/* -- as OTP -- */

static void what_is_no_instruction_is_refused(void **state)
{
    assert_none("{ hoho = \"m\"; }", "'hoho' is no instruction: there are update,");
    assert_none("{ change = \"soft\"; }", "a group without an instruction");
    assert_none("\"update\"", "instructions must be groups");
}

static void a_name_must_be_one(void **state)
{
    static const char *const kinds[] = {"update",
                                        "load_module",
                                        "add_module",
                                        "delete_module",
                                        "add_application",
                                        "remove_application",
                                        "code_change",
                                        "restart_application",
                                        "load",
                                        "remove",
                                        "apply",
                                        "stop",
                                        "start"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        char text[64];

        snprintf(text, sizeof(text), "{ %s = 1; }", kinds[i]);
        assert_none(text, "must be a name");
    }
    assert_none("{ update = [\"m\"]; }", "must be a name");
    assert_none("{ add_module = \"\"; }", "names no module");
    assert_none("{ stop = \"\"; }, { start = \"\"; }", "names no module");
}

static void a_change_is_soft_advanced_or_supervisor(void **state)
{
    assert_none("{ update = \"m\"; change = \"hard\"; }", "must be \"soft\"");
    assert_none("{ update = \"m\"; change = 1; }", "must be \"soft\"");
    assert_none("{ load_module = \"m\"; change = \"advanced\"; }", "has no change");
    assert_none("{ update = \"m\"; extra = 1; }", "only an advanced change");
}

static void a_purge_is_soft_or_brutal(void **state)
{
    assert_none("{ update = \"m\"; pre_purge = \"brutal\"; }", "\"soft_purge\" or");
    assert_none("{ update = \"m\"; post_purge = 1; }", "\"soft_purge\" or");
    assert_none("{ apply = \"f\"; pre_purge = \"soft_purge\"; }",
                "apply has no timeout");
}

static void a_timeout_is_a_number_of_milliseconds(void **state)
{
    assert_none("{ update = \"m\"; timeout = \"long\"; }", "must be milliseconds");
    assert_none("{ update = \"m\"; timeout = 0; }", "must be milliseconds");
    assert_none("{ update = \"m\"; timeout = -1; }", "must be milliseconds");
    assert_none("{ stop = \"m\"; timeout = 5; }, { start = \"m\"; }",
                "stop has no timeout");
}

static void dependencies_are_modules_with_an_instruction(void **state)
{
    assert_none("{ update = \"m\"; deps = \"n\"; }", "must be an array");
    assert_none("{ update = \"m\"; deps = [1]; }", "must be an array");
    assert_none("{ update = \"m\"; deps = [\"n\"]; }", "relies on 'n'");
    assert_none("{ restart_application = \"web\"; deps = [\"n\"]; }", "no deps");
}

static void a_module_is_told_of_once(void **state)
{
    assert_none("{ update = \"m\"; }, { load_module = \"m\"; }",
                "module 'm' has an instruction already");
    assert_none("{ add_module = \"m\"; }, { delete_module = \"m\"; }",
                "module 'm' has an instruction already");
    assert_none("{ stop = \"m\"; }, { update = \"m\"; }, { start = \"m\"; }",
                "is stopped");
    assert_none("{ stop = \"m\"; }, { stop = \"m\"; }, { start = \"m\"; }",
                "module 'm' has an instruction already");
    assert_none("{ stop = \"m\"; }, { stop = \"m/n\"; }, { start = \"m\"; },"
                "{ start = \"m/n\"; }",
                "what is above or below 'm/n'");
}

static void what_is_stopped_is_started_behind_that(void **state)
{
    assert_none("{ stop = \"m\"; }", "'m' is stopped and not started behind that");
    assert_none("{ start = \"m\"; }", "'m' is started and not stopped before");
    assert_none("{ start = \"m\"; }, { stop = \"m\"; }",
                "'m' is started and not stopped before");
    assert_none("{ stop = \"m\"; }, { start = \"n\"; }",
                "'m' is stopped and not started behind that");
    assert_int_equal(assert_taken("{ stop = \"m\"; }, { start = \"m\"; }")->count, 2);
}

static void there_is_one_point_of_no_return_with_only_applies_before_it(void **state)
{
    assert_none("{ point_of_no_return = true; }, { point_of_no_return = true; }",
                "there is a point_of_no_return already");
    assert_none("{ update = \"m\"; }, { point_of_no_return = true; }",
                "only apply may come before point_of_no_return");
    assert_none("{ point_of_no_return = \"m\"; }", "set it to true");
    assert_none("{ point_of_no_return = true; extra = 1; }", "has no extra");
    assert_taken("{ point_of_no_return = true; }, { update = \"m\"; }");
}

static void a_restart_is_about_nothing_in_particular(void **state)
{
    assert_none("{ restart = \"web\"; }", "set it to true");
    assert_none("{ restart_emulator = false; }", "set it to true");
    assert_none("{ restart_new_emulator = true; deps = [\"m\"]; }", "has no change");
    assert_true(way_reboots(assert_taken("{ restart_emulator = true; }")));
    assert_true(way_reboots(assert_taken("{ restart_new_emulator = true; }")));
    assert_true(way_reboots(assert_taken("{ restart = true; }")));
}

static void applications_come_go_and_are_restarted_each_once(void **state)
{
    assert_none("{ add_application = \"web\"; }", "is there in both");
    assert_none("{ restart_application = \"kv\"; }", "only 'web' itself");
    assert_none("{ add_application = \"no such\"; }", "is not the name of an");
    assert_none("{ add_application = \"kv\"; }, { remove_application = \"kv\"; }",
                "application 'kv' has an instruction already");
}

static void a_function_must_be_there(void **state)
{
    assert_none("{ apply = \"f\"; }", "has no function 'f'");
    assert_none("{ apply = \"f\"; change = \"advanced\"; }", "apply has no change");
}

/* -- what there is no such thing of: what to write instead is said -- */

static void what_every_upgrade_does_is_left_out(void **state)
{
    assert_none("{ suspend = \"m\"; }",
                "how long one has for it is the timeout of its");
    assert_none("{ resume = \"m\"; }", "is what every upgrade does");
    assert_none("{ load_object_code = \"m\"; }", "is what every upgrade does");
    assert_none("{ purge = \"m\"; }", "set post_purge = \"brutal_purge\"");
    assert_none("{ sync_nodes = \"m\"; }", "a host is one: leave it out");
}

/* translate_app: the five start types; translate: static and dynamic. */
static void what_is_said_elsewhere_is_left_out(void **state)
{
    assert_none("{ add_application = \"kv\"; type = \"transient\"; }",
                "the host's configuration says");
    assert_none("{ update = \"m\"; mod_type = \"static\"; }", "makes no difference");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_instruction_is_refused),
        TEST(a_name_must_be_one),
        TEST(a_change_is_soft_advanced_or_supervisor),
        TEST(a_purge_is_soft_or_brutal),
        TEST(a_timeout_is_a_number_of_milliseconds),
        TEST(dependencies_are_modules_with_an_instruction),
        TEST(a_module_is_told_of_once),
        TEST(what_is_stopped_is_started_behind_that),
        TEST(there_is_one_point_of_no_return_with_only_applies_before_it),
        TEST(a_restart_is_about_nothing_in_particular),
        TEST(applications_come_go_and_are_restarted_each_once),
        TEST(a_function_must_be_there),
        TEST(what_every_upgrade_does_is_left_out),
        TEST(what_is_said_elsewhere_is_left_out),
    };

    return cmocka_run_group_tests_name("appup_syntax", tests, NULL, NULL);
}
