/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of an appup's instructions: OTP's systools_rc, as far as moult has it.  There
 * one instruction is suspend, load, code_change and resume; here all servers are at rest
 * together, so what is left is the order that modules are loaded and changed in.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "appup.h"

static struct appup appup;
static struct way *way;

static int begin(void **state)
{
    way = appup_add(&appup, APPUP_UP, "1", NULL, "here", NULL);
    return way ? 0 : -1;
}

static int end(void **state)
{
    appup_release(&appup);
    return 0;
}

/* "a" relies on each letter of "bc". */
static void instruct(int32_t kind, const char *name, const char *deps)
{
    struct instruction *i = way_add(way, kind, name, "here");
    size_t count = strlen(deps);

    i->deps = calloc(count + 1, sizeof(*i->deps));
    for (size_t k = 0; k < count; k++)
        i->deps[k] = strndup(deps + k, 1);
}

static void update(const char *name, const char *deps)
{
    instruct(MOULT_UPDATE, name, deps);
}

static void assert_order(enum appup_direction direction, const char *expected)
{
    const struct instruction *sorted[APPUP_LIST_MAX];
    char order[32] = "";

    way_sort(way, direction, sorted);
    for (size_t i = 0; i < way->count; i++)
        strcat(order, sorted[i]->name);
    assert_string_equal(order, expected);
}

static void those_that_rely_on_nothing_stay_as_written(void **state)
{
    update("b", "");
    update("a", "");
    update("c", "");
    assert_order(APPUP_UP, "bac");
    assert_order(APPUP_DOWN, "bac");
}

static void what_is_relied_on_is_loaded_first_going_up_and_last_going_down(void **state)
{
    update("a", "b");
    update("b", "");
    assert_order(APPUP_UP, "ba");
    assert_order(APPUP_DOWN, "ab");
}

static void so_it_is_when_it_is_written_the_other_way_round(void **state)
{
    update("b", "");
    update("a", "b");
    assert_order(APPUP_UP, "ba");
    assert_order(APPUP_DOWN, "ab");
}

static void a_chain_is_taken_from_its_end(void **state)
{
    update("a", "b");
    update("b", "c");
    update("c", "");
    assert_order(APPUP_UP, "cba");
    assert_order(APPUP_DOWN, "abc");
}

static void in_a_diamond_each_comes_behind_all_it_relies_on(void **state)
{
    update("a", "bc");
    update("b", "d");
    update("c", "d");
    update("d", "");
    assert_order(APPUP_UP, "dbca");
    assert_order(APPUP_DOWN, "abcd");
}

static void a_circle_stays_as_written(void **state)
{
    update("b", "a");
    update("a", "b");
    assert_order(APPUP_UP, "ba");
    assert_order(APPUP_DOWN, "ba");
}

static void what_a_circle_relies_on_comes_before_all_of_it(void **state)
{
    update("a", "b");
    update("b", "ac");
    update("c", "");
    assert_order(APPUP_UP, "cab");
    assert_order(APPUP_DOWN, "abc");
}

static void two_groups_do_not_concern_one_another(void **state)
{
    update("a", "b");
    update("x", "y");
    update("b", "");
    update("y", "");
    assert_order(APPUP_UP, "bayx");
    assert_order(APPUP_DOWN, "axby");
}

/* translate_add_delete_module */
static void what_is_new_comes_before_who_relies_on_it_and_goes_behind_it(void **state)
{
    update("a", "n");
    instruct(MOULT_ADD_MODULE, "n", "");
    instruct(MOULT_DELETE_MODULE, "o", "a");
    assert_order(APPUP_UP, "nao");
    assert_order(APPUP_DOWN, "oan");
}

static void one_that_is_new_may_rely_on_another_that_is(void **state)
{
    instruct(MOULT_ADD_MODULE, "n", "m");
    instruct(MOULT_ADD_MODULE, "m", "");
    assert_order(APPUP_UP, "mn");
    assert_order(APPUP_DOWN, "nm");
}

/* translate: independent ones keep their place. */
static void functions_keep_their_order(void **state)
{
    instruct(MOULT_APPLY, "f", "");
    update("a", "b");
    instruct(MOULT_APPLY, "g", "");
    update("b", "");
    assert_order(APPUP_UP, "fbag");
    assert_order(APPUP_DOWN, "fagb");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(those_that_rely_on_nothing_stay_as_written),
        TEST(what_is_relied_on_is_loaded_first_going_up_and_last_going_down),
        TEST(so_it_is_when_it_is_written_the_other_way_round),
        TEST(a_chain_is_taken_from_its_end),
        TEST(in_a_diamond_each_comes_behind_all_it_relies_on),
        TEST(a_circle_stays_as_written),
        TEST(what_a_circle_relies_on_comes_before_all_of_it),
        TEST(two_groups_do_not_concern_one_another),
        TEST(what_is_new_comes_before_who_relies_on_it_and_goes_behind_it),
        TEST(one_that_is_new_may_rely_on_another_that_is),
        TEST(functions_keep_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
