/* SPDX-License-Identifier: Apache-2.0 */
/* What an appup says: taken, looked up, and checked against what changed. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "appup.h"
#include "carry.h"
#include "plan.h"
#include "route.h"

#define DO(...)                 \
    (const moult_instruction[]) \
    {                           \
        __VA_ARGS__,            \
        {                       \
            0                   \
        }                       \
    }
#define WAYS(...)       \
    (const moult_way[]) \
    {                   \
        __VA_ARGS__,    \
        {               \
            NULL        \
        }               \
    }
#define DEPS(...)         \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

static moult_child specs[12];
static struct code old_codes[4], new_codes[4];
static struct branch old_top, new_top;
static struct image from, to;
static moult_appup appup;
static struct fault why;
static const moult_schema schema = {.size = 8, .alignment = 8, .name = "state"};

static int change(const moult_change *c, moult_in *in, moult_out *out)
{
    return 0;
}

static void set(struct code *list, int i, const char *id, const char *vsn)
{
    moult_child *spec = &specs[i + (list == new_codes ? 4 : list == old_codes ? 0 : 8)];

    *spec = (moult_child){.id = id};
    list[i] = (struct code){.schema = &schema,
                            .layout = 7,
                            .server = {.format = 1, .code_change = change},
                            .vsn = vsn,
                            .id = id,
                            .child = spec};
}

/* Two versions that both have "a" and "b", and an appup that says nothing. */
static int begin(void **state)
{
    const char *const ids[] = {"a", "b"};

    for (int i = 0; i < 2; i++) {
        set(old_codes, i, ids[i], "1.0.0");
        set(new_codes, i, ids[i], "2.0.0");
    }
    old_top = new_top = (struct branch){.intensity = 1};
    from = (struct image){
        .vsn = "1.0.0",
        .descriptor = {
            .codes = old_codes, .count = 2, .branches = &old_top, .branch_count = 1}};
    to = (struct image){
        .vsn = "2.0.0",
        .descriptor = {
            .codes = new_codes, .count = 2, .branches = &new_top, .branch_count = 1}};
    appup = (moult_appup)MOULT_APPUP(.up = NULL);
    why = (struct fault){0};
    return 0;
}

static int end(void **state)
{
    appup_release(&to.descriptor.appup);
    return 0;
}

static int take(void)
{
    const struct moult_plugin plugin = {.name = "app", .appup = &appup};

    appup_release(&to.descriptor.appup);
    why = (struct fault){0};
    return appup_take(&plugin, &to.descriptor.appup, &why);
}

static void assert_says(const char *words)
{
    if (!strstr(why.text, words))
        fail_msg("'%s' lacks '%s'", why.text, words);
}

/* The one way up has these instructions. */
static int take_up(const moult_instruction *instructions)
{
    const moult_way *up = WAYS({.vsn = "1.0.0", .instructions = instructions});

    appup.up = up;
    return take();
}

static void assert_none(const moult_instruction *instructions, const char *words)
{
    assert_int_equal(take_up(instructions), -EINVAL);
    assert_says(words);
}

static int check(const moult_instruction *instructions)
{
    struct route route;

    assert_int_equal(take_up(instructions), 0);
    assert_int_equal(route_find(&from, &to, &route, &why), 0);
    return route_check(&route, &why);
}

static void assert_covers(const moult_instruction *instructions)
{
    if (check(instructions))
        fail_msg("%s", why.text);
}

static void assert_lacks(const moult_instruction *instructions, const char *words)
{
    assert_int_equal(check(instructions), -EINVAL);
    assert_says(words);
}

/* -- what can't be said -- */

