/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <string.h>

#include "group.h"
#include "harness.h"
#include "pid.h"

static void a_pid_finds_its_process_until_that_ends(void **state)
{
    moult_pid pid = actor(false);
    struct process *p = process_find(pid);

    assert_non_null(p);
    assert_true(moult_pid_equal(process_pid(p), pid));
    assert_ptr_equal(process_at(pid_index(pid)), p);
    assert_true(alive(pid));
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
}

static void nobody_has_a_pid_of_zero_or_of_another_node(void **state)
{
    moult_pid foreign = actor(false);

    assert_null(process_find((moult_pid){0}));
    foreign.bits |= UINT64_C(1) << 56;
    assert_null(process_find(foreign));
    assert_int_equal(cast_int(foreign, 1), -ESRCH);
}

static void a_slot_that_is_used_again_has_another_pid(void **state)
{
    moult_pid first = actor(false), second;

    signal_exit(NULL, first, MOULT_KILL, NULL);
    assert_gone(first);
    second = actor(false);
    assert_int_equal(pid_index(first), pid_index(second));
    assert_int_equal(pid_generation(second), pid_generation(first) + 1);
    assert_null(process_find(first));
}

static void generations_begin_again_at_one(void **state)
{
    moult_pid first = actor(false), second;
    struct process *p = process_find(first);

    signal_exit(NULL, first, MOULT_KILL, NULL);
    assert_gone(first);
    atomic_store(&p->pid, pid_make(pid_index(process_pid(p)), PID_GENERATION_MAX).bits);
    second = actor(false);
    assert_ptr_equal(process_find(second), p);
    assert_int_equal(pid_generation(second), 1);
}

static const moult_server idle = {.size = sizeof(moult_server)};

static void a_host_has_as_many_as_it_may_besides_its_own(void **state)
{
    uint64_t from = event_next();
    struct started s;
    moult_pid pid = serve(&idle), by = starter();

    processes_allow(process_count());
    s = serve_by(by, &idle, NULL);
    assert_int_equal(s.error, -ENOMEM);
    assert_non_null(strstr(s.text, "as many processes as it may"));
    assert_non_null(strstr(s.text, "max_processes of its configuration"));
    assert_int_equal(events_named("host.full", from), 1);
    assert_int_equal(ask_word(pid, "may I ask?", NULL), -ENOSYS);
    processes_allow(0);
    assert_int_equal(serve_by(by, &idle, NULL).error, 0);
}

static void one_that_was_created_can_be_discarded(void **state)
{
    struct group group;
    struct process_options options = {.group = &group};
    uint32_t before = process_count();
    struct process *p;

    group_init(&group, "group");
    options.class = process_find(starter())->class;
    p = process_create(&options);
    assert_int_equal(process_count(), before + 1);
    process_discard(p);
    assert_int_equal(process_count(), before);
    group_finish(&group);
}

static void refs_are_never_the_same(void **state)
{
    uint64_t last = process_ref();

    for (int i = 0; i < 1000; i++) {
        uint64_t next = process_ref();

        assert_true(next > last);
        last = next;
    }
}

/* -- turns -- */

static _Atomic bool stop;
static _Atomic uint32_t rounds;

static void again(struct process *p, void *unused)
{
    atomic_fetch_add(&rounds, 1);
    if (!atomic_load(&stop))
        actor_again(p, again, NULL);
}

static void one_that_always_has_work_leaves_the_others_their_turn(void **state)
{
    moult_pid busy = actor(false), other = actor(false);

    atomic_store(&stop, false);
    atomic_store(&rounds, 0);
    actor_post(busy, again, NULL);
    for (int i = 0; i < 100; i++)
        actor_seen(other);
    assert_true(atomic_load(&rounds) > 0);
    atomic_store(&stop, true);
    workers_settle();
}

struct flood {
    moult_pid to, sender, other;
    _Atomic bool done;
};

