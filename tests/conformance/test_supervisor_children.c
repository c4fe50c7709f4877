/* SPDX-License-Identifier: Apache-2.0 */
/* Children that are added at run time. */
#include "supervisor_trees_fixture.h"

static const moult_server unlisted = {.size = sizeof(moult_server)};

/* -- asking -- */

static void do_delete(moult_ctx *ctx, void *context)
{
    struct question *q = context;

    q->error = moult_delete_child(ctx, q->supervisor, q->id);
    keep_text(ctx, q);
}

static int terminate_pid(moult_pid supervisor, moult_pid pid)
{
    return asked(do_terminate, (struct question){.supervisor = supervisor, .pid = pid});
}

static int delete_child(moult_pid supervisor, const char *id)
{
    return asked(do_delete, (struct question){.supervisor = supervisor, .id = id});
}

/* -- children at run time -- */

static void children_are_started_ended_and_deleted_by_id(void **state)
{
    const moult_child b = NAMED("b");

    start_well(LIST(NAMED("a")), 0);
    assert_int_equal(start_child(top, &b, "hello"), 0);
    assert_true(moult_pid_equal(answer.pid, moult_whereis("b")));
    assert_string_equal(said, "hello");
    assert_children(top, "b:running a:running");
    assert_int_equal(delete_child(top, "b"), -EBUSY);
    assert_int_equal(restart_child(top, "b"), -EBUSY);
    assert_int_equal(terminate(top, "b"), 0);
    assert_int_equal(terminate(top, "b"), 0);
    assert_children(top, "b:stopped a:running");
    said[0] = 0;
    assert_int_equal(restart_child(top, "b"), 0);
    assert_string_equal(said, "hello");
    assert_true(moult_pid_equal(answer.pid, moult_whereis("b")));
    assert_int_equal(terminate(top, "b"), 0);
    assert_int_equal(delete_child(top, "b"), 0);
    assert_children(top, "a:running");
    end();
}

static void an_id_that_is_there_is_not_started_twice(void **state)
{
    const moult_child a = NAMED("a");

    start_well(LIST(NAMED("a")), 0);
    assert_int_equal(start_child(top, &a, NULL), -EALREADY);
    assert_true(moult_pid_equal(answer.pid, moult_whereis("a")));
    assert_int_equal(terminate(top, "a"), 0);
    assert_int_equal(start_child(top, &a, NULL), -EEXIST);
    end();
}

static void unknown_ids_are_not_found(void **state)
{
    start_well(LIST(NAMED("a")), 0);
    assert_int_equal(terminate(top, "z"), -ENOENT);
    assert_string_equal(answer.text, "'supervisor' has no child 'z'");
    assert_int_equal(restart_child(top, "z"), -ENOENT);
    assert_int_equal(delete_child(top, "z"), -ENOENT);
    assert_int_equal(terminate_pid(top, moult_whereis("a")), -ENOTSUP);
    end();
}

static void a_start_that_fails_leaves_no_spec(void **state)
{
    const moult_child b = NAMED("b");

    start_well(LIST(NAMED("a")), 0);
    refusals['b'] = 1;
    assert_int_equal(start_child(top, &b, NULL), -ECHILD);
    assert_string_equal(answer.text, "child 'b' failed to start: not now");
    assert_children(top, "a:running");
    assert_int_equal(terminate(top, "a"), 0);
    refusals['a'] = 1;
    assert_int_equal(restart_child(top, "a"), -ECHILD);
    assert_children(top, "a:stopped");
    end();
}

static void one_that_ignores_is_kept_unless_it_is_temporary(void **state)
{
    const moult_child b = NAMED("b"), c = PART("c", .restart = MOULT_TEMPORARY);

    start_well(LIST(NAMED("a")), 0);
    ignores['b'] = ignores['c'] = true;
    assert_int_equal(start_child(top, &b, NULL), 0);
    assert_true(moult_pid_is_none(answer.pid));
    assert_int_equal(start_child(top, &c, NULL), 0);
    assert_children(top, "b:stopped a:running");
    end();
}

static void a_terminated_temporary_child_is_forgotten(void **state)
{
    start_well(LIST(NAMED("a"), PART("t", .restart = MOULT_TEMPORARY)), 0);
    assert_int_equal(terminate(top, "t"), 0);
    assert_children(top, "a:running");
    end();
}

