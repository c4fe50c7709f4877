/* SPDX-License-Identifier: Apache-2.0 */
#include "timer.h"

#include <errno.h>
#include <stddef.h>

#define SLOT_BITS 6u

/* Acquire and release pair with each other: what one holder wrote, the next sees. */
static void wheel_lock(struct wheel *w)
{
    while (atomic_exchange_explicit(&w->lock, true, memory_order_acquire))
        while (atomic_load_explicit(&w->lock, memory_order_relaxed))
#if defined(__x86_64__)
            __builtin_ia32_pause();
#else
            ;
#endif
}

static void wheel_unlock(struct wheel *w)
{
    atomic_store_explicit(&w->lock, false, memory_order_release);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    *w = (struct wheel){.now_ms = now_ms};
    atomic_store_explicit(&w->next_ms, TIMER_NEVER, memory_order_relaxed);
}

/* Hang `t` where its due time differs first, seen from the top, from the wheel's. */
static void insert(struct wheel *w, struct timer *t)
{
    uint64_t due = t->due_ms > w->now_ms ? t->due_ms : w->now_ms + 1;
    uint64_t differ = due ^ w->now_ms;
    unsigned level = (63u - (unsigned)__builtin_clzll(differ)) / SLOT_BITS;
    unsigned slot;

    if (level >= WHEEL_LEVELS) { /* past the turn of the wheel, by little or by far */
        uint64_t furthest;

        level = WHEEL_LEVELS - 1;
        furthest = w->now_ms + ((uint64_t)(WHEEL_SLOTS - 1) << (SLOT_BITS * level));
        due = due < furthest ? due : furthest; /* too far: the last that comes round */
    }
    slot = (unsigned)(due >> (SLOT_BITS * level)) & (WHEEL_SLOTS - 1);
    t->next = w->slots[level][slot];
    t->link = &w->slots[level][slot];
    if (t->next)
        t->next->link = &t->next;
    w->slots[level][slot] = t;
    w->used[level] |= 1ull << slot;
}

static void take_out(struct timer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->link = NULL;
}

bool timer_start(struct timer *t, struct wheel *w, uint64_t due_ms)
{
    bool first;

    wheel_lock(w);
    t->wheel = w;
    t->due_ms = due_ms;
    insert(w, t);
    first = due_ms < atomic_load_explicit(&w->next_ms, memory_order_relaxed);
    if (first) /* relaxed: who sleeps reads it after a full barrier (worker.c) */
        atomic_store_explicit(&w->next_ms, due_ms, memory_order_relaxed);
    wheel_unlock(w);
    return first;
}

bool timer_cancel(struct timer *t)
{
    struct wheel *w = t->wheel;
    bool waiting;

    if (!w)
        return false;
    wheel_lock(w);
    waiting = t->link;
    if (waiting)
        take_out(t); /* the slot's bit stays; an empty slot is cheap to visit */
    wheel_unlock(w);
    return waiting;
}

int64_t timer_left(struct timer *t, uint64_t now_ms)
{
    struct wheel *w = t->wheel;
    int64_t left = -ENOENT;

    wheel_lock(w);
    if (t->link)
        left = t->due_ms > now_ms ? (int64_t)(t->due_ms - now_ms) : 0;
    wheel_unlock(w);
    return left;
}

/* The time at which the next used slot of `level` begins, or TIMER_NEVER. */
static uint64_t level_next(const struct wheel *w, unsigned level)
{
    unsigned shift = SLOT_BITS * level;
    unsigned here = (unsigned)(w->now_ms >> shift) & (WHEEL_SLOTS - 1);
    uint64_t used = w->used[level];
    uint64_t ahead;
    unsigned distance;

    if (!used)
        return TIMER_NEVER;
    /* Turn it so that the slot after this one is bit 0; this one is a whole turn away. */
    ahead = used >> ((here + 1) & 63) | used << ((64 - ((here + 1) & 63)) & 63);
    distance = (unsigned)__builtin_ctzll(ahead) + 1;
    return ((w->now_ms >> shift) + distance) << shift;
}

static uint64_t wheel_next(const struct wheel *w)
{
    uint64_t next = TIMER_NEVER;

    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t at = level_next(w, level);

        if (at < next)
            next = at;
    }
    return next;
}

/* The time of the slot that `t` was in has come; its own may not have. */
static void reach(struct wheel *w, struct timer *t)
{
    if (t->due_ms <= w->now_ms) {
        t->fire(t);
        t->due_ms += t->every_ms;
    }
    if (t->due_ms > w->now_ms)
        insert(w, t);
}

/* Empty the slots that begin now; what is due fires, what is not goes further down. */
static void visit(struct wheel *w)
{
    for (unsigned level = WHEEL_LEVELS; level-- > 0;) {
        unsigned shift = SLOT_BITS * level;
        unsigned slot = (unsigned)(w->now_ms >> shift) & (WHEEL_SLOTS - 1);
        struct timer *t = w->slots[level][slot];

        if ((w->now_ms & ((1ull << shift) - 1)) != 0 || !(w->used[level] >> slot & 1))
            continue;
        w->slots[level][slot] = NULL;
        w->used[level] &= ~(1ull << slot);
        while (t) {
            struct timer *next = t->next;

            t->link = NULL;
            reach(w, t);
            t = next;
        }
    }
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
    uint64_t next;

    wheel_lock(w);
    while ((next = wheel_next(w)) <= now_ms) {
        w->now_ms = next;
        visit(w);
    }
    if (w->now_ms < now_ms)
        w->now_ms = now_ms;
    atomic_store_explicit(&w->next_ms, wheel_next(w), memory_order_relaxed);
    wheel_unlock(w);
}