static void what_is_malformed_is_refused_with_where(void **state)
{
    assert_none(DO({99, "a"}), "instruction 1 of its appup, up '1.0.0' has kind 99");
    assert_none(DO({MOULT_UPDATE, "a"}, {MOULT_UPDATE, "b", .change = 9}),
                "instruction 2 of its appup, up '1.0.0': its change is none");
    assert_none(DO({MOULT_LOAD_MODULE, "a", .args = "1"}),
                "load_module has no change and no extra");
    assert_none(DO({MOULT_UPDATE, "a", .args = "1"}), "only an advanced change");
    assert_none(DO({MOULT_CODE_CHANGE, "a", .args = "{1"}), "are not JSON");
    assert_none(DO({MOULT_ADD_MODULE, NULL}), "names no module");
    assert_none(DO({MOULT_UPDATE, ""}), "names no module");
    assert_none(DO({MOULT_UPDATE, "a"}, {MOULT_LOAD_MODULE, "a"}),
                "module 'a' has an instruction already, instruction 1");
    assert_none(DO({MOULT_UPDATE, "a", .deps = DEPS("b")}),
                "relies on 'b', which has no instruction");
}

static void its_lists_have_128_entries_at_most(void **state)
{
    static moult_instruction list[130];
    static const char *deps[130];
    static moult_way ways[130];
    static char names[129][8];

    for (int i = 0; i < 129; i++) {
        snprintf(names[i], sizeof(names[i]), "m%d", i);
        list[i] = (moult_instruction){MOULT_LOAD_MODULE, names[i]};
        deps[i] = names[i];
        ways[i] = (moult_way){.vsn = names[i]};
    }
    assert_none(list, "number 1 of up in its appup has more than 128 instructions");
    list[128] = (moult_instruction){0};
    assert_int_equal(take_up(list), 0);
    assert_none(DO({MOULT_LOAD_MODULE, "a", .deps = deps}), "has more than 128 deps");
    appup.up = ways;
    assert_int_equal(take(), -EINVAL);
    assert_says("up of its appup has more than 128 entries");
}

static void a_way_is_for_a_version_or_a_pattern(void **state)
{
    appup.up = WAYS({.instructions = DO({MOULT_UPDATE, "a"})});
    assert_int_equal(take(), -EINVAL);
    assert_says("number 1 of up in its appup: set vsn or pattern, one of them");
    appup.up = NULL;
    appup.down = WAYS({.vsn = "1", .pattern = "1"});
    assert_int_equal(take(), -EINVAL);
    assert_says("number 1 of down in its appup");
    appup.down = WAYS({.pattern = "(1"});
    assert_int_equal(take(), -EINVAL);
    assert_says("the pattern '(1' is none");
    appup.down = WAYS({.pattern = "1)|(2"});
    assert_int_equal(take(), -EINVAL);
}

static void one_that_says_nothing_of_its_size_is_refused(void **state)
{
    appup = (moult_appup){.size = sizeof(appup)};
    assert_int_equal(take(), -EINVAL);
    assert_says("begin it with MOULT_APPUP");
}

/* -- which way -- */

static const char *found(const char *vsn)
{
    const struct way *way = appup_find(&to.descriptor.appup, APPUP_UP, vsn);

    return !way ? "none" : way->vsn ? way->vsn : way->pattern;
}

/* OTP: regexp_relup, otp_10463_upgrade_script_regexp. */
static void the_first_way_that_fits_the_whole_version_is_taken(void **state)
{
    appup.up = WAYS({.vsn = "1.1"}, {.pattern = "1\\.[0-9]"}, {.pattern = "1\\..*|x"});
    assert_int_equal(take(), 0);
    assert_string_equal(found("1.1"), "1.1");
    assert_string_equal(found("1.2"), "1\\.[0-9]");
    assert_string_equal(found("1.22"), "1\\..*|x");
    assert_string_equal(found("11.2"), "none");
    assert_string_equal(found("xx"), "none");
    assert_string_equal(found("x"), "1\\..*|x");
}

