/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer - hierarchical wheels of timers, one a worker; 1 ms grain, never early.
 *
 * Starting and cancelling are O(1).  A wheel has a lock, because a process may have moved
 * to another worker when it cancels, and because whoever is idle fires what is due.
 */
#ifndef MOULT_TIMER_H
#define MOULT_TIMER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WHEEL_LEVELS 5u /* of 64 slots: 64^5 ms are 12 days, then it goes round again */
#define WHEEL_SLOTS  64u
#define TIMER_NEVER  UINT64_MAX

struct wheel;

/* Zeroed before its first use; wherever its owner likes to keep it. */
struct timer {
    struct timer *next, **link; /* in a slot; `link` NULL: in none */
    struct wheel *wheel;        /* it was last started on */
    uint64_t due_ms;
    uint64_t every_ms; /* then it is due again, without end; 0: it is not */
    /* Called when due, with the wheel's lock held, on any worker: it may push messages
     * and schedule, never start or cancel a timer. */
    void (*fire)(struct timer *t);
};

struct wheel {
    _Atomic bool lock; /* guards all that follows; held for a few instructions */
    uint64_t now_ms;   /* all that was due by then has fired */
    uint64_t used[WHEEL_LEVELS]; /* a bit a slot */
    struct timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
    /* Nothing is due before; read without the lock.  All workers look here all the time,
     * and it seldom changes: not on the line that every start and stop writes to. */
    _Atomic uint64_t next_ms __attribute__((aligned(64)));
};

void wheel_init(struct wheel *w, uint64_t now_ms);

/*
 * Start `t`, not started, on `w` for `due_ms`.  True if it is now the first that is due:
 * a sleeping worker must be told.
 */
bool timer_start(struct timer *t, struct wheel *w, uint64_t due_ms);

/*
 * Stop `t`.  True if it was waiting; then it won't fire.  False: it has fired, or was
 * never started; in any case it does not fire after this returns.
 */
bool timer_cancel(struct timer *t);

/* How long `t`, whose wheel's time is `now_ms`, has to wait; -ENOENT if it does not. */
int64_t timer_left(struct timer *t, uint64_t now_ms);

/* Fire all of `w` that is due by `now_ms`. */
void wheel_advance(struct wheel *w, uint64_t now_ms);

#endif
