/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting - a process that waits inside a callback, for an answer, a message or a while.
 */
#include "worker.h"

static void await_fire(struct timer *t)
{
    struct await *a = (struct await *)((char *)t - offsetof(struct await, timer));

    atomic_store_explicit(&a->timed_out, true, memory_order_relaxed);
    if (mailbox_nudge(&a->process->inbox)) /* it may not have come to rest yet */
        worker_schedule(a->process);
}

static int await_end(struct process *p, struct await *a, int error)
{
    timer_cancel(&a->timer);
    p->await = NULL;
    return error;
}

/* Wait until `done` says so; process_await() and its like. */
static int wait_until(struct process *p, struct await *a, uint64_t timeout_ms,
                      bool (*done)(struct process *p, moult_pid about), moult_pid about)
{
    a->process = p;
    p->await = a;
    for (;;) {
        process_fetch(p);
        if (p->flags & PROCESS_EXITING)
            worker_abandon(p);
        if (done ? done(p, about) : a->reply != NULL)
            return await_end(p, a, 0);
        if (atomic_load_explicit(&a->timed_out, memory_order_relaxed))
            return await_end(p, a, -ETIMEDOUT);
        if (!a->timer.wheel && timeout_ms != MOULT_INFINITY) {
            a->timer.fire = await_fire;
            worker_start_timer(&a->timer, timeout_ms);
        }
        if (worker_wait(p, a->messages ? MAILBOX_RECEIVE : MAILBOX_WAIT) < 0)
            return await_end(p, a, -ENOMEM);
    }
}

int process_await(struct process *p, struct await *a, uint64_t timeout_ms)
{
    return wait_until(p, a, timeout_ms, NULL, (moult_pid){0});
}

int process_await_until(struct process *p,
                        bool (*done)(struct process *p, moult_pid about),
                        moult_pid about, uint64_t timeout_ms)
{
    struct await a = {0}; /* ref 0 is no call's: no reply is taken */

    return wait_until(p, &a, timeout_ms, done, about);
}

int process_await_done(struct process *p, struct await *a,
                       bool (*done)(struct process *p, moult_pid about),
                       uint64_t timeout_ms)
{
    return wait_until(p, a, timeout_ms, done, (moult_pid){0});
}

void process_obey(struct process *p)
{
    process_fetch(p);
    if (p->flags & PROCESS_EXITING)
        worker_abandon(p);
}

void process_take_breath(struct process *p)
{
    p->sends = 0;
    if (worker_wait(p, MAILBOX_RUN) == 0) /* else no stack: nobody else runs, for now */
        process_obey(p);
}
