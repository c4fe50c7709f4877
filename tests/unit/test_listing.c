/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>

#include "code.h"
#include "listing.h"

/* Many that have ended meanwhile, and so are called as their child is. */
static void a_report_names_so_many_and_no_more(void **state)
{
    const moult_child child = {.id = "bird"};
    const struct code code = {.child = &child};
    const struct plan_child plan = {.from = &code, .to = &code};
    struct migration m = {.count = LISTING_MOST + 1};
    struct group group;
    json_t *list;

    m.moves = calloc(m.count, sizeof(*m.moves));
    assert_non_null(m.moves);
    for (size_t i = 0; i < m.count; i++) {
        m.moves[i].plan = &plan;
        m.moves[i].pid.bits = i + 1;
    }
    group_init(&group, "flock");
    list = listing_make(&m, &group);
    group_finish(&group);
    assert_int_equal(json_array_size(list), LISTING_MOST);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(list, LISTING_MOST - 1), "server")),
                        "bird");
    json_decref(list);
    free(m.moves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_names_so_many_and_no_more),
    };

    return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
