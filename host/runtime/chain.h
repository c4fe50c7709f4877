/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain - a ring with a head that readers follow without a lock, while one writer at a
 * time changes it.
 *
 * What was removed still leads on to what came after it: it may be freed when all who
 * might stand on it are gone (see reader.h).
 */
#ifndef MOULT_CHAIN_H
#define MOULT_CHAIN_H

#include <stdatomic.h>
#include <stdbool.h>

struct chain {
    _Atomic(struct chain *) next; /* release when a link is in; acquire by readers */
    struct chain *previous;       /* the writer's */
};

static inline void chain_init(struct chain *head)
{
    atomic_init(&head->next, head);
    head->previous = head;
}

static inline struct chain *chain_next(const struct chain *c)
{
    return atomic_load_explicit(&c->next, memory_order_acquire);
}

static inline void chain_add(struct chain *head, struct chain *c)
{
    atomic_init(&c->next, head);
    c->previous = head->previous;
    head->previous = c;
    atomic_store_explicit(&c->previous->next, c, memory_order_release);
}

/* Who reads it goes on from there: its own `next` stays. */
static inline void chain_remove(struct chain *c)
{
    struct chain *next = chain_next(c);

    next->previous = c->previous;
    atomic_store_explicit(&c->previous->next, next, memory_order_release);
}

static inline void chain_replace(struct chain *old, struct chain *c)
{
    struct chain *next = chain_next(old);

    atomic_init(&c->next, next);
    c->previous = old->previous;
    next->previous = c;
    atomic_store_explicit(&c->previous->next, c, memory_order_release);
}

static inline bool chain_empty(const struct chain *head)
{
    return chain_next(head) == head;
}

#endif
