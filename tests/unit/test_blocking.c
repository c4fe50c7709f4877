/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "harness.h"

#include <sched.h>

#include "barrier.h"
#include "origin.h"
#include "process.h"
#include "watchdog.h"

static const struct origin self = {
    .path = "/proc/self/exe", .app = "tester", .vsn = "1.2.3"};

static _Atomic uint32_t begun, over;
static _Atomic bool opened;
static char *volatile nowhere;

static void prepare(void)
{
    origin_add((const void *)(uintptr_t)prepare, &self);
    barrier_start();
    watchdog_prepare();
    atomic_store(&begun, 0);
    atomic_store(&over, 0);
    atomic_store(&opened, false);
}

static int finish(void **state)
{
    atomic_store(&opened, true);
    workers_stop();
    origin_remove((const void *)(uintptr_t)prepare);
    return workers_end(state);
}

/* -- what blocks -- */

#define PLAIN __attribute__((no_sanitize("address", "thread", "undefined")))

PLAIN static void wait_for_the_gate(void *arg)
{
    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&opened, __ATOMIC_SEQ_CST)) {
    }
}

static void note_worker(void *arg)
{
    *(unsigned *)arg = worker_index();
}

PLAIN static void follow_null(void *arg)
{
    *nowhere = 1;
}

static void block(struct process *p, void *context)
{
    check(moult_blocking(&p->ctx, wait_for_the_gate, NULL) == 0);
    atomic_fetch_add(&over, 1);
}

static void block_and_note(struct process *p, void *context)
{
    unsigned *noted = context;

    check(moult_blocking(&p->ctx, note_worker, &noted[0]) == 0);
    noted[1] = worker_index();
}

static void block_and_fail(struct process *p, void *context)
{
    moult_blocking(&p->ctx, follow_null, NULL);
}

static void open_the_gate(struct process *p, void *context)
{
    atomic_store(&opened, true);
}

static void wait_until(_Atomic uint32_t *count, uint32_t at_least)
{
    while (atomic_load(count) < at_least)
        sched_yield();
}

/* -- what comes of it -- */

static void others_run_meanwhile(void **state)
{
    prepare();
    actor_post(actor(false), block, NULL);
    wait_until(&begun, 1);
    assert_int_equal(actor_do(actor(false), open_the_gate, NULL), 0);
    wait_until(&over, 1);
}

static void it_runs_beside_the_workers_and_then_is_back(void **state)
{
    unsigned noted[2];

    prepare();
    for (uint32_t i = 0; i < many(2000); i++) {
        assert_int_equal(actor_do(actor(false), block_and_note, noted), 0);
        assert_true(noted[0] >= workers_count());
        assert_int_equal(noted[1], 0);
    }
}

static void there_are_so_many_at_once_and_more_wait(void **state)
{
    prepare();
    for (unsigned i = 0; i < WORKERS_BLOCKING + 10; i++)
        actor_post(actor(false), block, NULL);
    wait_until(&begun, WORKERS_BLOCKING);
    assert_int_equal(actor_do(actor(false), open_the_gate, NULL), 0);
    workers_settle();
    assert_int_equal(atomic_load(&over), WORKERS_BLOCKING + 10);
}

static void it_may_take_its_time(void **state)
{
    uint64_t from = event_next();

    prepare();
    actor_post(actor(false), block, NULL);
    wait_until(&begun, 1);
    for (int i = 0; i < 10; i++) {
        clock_advance(10000000000u);
        watchdog_look();
    }
    assert_int_equal(events_named("server.slow", from), 0);
}

static void a_kill_ends_it(void **state)
{
    uint64_t from = event_next();
    moult_pid pid;

    prepare();
    pid = actor(false);
    actor_post(pid, block, NULL);
    wait_until(&begun, 1);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    while (!events_named("server.killed", from)) {
        watchdog_look();
        sched_yield();
    }
    assert_gone(pid);
    atomic_store(&opened, true);
    assert_int_equal(actor_do(actor(false), block, NULL), 0); /* the thread is whole */
}

static void what_fails_in_it_ends_only_its_process(void **state)
{
    moult_pid pid;

    prepare();
    for (uint32_t i = 0; i < many(200); i++) {
        pid = actor(false);
        assert_int_equal(actor_do(pid, block_and_fail, NULL), -EOWNERDEAD);
        assert_gone(pid);
    }
}

#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, one_worker, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(others_run_meanwhile),
        ON_ONE(it_runs_beside_the_workers_and_then_is_back),
        ON_ONE(there_are_so_many_at_once_and_more_wait),
        ON_ONE(it_may_take_its_time),
        ON_ONE(a_kill_ends_it),
        ON_ONE(what_fails_in_it_ends_only_its_process),
    };

    return cmocka_run_group_tests_name("blocking", tests, NULL, NULL);
}