static void specs_that_cannot_be_are_named(void **state)
{
    static const moult_supervisor below_it = {.size = sizeof(below_it)};
    static const struct {
        moult_child spec;
        const char *wrong;
    } cases[] = {
        {{.id = "", .server = &part}, "child '': its id"},
        {{.id = "b/c", .server = &part}, "child 'b/c': its id"},
        {{.id = "\xff", .server = &part}, "its id is not UTF-8 text"},
        {{.id = "b", .server = &part, .name = ""}, "child 'b': its name"},
        {{.id = "b", .server = &part, .name = "via:r"}, "its name is not whole"},
        {{.id = "b", .server = &part, .supervisor = &below_it}, "and not both"},
        {{.id = "b", .server = &part, .restart = -1}, "child 'b': its restart"},
        {{.id = "b", .server = &part, .significant = 2}, "neither 0 nor 1"},
        {{.id = "b", .server = &part, .backoff_ms = 9, .backoff_most_ms = 5},
         "its backoff_ms is more"},
        {{.id = "b", .supervisor = &below_it, .args = "1"}, "takes no args"},
        {{.id = "b"}, "child 'b': it needs a server or a supervisor"},
        {{.id = "b", .server = &part, .restart = 9}, "child 'b': its restart"},
        {{.id = "b", .server = &part, .significant = 1}, "significant and permanent"},
        {{.id = "b", .server = &part, .restart = 2, .significant = 1},
         "has no auto_shutdown"},
        {{.id = "b", .server = &part, .count = 3}, "it has a count"},
        {{.id = "b", .server = &part, .args = "{"}, "not JSON"},
        {{.id = "b", .server = &unlisted}, "does not list what it runs"},
    };

    start_well(LIST(NAMED("a")), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(start_child(top, &cases[i].spec, NULL), -EINVAL);
        assert_non_null(strstr(answer.text, cases[i].wrong));
    }
    assert_int_equal(start_child(top, NULL, NULL), -ENOTSUP);
    assert_children(top, "a:running");
    end();
}

static void a_restarting_child_is_neither_restarted_nor_deleted(void **state)
{
    start_well(LIST(PART("a", .name = "a", .backoff_ms = 1000)), 0);
    crash("a", -EIO);
    assert_children(top, "a:restarting");
    assert_counts(top, 1, 0, 0, 1);
    assert_int_equal(restart_child(top, "a"), -EINPROGRESS);
    assert_int_equal(delete_child(top, "a"), -EINPROGRESS);
    assert_int_equal(terminate(top, "a"), 0);
    assert_children(top, "a:stopped");
    pass(5000);
    assert_children(top, "a:stopped");
    end();
}

static void do_spec(moult_ctx *ctx, void *context)
{
    struct question *q = context;
    moult_in spec, value;

    q->error = moult_get_childspec(ctx, q->supervisor, q->id, q->pid, &spec);
    if (q->error)
        return;
    q->count.specs = (uint32_t)moult_int_at(&spec, "shutdown_ms");
    q->count.active = (uint32_t)moult_int_at(&spec, "restart");
    check(moult_find(&spec, "type", &value) && moult_match(&value, "worker"));
    check(moult_find(&spec, "modules", &value) && moult_match(&value, "a"));
    check(moult_find(&spec, "significant", &value) && !moult_get_bool(&value));
    check(moult_find(&spec, "args", &value) && moult_peek(&value) == MOULT_NULL);
}

static void a_childspec_has_all_its_keys(void **state)
{
    start_well(LIST(PART("a", .name = "a", .restart = MOULT_TRANSIENT)), 0);
    assert_int_equal(asked(do_spec, (struct question){.supervisor = top, .id = "a"}),
                     0);
    assert_int_equal(answer.count.specs, 5000);
    assert_int_equal(answer.count.active, MOULT_TRANSIENT);
    assert_int_equal(
        asked(do_spec, (struct question){.supervisor = top, .pid = moult_whereis("a")}),
        0);
    assert_int_equal(asked(do_spec, (struct question){.supervisor = top, .id = "b"}),
                     -ENOENT);
    end();
}

static void an_init_that_asks_its_supervisor_is_told(void **state)
{
    start_well(LIST(PART("q")), 0);
    assert_int_equal(said_error, -EDEADLK);
    end();
}

static void a_child_that_unlinks_cannot_hang_its_supervisor(void **state)
{
    unlinks['a'] = true;
    start_well(LIST(NAMED("a"), NAMED("b")), 0);
    assert_int_equal(terminate(top, "a"), 0);
    assert_trace("+a+b-a");
    assert_int_equal(restart_child(top, "a"), 0);
    signal_exit(NULL, moult_whereis("a"), MOULT_KILL, NULL);
    workers_settle();
    assert_children(top, "b:running a:running"); /* it is never told */
    end();
    assert_false(alive(top));
}

/* -- simple_one_for_one -- */

