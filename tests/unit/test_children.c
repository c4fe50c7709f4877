/* SPDX-License-Identifier: Apache-2.0 */
/* A supervisor's list of its children: found by id and by pid, whatever comes and goes. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "children.h"
#include "pid.h"
#include "random.h"

#define MANY 3000u

static const moult_child counted_spec = {.id = "worker", .name = "w", .count = MANY};
static const moult_child alone_spec = {.id = "alone", .name = "a"};
static const struct code counted = {.id = "pool/worker", .child = &counted_spec};
static const struct code alone = {.id = "pool/alone", .child = &alone_spec};

static struct child *by_number(struct children *all, uint32_t n)
{
    char id[CHILD_ID];

    snprintf(id, sizeof(id), "worker.%u", n);
    return children_by_id(all, id);
}

static void each_is_called_by_its_spec_and_number(void **state)
{
    const struct code *codes[] = {&alone, &counted};
    struct children all = {0};
    char id[CHILD_ID], name[NAME_MAX_LEN + 1];
    struct child *c;

    assert_int_equal(children_add_all(&all, codes, 2), 0);
    assert_int_equal(all.count, MANY + 1);
    assert_string_equal(child_id(all.first, id), "alone");
    child_name(all.first, name);
    assert_string_equal(name, "a");
    c = by_number(&all, 2047);
    assert_non_null(c);
    assert_string_equal(child_id(c, id), "worker.2047");
    child_name(c, name);
    assert_string_equal(name, "w.2047");
    assert_ptr_equal(children_by_id(&all, "alone"), all.first);
    assert_null(by_number(&all, MANY));
    assert_null(children_by_id(&all, "worker"));
    children_finish(&all);
}

static void a_long_name_is_cut_and_ends(void **state)
{
    char text[NAME_MAX_LEN + 1], id[CHILD_ID];
    moult_child spec = {.id = text, .count = 10};
    struct code code = {.id = text, .child = &spec};
    struct child c = {.code = &code, .number = 4294960000u};

    memset(text, 'n', NAME_MAX_LEN - 4);
    text[NAME_MAX_LEN - 4] = 0;
    assert_int_equal(strlen(child_id(&c, id)), NAME_MAX_LEN);
    assert_string_equal(id + NAME_MAX_LEN - 5, "n.429");
}

static void one_without_an_id_is_called_as_its_code(void **state)
{
    struct children all = {0};
    struct child *c = children_add(&all, &counted, CHILD_NAMELESS, NULL);
    char id[CHILD_ID];

    assert_string_equal(child_id(c, id), "");
    assert_string_equal(child_title(c, id), "pool/worker");
    assert_false(child_is_beyond(c));
    children_finish(&all);
}

static void what_another_count_leaves_out_is_beyond_it(void **state)
{
    struct child last = {.code = &counted, .number = MANY - 1}, past = last,
                 was_alone = {.code = &counted, .number = CHILD_ALONE},
                 was_counted = {.code = &alone, .number = 0};

    past.number = MANY;
    assert_false(child_is_beyond(&last));
    assert_true(child_is_beyond(&past));
    assert_true(child_is_beyond(&was_alone));
    assert_true(child_is_beyond(&was_counted));
}

/* What is there, by number; and the pid it runs as, or 0. */
struct model {
    struct child *child;
    uint64_t pid;
};

static void check(struct children *all, const struct model *model)
{
    uint32_t count = 0, running = 0;

    for (uint32_t n = 0; n < MANY; n++) {
        assert_ptr_equal(by_number(all, n), model[n].child);
        if (model[n].pid)
            assert_ptr_equal(children_by_pid(all, (moult_pid){model[n].pid}),
                             model[n].child);
        count += model[n].child != NULL;
        running += model[n].pid != 0;
    }
    assert_int_equal(all->count, count);
    assert_int_equal(all->running, running);
    assert_int_equal(all->by_pid.count, running);
}

static void change(struct children *all, struct model *m, uint32_t n, uint64_t pid)
{
    if (!m->child) {
        m->child = children_add(all, &counted, n, NULL);
    } else if (random_below(4) == 0) {
        uint64_t old = m->pid;

        children_remove(all, m->child);
        *m = (struct model){0};
        assert_null(children_by_pid(all, (moult_pid){old}));
    } else {
        m->pid = random_below(3) ? pid : 0;
        assert_int_equal(children_set(all, m->child,
                                      m->pid ? CHILD_RUNNING : CHILD_STOPPED,
                                      (moult_pid){m->pid}),
                         0);
    }
}

static void they_are_found_whatever_comes_and_goes(void **state)
{
    static struct model model[MANY];
    struct children all = {0};

    memset(model, 0, sizeof(model));
    for (uint32_t step = 1; step < 60000; step++) {
        uint32_t n = random_below(MANY);

        change(&all, &model[n], n, pid_make(step % 5000, step).bits);
        if (step % 6000 == 0)
            check(&all, model);
    }
    check(&all, model);
    children_finish(&all);
    assert_null(all.by_pid.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_called_by_its_spec_and_number),
        cmocka_unit_test(a_long_name_is_cut_and_ends),
        cmocka_unit_test(one_without_an_id_is_called_as_its_code),
        cmocka_unit_test(what_another_count_leaves_out_is_beyond_it),
        cmocka_unit_test(they_are_found_whatever_comes_and_goes),
    };

    random_start();
    return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
