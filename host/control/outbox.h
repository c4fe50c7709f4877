/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox - what any thread has for a client, on its way to the loop.
 *
 * Only the loop may touch a session.  So answers are posted here and the loop is woken;
 * after outbox_close() it is woken no more.  Counted: whoever may still post holds it.
 */
#ifndef MOULT_OUTBOX_H
#define MOULT_OUTBOX_H

#include <stdbool.h>
#include <uv.h>

struct outbox;
struct request;

struct letter {
    struct letter *next;
    struct request *request; /* whom it answers */
    char *text;              /* the line, malloc'd; NULL if there is none */
    bool last;               /* part of the request, which is over with it */
    bool counted;            /* in the request's `waiting` */
};

/*
 * An outbox with one holder, which wakes the loop by `async`; NULL when out of memory.
 */
struct outbox *outbox_create(uv_async_t *async);

/* One more holder.  [any] */
struct outbox *outbox_hold(struct outbox *outbox);

/* One holder less; without any it is gone.  [any] */
void outbox_release(struct outbox *outbox);

/* Post `letter` (taken) and wake the loop; false, and not taken, once closed.  [any] */
bool outbox_post(struct outbox *outbox, struct letter *letter);

/* Wake the loop, if it is to be.  [any] */
void outbox_wake(struct outbox *outbox);

/* All letters, the oldest first, given. */
struct letter *outbox_take(struct outbox *outbox);

/* Take no more; `async` is not used any longer. */
void outbox_close(struct outbox *outbox);

#endif