static moult_pid start_simple(void)
{
    start_well(LIST({.id = "simple", .supervisor = &simple, .name = "simple"}), 0);
    return moult_whereis("simple");
}

static void simple_children_are_made_from_one_spec(void **state)
{
    NEEDS_ONE_WORKER;
    moult_pid pid = start_simple(), first;

    assert_counts(pid, 1, 0, 0, 0);
    assert_int_equal(start_child(pid, NULL, NULL), 0);
    assert_string_equal(said, "from ");
    first = answer.pid;
    assert_int_equal(start_child(pid, NULL, "me"), 0);
    assert_string_equal(said, "from me");
    assert_trace("+w.1+w.2");
    assert_counts(pid, 1, 2, 0, 2);
    assert_children(pid, "-:running -:running");
    assert_true(moult_pid_equal(answer.pid, first)); /* the newest is the first */
    end();
    assert_trace("-w.1-w.2");
}

static void they_are_started_again_with_what_they_were_given(void **state)
{
    NEEDS_ONE_WORKER;
    moult_pid pid = start_simple();

    assert_int_equal(start_child(pid, NULL, "me"), 0);
    said[0] = 0;
    cast_int(answer.pid, -EIO);
    workers_settle();
    assert_string_equal(said, "from me");
    assert_children(pid, "-:running");
    cast_int(answer.pid, MOULT_NORMAL);
    assert_children(pid, "");
    end();
}

static void they_are_ended_by_pid_alone(void **state)
{
    moult_pid pid = start_simple(), child;

    assert_int_equal(start_child(pid, NULL, NULL), 0);
    child = answer.pid;
    assert_int_equal(terminate(pid, "w"), -ENOTSUP);
    assert_int_equal(restart_child(pid, "w"), -ENOTSUP);
    assert_int_equal(delete_child(pid, "w"), -ENOTSUP);
    assert_int_equal(terminate_pid(pid, asker), -ENOENT);
    assert_int_equal(terminate_pid(pid, child), 0);
    assert_int_equal(terminate_pid(pid, child), 0); /* it has ended */
    assert_children(pid, "");
    end();
}

static void one_that_fails_or_ignores_leaves_nothing(void **state)
{
    moult_pid pid = start_simple();

    refusals['w'] = 1;
    assert_int_equal(start_child(pid, NULL, NULL), -ECHILD);
    ignores['w'] = true;
    assert_int_equal(start_child(pid, NULL, NULL), 0);
    assert_true(moult_pid_is_none(answer.pid));
    assert_children(pid, "");
    assert_int_equal(start_child(pid, asker_child, NULL), -ENOTSUP);
    end();
}

static void they_end_all_at_once_with_one_deadline(void **state)
{
    NEEDS_ONE_WORKER;
    moult_pid pid = start_simple();

    hangs['w'] = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(start_child(pid, NULL, NULL), 0);
    end();
    assert_trace("+w.1+w.2+w.3-w.1-w.2-w.3");
    pass(99);
    assert_true(alive(pid));
    pass(1);
    assert_false(alive(pid));
    assert_false(alive(top));
}

/* -- dynamic -- */

static moult_pid start_dynamic(void)
{
    start_well(LIST({.id = "dynamic", .supervisor = &dynamic, .name = "dynamic"}), 0);
    return moult_whereis("dynamic");
}

static void dynamic_children_have_each_their_spec_and_no_ids(void **state)
{
    const moult_child a = PART("a", .args = "[\"a\"]"), b = NAMED("b");
    moult_pid pid = start_dynamic();

    assert_int_equal(start_child(pid, &a, NULL), 0);
    assert_string_equal(said, "of a");
    assert_int_equal(start_child(pid, &a, "again"), 0);
    assert_string_equal(said, "of again");
    assert_int_equal(start_child(pid, &b, NULL), 0);
    assert_string_equal(said, "of ");
    assert_children(pid, "-:running -:running -:running");
    assert_counts(pid, 3, 3, 0, 3);
    said[0] = 0;
    crash("b", -EIO);
    assert_string_equal(said, "of ");
    end();
}

static void there_are_no_more_than_max_children(void **state)
{
    const moult_child a = PART("a", .backoff_ms = 1000);
    moult_pid pid = start_dynamic(), child;

    for (int i = 0; i < 3; i++)
        assert_int_equal(start_child(pid, &a, NULL), 0);
    child = answer.pid;
    assert_int_equal(start_child(pid, &a, NULL), -ENOSPC);
    assert_string_equal(answer.text, "'dynamic' has 3 children, its max_children");
    cast_int(child, -EIO);
    workers_settle();
    assert_int_equal(start_child(pid, &a, NULL), -ENOSPC); /* it is coming back */
    assert_int_equal(terminate_pid(pid, child), 0);        /* known by its old pid */
    assert_int_equal(start_child(pid, &a, NULL), 0);
    end();
}

