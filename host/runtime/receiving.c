/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiving - what has come to a process, and what it handles next.
 */
#include "charge.h"
#include "signals.h"
#include "worker.h"

/*
 * Signals are among them, large ones or what was meant for another: one by one, oldest
 * first.
 */
static void receive_mixed(struct process *p, struct envelope *e)
{
    uint32_t generation = pid_generation(process_pid(p));

    while (e) {
        struct envelope *next = e->next;

        charge_take_off(p, e);
        if (e->to_generation != generation)
            process_answer_stale(p, e);
        else if (e->kind < ENVELOPE_SIGNAL)
            process_queue(p, e);
        else
            signal_act(p, e);
        e = next;
    }
}

/* Queue the messages from `first` to `last`, `count` of them. */
static void queue_all(struct process *p, struct envelope *first, struct envelope *last,
                      uint32_t count)
{
    if (p->last)
        p->last->next = first;
    else
        p->first = first;
    p->last = last;
    process_set_backlog(p, atomic_load_explicit(&p->backlog, memory_order_relaxed) +
                               count);
}

static void receive_all(struct process *p)
{
    uint32_t generation = pid_generation(process_pid(p));
    uint8_t here = (uint8_t)worker_index();
    uint32_t remote = 0, count = 0, mixed = 0;
    struct envelope *newest = mailbox_take(&p->inbox), *e = newest, *oldest = NULL;

    atomic_store_explicit(&p->backlog_most,
                          atomic_load_explicit(&p->backlog, memory_order_relaxed),
                          memory_order_relaxed);
    while (e) { /* turn them round, and see what they are */
        struct envelope *older = e->next;

        remote += e->worker != here;
        mixed |= (e->to_generation ^ generation) | (e->kind >= ENVELOPE_SIGNAL) |
                 e->out.owned;
        count++;
        e->next = oldest;
        oldest = e;
        e = older;
    }
    if (mixed)
        receive_mixed(p, oldest);
    else if (oldest)
        queue_all(p, oldest, newest, count);
    if (remote)
        worker_count_remote(remote);
    if (__builtin_expect(atomic_load_explicit(&p->was_full, memory_order_relaxed) ==
                             process_mark(process_pid(p)),
                         0))
        charge_tell_full(p);
}

void process_receive(struct process *p)
{
    if (mailbox_has(&p->inbox))
        receive_all(p);
    if (p->ctx.heap.is_limited)
        charge_check(p);
}

struct envelope *process_next(struct process *p)
{
    struct envelope *e = p->first;

    if (e)
        process_unqueue(p, e, NULL);
    return e;
}

static struct envelope *next_urgent(struct process *p)
{
    struct envelope *urgent = p->first, *before = NULL, *e;
    uint8_t urgency;

    while (urgent && !urgent->urgency)
        urgent = urgent->next;
    if (!urgent)
        return NULL;
    urgency = urgent->urgency;
    for (e = p->first; !moult_pid_equal(e->from, urgent->from); e = e->next)
        before = e;
    /* What its sender sent earlier comes first, and is as urgent as what waits on it. */
    e->urgency = urgency;
    process_unqueue(p, e, before);
    return e;
}

struct envelope *process_next_held(struct process *p, uint32_t *hurried)
{
    if (p->flags & PROCESS_HURRIED) {
        p->flags &= (uint8_t)~PROCESS_HURRIED;
        *hurried = atomic_load_explicit(&p->backlog, memory_order_relaxed);
    }
    if (*hurried == 0)
        return next_urgent(p);
    --*hurried;
    return process_next(p);
}
