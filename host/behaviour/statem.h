/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statem - servers that handle events by the state they are in.  OTP: gen_statem.
 *
 *   statem           the process: events in their order, transitions
 *   statem_events    the actions that callbacks ask for, queues of events
 *   statem_timeouts  the three kinds of timeouts
 *   statem_check     what a plugin says of one
 *
 * Its state's name is a field of the server's state, so that all that works on servers
 * (save, carry, plan, migrate) needs to know no more.  What is here besides belongs to no
 * version and stays through an upgrade: events are envelopes, in no version's memory.
 */
#ifndef MOULT_STATEM_INTERNAL_H
#define MOULT_STATEM_INTERNAL_H

#include "server.h"

/*
 * An event in a queue is an envelope whose `code` is its type; it is ENVELOPE_CALL if its
 * caller still waits for this process.  With this in it the content comes behind what the
 * envelope has no room for: the name of a generic timeout, as bytes with its zero; the
 * `from` of an inserted call.
 */
#define STATEM_PREFIXED 0x100

struct event_queue {
    struct envelope *first, *last;
    uint32_t count;
};

struct timeout {
    struct timeout *next;
    uint64_t ms; /* MOULT_INFINITY: only to stop the one before it */
    uint64_t id; /* of the timer that runs; 0: due as soon as the queue is empty */
    int32_t type;
    bool update;            /* change the one that runs, if there is one */
    struct envelope *event; /* what it sends */
    char name[];            /* of a generic one; "" of others */
};

struct timeouts {
    struct timeout *first, **end; /* in the order they were asked for */
};

struct statem {
    struct event_queue queue; /* to be handled before any message; empty at rest */
    struct event_queue postponed;
    struct timeouts timeouts; /* that run */
    /* What the callbacks of the event at hand have asked for. */
    struct event_queue inserted;
    struct timeouts asked;
    int error;   /* of an action: the server is to end */
    bool enters; /* the callback at hand is that of an enter */
    char next[MOULT_STATE_NAME_MAX];
    char old[MOULT_STATE_NAME_MAX];
};

/* -- statem -- */

/* Give `s` what a statem has besides.  0 or -ENOMEM. */
int statem_create(struct server *s, struct fault *why);

/* Append what it has besides its state, as STATEM_STATUS pairs of a map. */
#define STATEM_STATUS 2u
void statem_put_status(const struct statem *m, moult_out *out);

/* What `next`, returned by init, comes to; the first state is set.  By the process. */
moult_next statem_begun(struct moult_ctx *ctx, struct server *s, moult_next next);

/* -- statem_check -- */

/*
 * Take `code->server.statem`, if there is one, into `code`, whose schema is set.  0, or
 * -EINVAL and `why`.  [pure]
 */
int statem_take(struct code *code, struct fault *why);

/* Is `state`, of `code`, in one of the states there are?  0, or -ENOTSUP and `why`. [pure] */
int statem_check_state(const struct code *code, const void *state, struct fault *why);

/* Does `to` list each state that `from` has, so that no server needs to be looked at?  [pure] */
bool statem_has_all(const struct code *from, const struct code *to);

/* The entry of `name`, or NULL.  [pure] */
const moult_statem_state *statem_find(const struct code *code, const char *name);

/* -- statem_events -- */

/* `e` (taken) waits in `q`, of `p`, whose heap is charged for it until it is popped, given. */
void event_queue_push(struct event_queue *q, struct process *p, struct envelope *e);
struct envelope *event_queue_pop(struct event_queue *q, struct process *p);

/* All of `front` to the front of `q`; `front` is empty then. */
void event_queue_prepend(struct event_queue *q, struct event_queue *front);

/* Answer the calls among them that `p` ended, and free all. */
void event_queue_finish(struct event_queue *q, struct process *p);

/* -- statem_timeouts: all by the process -- */

void timeouts_init(struct timeouts *t);

/* Take note of an action; `event` is taken.  0 or -ENOMEM. */
int timeouts_ask(struct process *p, int32_t type, const char *name, uint64_t ms,
                 bool update, struct envelope *event);

/* Start all that were asked for.  0 or -ENOMEM. */
int timeouts_start(struct process *p, struct statem *m);

/* Stop the one of `type`, which is no generic one, if it runs. */
void timeouts_stop(struct process *p, struct statem *m, int32_t type);

/* The event, given, of the one whose timer is `id`, or of the first whose is 0; NULL: none. */
struct envelope *timeouts_due(struct process *p, struct statem *m, uint64_t id);

/* Append those that run as one item: [{"type", "name"}, ...]. */
void timeouts_show(const struct timeouts *all, moult_out *out);

/* Forget all. */
void timeouts_finish(struct process *p, struct timeouts *t);

#endif