static void the_newer_version_has_the_ways_of_both_directions(void **state)
{
    struct route route;

    appup.up = WAYS({.vsn = "1.0.0"});
    assert_int_equal(take(), 0);
    assert_int_equal(route_find(&from, &to, &route, &why), 0);
    assert_ptr_equal(route.way, &to.descriptor.appup.ways[APPUP_UP].list[0]);
    assert_int_equal(route_find(&to, &from, &route, &why), -ENOTSUP);
    assert_says("there is no way from 2.0.0 to 1.0.0: down in the appup of 2.0.0 has "
                "nothing");
    appup.up = WAYS({.vsn = "1.5.0"}, {.pattern = "0\\..*"});
    appup.down = WAYS({.pattern = "1\\..*"});
    assert_int_equal(take(), 0);
    assert_int_equal(route_find(&to, &from, &route, &why), 0);
    assert_int_equal(route_find(&from, &to, &route, &why), -ENOTSUP);
    assert_says("there is no way from 1.0.0 to 2.0.0: up in the appup of 2.0.0 has "
                "'1.5.0', '0\\..*'");
}

static void without_one_the_host_works_it_out(void **state)
{
    struct route route;

    assert_int_equal(route_find(&from, &to, &route, &why), 0);
    assert_null(route.way);
    assert_int_equal(route_check(&route, &why), 0);
}

/* -- whether it covers what changed -- */

static void what_did_not_change_needs_no_instruction(void **state)
{
    assert_covers(DO({0}));
    assert_covers(DO({MOULT_LOAD_MODULE, "a"}, {MOULT_UPDATE, "b", .deps = DEPS("a")}));
}

static void another_format_needs_an_advanced_update(void **state)
{
    new_codes[0].server.format = 2;
    assert_covers(DO({MOULT_UPDATE, "a", .change = MOULT_ADVANCED}));
    assert_covers(DO({MOULT_CODE_CHANGE, "a"}));
    assert_lacks(DO({0}),
                 "number 1 of up in its appup, from 1.0.0 to 2.0.0, does not cover "
                 "that 'a' has a state of another format: add an update with "
                 "change advanced");
    assert_string_equal(why.server, "a");
    assert_lacks(DO({MOULT_UPDATE, "a"}), "an update with change advanced");
    assert_lacks(DO({MOULT_LOAD_MODULE, "a"}), "an update with change advanced");
}

static void an_advanced_update_needs_another_format(void **state)
{
    assert_lacks(
        DO({MOULT_CODE_CHANGE, "a"}),
        "'a' has format 1 in 1.0.0 and in 2.0.0, so code_change is not called");
}

static void another_layout_needs_an_update(void **state)
{
    new_codes[1].layout = 8;
    assert_covers(DO({MOULT_UPDATE, "b"}));
    assert_lacks(DO({0}), "'b' has a state of another layout: add an update");
    assert_lacks(DO({MOULT_LOAD, "b"}), "'b' has a state of another layout");
}

static void another_child_spec_needs_any_instruction(void **state)
{
    specs[4].restart = MOULT_TEMPORARY;
    assert_covers(DO({MOULT_LOAD_MODULE, "a"}));
    assert_lacks(DO({0}), "'a' has another child spec: add an update or load_module");
}

static void what_supervises_otherwise_needs_an_update_of_the_supervisor(void **state)
{
    struct branch was = {.intensity = 1}, becomes = {.intensity = 2};

    old_codes[0].branch = &was;
    new_codes[0].branch = &becomes;
    assert_covers(DO({MOULT_UPDATE, "a", .change = MOULT_SUPERVISOR}));
    assert_lacks(DO({0}),
                 "'a' supervises otherwise: add an update with change supervisor");
    assert_lacks(DO({MOULT_UPDATE, "a"}), "'a' is a supervisor: set change supervisor");
    assert_lacks(DO({MOULT_UPDATE, "b", .change = MOULT_SUPERVISOR}),
                 "'b' is no supervisor");
    becomes.intensity = 1;
    new_top.strategy = MOULT_ONE_FOR_ALL;
    assert_lacks(DO({0}), "the application's own supervisor supervises otherwise");
    assert_covers(DO({MOULT_UPDATE, NULL, .change = MOULT_SUPERVISOR}));
}

