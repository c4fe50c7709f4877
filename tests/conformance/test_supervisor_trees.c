/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervisors as plugins describe and ask them: strategies, trees, children at run time.
 * test_supervisor.c has the rules of one supervisor with its listed children.
 */
#include "supervisor_trees_fixture.h"

/* -- strategies -- */

static void one_for_all_ends_the_others_in_reverse_and_starts_all(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_ONE_FOR_ALL);
    assert_trace("+a+b+c");
    crash("b", -EIO);
    assert_trace("-b-c-a+a+b+c");
    end();
    assert_trace("-c-b-a");
}

static void rest_for_one_does_so_with_those_after_it(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c"), NAMED("d")),
               MOULT_REST_FOR_ONE);
    assert_trace("+a+b+c+d");
    crash("b", -EIO);
    assert_trace("-b-d-c+b+c+d");
    crash("d", -EIO);
    assert_trace("-d+d");
    end();
    assert_trace("-d-c-b-a");
}

static void crash_beside_a_temporary_one(int32_t strategy)
{
    start_well(LIST(NAMED("a"), NAMED("b"), PART("c", .restart = MOULT_TEMPORARY)),
               strategy);
    crash("a", -EIO);
    assert_trace("+a+b+c-a-c-b+a+b");
    assert_children(top, "b:running a:running");
    end();
}

static void a_temporary_sibling_is_not_started_again(void **state)
{
    crash_beside_a_temporary_one(MOULT_ONE_FOR_ALL);
}

static void nor_is_one_that_came_after(void **state)
{
    crash_beside_a_temporary_one(MOULT_REST_FOR_ONE);
}

static void a_temporary_child_does_not_take_its_siblings_along(void **state)
{
    start_well(LIST(NAMED("a"), PART("b", .name = "b", .restart = MOULT_TEMPORARY)),
               MOULT_ONE_FOR_ALL);
    crash("b", -EIO);
    assert_trace("+a+b-b");
    assert_children(top, "a:running");
    end();
}

static void a_group_restart_starts_those_that_did_not_run(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b")), MOULT_ONE_FOR_ALL);
    assert_int_equal(terminate(top, "b"), 0);
    assert_children(top, "b:stopped a:running");
    crash("a", -EIO);
    assert_children(top, "b:running a:running");
    end();
}

static void a_group_restart_counts_once(void **state)
{
    plugin.intensity = 2;
    plugin.period_s = 10;
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_ONE_FOR_ALL);
    crash("a", -EIO);
    crash("b", -EIO);
    assert_true(alive(top));
    crash("c", -EIO);
    assert_false(alive(top));
}

static void no_restarts_means_none(void **state)
{
    plugin.intensity = MOULT_NO_RESTARTS;
    start_well(LIST(NAMED("a"), NAMED("b")), MOULT_ONE_FOR_ONE);
    crash("b", -EIO);
    assert_trace("+a+b-b-a");
    assert_false(alive(top));
}

static void when_another_fails_to_start_again_all_is_tried_again(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_ONE_FOR_ALL);
    trace[0] = 0;
    refusals['b'] = 1;
    crash("a", -EIO);
    assert_trace("-a-c-b+a+b-a+a+b+c");
    end();
}

static void rest_for_one_is_tried_again_from_who_failed(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_REST_FOR_ONE);
    trace[0] = 0;
    refusals['b'] = 2;
    crash("a", -EIO);
    assert_trace("-a-c-b+a+b+b+b+c");
    assert_children(top, "c:running b:running a:running");
    end();
}

/* -- trees -- */

static const moult_child *tree(void)
{
    static const moult_child list[] = {
        NAMED("a"),
        {.id = "pool", .supervisor = &pool, .name = "pool"},
        NAMED("b"),
        {.id = NULL}};

    return list;
}

static void a_tree_starts_in_order_and_ends_in_reverse(void **state)
{
    start_well(tree(), MOULT_ONE_FOR_ONE);
    assert_trace("+a+x+y+b");
    assert_counts(top, 3, 3, 1, 2);
    assert_children(top, "b:running pool:running a:running");
    assert_children(moult_whereis("pool"), "y:running x:running");
    end();
    assert_trace("-b-y-x-a");
    assert_int_equal(group.count, 0);
}

