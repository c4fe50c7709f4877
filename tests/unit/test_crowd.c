/* SPDX-License-Identifier: Apache-2.0 */
/* A supervisor of very many children: what it does with one costs the same. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ending.h"
#include "group.h"
#include "harness.h"
#include "random.h"
#include "supervisor.h"

#define FEW   1000u
#define MANY  100000u
#define TIMES 300u /* of each in one measurement */
#define MOST  10u  /* times as much; going through all of them would be 100 times */

static moult_next cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop(-EIO);
}

static const moult_server one = {.size = sizeof(moult_server), .handle_cast = cast};

static struct group group;
static struct supervisor_spec spec;
static const struct code *codes[1];
static moult_pid boss;

static int begin(void **state)
{
    group_init(&group, "crowd");
    return one_worker(state);
}

static int end(void **state)
{
    workers_end(state);
    group_finish(&group);
    return 0;
}

static void start_it(struct process *p, void *context)
{
    check(supervisor_start(p, &spec, &boss) == 0);
}

static void end_it(struct process *p, void *context)
{
    end_process(p, boss, MOULT_INFINITY);
}

static void supervise(int32_t strategy, uint32_t count)
{
    codes[0] = code_of_child(&one, (moult_child){.id = "one", .count = count});
    spec = (struct supervisor_spec){.branch = {.codes = codes,
                                               .count = 1,
                                               .strategy = strategy,
                                               .intensity = 1000000,
                                               .period_s = 1},
                                    .app = "crowd",
                                    .group = &group};
    assert_int_equal(actor_do(starter(), start_it, NULL), 0);
}

static void leave(void)
{
    assert_int_equal(actor_do(starter(), end_it, NULL), 0);
    workers_settle();
}

/* -- by id -- */

struct named {
    uint32_t count;
    char id[CHILD_ID];
};

static const char *any(struct named *n)
{
    snprintf(n->id, sizeof(n->id), "one.%u", random_below(n->count));
    return n->id;
}

static void find_crash_end_and_restart(struct process *p, void *context)
{
    struct named *n = context;
    moult_in in, at;
    moult_pid pid;

    for (unsigned i = 0; i < TIMES; i++) {
        check(moult_which_child(&p->ctx, boss, any(n), &in) == 0);
        check(moult_find(&in, "pid", &at));
        check(moult_cast(&p->ctx, moult_get_pid(&at), moult_draft(&p->ctx)) == 0);
        process_take_breath(p);
        check(moult_terminate_child(&p->ctx, boss, any(n)) == 0);
        check(moult_restart_child(&p->ctx, boss, n->id, &pid) == 0);
    }
}

static void delete_one_after_the_other(struct process *p, void *context)
{
    struct named *n = context;

    for (unsigned i = 0; i < TIMES; i++) {
        snprintf(n->id, sizeof(n->id), "one.%u", n->count / TIMES * i);
        check(moult_terminate_child(&p->ctx, boss, n->id) == 0);
        check(moult_delete_child(&p->ctx, boss, n->id) == 0);
        check(moult_delete_child(&p->ctx, boss, n->id) == -ENOENT);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The least of three, or what it takes once. */
static uint64_t cost(job *run, void *context, unsigned times)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < times; i++) {
        uint64_t before = cpu_ns(), took;

        assert_int_equal(actor_do(starter(), run, context), 0);
        workers_settle();
        took = cpu_ns() - before;
        least = took < least ? took : least;
    }
    return least;
}

struct costs {
    uint64_t change, delete;
};

static struct costs costs_among(uint32_t count)
{
    struct named n = {.count = count};
    struct costs c;

    supervise(MOULT_ONE_FOR_ONE, count);
    cost(find_crash_end_and_restart, &n, 1); /* the index by id is made now */
    c.change = cost(find_crash_end_and_restart, &n, 3);
    c.delete = cost(delete_one_after_the_other, &n, 1);
    leave();
    return c;
}

static void what_is_done_with_one_by_its_id_costs_the_same_among_many(void **state)
{
    struct costs few = costs_among(FEW), much = costs_among(many(MANY));

    assert_true(much.change < few.change * MOST);
    assert_true(much.delete < few.delete *MOST);
}

/* -- by pid -- */

static void start_and_end(struct process *p, void *unused)
{
    static moult_pid pids[TIMES];

    for (unsigned i = 0; i < TIMES; i++)
        check(moult_start_child(&p->ctx, boss, NULL, NULL, &pids[i]) == 0);
    for (unsigned i = 0; i < TIMES; i++)
        check(moult_terminate_pid(&p->ctx, boss, pids[i]) == 0);
}

static void start_some(struct process *p, void *context)
{
    moult_pid pid;

    for (uint32_t left = *(uint32_t *)context; left > 0; left--)
        check(moult_start_child(&p->ctx, boss, NULL, NULL, &pid) == 0);
}

static uint64_t cost_beside(uint32_t count)
{
    uint64_t took;

    supervise(MOULT_SIMPLE_ONE_FOR_ONE, 0);
    assert_int_equal(actor_do(starter(), start_some, &count), 0);
    cost(start_and_end, NULL, 1);
    took = cost(start_and_end, NULL, 3);
    leave();
    return took;
}

static void starting_and_ending_one_by_its_pid_costs_the_same_beside_many(void **state)
{
    uint64_t few = cost_beside(FEW), much = cost_beside(many(MANY));

    assert_true(much < few * MOST);
}

/* -- all of them -- */

static uint32_t turns; /* of who runs beside */

static void run_beside(struct process *p, void *context)
{
    const bool *is_over = context;

    turns++;
    if (!*is_over)
        actor_again(p, run_beside, context);
}

struct listing {
    bool is_over;
    size_t count;
    uint32_t turns; /* that others had meanwhile */
};

static void list_all(struct process *p, void *context)
{
    struct listing *l = context;
    uint32_t before = turns;
    moult_in in;

    check(moult_which_children(&p->ctx, boss, &in) == 0);
    l->turns = turns - before;
    l->count = moult_get_array(&in);
    l->is_over = true;
}

static void others_run_while_all_children_are_listed(void **state)
{
    struct listing l = {.is_over = false};
    uint32_t count = many(20000);

    supervise(MOULT_ONE_FOR_ONE, count);
    turns = 0;
    actor_post(actor(false), run_beside, &l.is_over);
    assert_int_equal(actor_do(starter(), list_all, &l), 0);
    workers_settle();
    assert_int_equal(l.count, count);
    assert_true(l.turns >= count / 256);
    leave();
}

#define CROWD_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CROWD_TEST(what_is_done_with_one_by_its_id_costs_the_same_among_many),
        CROWD_TEST(starting_and_ending_one_by_its_pid_costs_the_same_beside_many),
        CROWD_TEST(others_run_while_all_children_are_listed),
    };

    random_start();
    return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}
