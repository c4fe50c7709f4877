/* SPDX-License-Identifier: Apache-2.0 */
/* This program's own functions play the plugin here; tests/integration has real ones. */
#include "test.h"

#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "barrier.h"
#include "origin.h"
#include "process.h"
#include "watchdog.h"

static const struct origin self = {
    .path = "/proc/self/exe", .app = "tester", .vsn = "1.2.3"};

static _Atomic uint32_t spinning, released, ran;

static void guard(void)
{
    origin_add((const void *)(uintptr_t)guard, &self);
    barrier_start();
    watchdog_prepare();
    atomic_store(&spinning, 0);
    atomic_store(&released, 0);
    atomic_store(&ran, 0);
}

static int unguard(void **state)
{
    atomic_store(&released, UINT32_MAX);
    workers_stop(); /* before what looks like a plugin is gone */
    origin_remove((const void *)(uintptr_t)guard);
    return workers_end(state);
}

/* -- what is asked of actors; in a plugin's code, without a call of anything -- */

#define PLAIN __attribute__((no_sanitize("address", "thread", "undefined")))

enum { LINE_OF_SPIN = __LINE__ + 6 };

/* Until it is released, the first, second ... time. */
PLAIN static void spin(struct process *p, void *context)
{
    uint32_t turn = atomic_fetch_add(&spinning, 1) + 1;
    while (atomic_load(&released) < turn) {
    }
}

