/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox - one word that many senders push to and one process takes from.
 *
 * The word holds the newest envelope, how many there are, and what the process is
 * doing, so that one compare-and-swap both delivers a message and decides who must
 * schedule the receiver: whoever moves it from a resting state to MAILBOX_RUN.
 *
 *     63            23 22          3 2     0
 *     newest >> 7      count         state
 *
 *   state    the process is                   woken by
 *   RUN      running, or in a run queue       -
 *   IDLE     between messages, none waits     anything
 *   WAIT     inside a callback that waits     a signal
 *   RECEIVE  the same, for messages too       anything
 *   HELD     at rest for an upgrade           what a process that is waited for sends
 *   CLOSED   gone; nothing is taken           -
 *
 * Envelopes are 128-byte aligned and user addresses have 48 bits, so 41 bits name one.
 * The count stops at MAILBOX_COUNT_MAX; it only serves the limit.
 */
#ifndef MOULT_MAILBOX_H
#define MOULT_MAILBOX_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "envelope.h"

enum mailbox_state {
    MAILBOX_RUN,
    MAILBOX_IDLE,
    MAILBOX_WAIT,
    MAILBOX_HELD,
    MAILBOX_CLOSED,
    MAILBOX_RECEIVE
};

#define MAILBOX_COUNT_MAX 0xfffffu
#define MAILBOX_LIMIT     1000000u /* messages; of a process that is given no other */

typedef _Atomic uint64_t mailbox;

static inline enum mailbox_state mailbox_state(uint64_t word)
{
    return (enum mailbox_state)(word & 7);
}

static inline uint32_t mailbox_count(uint64_t word)
{
    return (uint32_t)(word >> 3) & MAILBOX_COUNT_MAX;
}

static inline struct envelope *mailbox_newest(uint64_t word)
{
    return (struct envelope *)(uintptr_t)(word >> 16 & ~(uint64_t)0x7f);
}

static inline uint64_t mailbox_word(const struct envelope *newest, uint32_t count,
                                    enum mailbox_state state)
{
    return (uint64_t)(uintptr_t)newest << 16 | (uint64_t)count << 3 | (uint64_t)state;
}

/*
 * Push `e`, refused with -EAGAIN if it is a message and `room` wait already, and with
 * -ESRCH if the mailbox is closed.  1 if the caller must now schedule the process, else
 * 0.  [any]
 *
 * Release: pairs with the acquire of mailbox_take, so that the receiver sees what is in
 * the envelope.  Acquire: pairs with the release of mailbox_rest, so that who schedules
 * an idle process sees all that its last turn wrote.
 *
 * `signal` says whether `e` is one, for who knows that anyway.
 */
static inline int mailbox_push_as(mailbox *box, struct envelope *e, bool signal,
                                  uint32_t room)
{
    uint64_t old = atomic_load_explicit(box, memory_order_relaxed);
    bool wakes;

    do {
        enum mailbox_state state = mailbox_state(old);
        uint32_t count = mailbox_count(old);

        wakes = false;
        if (__builtin_expect(state != MAILBOX_RUN, 0)) {
            if (state == MAILBOX_CLOSED)
                return -ESRCH;
            wakes = state == MAILBOX_IDLE || state == MAILBOX_RECEIVE ||
                    (state == MAILBOX_WAIT && signal);
        }
        if (!signal && count >= room)
            return -EAGAIN;
        e->next = mailbox_newest(old);
        count += count < MAILBOX_COUNT_MAX;
        if (__builtin_expect(atomic_compare_exchange_weak_explicit(
                                 box, &old,
                                 mailbox_word(e, count, wakes ? MAILBOX_RUN : state),
                                 memory_order_acq_rel, memory_order_relaxed),
                             1))
            return wakes;
    } while (true);
}

static inline int mailbox_push(mailbox *box, struct envelope *e, uint32_t room)
{
    return mailbox_push_as(box, e, e->kind >= ENVELOPE_SIGNAL, room);
}

/*
 * Move the process from `from` (a resting state) to MAILBOX_RUN; what waits stays.
 * True for the one caller that did: it owns the process now.  [any]  Acquire: as push.
 */
static inline bool mailbox_claim(mailbox *box, enum mailbox_state from)
{
    uint64_t old = atomic_load_explicit(box, memory_order_relaxed);

    while (mailbox_state(old) == from)
        if (atomic_compare_exchange_weak_explicit(box, &old, old & ~(uint64_t)7,
                                                  memory_order_acq_rel,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/*
 * The same if nothing waits there: then the claimer may hand over its message itself,
 * and nobody has to push and take it.  [any]  Acquire: as push.
 */
static inline bool mailbox_claim_empty(mailbox *box, enum mailbox_state from)
{
    uint64_t empty = mailbox_word(NULL, 0, from);

    return atomic_load_explicit(box, memory_order_relaxed) == empty &&
           atomic_compare_exchange_strong_explicit(
               box, &empty, mailbox_word(NULL, 0, MAILBOX_RUN), memory_order_acq_rel,
               memory_order_relaxed);
}

/*
 * Something that is no message has happened to a process that waits, or is about to: it
 * wakes, or finds that it can't rest and looks again.  True if the caller must schedule
 * it.  [any]
 *
 * What a nudge leaves in one that runs is a count without an envelope.  Release: pairs
 * with the acquire of mailbox_take.  Acquire: as push.
 */
static inline bool mailbox_nudge(mailbox *box)
{
    uint64_t old = atomic_load_explicit(box, memory_order_relaxed);
    uint64_t woken;
    bool waits;

    do {
        waits =
            mailbox_state(old) == MAILBOX_WAIT || mailbox_state(old) == MAILBOX_RECEIVE;
        woken = old & ~(uint64_t)7;
        if (!waits)
            woken = mailbox_count(old) < MAILBOX_COUNT_MAX ? old + 8 : old;
    } while (!atomic_compare_exchange_weak_explicit(
        box, &old, woken, memory_order_acq_rel, memory_order_relaxed));
    return waits;
}

/* Has anything arrived since the last take, a nudge too?  By who owns the process. */
static inline bool mailbox_has(mailbox *box)
{
    return atomic_load_explicit(box, memory_order_relaxed) >> 3;
}

/* Take all that arrived, newest first, linked.  By the running process itself. */
static inline struct envelope *mailbox_take(mailbox *box)
{
    return mailbox_newest(atomic_exchange_explicit(
        box, mailbox_word(NULL, 0, MAILBOX_RUN), memory_order_acquire));
}

/*
 * Rest in `state` unless something has arrived; false then, and the process goes on.
 * Release: pairs with the acquire of whoever wakes it.  Sequential: see hold_late.
 */
static inline bool mailbox_rest(mailbox *box, enum mailbox_state state)
{
    uint64_t empty = mailbox_word(NULL, 0, MAILBOX_RUN);

    return atomic_compare_exchange_strong_explicit(
        box, &empty, mailbox_word(NULL, 0, state), memory_order_seq_cst,
        memory_order_relaxed);
}

/* Close it and take what is left, newest first.  By the ending process itself. */
static inline struct envelope *mailbox_close(mailbox *box)
{
    return mailbox_newest(atomic_exchange_explicit(
        box, mailbox_word(NULL, 0, MAILBOX_CLOSED), memory_order_acq_rel));
}

/* Oldest first: the order of arrival. */
static inline struct envelope *mailbox_in_order(struct envelope *newest)
{
    struct envelope *oldest = NULL;

    while (newest) {
        struct envelope *older = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

#endif
