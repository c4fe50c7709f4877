/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - one thread a core that runs processes.
 *
 * A worker has a slot for the process to run next (who was called, who is answered: the
 * caller is about to wait, so a call and its reply stay on one core), a queue that others
 * may steal from, and a wheel of timers.  Out of work it steals, and sleeps on a futex if
 * there is nothing.  It is woken when there is work to share, and it learns: a stolen
 * process that ran dry at once, or that mostly talks to processes elsewhere, was better
 * off where it was, and the thief leaves the others alone for a while, up to 4 ms.
 *
 * Extra workers come when they are needed, and wait when they are not: they help while
 * callbacks hold others, whose queue they steal from, or run one process that is about
 * to block.
 */
#ifndef MOULT_WORKER_H
#define MOULT_WORKER_H

#include "process.h"

struct worker;

#define WORKERS_MAX      256u
#define WORKERS_HELPING  8u  /* in the place of those that a callback holds */
#define WORKERS_BLOCKING 16u /* that run what blocks; more of it waits */
#define WORKERS_EXTRA    (WORKERS_HELPING + WORKERS_BLOCKING)

/*
 * Ask the kernel for a barrier that costs senders nothing.  Done by workers_start() too,
 * but it takes 10 ms then if the program has other threads already.
 */
void workers_prepare(void);

/* Start `count` workers.  0 or a negative errno.  Not on a worker; once at a time. */
int workers_start(unsigned count);

/* Stop them; processes that are left are thrown away without a word. */
void workers_stop(void);

unsigned workers_count(void);

/* The worker that this thread is, or NULL; ask again after anything that may wait. */
struct worker *worker_current(void);

/* The process that runs in this thread, or NULL.  Also in a handler. */
struct process *worker_running(void);

/* The stack that this worker runs on; NULL on other threads.  Also in a handler. */
struct fiber *worker_fiber(void);

/* Is `address` in the stack that this worker runs on, or in the guard below it? */
bool worker_is_stack(const void *address);
bool worker_is_guard(const void *address);

/* Its index, or 15 (as good as any) on other threads. */
unsigned worker_index(void);

/* So many messages came from, or went to, processes elsewhere: to judge a theft by. */
void worker_count_remote(uint32_t messages);

/* Run `p`, whose mailbox the caller moved to MAILBOX_RUN, in its turn.  [any] */
void worker_schedule(struct process *p);

/* The same, next on this worker.  For who is about to wait or to end its turn. */
void worker_schedule_next(struct process *p);

/*
 * Is there a stack to go on with while this one waits?  It is kept for worker_wait(),
 * which does not fail then.
 */
bool worker_can_wait(void);

/* Wait in `state`, inside a callback of `p`.  0, or -ENOMEM: no stack to go on with. */
int worker_wait(struct process *p, enum mailbox_state state);

/* Leave the callback of `p` for good, and end `p`; or have it go on with what waits. */
_Noreturn void worker_abandon(struct process *p);
_Noreturn void worker_abandon_callback(struct process *p);

/*
 * Go on with `p`, inside a callback, on a worker where it may block, or back on the
 * others.  0, or -ENOMEM: it is where it was.  If there are too many it waits.
 */
int worker_move(struct process *p, bool to_block);

/* What may block begins, or is over. */
void worker_block(bool begins);

/* Start `t` to fire in `delay_ms`, not earlier; on this worker's wheel, or the first's. */
void worker_start_timer(struct timer *t, uint64_t delay_ms);

/* Start `t`, which was cancelled, for when it was due, or as soon as can be.  [any] */
void worker_resume_timer(struct timer *t);

/* Wake all that sleep: virtual time has passed. */
void workers_wake(void);

/* Wait until every worker sleeps and nothing is due.  For tests. */
void workers_settle(void);

/* -- for the watchdog -- */

/* What a worker is at.  While it stays the same, it is the same callback. */
struct worker_look {
    struct process *running; /* or NULL */
    uint64_t turn;
    uint32_t handled;
    bool blocking; /* as it has declared */
    bool keeps;    /* a process from running, since nobody else can take it */
};

/* What worker `index` seems to be at; false if there are not so many.  [any] */
bool worker_look(unsigned index, struct worker_look *out);

/* Send its thread `signal`. */
void worker_interrupt(unsigned index, int signal);

/*
 * In a handler on this worker, which is in a plugin's code that no code of the host's
 * was called by: give to others what it keeps, and let grace periods pass.
 */
void worker_give_next(void);

/* So many are held: have as many others help out, WORKERS_HELPING at most. */
void workers_help(unsigned held);

/* Do all rest?  Then watchdog_rouse() is called when that changes.  [any] */
bool workers_rest(void);

/* Are they asked to end? */
bool workers_stopping(void);

/* Time that each has spent running, and figures for people. */
struct worker_figures {
    uint64_t turns, stolen, slept;
};
void worker_figures(unsigned index, struct worker_figures *out);

/* All of them together, as they seem to be now. */
struct workers_load {
    uint32_t workers, busy; /* inside a turn */
    uint64_t run_queue;     /* processes that could run, and wait for a worker */
    uint64_t turns;         /* ever */
};
void workers_load(struct workers_load *out);

#endif
