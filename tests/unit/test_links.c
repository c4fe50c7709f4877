/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links, monitors and exit signals, as OTP's table has them.  What a trapping actor gets
 * it counts as seen; one that does not trap is gone or not.
 */
#include "test.h"

#include <stdlib.h>

#include "harness.h"
#include "name.h"

struct pair {
    moult_pid to;
    uint64_t ref;
    int32_t reason;
};

static void link_to(struct process *p, void *context)
{
    check(signal_link(p, ((struct pair *)context)->to) == 0);
}

static void unlink_from(struct process *p, void *context)
{
    signal_unlink(p, ((struct pair *)context)->to);
}

static void monitor(struct process *p, void *context)
{
    struct pair *pair = context;

    check(signal_monitor(p, pair->to, &pair->ref) == 0);
}

static void demonitor(struct process *p, void *context)
{
    signal_demonitor(p, ((struct pair *)context)->ref);
}

static void exit_with(struct process *p, void *context)
{
    process_exit(p, ((struct pair *)context)->reason, NULL);
}

static void send_exit(struct process *p, void *context)
{
    struct pair *pair = context;

    signal_exit(p, pair->to, pair->reason, NULL);
}

static void send_exit_to_self(struct process *p, void *context)
{
    signal_exit(p, process_pid(p), ((struct pair *)context)->reason, NULL);
}

static void end(moult_pid pid, int32_t reason)
{
    struct pair pair = {.reason = reason};

    actor_do(pid, exit_with, &pair);
    assert_gone(pid);
}

static void tie(moult_pid one, moult_pid other)
{
    struct pair pair = {.to = other};

    assert_int_equal(actor_do(one, link_to, &pair), 0);
    workers_settle();
}

/* -- exit signals that somebody sends -- */

static void send(moult_pid to, int32_t reason)
{
    struct pair pair = {.to = to, .reason = reason};

    actor_do(actor(false), send_exit, &pair);
    workers_settle();
}

static void normal_sent_to_another_is_ignored(void **state)
{
    moult_pid pid = actor(false);

    send(pid, MOULT_NORMAL);
    assert_true(alive(pid));
}

static void normal_sent_to_oneself_ends_in_good_order(void **state)
{
    moult_pid pid = actor(false), watcher = actor(false);
    struct pair watch = {.to = pid}, self = {.reason = MOULT_NORMAL};

    actor_do(watcher, monitor, &watch);
    actor_do(pid, send_exit_to_self, &self);
    assert_gone(pid);
    assert_int_equal(actor_seen(watcher).reason, MOULT_NORMAL);
    assert_int_equal(actor_seen(watcher).downs, 1);
}

static void a_sent_kill_cannot_be_trapped_and_is_told_as_killed(void **state)
{
    moult_pid pid = actor(true), watcher = actor(false);
    struct pair watch = {.to = pid};

    actor_do(watcher, monitor, &watch);
    send(pid, MOULT_KILL);
    assert_gone(pid);
    assert_int_equal(actor_seen(watcher).reason, MOULT_KILLED);
}

static void any_other_reason_ends_one_that_does_not_trap(void **state)
{
    static const int32_t reasons[] = {MOULT_SHUTDOWN, MOULT_KILLED, MOULT_NOPROC, -EIO};

    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        moult_pid pid = actor(false), watcher = actor(false);
        struct pair watch = {.to = pid};

        actor_do(watcher, monitor, &watch);
        send(pid, reasons[i]);
        assert_gone(pid);
        assert_int_equal(actor_seen(watcher).reason, reasons[i]);
    }
}

static void any_reason_but_kill_is_a_message_to_one_that_traps(void **state)
{
    static const int32_t reasons[] = {MOULT_NORMAL, MOULT_SHUTDOWN, MOULT_KILLED, -EIO};
    moult_pid pid = actor(true);

    for (uint32_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        send(pid, reasons[i]);
        assert_int_equal(actor_seen(pid).exits, i + 1);
        assert_int_equal(actor_seen(pid).reason, reasons[i]);
    }
}

