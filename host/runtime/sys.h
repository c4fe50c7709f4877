/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys - what is asked of a process besides its work: to rest, to count what it does, to
 * remember it, to tell it to others.  OTP: sys.
 *
 * A process has nothing of this until it is first asked for any; all others pay for it
 * with a branch, never taken, for each message that they handle or send.
 *
 * While it is suspended it handles calls of ENVELOPE_SYSTEM and the exit of its parent;
 * all else waits in the order it came in.  That is a matter of the process, not of its
 * code: it stays suspended through an upgrade, which it does not hold up, since it is at
 * the end of a callback.
 *
 * What is noted of a message is a map, as abi/moult/sys.h tells it.  Whoever is told
 * never holds up who tells: what finds its mailbox full is dropped, and counted.
 */
#ifndef MOULT_SYS_INTERNAL_H
#define MOULT_SYS_INTERNAL_H

#include "process.h"

#define SYS_TRACERS  8u    /* that are told of one process */
#define SYS_LOG_MOST 1000u /* messages that one remembers */
#define SYS_SHOWN    4096u /* bytes of a message; of a larger one only its size is noted */

/*
 * A `code` of ENVELOPE_SYSTEM from this on is of the process's work, and waits while it is
 * suspended.
 */
#define SYS_WORK 0x200

/* `code` of an ENVELOPE_SYSTEM that processes of all kinds answer. */
enum sys_request {
    SYS_SUSPEND = 0x100, /* the answer is null; as of the next */
    SYS_RESUME,
    SYS_TRACE,          /* [pid, whether it is to be told] */
    SYS_LOG,            /* how many messages to remember, 0: none */
    SYS_GET_LOG,        /* [note, ...], the oldest first */
    SYS_STATISTICS,     /* whether to count */
    SYS_GET_STATISTICS, /* a map, or null: it does not count */
    SYS_TIME, /* a struct figures, which is for ever, to count its calls in; or 0 */
};

/*
 * Answer the request at hand if it is one of these; false: it is the class's own.  By `p`.
 */
bool sys_answer(struct process *p);

/* Is `p` to handle `e` now?  False: it is kept for later.  By `p`, if PROCESS_WATCHED. */
bool sys_lets(struct process *p, struct envelope *e);

/* The first of those that were kept, or NULL.  By who holds `p`. */
struct envelope *sys_kept(const struct process *p);

/* `p`, which is PROCESS_WATCHED, sends `e` to `to`. */
void sys_sends(struct process *p, moult_pid to, const struct envelope *e);

/*
 * Memory for what is to take the place of its own, empty; NULL: no memory.  What is left in
 * it goes with the process.  By `p`.
 */
struct moult_ctx *sys_scratch(struct process *p, uint64_t max_heap);

/* It ends: what was kept waits as if it had never been suspended. */
void sys_finish(struct process *p);

/* Is it suspended?  [any] */
static inline bool sys_is_suspended(const struct process *p)
{
    return atomic_load_explicit(&p->suspended, memory_order_relaxed);
}

/* For people: "call", "cast" and so on. */
const char *sys_kind_text(enum envelope_kind kind);

#endif
