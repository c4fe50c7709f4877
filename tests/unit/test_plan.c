/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "plan.h"

static moult_child specs[8];
static struct code codes[8];
static const moult_schema schema = {.size = 8, .alignment = 8, .name = "state"};

static int change(const moult_change *c, moult_in *from, moult_out *to)
{
    return 0;
}

static int save(const void *state, moult_out *out)
{
    return 0;
}

/* Child `i` of a test: id, format and layout; its state is described. */
static struct code *child(int i, const char *id, uint32_t format, uint64_t layout,
                          const char *vsn)
{
    specs[i] = (moult_child){.id = id};
    codes[i] = (struct code){.server = {.format = format},
                             .schema = &schema,
                             .layout = layout,
                             .vsn = vsn,
                             .id = id,
                             .child = &specs[i]};
    return &codes[i];
}

static struct image image(const char *vsn, struct code *first, size_t count)
{
    return (struct image){.vsn = vsn, .descriptor = {.codes = first, .count = count}};
}

static enum plan_move only_move(void)
{
    struct image a = image("1", &codes[0], 1), b = image("2", &codes[1], 1);
    struct plan plan;
    enum plan_move move;

    assert_int_equal(plan_make(&a, &b, &plan, NULL), 0);
    assert_int_equal(plan.count, 1);
    assert_ptr_equal(plan.children[0].from, &codes[0]);
    assert_ptr_equal(plan.children[0].to, &codes[1]);
    move = plan.children[0].move;
    plan_release(&plan);
    return move;
}

static void equal_layouts_and_formats_move_by_pointer(void **state)
{
    child(0, "a", 1, 7, "1");
    child(1, "a", 1, 7, "2");
    assert_int_equal(only_move(), PLAN_POINTER);
}

static void another_layout_moves_by_schema(void **state)
{
    child(0, "a", 1, 7, "1");
    child(1, "a", 1, 8, "2");
    assert_int_equal(only_move(), PLAN_SCHEMA);
}

static void a_statem_whose_states_go_is_asked_which_it_is_in(void **state)
{
    static const moult_statem_state two[] = {{"a", NULL}, {"b", NULL}, {0}};
    static const moult_statem statem;

    child(0, "a", 1, 7, "1")->server.statem = &statem;
    child(1, "a", 1, 7, "2")->server.statem = &statem;
    codes[0].statem.states = codes[1].statem.states = two;
    assert_int_equal(only_move(), PLAN_POINTER);
    codes[1].statem.states = two + 1;
    assert_int_equal(only_move(), PLAN_SCHEMA);
}

static void a_manager_moves_as_that_of_its_handlers_which_takes_most(void **state)
{
    static const moult_manager manager;
    struct code a[2] = {{.id = "a/x", .handler.name = "x", .schema = &schema},
                        {.id = "a/y", .handler.name = "y", .schema = &schema}};
    struct code b[2];
    struct image from = image("1", &codes[0], 1), to = image("2", &codes[1], 1);
    struct fault why = {0};
    struct plan plan;

    memcpy(b, a, sizeof(b));
    child(0, "a", 0, 0, "1")->server.manager = &manager;
    child(1, "a", 0, 0, "2")->server.manager = &manager;
    codes[0].kinds = a;
    codes[1].kinds = b;
    codes[0].kind_count = codes[1].kind_count = 2;
    assert_int_equal(only_move(), PLAN_POINTER);
    codes[1].kind_count = 1; /* one is gone: is it there? */
    assert_int_equal(only_move(), PLAN_SCHEMA);
    codes[1].kind_count = 2;
    b[1].layout = 2;
    assert_int_equal(only_move(), PLAN_SCHEMA);
    b[0].server.format = 1;
    assert_int_equal(plan_make(&from, &to, &plan, &why), -ENOTSUP);
    assert_non_null(strstr(why.text, "server 'a/x' has format 0 in"));
    b[0].server.code_change = change;
    assert_int_equal(only_move(), PLAN_CODE_CHANGE);
}

static void a_server_does_not_become_a_statem(void **state)
{
    static const moult_statem statem;
    struct image a = image("1", &codes[0], 1), b = image("2", &codes[1], 1);
    struct fault why = {0};
    struct plan plan;

    child(0, "a", 1, 7, "1");
    child(1, "a", 1, 7, "2")->server.statem = &statem;
    assert_int_equal(plan_make(&a, &b, &plan, &why), -ENOTSUP);
    assert_non_null(strstr(why.text, "'a' is a server in 1 and a statem in 2"));
}