static void the_first_reason_stays(void **state)
{
    moult_pid pid = actor(false), watcher = actor(false);
    struct pair watch = {.to = pid}, first = {.to = pid, .reason = -EIO},
                second = {.to = pid, .reason = -EPIPE};
    moult_pid sender = actor(false);

    actor_do(watcher, monitor, &watch);
    actor_post(sender, send_exit, &first);
    actor_post(sender, send_exit, &second);
    assert_gone(pid);
    assert_int_equal(actor_seen(watcher).reason, -EIO);
}

/* -- links -- */

static void what_ends_one_ends_the_other_both_ways(void **state)
{
    moult_pid a = actor(false), b = actor(false), c = actor(false), d = actor(false);

    tie(a, b);
    end(a, -EIO);
    assert_gone(b);
    tie(c, d);
    end(d, -EIO);
    assert_gone(c);
}

static void an_end_in_good_order_ends_nobody_else(void **state)
{
    moult_pid a = actor(false), b = actor(false), traps = actor(true);

    tie(a, b);
    tie(a, traps);
    end(a, MOULT_NORMAL);
    assert_true(alive(b));
    assert_int_equal(actor_seen(traps).exits, 1);
    assert_int_equal(actor_seen(traps).reason, MOULT_NORMAL);
}

static void through_a_link_kill_is_a_reason_like_others(void **state)
{
    moult_pid a = actor(false), traps = actor(true), b = actor(false),
              watcher = actor(false);
    struct pair watch = {.to = b};

    tie(a, traps);
    tie(a, b);
    actor_do(watcher, monitor, &watch);
    end(a, MOULT_KILL);
    assert_int_equal(actor_seen(traps).reason, MOULT_KILL);
    assert_gone(b);
    assert_int_equal(actor_seen(watcher).reason, MOULT_KILL);
}

static void one_that_is_killed_takes_its_links_with_it(void **state)
{
    moult_pid a = actor(true), b = actor(false), traps = actor(true);

    tie(a, b);
    tie(a, traps);
    send(a, MOULT_KILL);
    assert_gone(b);
    assert_int_equal(actor_seen(traps).reason, MOULT_KILLED);
}

static void linking_twice_is_linking_once(void **state)
{
    moult_pid a = actor(false), traps = actor(true);

    tie(a, traps);
    tie(a, traps);
    tie(traps, a);
    end(a, -EIO);
    assert_int_equal(actor_seen(traps).exits, 1);
}

static void linking_to_nobody_is_an_exit_of_noproc(void **state)
{
    moult_pid old = actor(false), traps = actor(true), plain = actor(false);

    end(old, MOULT_NORMAL);
    tie(traps, old);
    assert_int_equal(actor_seen(traps).reason, MOULT_NOPROC);
    assert_true(moult_pid_equal(actor_seen(traps).from, old));
    tie(plain, old);
    assert_gone(plain);
}

static void after_unlink_no_exit_comes(void **state)
{
    moult_pid a = actor(false), traps = actor(true), b = actor(false);
    struct pair pair = {.to = a};

    tie(traps, a);
    actor_do(traps, unlink_from, &pair);
    tie(a, b);
    pair.to = b;
    actor_do(a, unlink_from, &pair);
    end(a, -EIO);
    assert_int_equal(actor_seen(traps).exits, 0);
    assert_true(alive(b));
}

static void unlink_and_link_again(struct process *p, void *context)
{
    unlink_from(p, context);
    link_to(p, context);
}

static void a_link_can_be_made_again(void **state)
{
    moult_pid a = actor(false), traps = actor(true);
    struct pair pair = {.to = a};

    tie(traps, a);
    actor_do(traps, unlink_and_link_again, &pair);
    end(a, -EIO);
    assert_int_equal(actor_seen(traps).exits, 1);
}

/* -- monitors -- */

static void a_monitor_tells_once_and_ties_nobody(void **state)
{
    moult_pid a = actor(false), watcher = actor(false);
    struct pair watch = {.to = a};
    struct seen seen;

    actor_do(watcher, monitor, &watch);
    end(a, -EIO);
    seen = actor_seen(watcher);
    assert_int_equal(seen.downs, 1);
    assert_int_equal(seen.reason, -EIO);
    assert_int_equal(seen.ref, watch.ref);
    assert_true(moult_pid_equal(seen.from, a));
}