static void what_is_terminated_is_gone_whatever_its_restart(void **state)
{
    const moult_child a = PART("a");
    moult_pid pid = start_dynamic(), child;

    assert_int_equal(start_child(pid, &a, NULL), 0);
    child = answer.pid;
    assert_int_equal(terminate_pid(pid, child), 0);
    assert_children(pid, "");
    assert_int_equal(terminate_pid(pid, child), -ENOENT);
    end();
}

static void a_restart_that_ignores_forgets_the_child(void **state)
{
    NEEDS_ONE_WORKER;
    const moult_child a = PART("a");
    moult_pid pid = start_dynamic();

    assert_int_equal(start_child(pid, &a, NULL), 0);
    ignores['a'] = true;
    cast_int(answer.pid, -EIO);
    assert_children(pid, "");
    end();
}

static void a_dynamic_child_is_never_significant(void **state)
{
    const moult_child a = PART("a", .restart = MOULT_TEMPORARY, .significant = 1);

    assert_int_equal(start_child(start_dynamic(), &a, NULL), -EINVAL);
    assert_non_null(strstr(answer.text, "significant"));
    end();
}

static void mixed_deadlines_run_side_by_side(void **state)
{
    NEEDS_ONE_WORKER;
    const moult_child a = PART("a", .shutdown_ms = 100),
                      b = PART("b", .shutdown_ms = 300),
                      c = PART("c", .shutdown_ms = MOULT_BRUTAL_KILL);
    moult_pid pid = start_dynamic();
    moult_pid first, second;

    hangs['a'] = hangs['b'] = hangs['c'] = true;
    assert_int_equal(start_child(pid, &a, NULL), 0);
    first = answer.pid;
    assert_int_equal(start_child(pid, &b, NULL), 0);
    second = answer.pid;
    assert_int_equal(start_child(pid, &c, NULL), 0);
    end();
    assert_trace("+a.1+b.2+c.3-a.1-b.2");
    pass(100);
    assert_false(alive(first));
    assert_true(alive(second));
    pass(199);
    assert_true(alive(second));
    pass(1);
    assert_false(alive(second));
    assert_false(alive(top));
}

static void supervisors_are_started_at_run_time_too(void **state)
{
    static const moult_child with_pool[] = {{.id = "asker", .server = &asker_server},
                                            {.id = "pool", .supervisor = &pool},
                                            {.id = NULL}};
    const moult_child child = {.id = "p", .supervisor = &pool};
    moult_pid pid, below;

    plugin.templates = with_pool;
    pid = start_dynamic();
    assert_int_equal(start_child(pid, &child, NULL), 0);
    below = answer.pid;
    assert_trace("+x+y");
    assert_counts(pid, 1, 1, 1, 0);
    assert_children(below, "y:running x:running");
    assert_int_equal(terminate_pid(pid, below), 0);
    assert_trace("-y-x");
    assert_children(pid, "");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(children_are_started_ended_and_deleted_by_id),
        TEST(an_id_that_is_there_is_not_started_twice),
        TEST(unknown_ids_are_not_found),
        TEST(a_start_that_fails_leaves_no_spec),
        TEST(one_that_ignores_is_kept_unless_it_is_temporary),
        TEST(a_terminated_temporary_child_is_forgotten),
        TEST(specs_that_cannot_be_are_named),
        TEST(a_restarting_child_is_neither_restarted_nor_deleted),
        TEST(a_childspec_has_all_its_keys),
        TEST(an_init_that_asks_its_supervisor_is_told),
        TEST(a_child_that_unlinks_cannot_hang_its_supervisor),
        TEST(simple_children_are_made_from_one_spec),
        TEST(they_are_started_again_with_what_they_were_given),
        TEST(they_are_ended_by_pid_alone),
        TEST(one_that_fails_or_ignores_leaves_nothing),
        TEST(they_end_all_at_once_with_one_deadline),
        TEST(dynamic_children_have_each_their_spec_and_no_ids),
        TEST(there_are_no_more_than_max_children),
        TEST(what_is_terminated_is_gone_whatever_its_restart),
        TEST(a_restart_that_ignores_forgets_the_child),
        TEST(a_dynamic_child_is_never_significant),
        TEST(mixed_deadlines_run_side_by_side),
        TEST(supervisors_are_started_at_run_time_too),
    };

    return cmocka_run_group_tests_name("supervisor_children", tests, NULL, NULL);
}
