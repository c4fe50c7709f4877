/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "event.h"
#include "group.h"
#include "slot.h"
#include "worker.h"

static _Atomic uint64_t last_ref; /* relaxed: only uniqueness matters */

uint64_t process_ref(void)
{
    return atomic_fetch_add_explicit(&last_ref, 1, memory_order_relaxed) + 1;
}

/* When it was told that there are as many as may be; relaxed: once is enough. */
static _Atomic uint64_t told_s;

/* Whoever wants one more has the error; so shall who runs the host, once a second. */
static void tell_most(const struct group *group)
{
    uint64_t now_s = clock_ns() / 1000000000u + 1;

    if (atomic_exchange_explicit(&told_s, now_s, memory_order_relaxed) != now_s)
        event_emit(EVENT_WARN, "host.full", "{s:s, s:s, s:i, s:s}", "app", group->name,
                   "table", "processes", "limit", (int)slots_most(), "setting",
                   "max_processes");
}

int process_reserve_bounds(struct process *p)
{
    struct bounds *b = process_bounds(p);

    if (b)
        return 0;
    b = calloc(1, sizeof(*b));
    if (!b)
        return -ENOMEM;
    /* Release: who finds it finds it all zero, or as it is by then. */
    atomic_store_explicit(&p->ctx.heap.allowance, &b->allowance, memory_order_release);
    return 0;
}

void process_set_patience(struct process *p, uint32_t warn_ms, uint32_t max_ms)
{
    struct bounds *b = process_bounds(p);

    if (!b)
        return;
    atomic_store_explicit(&b->warn_callback_ms, warn_ms, memory_order_relaxed);
    atomic_store_explicit(&b->max_callback_ms, max_ms, memory_order_relaxed);
}

void process_set_limits(struct process *p, uint32_t messages, uint64_t max_heap)
{
    struct bounds *b = process_bounds(p);
    uint64_t fit = max_heap / sizeof(struct envelope);

    messages = messages ? messages : MAILBOX_LIMIT;
    if (max_heap && fit < messages)
        messages = (uint32_t)fit;
    if (b) {
        heap_set_limit(&p->ctx.heap, max_heap);
        atomic_store_explicit(&b->max_heap, max_heap, memory_order_relaxed);
    }
    atomic_store_explicit(&p->limit, messages, memory_order_relaxed);
}

static int set_bounds(struct process *p, const struct process_options *o)
{
    bool is_bounded =
        o->max_heap || o->quota || o->warn_callback_ms || o->max_callback_ms;

    if (!is_bounded && !process_bounds(p)) { /* nearly always */
        atomic_store_explicit(&p->limit, o->limit ? o->limit : MAILBOX_LIMIT,
                              memory_order_relaxed);
        return 0;
    }
    if (is_bounded && process_reserve_bounds(p) < 0)
        return -ENOMEM;
    process_set_limits(p, o->limit, o->max_heap);
    process_set_patience(p, o->warn_callback_ms, o->max_callback_ms);
    heap_share(&p->ctx.heap, o->quota);
    return 0;
}

struct process *process_create(const struct process_options *options)
{
    struct process *p;
    uint32_t generation;

    if (!options->is_hosts && slots_are_used_up()) {
        tell_most(options->group);
        return NULL;
    }
    p = slot_get();
    if (!p)
        return NULL;
    if (set_bounds(p, options) < 0) {
        slot_put(p);
        return NULL;
    }
    generation = pid_generation(process_pid(p)) + 1;
    if (generation > PID_GENERATION_MAX)
        generation = 1;
    p->told_full_s = 0;
    p->class = options->class;
    p->parent = options->parent;
    p->flags = options->linked ? PROCESS_LINKED : 0;
    p->reason = MOULT_NORMAL;
    /* Release: pairs with process_find's acquire. */
    atomic_store_explicit(&p->pid, pid_make(pid_index(process_pid(p)), generation).bits,
                          memory_order_release);
    /* Release: who pushes from here on sees an open mailbox that is running. */
    atomic_store_explicit(&p->inbox, mailbox_word(NULL, 0, MAILBOX_RUN),
                          memory_order_release);
    p->group = options->group;
    return p;
}

void process_launch(struct process *p, struct envelope *first)
{
    if (first)
        process_queue(p, first);
    group_add(p->group, p);
    /* Who starts it waits for that, perhaps since before the upgrade began. */
    if (first && atomic_load_explicit(&p->hold, memory_order_relaxed))
        first->urgency = ENVELOPE_URGENCY_MOST;
    worker_schedule_next(p);
}

void process_discard(struct process *p)
{
    p->flags &= (uint8_t)~PROCESS_LINKED; /* nobody has heard of it */
    process_finish(p);
}

struct relations *process_relations(struct process *p)
{
    if (!p->relations)
        p->relations = calloc(1, sizeof(*p->relations));
    return p->relations;
}