static void monitors_stack(void **state)
{
    moult_pid a = actor(false), watcher = actor(false);
    struct pair first = {.to = a}, second = {.to = a};

    actor_do(watcher, monitor, &first);
    actor_do(watcher, monitor, &second);
    assert_int_not_equal(first.ref, second.ref);
    actor_do(watcher, demonitor, &first);
    end(a, MOULT_NORMAL);
    assert_int_equal(actor_seen(watcher).downs, 1);
    assert_int_equal(actor_seen(watcher).ref, second.ref);
}

static void monitoring_nobody_tells_noproc(void **state)
{
    moult_pid old = actor(false), watcher = actor(false);
    struct pair watch = {.to = old};

    end(old, MOULT_NORMAL);
    actor_do(watcher, monitor, &watch);
    assert_int_equal(actor_seen(watcher).reason, MOULT_NOPROC);
    assert_int_equal(actor_seen(watcher).downs, 1);
}

static void after_demonitor_nothing_comes(void **state)
{
    moult_pid a = actor(false), watcher = actor(false);
    struct pair watch = {.to = a};

    actor_do(watcher, monitor, &watch);
    actor_do(watcher, demonitor, &watch);
    end(a, -EIO);
    assert_int_equal(actor_seen(watcher).downs, 0);
}

static void a_watcher_that_ends_is_forgotten(void **state)
{
    moult_pid a = actor(false), watcher = actor(false);
    struct pair watch = {.to = a};

    actor_do(watcher, monitor, &watch);
    end(watcher, -EIO);
    workers_settle();
    assert_true(alive(a));
    assert_int_equal(process_find(a)->relations->watchers.count, 0);
}

static void monitor_and_end(struct process *p, void *context)
{
    monitor(p, context);
    process_exit(p, -EIO, "while its own job is current");
}

static void a_watcher_may_end_inside_a_callback(void **state)
{
    moult_pid a = actor(false);
    struct pair watch = {.to = a};

    actor_do(actor(false), monitor_and_end, &watch);
    workers_settle();
    assert_true(alive(a));
}

/* -- stale pids: what slips through to who came after in the slot -- */

static void push_stale(moult_pid from, moult_pid old, enum envelope_kind kind,
                       uint64_t ref)
{
    struct process *young = process_at(pid_index(old));
    struct envelope *e = envelope_create(kind);

    e->from = from;
    e->ref = ref;
    e->to_generation = pid_generation(old);
    if (mailbox_push(&young->inbox, e, 100) > 0)
        worker_schedule(young);
}

static void pretend_tied(struct process *p, void *context)
{
    struct pair *pair = context;
    struct relations *r = process_relations(p);

    map_put(&r->links, pair->to.bits, 1);
    map_put(&r->watched, pair->ref, pair->to.bits);
}

static void links_and_monitors_that_slip_through_are_told_noproc(void **state)
{
    moult_pid old = actor(false), traps = actor(true);
    struct pair pair = {.to = old, .ref = process_ref()};
    struct seen seen;

    signal_exit(NULL, old, MOULT_KILL, NULL);
    assert_gone(old);
    assert_int_equal(pid_index(actor(false)), pid_index(old));
    actor_do(traps, pretend_tied, &pair);
    push_stale(traps, old, ENVELOPE_LINK, 0);
    push_stale(traps, old, ENVELOPE_MONITOR, pair.ref);
    workers_settle();
    seen = actor_seen(traps);
    assert_int_equal(seen.exits, 1);
    assert_int_equal(seen.downs, 1);
    assert_int_equal(seen.reason, MOULT_NOPROC);
}

/* -- order -- */

static void register_me(struct process *p, void *name)
{
    check(name_register(p, name, NULL) == 0);
}

static bool was_free;

static void look_at_exit(struct process *p, void *context)
{
    struct pair *pair = context;
    struct await unused = {0};

    monitor(p, pair);
    signal_exit(p, pair->to, MOULT_SHUTDOWN, NULL);
    while (!p->first || p->first->kind != ENVELOPE_DOWN)
        process_await(p, &unused, 1);
    was_free = moult_pid_is_none(moult_whereis("holder"));
}

static void a_name_is_free_before_anybody_is_told(void **state)
{
    for (uint32_t i = 0; i < many(200); i++) {
        struct pair pair = {.to = actor(false)};

        actor_do(pair.to, register_me, (void *)(uintptr_t) "holder");
        was_free = false;
        actor_do(actor(false), look_at_exit, &pair);
        assert_true(was_free);
    }
}

