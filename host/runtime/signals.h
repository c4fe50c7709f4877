/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals - links, monitors and exits between processes.
 *
 * All are messages of a kind: what a process has to know about another it is told, in
 * the order it was sent, and acts on when it fetches.  So no process writes another's
 * tables and none needs a lock.  OTP: exit signals, links, monitors.
 */
#ifndef MOULT_SIGNALS_H
#define MOULT_SIGNALS_H

#include "process.h"

/*
 * Set in the `ref` of a call whose reply is to come as a message, because the process
 * does not wait for it.
 */
#define SIGNAL_REF_ASYNC (1ull << 63)

/* Act on signal `e` (taken), fetched by `p`. */
void signal_act(struct process *p, struct envelope *e);

/* Signal `e` (taken) came to `to`, who is no more: tell its sender, as OTP does. */
void signal_refuse(struct envelope *e, moult_pid to);

/* Tie `p` to `to`: what ends one ends the other.  0 or -ENOMEM.  OTP: link/1. */
int signal_link(struct process *p, moult_pid to);

/*
 * See to it that `p`, whose class keeps its own links, hears of the end of `to`, its child:
 * also if `to` has untied itself or is gone.
 */
void signal_relink(struct process *p, moult_pid to);

/* Untie them; no exit of `to` comes after this.  OTP: unlink/1. */
void signal_unlink(struct process *p, moult_pid to);

/* Be told, once, when `to` ends.  0 and `*ref`, or -ENOMEM.  OTP: monitor/2. */
int signal_monitor(struct process *p, moult_pid to, uint64_t *ref);

/* The same as `id`, which nobody else has (process_ref()). */
int signal_monitor_as(struct process *p, moult_pid to, uint64_t id);

/* Not any more.  OTP: demonitor/1. */
void signal_demonitor(struct process *p, uint64_t ref);

/* Is it what the monitor `ref` told, or the result that was awaited as that? */
static inline bool signal_is_of(const struct envelope *e, uint64_t ref)
{
    return e->ref == ref && (e->kind == ENVELOPE_DOWN || e->kind == ENVELOPE_RESULT);
}

/* Ask `to` to end for `reason`.  `sender` may be NULL; `text` may be.  OTP: exit/2. [any] */
int signal_exit(struct process *sender, moult_pid to, int32_t reason, const char *text);

/* Tell `to`, whom `p` keeps as linked, that `p` ends for `reason`. */
void signal_exit_linked(struct process *p, moult_pid to, int32_t reason);

/* Tell the callee that somebody else has answered for it; it keeps count.  [any] */
void signal_answered(const moult_from *from);

/* Tell all that are tied to `p`, which ends. */
void signal_farewell(struct process *p);

/* Put `text` (may be NULL) into `e` as an ending's words; and read it, ended by a zero. */
void signal_set_text(struct envelope *e, const char *text);
const char *signal_text(const struct envelope *e);

#endif
