/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serving - what servers of all kinds have in common: they start, answer, are looked at and
 * stop in one way.  By the server's process, inside a turn.
 */
#ifndef MOULT_SERVING_H
#define MOULT_SERVING_H

#include "barrier.h"
#include "message.h"
#include "server.h"

/*
 * The first message: make the state, run init, answer the starter.  True and `*init_said` if
 * it has started, which is what init returned; else it ends.
 */
bool server_begin(struct process *p, struct server *s, moult_next *init_said);

/* Answer a call of ENVELOPE_SYSTEM. */
void server_system(struct process *p, struct server *s);

/* A callback of that failed: true if that is answered, and it goes on.  Of its class. */
bool server_outlives(struct process *p, int32_t reason, const char *words);

/*
 * The exit or down at hand becomes an info, as abi/moult/process.h has it.  False: there is
 * no memory, and it ends.
 */
bool server_news(struct process *p, struct server *s);

/* Have it terminate and end.  `text` may be NULL. */
void server_stop(struct process *p, struct server *s, int32_t reason, const char *text);

/*
 * Send `e` (taken), the answer to whom this server keeps waiting: `to` runs next, here, if
 * the callback is over; if by `next` the server goes on by itself, wherever there is room.
 */
int server_answer(struct process *p, moult_pid to, struct envelope *e, moult_next next);

/*
 * Answer the call at hand with `reply`, a draft (taken), or, if `in`, which the callback read it
 * by, or `reply` has an error, with that.  `next` says whether the server goes on by itself.
 */
void server_reply(struct process *p, struct envelope *reply, const moult_in *in,
                  moult_next next);

/* The words of moult_refuse() or moult_stop_because() in this callback, or NULL. */
const char *server_said(struct process *p);

/* Of its class. */
void server_ended(struct process *p);
void server_whose(struct process *p, struct barrier_whose *whose);

/* The same as below, of one whose code says hibernate_after_ms; and whether it does. */
void server_over_dozing(struct process *p);
void server_set_doze(struct process *p, const struct code *code);

/* A callback is over: let go of what was its own, unless the process ends. */
static inline void server_over(struct process *p)
{
    if (p->ctx.heap.used != atomic_load_explicit(&p->memory, memory_order_relaxed))
        atomic_store_explicit(&p->memory, (uint32_t)p->ctx.heap.used,
                              memory_order_relaxed);
    if (__builtin_expect(p->flags & (PROCESS_EXITING | PROCESS_DOZES), 0)) {
        server_over_dozing(p);
        return;
    }
    envelope_destroy(p->current);
    p->current = NULL;
    if (p->drafts)
        drafts_drop(p);
}

#endif