static void run(struct process *p, void *context)
{
    atomic_fetch_add(&ran, 1);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void wait_for_a_lock(struct process *p, void *context)
{
    atomic_fetch_add(&spinning, 1);
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
}

static void wait_a_second(struct process *p, void *context)
{
    struct await a = {.ref = 0};

    process_await(p, &a, 1000);
}

static void wake_another_and_spin(struct process *p, void *context)
{
    moult_pid *other = context;
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    moult_put_int(&e->out, 1);
    process_send_last(p, *other, e); /* it runs next, here */
    spin(p, NULL);
}

/* -- and of the test -- */

static void wait_until(_Atomic uint32_t *count, uint32_t at_least)
{
    while (atomic_load(count) < at_least)
        sched_yield();
}

static moult_pid spinner(job *run_it)
{
    uint32_t before = atomic_load(&spinning);
    moult_pid pid = actor(false);

    actor_post(pid, run_it, NULL);
    wait_until(&spinning, before + 1);
    return pid;
}

/* Look after `ms`, twice: what the first asks for, the second may have. */
static void look_after(uint64_t ms)
{
    clock_advance(ms * 1000000u);
    watchdog_look();
    watchdog_look();
}

static void look_until(const char *event, uint64_t from)
{
    while (!events_named(event, from)) {
        watchdog_look();
        sched_yield();
    }
}

static json_t *last_event(const char *name, uint64_t from)
{
    json_t *event, *found = NULL;
    uint64_t missed = 0;

    while ((event = event_read(&from, &missed))) {
        if (strcmp(json_string_value(json_object_get(event, "event")), name) == 0) {
            json_decref(found);
            found = json_incref(event);
        }
        json_decref(event);
    }
    assert_non_null(found);
    return found;
}

/* -- slow ones -- */

static void one_that_takes_long_is_told_of_once_with_its_place(void **state)
{
    uint64_t from = event_next();
    char reason[100];
    json_t *event;

    guard();
    spinner(spin);
    look_after(0);
    look_after(99);
    assert_int_equal(events_named("server.slow", from), 0);
    look_after(1);
    look_until("server.slow", from);
    look_after(5000);
    look_after(5000);
    assert_int_equal(events_named("server.slow", from), 1);
    event = last_event("server.slow", from);
    snprintf(reason, sizeof(reason),
             "a callback has run for 100 ms, in spin (test_watchdog.c:%d) of tester "
             "1.2.3",
             LINE_OF_SPIN);
    assert_string_equal(json_string_value(json_object_get(event, "reason")), reason);
    json_decref(event);
}

static void set_patience(moult_pid pid, uint32_t warn_ms, uint32_t max_ms)
{
    struct process *p = process_find(pid);

    assert_int_equal(process_reserve_bounds(p), 0);
    process_set_patience(p, warn_ms, max_ms);
}

static void each_has_its_own_patience(void **state)
{
    uint64_t from = event_next();

    guard();
    set_patience(spinner(spin), 3000, 0);
    look_after(0);
    look_after(2999);
    assert_int_equal(events_named("server.slow", from), 0);
    look_after(1);
    look_until("server.slow", from);
}

static void many_short_ones_are_no_long_one(void **state)
{
    uint64_t from = event_next();
    moult_pid pid;

    guard();
    pid = spinner(spin);
    for (uint32_t i = 1; i <= 5; i++) { /* messages of one turn */
        actor_post(pid, spin, NULL);
        look_after(0);
        look_after(60);
        atomic_store(&released, i);
        wait_until(&spinning, i + 1);
    }
    atomic_store(&released, UINT32_MAX);
    workers_settle();
    assert_int_equal(events_named("server.slow", from), 0);
}

static void the_time_that_it_waits_does_not_count(void **state)
{
    uint64_t from = event_next();

    guard();
    actor_post(actor(false), wait_a_second, NULL);
    workers_settle();
    look_after(900);
    assert_int_equal(events_named("server.slow", from), 0);
    pass(200);
}

/* -- others -- */

static void others_go_on_while_all_workers_are_held(void **state)
{
    guard();
    spinner(spin);
    look_after(0);
    look_after(WATCHDOG_LOOK_MS);
    for (int i = 0; i < 100; i++)
        assert_int_equal(actor_do(actor(false), run, NULL), 0);
}

static void who_helps_out_may_be_held_too(void **state)
{
    guard();
    for (unsigned i = 0; i < WORKERS_HELPING; i++) {
        spinner(spin);
        look_after(0);
        look_after(WATCHDOG_LOOK_MS);
        assert_int_equal(actor_do(actor(false), run, NULL), 0);
    }
}

static void who_helped_out_leaves_and_comes_again(void **state)
{
    struct worker_look look;

    guard();
    for (uint32_t i = 1; i <= 50; i++) {
        spinner(spin);
        look_after(0);
        look_after(WATCHDOG_LOOK_MS);
        assert_int_equal(actor_do(actor(false), run, NULL), 0);
        atomic_store(&released, i);
        workers_settle();
        look_after(0);
        workers_settle();
    }
    assert_true(worker_look(1, &look));
    assert_false(worker_look(2, &look)); /* the same one each time */
}

static void what_was_to_run_next_runs_elsewhere(void **state)
{
    moult_pid other, pid;

    guard();
    other = actor(false);
    pid = actor(false);
    workers_settle();
    actor_post(pid, wake_another_and_spin, &other);
    wait_until(&spinning, 1);
    look_after(0);
    look_after(WATCHDOG_LOOK_MS);
    assert_int_equal(actor_seen(other).casts, 1);
}

/* -- ends -- */

static void one_that_is_killed_ends_where_it_is(void **state)
{
    uint64_t from = event_next();
    moult_pid pid;

    guard();
    pid = spinner(spin);
    look_after(10000);
    assert_int_equal(events_named("server.killed", from), 0);
    signal_exit(NULL, pid, MOULT_SHUTDOWN, NULL); /* which it does not hear */
    look_after(10000);
    assert_int_equal(events_named("server.killed", from), 0);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    look_until("server.killed", from);
    assert_gone(pid);
}

static void its_limit_ends_it_and_not_before(void **state)
{
    uint64_t from = event_next();
    moult_pid pid;
    json_t *event;

    guard();
    pid = spinner(spin);
    set_patience(pid, 0, 500);
    look_after(0);
    look_after(499);
    assert_true(alive(pid));
    look_after(1);
    look_until("server.killed", from);
    assert_gone(pid);
    event = last_event("server.killed", from);
    assert_non_null(
        strstr(json_string_value(json_object_get(event, "reason")),
               "a callback took longer than 500 ms, in spin (test_watchdog.c:"));
    json_decref(event);
}

static void who_waits_for_it_is_told(void **state)
{
    moult_pid pid;

    guard();
    pid = actor(false);
    set_patience(pid, 0, 1);
    watchdog_start();
    clock_set_virtual(false);
    assert_int_equal(actor_do(pid, spin, NULL), -EOWNERDEAD);
    assert_non_null(strstr(asked_text(), "a callback took longer than 1 ms, in spin"));
}

static void one_that_can_not_be_ended_there_is_told_of_and_ends_later(void **state)
{
    uint64_t from = event_next();
    moult_pid pid;

    guard();
    pthread_mutex_lock(&held);
    pid = spinner(wait_for_a_lock);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    look_after(0);
    look_after(WATCHDOG_AGAIN_MS);
    look_until("server.stuck", from);
    assert_true(alive(pid));
    pthread_mutex_unlock(&held);
    assert_gone(pid);
    assert_int_equal(events_named("server.killed", from), 0);
}

static void many_are_killed_and_nobody_else_is(void **state)
{
    uint64_t from = event_next();
    moult_pid bystander;

    guard();
    bystander = actor(false);
    for (uint32_t i = 1; i <= many(500); i++) {
        moult_pid pid = spinner(spin);

        signal_exit(NULL, pid, MOULT_KILL, NULL);
        while (alive(pid)) {
            watchdog_look();
            sched_yield();
        }
        assert_int_equal(actor_do(bystander, run, NULL), 0);
    }
    assert_int_equal(events_named("server.killed", from), many(500));
}

static void at_the_end_of_all_it_ends_what_does_not(void **state)
{
    guard();
    watchdog_start();
    spinner(spin);
    workers_stop();
    assert_int_equal(process_count(), 0);
}

#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, one_worker, unguard)
#define ON_TWO(test) cmocka_unit_test_setup_teardown(test, two_workers, unguard)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(one_that_takes_long_is_told_of_once_with_its_place),
        ON_ONE(each_has_its_own_patience),
        ON_ONE(many_short_ones_are_no_long_one),
        ON_ONE(the_time_that_it_waits_does_not_count),
        ON_ONE(others_go_on_while_all_workers_are_held),
        ON_ONE(who_helps_out_may_be_held_too),
        ON_ONE(who_helped_out_leaves_and_comes_again),
        ON_ONE(what_was_to_run_next_runs_elsewhere),
        ON_ONE(one_that_is_killed_ends_where_it_is),
        ON_ONE(its_limit_ends_it_and_not_before),
        ON_TWO(who_waits_for_it_is_told),
        ON_ONE(one_that_can_not_be_ended_there_is_told_of_and_ends_later),
        ON_TWO(many_are_killed_and_nobody_else_is),
        ON_ONE(at_the_end_of_all_it_ends_what_does_not),
    };

    return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