static void what_is_new_or_gone_is_added_or_deleted(void **state)
{
    old_codes[1].id = "x";
    assert_covers(DO({MOULT_ADD_MODULE, "b"}, {MOULT_DELETE_MODULE, "x"}));
    assert_covers(DO({MOULT_ADD_MODULE, "b"}, {MOULT_REMOVE, "x"}));
    assert_lacks(DO({MOULT_ADD_MODULE, "b"}),
                 "'x' is no more: add delete_module \"x\"");
    assert_lacks(DO({MOULT_REMOVE, "x"}), "'b' is new: add add_module \"b\"");
    assert_lacks(DO({MOULT_UPDATE, "b"}),
                 "'b' is in 2.0.0: use add_module, and not update");
    assert_lacks(DO({MOULT_ADD_MODULE, "a"}),
                 "'a' is in 1.0.0 and in 2.0.0: use update, and not add_module");
    assert_lacks(DO({MOULT_LOAD, "x"}),
                 "'x' is in 1.0.0: use delete_module, and not load_module");
    assert_lacks(DO({MOULT_LOAD, "y"}), "neither 1.0.0 nor 2.0.0 has a module 'y'");
}

static void a_supervisor_is_added_with_what_is_below_it(void **state)
{
    to.descriptor.count = 4;
    set(new_codes, 2, "pool", "2.0.0");
    set(new_codes, 3, "pool/job", "2.0.0");
    assert_covers(DO({MOULT_ADD_MODULE, "pool"}));
    assert_lacks(DO({0}), "'pool' is new");
    new_codes[3].id = "pools";
    assert_lacks(DO({MOULT_ADD_MODULE, "pool"}), "'pools' is new");
}

static void a_restart_covers_all_and_carries_nothing(void **state)
{
    struct plan plan;

    new_codes[0].server.format = 2;
    old_codes[1].id = "x";
    assert_covers(DO({MOULT_RESTART_APPLICATION, "app"}));
    assert_int_equal(plan_make(&from, &to, &plan, &why), 0);
    assert_true(plan.restarts);
    assert_int_equal(plan.count, 0);
    plan_release(&plan);
    assert_lacks(DO({MOULT_ADD_APPLICATION, "b"}), "'b' is new: add add_module");
}

/* -- what comes of it -- */

static void extra_is_given_along_to_its_module_only(void **state)
{
    struct plan plan;

    new_codes[0].server.format = new_codes[1].server.format = 2;
    assert_int_equal(take_up(DO({MOULT_UPDATE, "a", MOULT_ADVANCED, "[7]"},
                                {MOULT_UPDATE, "b", MOULT_ADVANCED})),
                     0);
    assert_int_equal(plan_make(&from, &to, &plan, &why), 0);
    assert_int_equal(plan.children[0].move, PLAN_CODE_CHANGE);
    assert_int_equal(plan.children[0].legs[0].extra_len, 2);
    assert_memory_equal(plan.children[0].legs[0].extra, "\x81\x07", 2);
    assert_null(plan.children[1].legs[0].extra);
    plan_release(&plan);
}

/* -- by way of others -- */

static struct code middle_codes[2];
static struct image middle;

static void make_middle(void)
{
    set(middle_codes, 0, "a", "1.5.0");
    set(middle_codes, 1, "b", "1.5.0");
    middle = (struct image){.vsn = "1.5.0",
                            .descriptor = {.codes = middle_codes,
                                           .count = 2,
                                           .branches = &old_top,
                                           .branch_count = 1}};
}

static int plan_by_middle(struct plan *plan)
{
    return plan_make_by((const struct image *[]){&from, &middle, &to}, 3, plan, &why);
}

