/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "message.h"
#include "receive.h"
#include "signals.h"
#include "task.h"

/* -- any of many -- */

struct any {
    struct task_entry *entries;
    size_t count;
    struct task_entry *found;
};

static int by_ref(const void *a, const void *b)
{
    const struct task_entry *x = a, *y = b;

    return (x->ref > y->ref) - (x->ref < y->ref);
}

static bool is_of_any(struct process *p, struct envelope *e, void *context)
{
    struct any *any = context;
    struct task_entry key = {.ref = e->ref};

    if (e->kind != ENVELOPE_RESULT && e->kind != ENVELOPE_DOWN)
        return false;
    any->found = bsearch(&key, any->entries, any->count, sizeof(key), by_ref);
    return any->found && !any->found->is_done;
}

int task_receive_any(struct process *p, struct task_entry *entries, size_t count,
                     uint64_t timeout_ms, struct task_entry **found,
                     struct envelope **e)
{
    struct any any = {.entries = entries, .count = count};
    int error = receive(p, is_of_any, &any, timeout_ms, e);

    *found = any.found;
    return error;
}

/* -- all of many -- */

struct gathering {
    struct process *p;
    const moult_task *tasks;
    struct task_entry *entries; /* by ref; the process's memory */
    size_t count, done;
    moult_outcome *outcomes;
    uint64_t end_ms; /* or MOULT_INFINITY */
};

static int gathering_init(struct gathering *g, uint64_t timeout_ms)
{
    int error = 0;

    for (size_t i = 0; i < g->count && !error; i++)
        error = task_check(g->p, &g->tasks[i]);
    if (error)
        return error;
    received_forget(g->p);
    g->entries = heap_alloc(&g->p->ctx.heap, (g->count + 1) * sizeof(*g->entries));
    if (!g->entries)
        return process_fail(g->p, -ENOMEM, "no memory to wait for tasks");
    for (size_t i = 0; i < g->count; i++) {
        g->entries[i] = (struct task_entry){.ref = g->tasks[i].ref, .index = i};
        g->outcomes[i] = (moult_outcome){.error = -ETIMEDOUT, .text = ""};
    }
    qsort(g->entries, g->count, sizeof(*g->entries), by_ref);
    timeout_ms = task_timeout_ms(timeout_ms);
    g->end_ms =
        timeout_ms == MOULT_INFINITY ? timeout_ms : clock_ns() / 1000000u + timeout_ms;
    return 0;
}

static uint64_t left_ms(const struct gathering *g)
{
    uint64_t now_ms = clock_ns() / 1000000u;

    if (g->end_ms == MOULT_INFINITY)
        return MOULT_INFINITY;
    return g->end_ms > now_ms ? g->end_ms - now_ms : 0;
}

static void settle(struct gathering *g, struct task_entry *entry, struct envelope *e)
{
    received_keep(g->p, e);
    g->outcomes[entry->index] = task_outcome(g->p, &g->tasks[entry->index], e);
    entry->is_done = true;
    g->done++;
}

/* Wait until there are `enough`, one has failed if `all_well`, or time is up. */
static int gather(struct gathering *g, size_t enough, bool all_well)
{
    struct task_entry *entry;
    struct envelope *e;
    int error = 0;

    while (g->done < enough && !error) {
        error = task_receive_any(g->p, g->entries, g->count, left_ms(g), &entry, &e);
        if (error)
            return error;
        settle(g, entry, e);
        if (all_well)
            error = g->outcomes[entry->index].error;
    }
    return error;
}

/* Kill those that have come to nothing yet, if they have not ended by themselves. */
static void kill_rest(struct gathering *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct task_entry *entry = &g->entries[i];
        struct envelope *e;

        if (entry->is_done)
            continue;
        e = task_kill(g->p, &g->tasks[entry->index]);
        if (e)
            settle(g, entry, e);
        else
            g->outcomes[entry->index].error = -ECANCELED;
    }
}

static void ignore_rest(struct gathering *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (!g->entries[i].is_done)
            task_forget(g->p, &g->tasks[g->entries[i].index]);
}

/* What the first that failed came to, for moult_call_reason() and moult_call_text(). */
static int told(struct gathering *g, int error)
{
    for (size_t i = 0; i < g->count && error == -EOWNERDEAD; i++) {
        const moult_outcome *o = &g->outcomes[i];

        if (o->error != error)
            continue;
        process_fail(g->p, o->reason, o->text);
        return error;
    }
    return process_fail(g->p, error, moult_strerror(error));
}

int moult_task_await_many(moult_ctx *ctx, const moult_task *tasks, size_t count,
                          uint64_t timeout_ms, moult_outcome *outcomes)
{
    struct gathering g = {
        .p = process_of(ctx), .tasks = tasks, .count = count, .outcomes = outcomes};
    int error = gathering_init(&g, timeout_ms);

    if (error)
        return error;
    error = gather(&g, count, true);
    if (error) {
        told(&g, error);
        kill_rest(&g);
    }
    heap_free(&g.p->ctx.heap, g.entries);
    return error;
}

/* What they had at first; they have only grown since. */
#define OPTIONS_MIN (offsetof(moult_yield_options, on_timeout) + sizeof(int32_t))

static int check_options(struct process *p, const moult_yield_options *o)
{
    if (o->size < OPTIONS_MIN)
        return process_fail(p, -EINVAL,
                            "the options say they have too few bytes: begin them with "
                            ".size = sizeof(moult_yield_options)");
    if (o->on_timeout < MOULT_ON_TIMEOUT_NOTHING ||
        o->on_timeout > MOULT_ON_TIMEOUT_KILL)
        return process_fail(p, -EINVAL,
                            "on_timeout is not MOULT_ON_TIMEOUT_NOTHING, "
                            "MOULT_ON_TIMEOUT_IGNORE or MOULT_ON_TIMEOUT_KILL");
    return 0;
}

int moult_task_yield_many(moult_ctx *ctx, const moult_task *tasks, size_t count,
                          const moult_yield_options *options, moult_outcome *outcomes)
{
    struct gathering g = {
        .p = process_of(ctx), .tasks = tasks, .count = count, .outcomes = outcomes};
    moult_yield_options o = {.size = sizeof(o)};
    int error = options ? check_options(g.p, options) : 0;

    if (error)
        return error;
    if (options)
        memcpy(&o, options, options->size < sizeof(o) ? options->size : sizeof(o));
    error = gathering_init(&g, o.timeout_ms);
    if (error)
        return error;
    error = gather(&g, o.limit && o.limit < count ? o.limit : count, false);
    if (o.on_timeout == MOULT_ON_TIMEOUT_KILL)
        kill_rest(&g);
    else if (o.on_timeout == MOULT_ON_TIMEOUT_IGNORE)
        ignore_rest(&g);
    heap_free(&g.p->ctx.heap, g.entries);
    return error == -ETIMEDOUT ? 0 : error;
}