static void send_many(struct process *p, void *context)
{
    struct flood *f = context;

    for (int64_t i = 1; i <= 5000; i++) {
        moult_out *m = moult_draft(&p->ctx);

        moult_put_int(m, i);
        moult_cast(&p->ctx, f->to, m);
    }
    atomic_store(&f->done, true);
}

static void note_progress(struct process *p, void *context)
{
    atomic_store(&stop, atomic_load(&((struct flood *)context)->done));
}

/* Both from the one worker, which runs neither before both are there. */
static void post_flood(struct process *p, void *context)
{
    struct flood *f = context;

    actor_post(f->sender, send_many, f);
    actor_post(f->other, note_progress, f);
}

static void one_that_sends_a_lot_lets_others_run_meanwhile(void **state)
{
    struct flood flood = {
        .to = actor(false), .sender = actor(false), .other = actor(false)};

    atomic_store(&stop, true);
    assert_int_equal(actor_do(starter(), post_flood, &flood), 0);
    workers_settle();
    assert_false(atomic_load(&stop)); /* it ran before the flood was over */
    assert_int_equal(actor_seen(flood.to).casts, 5000);
    assert_int_equal(actor_seen(flood.to).disorder, 0);
}

static void one_that_is_killed_while_it_sends_a_lot_ends(void **state)
{
    struct flood flood = {.to = actor(false)};
    moult_pid sender = actor(true);

    actor_post(sender, send_many, &flood);
    signal_exit(NULL, sender, MOULT_KILL, NULL);
    assert_gone(sender);
}

/* -- memory -- */

static void allocate(struct process *p, void *context)
{
    memset(moult_alloc(&p->ctx, 100000), 1, 100000);
    *(uint64_t *)context = p->ctx.heap.used;
}

static void memory_ends_with_its_process(void **state)
{
    moult_pid pid = actor(false);
    uint64_t used = 0;

    actor_do(pid, allocate, &used);
    assert_true(used >= 100000);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
    assert_int_equal(process_at(pid_index(pid))->ctx.heap.used, 0);
}

/* -- many, on two workers -- */

static void end_at_once(struct process *p, void *unused)
{
    process_exit(p, MOULT_NORMAL, NULL);
}

static void processes_come_and_go_by_the_thousand(void **state)
{
    uint32_t before = process_count();

    for (uint32_t i = 0; i < many(20000); i++)
        actor_post(actor(false), end_at_once, NULL);
    workers_settle();
    assert_int_equal(process_count(), before);
}

static void workers_can_be_stopped_with_everything_still_going(void **state)
{
    for (int round = 0; round < 5; round++) {
        harness_start(2, false);
        atomic_store(&stop, false);
        for (int i = 0; i < 300; i++)
            actor_post(actor(i % 2), again, NULL);
        harness_stop();
        assert_int_equal(process_count(), 0);
    }
}

#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, one_worker, workers_end)
#define ON_TWO(test) cmocka_unit_test_setup_teardown(test, two_workers, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(a_pid_finds_its_process_until_that_ends),
        ON_ONE(nobody_has_a_pid_of_zero_or_of_another_node),
        ON_ONE(a_slot_that_is_used_again_has_another_pid),
        ON_ONE(generations_begin_again_at_one),
        ON_ONE(a_host_has_as_many_as_it_may_besides_its_own),
        ON_ONE(one_that_was_created_can_be_discarded),
        ON_ONE(refs_are_never_the_same),
        ON_ONE(one_that_always_has_work_leaves_the_others_their_turn),
        ON_ONE(one_that_sends_a_lot_lets_others_run_meanwhile),
        ON_ONE(one_that_is_killed_while_it_sends_a_lot_ends),
        ON_TWO(one_that_is_killed_while_it_sends_a_lot_ends),
        ON_ONE(memory_ends_with_its_process),
        ON_TWO(processes_come_and_go_by_the_thousand),
        cmocka_unit_test(workers_can_be_stopped_with_everything_still_going),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
