/* SPDX-License-Identifier: Apache-2.0 */
/*
 * send_timer - messages that are sent later, once or again and again.  OTP:
 * erlang:send_after/3, timer:send_interval/3.
 */
#ifndef MOULT_SEND_TIMER_H
#define MOULT_SEND_TIMER_H

#include "process.h"

/*
 * Send `e` (taken) to `to` in `delay_ms`.  Its id, or 0: no memory, and `e` is gone.  It
 * ends with `p`.  By `p` itself.
 */
uint64_t send_timer_start(struct process *p, moult_pid to, uint64_t delay_ms,
                          struct envelope *e);

/*
 * Send copies of `e` (taken) to `to` each `every_ms` until it is stopped, `p` ends or `to`
 * has.  The rest as above.
 */
uint64_t send_timer_repeat(struct process *p, moult_pid to, uint64_t every_ms,
                           struct envelope *e);

/* Milliseconds that are left, or -ENOENT as below.  By `p`. */
int64_t send_timer_left(struct process *p, uint64_t id);

/* Stop it.  Milliseconds that were left, or -ENOENT if it has fired or never was.  By `p`. */
int64_t send_timer_cancel(struct process *p, uint64_t id);

/* How long the timer was to take, also if it has fired; MOULT_INFINITY: it is done with. */
uint64_t send_timer_delay(struct process *p, uint64_t id);

/* A message with ENVELOPE_TIMED was received: its timer is done with.  By `p`. */
void send_timer_received(struct process *p, uint64_t id);

/*
 * Stop those of `p` that send to itself: what they have sent so far is in its inbox, the
 * rest they send when they are resumed, in time or at once.  By who holds `p`, which rests.
 */
void send_timers_pause(struct process *p);
void send_timers_resume(struct process *p);

/*
 * Call `visit` for what each that is paused will send, and what `p` is charged for it,
 * until it returns another than 0, which this then does.
 */
int send_timers_each(struct process *p,
                     int (*visit)(struct envelope *e, uint64_t *charged, void *context),
                     void *context);

/* Stop all of `p`, which ends. */
void send_timers_finish(struct process *p);

#endif