static void who_gives_up_below_is_started_again_above(void **state)
{
    moult_pid before;

    start_well(tree(), MOULT_ONE_FOR_ONE);
    trace[0] = 0;
    before = moult_whereis("pool");
    crash("x", -EIO);
    assert_trace("-x+x");
    assert_true(moult_pid_equal(before, moult_whereis("pool")));
    crash("y", -EIO);
    assert_trace("-y-x+x+y");
    assert_false(moult_pid_equal(before, moult_whereis("pool")));
    end();
}

static void a_killed_supervisor_takes_its_tree_along_and_comes_back(void **state)
{
    start_well(tree(), MOULT_ONE_FOR_ONE);
    trace[0] = 0;
    signal_exit(NULL, moult_whereis("pool"), MOULT_KILL, NULL);
    workers_settle();
    assert_children(top, "b:running pool:running a:running");
    assert_children(moult_whereis("pool"), "y:running x:running");
    end();
}

static void a_failed_start_below_is_told_from_above(void **state)
{
    refusals['y'] = 1;
    plugin.children = tree();
    assert_string_equal(start().text,
                        "child 'pool' failed to start: child 'y' failed to "
                        "start: not now");
    assert_trace("+a+x+y-x-a");
}

static void children_know_their_parent_and_have_a_path(void **state)
{
    const struct code *x;

    start_well(tree(), MOULT_ONE_FOR_ONE);
    x = code_find(descriptor.all, "pool/x");
    assert_non_null(x);
    assert_string_equal(process_label(process_find(moult_whereis("x"))), "pool/x");
    assert_true(moult_pid_equal(said_parent, top));
    assert_int_equal(restart_child(moult_whereis("pool"), "x"), -EBUSY);
    end();
}

/* -- significant children -- */

static void any_significant_ends_the_supervisor_in_good_order(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(NAMED("a"), SIGNIFICANT("s", MOULT_TRANSIENT), NAMED("b")), 0);
    crash("s", MOULT_NORMAL);
    assert_trace("+a+s+b-s-b-a");
    assert_false(alive(top));
    assert_int_equal(actor_seen(starter()).reason, MOULT_SHUTDOWN);
}

static void all_significant_waits_for_the_last(void **state)
{
    plugin.auto_shutdown = MOULT_ALL_SIGNIFICANT;
    start_well(LIST(NAMED("a"), SIGNIFICANT("s", MOULT_TRANSIENT),
                    SIGNIFICANT("z", MOULT_TEMPORARY)),
               0);
    crash("s", MOULT_SHUTDOWN);
    assert_true(alive(top));
    crash("z", -EIO);
    assert_trace("+a+s+z-s-z-a");
    assert_false(alive(top));
}

static void one_that_is_started_again_ends_nobody(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(SIGNIFICANT("s", MOULT_TRANSIENT)), 0);
    crash("s", -EIO);
    assert_true(alive(top));
    end();
}

static void to_terminate_a_significant_child_ends_nobody(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(SIGNIFICANT("s", MOULT_TRANSIENT), NAMED("a")), 0);
    assert_int_equal(terminate(top, "s"), 0);
    assert_true(alive(top));
    end();
}

static void a_significant_sibling_of_a_restart_ends_nobody(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(NAMED("a"), SIGNIFICANT("s", MOULT_TEMPORARY)), MOULT_ONE_FOR_ALL);
    crash("a", -EIO);
    assert_true(alive(top));
    assert_children(top, "a:running");
    end();
}

static void it_escalates_only_if_it_is_significant_itself(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(NAMED("a"), {.id = "in",
                                 .supervisor = &ending,
                                 .restart = MOULT_TRANSIENT,
                                 .significant = 1}),
               0);
    crash("s", MOULT_NORMAL);
    assert_false(alive(top));
}

static void else_it_does_not_escalate(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(NAMED("a"),
                    {.id = "in", .supervisor = &ending, .restart = MOULT_TRANSIENT}),
               0);
    crash("s", MOULT_NORMAL);
    assert_true(alive(top));
    assert_children(top, "in:stopped a:running");
    end();
}