static void a_save_hook_on_either_side_forbids_handing_memory_over(void **state)
{
    child(0, "a", 1, 7, "1");
    child(1, "a", 1, 7, "2")->server.save = save;
    assert_int_equal(only_move(), PLAN_SCHEMA);
    codes[1].server.save = NULL;
    codes[0].server.save = save;
    assert_int_equal(only_move(), PLAN_SCHEMA);
}

static void servers_without_a_state_move_by_pointer(void **state)
{
    child(0, "a", 0, 0, "1")->schema = NULL;
    child(1, "a", 0, 0, "2")->schema = NULL;
    assert_int_equal(only_move(), PLAN_POINTER);
    codes[1].schema = &schema;
    assert_int_equal(only_move(), PLAN_SCHEMA);
}

static void the_newer_formats_code_change_is_used_upward_and_downward(void **state)
{
    child(0, "a", 1, 7, "1");
    child(1, "a", 2, 7, "2")->server.code_change = change;
    assert_int_equal(only_move(), PLAN_CODE_CHANGE);
    child(0, "a", 2, 7, "2")->server.code_change = change;
    child(1, "a", 1, 7, "1");
    assert_int_equal(only_move(), PLAN_CODE_CHANGE);
}

static void another_format_without_code_change_is_refused_by_name(void **state)
{
    struct image a = image("1.0", child(0, "till", 1, 7, "1.0"), 1);
    struct image b = image("2.0", child(1, "till", 2, 7, "2.0"), 1);
    struct fault why = {0};
    struct plan plan;

    assert_int_equal(plan_make(&a, &b, &plan, &why), -ENOTSUP);
    assert_string_equal(why.server, "till");
    assert_string_equal(why.field, "code_change");
    assert_non_null(strstr(why.text, "2.0 has no code_change"));
    assert_null(plan.children);
}

static void a_registered_name_cannot_change(void **state)
{
    struct image a = image("1", child(0, "till", 0, 7, "1"), 1);
    struct image b = image("2", child(1, "till", 0, 7, "2"), 1);
    struct fault why = {0};
    struct plan plan;

    specs[0].name = "till_1";
    specs[1].name = "till_2";
    assert_int_equal(plan_make(&a, &b, &plan, &why), -ENOTSUP);
    assert_string_equal(why.server, "till");
    assert_non_null(strstr(why.text, "till_2"));
}

static void new_children_are_added_and_missing_ones_removed(void **state)
{
    struct image a, b;
    struct plan plan;

    child(0, "kept", 0, 7, "1");
    child(1, "gone", 0, 7, "1");
    child(2, "new", 0, 7, "2");
    child(3, "kept", 0, 7, "2");
    a = image("1", &codes[0], 2);
    b = image("2", &codes[2], 2);
    assert_int_equal(plan_make(&a, &b, &plan, NULL), 0);
    assert_int_equal(plan.count, 3);
    assert_int_equal(plan_find(&plan, &codes[2])->move, PLAN_ADDED);
    assert_int_equal(plan_find(&plan, &codes[0])->move, PLAN_POINTER);
    assert_int_equal(plan_find(&plan, &codes[1])->move, PLAN_REMOVED);
    assert_null(plan_find(&plan, &codes[7]));
    plan_release(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_layouts_and_formats_move_by_pointer),
        cmocka_unit_test(another_layout_moves_by_schema),
        cmocka_unit_test(a_statem_whose_states_go_is_asked_which_it_is_in),
        cmocka_unit_test(a_manager_moves_as_that_of_its_handlers_which_takes_most),
        cmocka_unit_test(a_server_does_not_become_a_statem),
        cmocka_unit_test(a_save_hook_on_either_side_forbids_handing_memory_over),
        cmocka_unit_test(servers_without_a_state_move_by_pointer),
        cmocka_unit_test(the_newer_formats_code_change_is_used_upward_and_downward),
        cmocka_unit_test(another_format_without_code_change_is_refused_by_name),
        cmocka_unit_test(a_registered_name_cannot_change),
        cmocka_unit_test(new_children_are_added_and_missing_ones_removed),
    };

    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
