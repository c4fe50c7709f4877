/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sending - how what is sent comes to a process.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "charge.h"
#include "group.h"
#include "signals.h"
#include "slot.h"
#include "sys.h"
#include "telemetry.h"
#include "worker.h"

uint8_t process_urgency(const struct process *sender)
{
    if (sender->current && sender->current->urgency)
        return (uint8_t)(sender->current->urgency - 1);
    return atomic_load_explicit(&sender->hold, memory_order_relaxed)
               ? ENVELOPE_URGENCY_MOST
               : 0;
}

/*
 * Give `e` to `p` directly, if `p` rests with an empty mailbox and it is what `p` rests
 * for: whoever moves it to MAILBOX_RUN owns it, queue and all.  A call and its reply go
 * this way.  True if it was done: schedule `p`.  It was found as `to`.
 */
static inline bool hand_over(struct process *p, moult_pid to, struct envelope *e,
                             bool message, uint32_t room)
{
    if (!(message ? room && mailbox_claim_empty(&p->inbox, MAILBOX_IDLE)
                  : e->kind == ENVELOPE_REPLY &&
                        mailbox_claim_empty(&p->inbox, MAILBOX_WAIT)))
        return false;
    if (__builtin_expect(!moult_pid_equal(to, process_pid(p)), 0)) {
        e->to_generation = pid_generation(to);
        process_answer_stale(p, e);
    } else if (message) {
        process_queue(p, e);
    } else {
        signal_act(p, e);
    }
    return true;
}

/* How many more messages there is room for, by what waits at the moment. */
static uint32_t room_now(struct process *p)
{
    uint32_t backlog = atomic_load_explicit(&p->backlog, memory_order_relaxed);
    uint32_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);

    return backlog < limit ? limit - backlog : 0;
}

/*
 * `e` (taken if this fails) was refused with `error`.  For want of room, perhaps, that has
 * come since `p` looked last.  Who looks after a process gets through to it, however much
 * waits: else one that is suspended could stay so.
 */
static __attribute__((noinline)) int push_anyway(struct process *p, moult_pid to,
                                                 struct envelope *e, int error)
{
    if (error == -EAGAIN && e->kind == ENVELOPE_SYSTEM && e->code < SYS_WORK)
        error = mailbox_push(&p->inbox, e, UINT32_MAX);
    else if (error == -EAGAIN && e->out.owned)
        error = charge_push(p, to, e, room_now(p));
    else if (error == -EAGAIN)
        error = mailbox_push(&p->inbox, e, room_now(p));
    if (error == -EAGAIN)
        charge_refused(p, to);
    if (error < 0)
        envelope_destroy(e);
    return error;
}

static void tell_sent(struct process *sender, moult_pid to, const struct envelope *e)
{
    if (sender->flags & PROCESS_WATCHED)
        sys_sends(sender, to, e);
    if (sender->flags & PROCESS_TOLD)
        telemetry_sends(sender, to, e);
}

/* It runs already, or waits for its turn or for something else. */
static inline void leave_waiting(struct process *p, unsigned here, uint8_t urgency)
{
    if (__builtin_expect(urgency, 0))
        hold_wake(p);
    if (atomic_load_explicit(&p->worker, memory_order_relaxed) != here)
        worker_count_remote(1);
}

/*
 * `e` (taken) goes into the mailbox of `p`, which was found as `to`: 1 if that wakes it,
 * 0 or an error.
 */
static inline __attribute__((always_inline)) int put_in(struct process *p, moult_pid to,
                                                        struct envelope *e,
                                                        bool message, uint32_t room,
                                                        unsigned here)
{
    uint8_t urgency = e->urgency;
    int woken;

    e->to_generation = pid_generation(to);
    e->worker = (uint8_t)here;
    if (__builtin_expect(e->out.owned, 0) && message)
        woken = charge_push(p, to, e, room);
    else
        woken = mailbox_push_as(&p->inbox, e, !message, room);
    if (__builtin_expect(woken < 0, 0))
        woken = push_anyway(p, to, e, woken);
    if (woken == 0)
        leave_waiting(p, here, urgency);
    return woken;
}

/* `message`: it is known to be one, not a signal.  In line: each use knows much more. */
static inline __attribute__((always_inline)) int
send(struct process *sender, moult_pid to, struct envelope *e, bool message, bool last)
{
    struct process *p = slot_find(to);
    uint32_t backlog, limit, room; /* at least: see push_anyway() */
    int woken = 1;

    if (__builtin_expect(!p, 0)) {
        envelope_destroy(e);
        return -ESRCH;
    }
    message = message || e->kind < ENVELOPE_SIGNAL;
    if (sender) {
        e->urgency = process_urgency(sender);
        if (__builtin_expect(sender->flags & (PROCESS_WATCHED | PROCESS_TOLD), 0))
            tell_sent(sender, to, e);
    }
    backlog = atomic_load_explicit(&p->backlog_most, memory_order_relaxed);
    limit = atomic_load_explicit(&p->limit, memory_order_relaxed);
    room = backlog < limit ? limit - backlog : 0;
    if (!hand_over(p, to, e, message, room))
        woken =
            put_in(p, to, e, message, room,
                   sender ? atomic_load_explicit(&sender->worker, memory_order_relaxed)
                          : worker_index());
    if (woken > 0 && last)
        worker_schedule_next(p);
    else if (woken > 0)
        worker_schedule(p);
    return woken < 0 ? woken : 0;
}

int process_send(struct process *sender, moult_pid to, struct envelope *e)
{
    return send(sender, to, e, false, false);
}

int process_send_last(struct process *sender, moult_pid to, struct envelope *e)
{
    return send(sender, to, e, false, true);
}

int process_send_message(struct process *sender, moult_pid to, struct envelope *e)
{
    int error = send(sender, to, e, true, false);

    process_breathe(sender);
    return error;
}

const char *process_refusal(moult_pid to, int error, char *text, size_t size)
{
    struct process *p = error == -EAGAIN ? process_find(to) : NULL;

    if (!p)
        return moult_strerror(error);
    snprintf(text, size, "the mailbox is full: %" PRIu32 " messages may wait there",
             atomic_load_explicit(&p->limit, memory_order_relaxed));
    return text;
}