static void code_change_that_does_not_know_so_low_a_format_is_no_way(void **state)
{
    struct plan plan;

    new_codes[0].server.format = 3;
    new_codes[0].server.format_least = 2;
    assert_int_equal(plan_make(&from, &to, &plan, &why), -ENOTSUP);
    assert_says(
        "there is no way from 1.0.0 to 2.0.0: code_change of server 'a' in 2.0.0 "
        "goes no further back than format 2, and in 1.0.0 it has 1");
    why = (struct fault){0};
    assert_int_equal(plan_make(&to, &from, &plan, &why), -ENOTSUP);
    old_codes[0].server.format = 2;
    assert_int_equal(plan_make(&from, &to, &plan, &why), 0);
    plan_release(&plan);
}

static void each_leg_goes_as_its_versions_need(void **state)
{
    struct plan plan;

    make_middle();
    middle_codes[0].server.format = 2;
    new_codes[0].server.format = 3;
    middle_codes[1].layout = 9;
    assert_int_equal(plan_by_middle(&plan), 0);
    assert_int_equal(plan.children[0].leg_count, 2);
    assert_ptr_equal(plan.children[0].legs[0].to, &middle_codes[0]);
    assert_ptr_equal(plan.children[0].legs[1].from, &middle_codes[0]);
    assert_int_equal(plan.children[0].move, PLAN_CODE_CHANGE);
    assert_int_equal(plan.children[1].move,
                     PLAN_SCHEMA); /* though it ends as it began */
    plan_release(&plan);
}

static void a_version_that_has_not_the_module_is_passed_by(void **state)
{
    struct plan plan;

    make_middle();
    middle.descriptor.count = 1;
    assert_int_equal(plan_by_middle(&plan), 0);
    assert_int_equal(plan.children[1].leg_count, 1);
    assert_ptr_equal(plan.children[1].legs[0].from, &old_codes[1]);
    assert_ptr_equal(plan.children[1].legs[0].to, &new_codes[1]);
    plan_release(&plan);
}

static void each_leg_needs_a_way(void **state)
{
    struct plan plan;

    make_middle();
    appup.up = WAYS({.vsn = "1.0.0"});
    assert_int_equal(take(), 0);
    assert_int_equal(plan_by_middle(&plan), -ENOTSUP);
    assert_says("there is no way from 1.5.0 to 2.0.0");
}

static void
there_is_no_plan_without_a_way_or_with_one_that_lacks_something(void **state)
{
    struct plan plan;

    assert_int_equal(take_up(DO({MOULT_ADD_MODULE, "b"})), 0);
    assert_int_equal(plan_make(&from, &to, &plan, &why), -EINVAL);
    appup.up = NULL;
    assert_int_equal(take(), 0);
    assert_int_equal(plan_make(&from, &to, &plan, &why), -ENOTSUP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_malformed_is_refused_with_where),
        TEST(its_lists_have_128_entries_at_most),
        TEST(a_way_is_for_a_version_or_a_pattern),
        TEST(one_that_says_nothing_of_its_size_is_refused),
        TEST(the_first_way_that_fits_the_whole_version_is_taken),
        TEST(the_newer_version_has_the_ways_of_both_directions),
        TEST(without_one_the_host_works_it_out),
        TEST(what_did_not_change_needs_no_instruction),
        TEST(another_format_needs_an_advanced_update),
        TEST(an_advanced_update_needs_another_format),
        TEST(another_layout_needs_an_update),
        TEST(another_child_spec_needs_any_instruction),
        TEST(what_supervises_otherwise_needs_an_update_of_the_supervisor),
        TEST(what_is_new_or_gone_is_added_or_deleted),
        TEST(a_supervisor_is_added_with_what_is_below_it),
        TEST(a_restart_covers_all_and_carries_nothing),
        TEST(extra_is_given_along_to_its_module_only),
        TEST(code_change_that_does_not_know_so_low_a_format_is_no_way),
        TEST(each_leg_goes_as_its_versions_need),
        TEST(a_version_that_has_not_the_module_is_passed_by),
        TEST(each_leg_needs_a_way),
        TEST(there_is_no_plan_without_a_way_or_with_one_that_lacks_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
