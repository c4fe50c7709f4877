/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>

#include "harness.h"
#include "send_timer.h"

struct later {
    moult_pid to; /* nobody: itself */
    uint64_t ms;
    moult_timer timer;
    int64_t left;
};

static void send_later(struct process *p, void *context)
{
    struct later *l = context;
    moult_out *m = moult_draft(&p->ctx);

    moult_put_int(m, 1);
    l->timer = moult_send_after(&p->ctx, l->to.bits ? l->to : process_pid(p), l->ms, m);
    check(l->timer);
}

static void cancel(struct process *p, void *context)
{
    struct later *l = context;

    l->left = moult_cancel_timer(&p->ctx, l->timer);
}

static void it_comes_when_its_time_is_up_and_never_early(void **state)
{
    moult_pid pid = actor(false);
    struct later l = {.ms = 100};

    actor_do(pid, send_later, &l);
    pass(99);
    assert_int_equal(actor_seen(pid).infos, 0);
    pass(1);
    assert_int_equal(actor_seen(pid).infos, 1);
    assert_true(moult_pid_equal(actor_seen(pid).from, pid));
}

static void cancelling_tells_what_was_left(void **state)
{
    moult_pid pid = actor(false);
    struct later l = {.ms = 100};

    actor_do(pid, send_later, &l);
    pass(30);
    actor_do(pid, cancel, &l);
    assert_int_equal(l.left, 70);
    pass(1000);
    assert_int_equal(actor_seen(pid).infos, 0);
    actor_do(pid, cancel, &l);
    assert_int_equal(l.left, -ENOENT);
}

static void one_that_has_fired_or_never_was_is_enoent(void **state)
{
    moult_pid pid = actor(false), other = actor(false);
    struct later l = {.ms = 1}, foreign = {.ms = 50}, never = {.timer = 12345678};

    actor_do(pid, send_later, &l);
    pass(1);
    actor_do(pid, cancel, &l);
    assert_int_equal(l.left, -ENOENT);
    actor_do(pid, cancel, &never);
    assert_int_equal(never.left, -ENOENT);
    actor_do(other, send_later, &foreign);
    actor_do(pid, cancel, &foreign);
    assert_int_equal(foreign.left, -ENOENT);
    pass(50);
    assert_int_equal(actor_seen(other).infos, 1);
}

static void one_that_fired_at_another_is_enoent(void **state)
{
    moult_pid pid = actor(false), other = actor(false);
    struct later l = {.ms = 5, .to = other};

    actor_do(pid, send_later, &l);
    pass(5);
    assert_int_equal(actor_seen(other).infos, 1);
    actor_do(pid, cancel, &l);
    assert_int_equal(l.left, -ENOENT);
}

static void it_ends_with_its_owner(void **state)
{
    moult_pid pid = actor(false), other = actor(false);
    struct later l = {.ms = 100, .to = other};

    actor_do(pid, send_later, &l);
    signal_exit(NULL, pid, MOULT_SHUTDOWN, NULL);
    assert_gone(pid);
    pass(1000);
    assert_int_equal(actor_seen(other).infos, 0);
}

static void nobody_gets_what_is_for_one_that_ended(void **state)
{
    moult_pid pid = actor(false), other = actor(false);
    struct later l = {.ms = 100, .to = other};

    actor_do(pid, send_later, &l);
    signal_exit(NULL, other, MOULT_SHUTDOWN, NULL);
    assert_gone(other);
    pass(100);
    assert_true(alive(pid));
}

static void one_that_is_very_far_keeps_nobody_awake(void **state)
{
    moult_pid pid = actor(false);
    struct later l = {.ms = (uint64_t)1 << 60}, endless = {.ms = MOULT_INFINITY};

    actor_do(pid, send_later, &l);
    actor_do(pid, send_later, &endless);
    pass(1000); /* would never settle */
    actor_do(pid, cancel, &l);
    assert_true(l.left > 1000000000);
    actor_do(pid, cancel, &endless);
    assert_true(endless.left > 1000000000);
}

static void they_come_in_the_order_of_their_times(void **state)
{
    moult_pid pid = actor(false);
    struct later l[3] = {{.ms = 30}, {.ms = 10}, {.ms = 20}};

    for (int i = 0; i < 3; i++)
        actor_do(pid, send_later, &l[i]);
    for (uint32_t i = 1; i <= 3; i++) {
        pass(10);
        assert_int_equal(actor_seen(pid).infos, i);
    }
}

/* -- many -- */

#define TIMERS 100000u

static void start_many(struct process *p, void *context)
{
    struct later *timers = context;

    for (uint32_t i = 0; i < many(TIMERS); i++) {
        timers[i].ms = 1 + i % 5000;
        send_later(p, &timers[i]);
    }
}

static void cancel_half(struct process *p, void *context)
{
    struct later *timers = context;

    for (uint32_t i = 0; i < many(TIMERS); i += 2) {
        cancel(p, &timers[i]);
        check(timers[i].left > 0);
    }
}

static void a_hundred_thousand_are_kept(void **state)
{
    struct later *timers = calloc(TIMERS, sizeof(*timers));
    moult_pid pid = actor(false);

    actor_do(pid, start_many, timers);
    actor_do(pid, cancel_half, timers);
    for (int i = 0; i < 5; i++)
        pass(1000);
    assert_int_equal(actor_seen(pid).infos, many(TIMERS) / 2);
    assert_int_equal(process_find(pid)->relations->timers.count, 0);
    free(timers);
}

static void those_at_others_are_swept_away(void **state)
{
    moult_pid pid = actor(false), other = actor(false);

    for (uint32_t i = 0; i < 2000; i++) {
        struct later l = {.ms = 1, .to = other};

        actor_do(pid, send_later, &l);
        pass(1);
    }
    assert_int_equal(actor_seen(other).infos, 2000);
    assert_true(process_find(pid)->relations->timers.count < 200);
}

static void start_and_cancel(struct process *p, void *context)
{
    struct later *l = context;

    for (uint32_t i = 0; i < many(3000); i++) {
        l->ms = i % 3;
        send_later(p, l);
        process_breathe(p);
        cancel(p, l);
    }
}

static void starting_and_cancelling_on_two_workers_loses_nothing(void **state)
{
    struct later l[4] = {{.ms = 0}};
    moult_pid pids[4];

    for (int i = 0; i < 4; i++)
        actor_post(pids[i] = actor(false), start_and_cancel, &l[i]);
    for (int i = 0; i < 4; i++) {
        struct seen seen = actor_seen(pids[i]);

        assert_true(seen.infos < many(3000));
        assert_int_equal(seen.casts, 0);
    }
}

#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, one_worker, workers_end)
#define ON_TWO(test) cmocka_unit_test_setup_teardown(test, two_workers, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(it_comes_when_its_time_is_up_and_never_early),
        ON_ONE(cancelling_tells_what_was_left),
        ON_ONE(one_that_has_fired_or_never_was_is_enoent),
        ON_ONE(one_that_fired_at_another_is_enoent),
        ON_ONE(it_ends_with_its_owner),
        ON_ONE(nobody_gets_what_is_for_one_that_ended),
        ON_ONE(one_that_is_very_far_keeps_nobody_awake),
        ON_ONE(they_come_in_the_order_of_their_times),
        ON_ONE(a_hundred_thousand_are_kept),
        ON_ONE(those_at_others_are_swept_away),
        ON_TWO(starting_and_cancelling_on_two_workers_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
