/* SPDX-License-Identifier: Apache-2.0 */
#include "send_timer.h"

#include <stdlib.h>

#include "clock.h"
#include "relation.h"
#include "worker.h"

struct send_timer {
    struct timer timer;
    moult_pid to;
    struct envelope *envelope;
    struct heap *heap; /* of the process that started it; it is charged for this */
    uint64_t charged;  /* bytes */
    uint64_t delay_ms;
    bool paused;
    /* Release when the envelope is gone; pairs with the acquire in sweep. */
    _Atomic bool fired;
};

static void fire(struct timer *t)
{
    struct send_timer *s =
        (struct send_timer *)((char *)t - offsetof(struct send_timer, timer));
    struct envelope *e = s->envelope;

    s->envelope = NULL;
    process_send(NULL, s->to, e);
    atomic_store_explicit(&s->fired, true, memory_order_release);
}

/* Who has a full mailbox misses one, as where there is no memory for it. */
static void fire_again(struct timer *t)
{
    struct send_timer *s =
        (struct send_timer *)((char *)t - offsetof(struct send_timer, timer));
    struct envelope *e = envelope_create(ENVELOPE_INFO);

    if (!e)
        return;
    e->from = s->envelope->from;
    moult_put_item(&e->out, s->envelope->out.bytes, s->envelope->out.len);
    if (e->out.error) {
        envelope_destroy(e);
    } else if (process_send(NULL, s->to, e) == -ESRCH) {
        t->every_ms = 0;
        atomic_store_explicit(&s->fired, true, memory_order_release);
    }
}

static void destroy(struct send_timer *s)
{
    timer_cancel(&s->timer);
    s->heap->queued -= s->charged;
    envelope_destroy(s->envelope);
    free(s);
}

/* Those that fired at others are only found by looking; so look when they may be half. */
static void sweep(struct relations *r)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    if (r->timers.count < 64 || r->timers.count < 2 * r->timers_swept)
        return;
    while ((entry = map_next(&r->timers, &at))) {
        struct send_timer *s = (struct send_timer *)(uintptr_t)entry->value;

        if (!atomic_load_explicit(&s->fired, memory_order_acquire))
            continue;
        destroy(s);
        map_remove(&r->timers, entry->key, NULL);
        at--; /* removing may have moved another one here */
    }
    r->timers_swept = r->timers.count;
}

/* One that sends `e` (taken) to `to`, not started, as `id`; NULL: no memory, or too many. */
static struct send_timer *add(struct process *p, uint64_t id, moult_pid to,
                              struct envelope *e)
{
    struct send_timer *s = calloc(1, sizeof(*s));

    if (!s || relation_put(p, RELATION_TIMERS, id, (uintptr_t)s) < 0) {
        free(s);
        envelope_destroy(e);
        return NULL;
    }
    sweep(p->relations);
    s->to = to;
    s->envelope = e;
    s->heap = &p->ctx.heap;
    s->charged = sizeof(*s) + sizeof(*e) + envelope_outside(e);
    s->heap->queued += s->charged;
    return s;
}

uint64_t send_timer_start(struct process *p, moult_pid to, uint64_t delay_ms,
                          struct envelope *e)
{
    uint64_t id = process_ref();
    struct send_timer *s = add(p, id, to, e);

    if (!s)
        return 0;
    if (moult_pid_equal(to, process_pid(p))) {
        e->flags |= ENVELOPE_TIMED;
        e->ref = id;
    }
    s->timer.fire = fire;
    s->delay_ms = delay_ms;
    worker_start_timer(&s->timer, delay_ms);
    return id;
}

uint64_t send_timer_repeat(struct process *p, moult_pid to, uint64_t every_ms,
                           struct envelope *e)
{
    uint64_t id = process_ref();
    struct send_timer *s = add(p, id, to, e);

    if (!s)
        return 0;
    s->timer.fire = fire_again;
    s->timer.every_ms = every_ms ? every_ms : 1;
    worker_start_timer(&s->timer, s->timer.every_ms);
    return id;
}

int64_t send_timer_left(struct process *p, uint64_t id)
{
    struct send_timer *s;
    uint64_t value;

    if (!p->relations || !map_find(&p->relations->timers, id, &value))
        return -ENOENT;
    s = (struct send_timer *)(uintptr_t)value;
    return timer_left(&s->timer, clock_ns() / 1000000u);
}

int64_t send_timer_cancel(struct process *p, uint64_t id)
{
    struct send_timer *s;
    uint64_t value;
    int64_t left = -ENOENT;

    if (!p->relations || !map_remove(&p->relations->timers, id, &value))
        return -ENOENT;
    s = (struct send_timer *)(uintptr_t)value;
    if (timer_cancel(&s->timer)) {
        left = (int64_t)s->timer.due_ms - (int64_t)(clock_ns() / 1000000u);
        left = left < 0 ? 0 : left;
    }
    destroy(s);
    return left;
}

uint64_t send_timer_delay(struct process *p, uint64_t id)
{
    uint64_t value;

    if (!p->relations || !map_find(&p->relations->timers, id, &value))
        return MOULT_INFINITY;
    return ((struct send_timer *)(uintptr_t)value)->delay_ms;
}

void send_timer_received(struct process *p, uint64_t id)
{
    uint64_t value;

    if (p->relations && map_remove(&p->relations->timers, id, &value))
        destroy((struct send_timer *)(uintptr_t)value);
}

/* The next of `p` from `*at` on, or NULL. */
static struct send_timer *next_of(struct process *p, uint32_t *at)
{
    const struct map_entry *entry =
        p->relations ? map_next(&p->relations->timers, at) : NULL;

    return entry ? (struct send_timer *)(uintptr_t)entry->value : NULL;
}

void send_timers_pause(struct process *p)
{
    struct send_timer *s;
    uint32_t at = 0;

    while ((s = next_of(p, &at)))
        if (moult_pid_equal(s->to, process_pid(p)))
            s->paused = timer_cancel(&s->timer);
}

void send_timers_resume(struct process *p)
{
    struct send_timer *s;
    uint32_t at = 0;

    while ((s = next_of(p, &at)))
        if (s->paused) {
            s->paused = false;
            worker_resume_timer(&s->timer);
        }
}

int send_timers_each(struct process *p,
                     int (*visit)(struct envelope *e, uint64_t *charged, void *context),
                     void *context)
{
    struct send_timer *s;
    uint32_t at = 0;
    int error = 0;

    while (!error && (s = next_of(p, &at)))
        if (s->paused)
            error = visit(s->envelope, &s->charged, context);
    return error;
}

void send_timers_finish(struct process *p)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    if (!p->relations)
        return;
    while ((entry = map_next(&p->relations->timers, &at)))
        destroy((struct send_timer *)(uintptr_t)entry->value);
    map_finish(&p->relations->timers);
}
