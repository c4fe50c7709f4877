/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_queue - processes ready to run: one worker pushes, all may take, oldest first.
 */
#ifndef MOULT_RUN_QUEUE_H
#define MOULT_RUN_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_QUEUE_ROOM 256u /* a power of two; more goes to the injection queue */

struct process;

struct run_queue {
    _Atomic uint32_t head; /* next to take; anyone moves it, by compare-and-swap */
    _Atomic uint32_t tail; /* next free; the owner's */
    _Atomic(struct process *) slots[RUN_QUEUE_ROOM];
};

/* False if there is no room.  The owner's. */
static inline bool run_queue_push(struct run_queue *q, struct process *p)
{
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

    /* Acquire: pairs with the take that emptied the slot. */
    if (tail - atomic_load_explicit(&q->head, memory_order_acquire) >= RUN_QUEUE_ROOM)
        return false;
    atomic_store_explicit(&q->slots[tail % RUN_QUEUE_ROOM], p, memory_order_relaxed);
    /* Release: who sees the tail sees the slot, and all that the owner did to `p`. */
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
    return true;
}

/* The oldest, or NULL.  Anyone's. */
static inline struct process *run_queue_pop(struct run_queue *q)
{
    uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    /* Acquire: pairs with the release in push. */
    while (head != atomic_load_explicit(&q->tail, memory_order_acquire)) {
        struct process *p = atomic_load_explicit(&q->slots[head % RUN_QUEUE_ROOM],
                                                 memory_order_relaxed);

        /* If it fails another took this one, and the slot may hold something else. */
        if (atomic_compare_exchange_weak_explicit(
                &q->head, &head, head + 1, memory_order_acq_rel, memory_order_relaxed))
            return p;
    }
    return NULL;
}

static inline bool run_queue_is_empty(struct run_queue *q)
{
    return atomic_load_explicit(&q->head, memory_order_relaxed) ==
           atomic_load_explicit(&q->tail, memory_order_relaxed);
}

/* How many wait; a hint to others than the owner. */
static inline uint32_t run_queue_count(struct run_queue *q)
{
    uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    return atomic_load_explicit(&q->tail, memory_order_relaxed) - head;
}

/* Take half of `from`: one is returned, the rest goes to `to`, the caller's own. */
static inline struct process *run_queue_steal(struct run_queue *from,
                                              struct run_queue *to)
{
    uint32_t count = atomic_load_explicit(&from->tail, memory_order_relaxed) -
                     atomic_load_explicit(&from->head, memory_order_relaxed);
    struct process *first = run_queue_pop(from), *p;

    for (uint32_t i = 1; first && i < (count + 1) / 2 && i < RUN_QUEUE_ROOM / 2; i++) {
        p = run_queue_pop(from);
        if (!p)
            break;
        run_queue_push(to, p); /* has room: it was empty, and half is not all */
    }
    return first;
}

#endif