static void tell_things(struct process *p, void *context)
{
    struct pair *pair = context;

    for (int64_t i = 1; i <= 200; i++) {
        moult_out *m = moult_draft(&p->ctx);

        moult_put_int(m, i);
        moult_cast(&p->ctx, pair->to, m);
    }
    process_exit(p, -EIO, NULL);
}

static void what_one_sent_before_its_end_comes_before_its_end(void **state)
{
    moult_pid traps = actor(true), teller = actor(false);
    struct pair pair = {.to = traps};
    struct seen seen;

    tie(teller, traps);
    actor_do(teller, tell_things, &pair);
    assert_gone(teller);
    seen = actor_seen(traps);
    assert_int_equal(seen.casts, 200);
    assert_int_equal(seen.disorder, 0);
    assert_int_equal(seen.exits, 1);
    assert_int_equal(seen.reason, -EIO); /* the last it saw */
}

/* -- many -- */

static void a_ring_of_links_ends_as_a_whole(void **state)
{
    uint32_t count = many(1000);
    moult_pid *pids = calloc(count, sizeof(*pids));

    for (uint32_t i = 0; i < count; i++)
        pids[i] = actor(false);
    for (uint32_t i = 0; i < count; i++) {
        struct pair pair = {.to = pids[(i + 1) % count]};

        actor_do(pids[i], link_to, &pair);
    }
    send(pids[0], -EIO);
    workers_settle();
    for (uint32_t i = 0; i < count; i++)
        assert_false(alive(pids[i]));
    free(pids);
}

/* Links, unlinks and ends that cross each other on two workers: nobody is left tied. */
static void ends_that_cross_leave_nobody_tied(void **state)
{
    moult_pid hub = actor(true);
    struct pair pairs[64];
    uint32_t rounds = many(50);

    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < 64; i++) {
            pairs[i] = (struct pair){.to = hub, .reason = -EIO};
            moult_pid pid = actor(false);

            actor_post(pid, link_to, &pairs[i]);
            if (i % 2)
                actor_post(pid, unlink_from, &pairs[i]);
            actor_post(pid, exit_with, &pairs[i]);
        }
        workers_settle();
    }
    assert_int_equal(actor_seen(hub).exits, rounds * 32);
    assert_int_equal(process_find(hub)->relations->links.count, 0);
}

#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, one_worker, workers_end)
#define ON_TWO(test) cmocka_unit_test_setup_teardown(test, two_workers, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(normal_sent_to_another_is_ignored),
        ON_ONE(normal_sent_to_oneself_ends_in_good_order),
        ON_ONE(a_sent_kill_cannot_be_trapped_and_is_told_as_killed),
        ON_ONE(any_other_reason_ends_one_that_does_not_trap),
        ON_ONE(any_reason_but_kill_is_a_message_to_one_that_traps),
        ON_ONE(the_first_reason_stays),
        ON_ONE(what_ends_one_ends_the_other_both_ways),
        ON_ONE(an_end_in_good_order_ends_nobody_else),
        ON_ONE(through_a_link_kill_is_a_reason_like_others),
        ON_ONE(one_that_is_killed_takes_its_links_with_it),
        ON_ONE(linking_twice_is_linking_once),
        ON_ONE(linking_to_nobody_is_an_exit_of_noproc),
        ON_ONE(after_unlink_no_exit_comes),
        ON_ONE(a_link_can_be_made_again),
        ON_ONE(a_monitor_tells_once_and_ties_nobody),
        ON_ONE(monitors_stack),
        ON_ONE(monitoring_nobody_tells_noproc),
        ON_ONE(after_demonitor_nothing_comes),
        ON_ONE(a_watcher_that_ends_is_forgotten),
        ON_ONE(a_watcher_may_end_inside_a_callback),
        ON_ONE(links_and_monitors_that_slip_through_are_told_noproc),
        ON_TWO(a_name_is_free_before_anybody_is_told),
        ON_ONE(what_one_sent_before_its_end_comes_before_its_end),
        ON_TWO(what_one_sent_before_its_end_comes_before_its_end),
        ON_ONE(a_ring_of_links_ends_as_a_whole),
        ON_TWO(a_ring_of_links_ends_as_a_whole),
        ON_TWO(ends_that_cross_leave_nobody_tied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