/* -- back-off -- */

static void back_off_doubles_to_its_most_and_begins_anew(void **state)
{
    static const uint64_t most_ms[] = {1000, 2000, 4000, 4000};

    start_well(
        LIST(PART("a", .name = "a", .backoff_ms = 1000, .backoff_most_ms = 4000)), 0);
    for (size_t i = 0; i < 4; i++) {
        crash("a", -EIO);
        pass(most_ms[i] / 2 - 1);
        assert_children(top, "a:restarting");
        pass(most_ms[i] / 2 + 1);
        assert_children(top, "a:running");
    }
    pass(6000);
    crash("a", -EIO);
    pass(1000);
    assert_children(top, "a:running");
    end();
}

static void a_start_that_fails_backs_off_too(void **state)
{
    start_well(LIST(PART("a", .name = "a", .backoff_ms = 100)), 0);
    trace[0] = 0;
    refusals['a'] = 2;
    crash("a", -EIO);
    assert_trace("-a");
    pass(100);
    assert_trace("+a");
    pass(200);
    assert_trace("+a");
    pass(400);
    assert_trace("+a");
    assert_children(top, "a:running");
    end();
}

/* -- another version: flags and specs are those of the new one, processes stay -- */

static struct descriptor old;

/* The top supervisor, which rests, supervises `children` now. */
static void become(const moult_child *children, int32_t strategy)
{
    struct supervisor *s = process_find(top)->data;
    struct fault why = {0};

    old = descriptor;
    plugin.children = children;
    plugin.strategy = strategy;
    assert_int_equal(descriptor_take(&plugin, NULL, &descriptor, &why), 0);
    supervisor_became(s, &descriptor.branches[0], NULL);
}

/* End all while both versions are there. */
static void end_both(void)
{
    end();
    signal_exit(NULL, asker, MOULT_KILL, NULL);
    workers_settle();
    descriptor_release(&old);
}

static void another_version_may_have_another_strategy(void **state)
{
    start_well(LIST(NAMED("a"), NAMED("b"), NAMED("c")), MOULT_ONE_FOR_ONE);
    become(LIST(NAMED("c"), NAMED("a"), NAMED("b")), MOULT_REST_FOR_ONE);
    trace[0] = 0;
    crash("a", -EIO);
    assert_trace("-a-b+a+b");
    assert_children(top, "b:running a:running c:running");
    end_both();
}

static void another_version_may_make_a_running_child_significant(void **state)
{
    start_well(LIST(PART("a", .name = "a", .restart = MOULT_TRANSIENT), NAMED("b")), 0);
    plugin.auto_shutdown = MOULT_ALL_SIGNIFICANT;
    become(LIST(SIGNIFICANT("a", MOULT_TRANSIENT), NAMED("b")), 0);
    crash("a", MOULT_NORMAL);
    assert_false(alive(top));
    end_both();
}

static void and_may_make_it_insignificant_again(void **state)
{
    plugin.auto_shutdown = MOULT_ANY_SIGNIFICANT;
    start_well(LIST(SIGNIFICANT("a", MOULT_TRANSIENT), NAMED("b")), 0);
    become(LIST(PART("a", .name = "a", .restart = MOULT_TRANSIENT), NAMED("b")), 0);
    crash("a", MOULT_NORMAL);
    assert_true(alive(top));
    assert_children(top, "b:running a:stopped");
    end_both();
}

static void what_was_started_at_run_time_stays_behind_what_is_listed(void **state)
{
    const moult_child x = NAMED("x");

    start_well(LIST(NAMED("a"), NAMED("b")), 0);
    assert_int_equal(start_child(top, &x, NULL), 0);
    become(LIST(NAMED("b"), NAMED("a")), 0);
    assert_children(top, "x:running a:running b:running");
    end_both();
}

/* -- partitions -- */

static uint32_t instances; /* a bit for each that has started */

static moult_next number_init(moult_ctx *ctx, void *state, moult_in *args)
{
    instances |= 1u << moult_instance(ctx);
    return moult_noreply();
}

static const moult_server numbered = {
    .size = sizeof(moult_server), .init = number_init, .handle_cast = part_cast};

