/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "harness.h"

static void nothing(struct process *p, void *unused)
{
}

static void workers_start_and_stop_again_and_again(void **state)
{
    for (unsigned count = 1; count <= 4; count++) {
        harness_start(count, false);
        assert_int_equal(workers_count(), count);
        assert_int_equal(actor_do(actor(false), nothing, NULL), 0);
        harness_stop();
        assert_int_equal(workers_count(), 0);
    }
}

static void none_and_too_many_are_refused(void **state)
{
    assert_int_equal(workers_start(0), -EINVAL);
    assert_int_equal(workers_start(WORKERS_MAX + 1), -EINVAL);
}

static void remember_worker(struct process *p, void *context)
{
    *(bool *)context = worker_current() != NULL && worker_index() < workers_count();
}

static void a_job_runs_on_a_worker_and_a_test_does_not(void **state)
{
    bool on_one = false;

    assert_null(worker_current());
    actor_do(actor(false), remember_worker, &on_one);
    assert_true(on_one);
}

static uint64_t cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static void wait_ms(struct process *p, void *context)
{
    struct await a = {0};

    process_await(p, &a, *(uint64_t *)context);
}

static void workers_that_wait_for_a_timer_use_no_processor(void **state)
{
    uint64_t ms = 150, before;

    actor_do(actor(false), nothing, NULL);
    before = cpu_ns();
    actor_do(actor(false), wait_ms, &ms);
    assert_true(cpu_ns() - before < 75000000u); /* half of it, of one core */
}

static void a_wait_is_never_shorter_than_asked(void **state)
{
    for (uint64_t ms = 1; ms <= 12; ms++) {
        uint64_t before = clock_ns();

        actor_do(actor(false), wait_ms, &ms);
        assert_true(clock_ns() - before >= ms * 1000000u);
    }
}

/* -- sharing -- */

static _Atomic bool met;

static void hold_a_worker(struct process *p, void *unused)
{
    while (!atomic_load(&met))
        sched_yield();
}

static void meet(struct process *p, void *unused)
{
    atomic_store(&met, true);
}

static void post_another_and_hold(struct process *p, void *context)
{
    actor_post(*(moult_pid *)context, meet, NULL);
    hold_a_worker(p, NULL);
}

static void a_sleeping_worker_takes_what_a_busy_one_has_waiting(void **state)
{
    moult_pid other = actor(false);

    for (uint32_t i = 0; i < many(200); i++) {
        atomic_store(&met, false);
        assert_int_equal(actor_do(actor(false), post_another_and_hold, &other), 0);
    }
}

static void a_worker_that_is_held_up_has_its_timers_fired_by_others(void **state)
{
    moult_pid busy = actor(false);
    uint64_t ms = 5;

    atomic_store(&met, false);
    actor_post(busy, hold_a_worker, NULL);
    for (int i = 0; i < 10; i++)
        assert_int_equal(actor_do(actor(false), wait_ms, &ms), 0);
    atomic_store(&met, true);
}

static void *post_many(void *context)
{
    moult_pid *to = context;

    for (uint32_t i = 0; i < many(5000); i++)
        cast_int(*to, 1);
    return NULL;
}

static void work_from_outside_always_wakes_somebody(void **state)
{
    moult_pid to = actor(false);
    pthread_t thread;

    pthread_create(&thread, NULL, post_many, &to);
    for (uint32_t i = 0; i < many(2000); i++)
        actor_do(to, nothing, NULL); /* would hang if a wake were lost */
    pthread_join(thread, NULL);
    assert_int_equal(actor_seen(to).casts, many(5000));
}

/* -- the virtual clock -- */

struct steps {
    uint64_t at_ms[4];
    uint32_t count;
};

static void step(struct process *p, void *context)
{
    struct steps *s = context;

    for (uint64_t ms = 10; s->count < 4; ms *= 10) {
        wait_ms(p, &ms);
        s->at_ms[s->count++] = clock_ns() / 1000000u;
    }
}

static void virtual_time_goes_where_it_is_moved(void **state)
{
    uint64_t began = clock_ns() / 1000000u;
    struct steps steps = {.count = 0};

    actor_post(actor(false), step, &steps);
    workers_settle();
    assert_int_equal(steps.count, 0);
    pass(10);
    assert_int_equal(steps.count, 1);
    pass(99);
    assert_int_equal(steps.count, 1);
    pass(1);
    assert_int_equal(steps.count, 2);
    pass(1000000); /* one jump: the next wait begins after it */
    assert_int_equal(steps.count, 3);
    assert_int_equal(steps.at_ms[0] - began, 10);
    assert_int_equal(steps.at_ms[1] - began, 110);
    assert_int_equal(steps.at_ms[2] - began, 1000110);
}

#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, one_worker, workers_end)
#define ON_TWO(test) cmocka_unit_test_setup_teardown(test, two_workers, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_start_and_stop_again_and_again),
        cmocka_unit_test(none_and_too_many_are_refused),
        ON_ONE(a_job_runs_on_a_worker_and_a_test_does_not),
        ON_TWO(workers_that_wait_for_a_timer_use_no_processor),
        ON_TWO(a_wait_is_never_shorter_than_asked),
        ON_TWO(a_sleeping_worker_takes_what_a_busy_one_has_waiting),
        ON_TWO(a_worker_that_is_held_up_has_its_timers_fired_by_others),
        ON_TWO(work_from_outside_always_wakes_somebody),
        ON_ONE(virtual_time_goes_where_it_is_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