static void a_key_goes_to_one_partition_for_ever(void **state)
{
    moult_pid third;

    instances = 0;
    start_well(LIST({.id = "p", .server = &numbered, .name = "p", .count = 4}), 0);
    assert_int_equal(instances, 0xf);
    third = moult_whereis("p.2");
    assert_true(moult_pid_equal(moult_partition("p", 4, 2), third));
    assert_true(moult_pid_equal(moult_partition("p", 4, 4002), third));
    assert_int_equal(moult_key("user", 4), 0x7d6780e4032b48f2u);
    crash("p.2", -EIO);
    assert_false(moult_pid_equal(moult_partition("p", 4, 2), third));
    assert_true(alive(moult_partition("p", 4, 2)));
    end();
}

static void one_per_core_is_as_many_as_there_are_workers(void **state)
{
    NEEDS_ONE_WORKER;
    start_well(
        LIST(
            {.id = "p", .server = &numbered, .name = "p", .count = MOULT_ONE_PER_CORE}),
        0);
    assert_counts(top, workers_count(), workers_count(), 0, workers_count());
    assert_true(moult_pid_equal(moult_partition("p", MOULT_ONE_PER_CORE, 77),
                                moult_whereis("p.0")));
    end();
}

/* -- many -- */

static void start_many(moult_ctx *ctx, void *context)
{
    struct question *q = context;
    unsigned count = many(20000);

    for (unsigned i = 0; i < count && !q->error; i++) {
        q->error = moult_start_child(ctx, q->supervisor, NULL, NULL, &q->pid);
        if (i % 1000 == 0)
            cast_int(q->pid, -EIO);
    }
}

static void it_supervises_many_that_were_asked_for(void **state)
{
    unsigned count = many(20000);
    moult_pid pid;

    event_set_level(EVENT_ERROR);
    start_well(LIST({.id = "crowd", .supervisor = &crowd, .name = "crowd"}), 0);
    pid = moult_whereis("crowd");
    assert_int_equal(asked(start_many, (struct question){.supervisor = pid}), 0);
    assert_counts(pid, 1, count, 0, count);
    end();
    assert_false(alive(pid));
    event_set_level(EVENT_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_for_all_ends_the_others_in_reverse_and_starts_all),
        TEST(rest_for_one_does_so_with_those_after_it),
        TEST(a_temporary_sibling_is_not_started_again),
        TEST(nor_is_one_that_came_after),
        TEST(a_temporary_child_does_not_take_its_siblings_along),
        TEST(a_group_restart_starts_those_that_did_not_run),
        TEST(a_group_restart_counts_once),
        TEST(no_restarts_means_none),
        TEST(when_another_fails_to_start_again_all_is_tried_again),
        TEST(rest_for_one_is_tried_again_from_who_failed),
        TEST(a_tree_starts_in_order_and_ends_in_reverse),
        TEST(who_gives_up_below_is_started_again_above),
        TEST(a_killed_supervisor_takes_its_tree_along_and_comes_back),
        TEST(a_failed_start_below_is_told_from_above),
        TEST(children_know_their_parent_and_have_a_path),
        TEST(any_significant_ends_the_supervisor_in_good_order),
        TEST(all_significant_waits_for_the_last),
        TEST(one_that_is_started_again_ends_nobody),
        TEST(to_terminate_a_significant_child_ends_nobody),
        TEST(a_significant_sibling_of_a_restart_ends_nobody),
        TEST(it_escalates_only_if_it_is_significant_itself),
        TEST(else_it_does_not_escalate),
        TEST(back_off_doubles_to_its_most_and_begins_anew),
        TEST(a_start_that_fails_backs_off_too),
        TEST(another_version_may_have_another_strategy),
        TEST(another_version_may_make_a_running_child_significant),
        TEST(and_may_make_it_insignificant_again),
        TEST(what_was_started_at_run_time_stays_behind_what_is_listed),
        TEST(a_key_goes_to_one_partition_for_ever),
        TEST(one_per_core_is_as_many_as_there_are_workers),
        TEST(it_supervises_many_that_were_asked_for),
    };

    return cmocka_run_group_tests_name("supervisor_trees", tests, NULL, NULL);
}
