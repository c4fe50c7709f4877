/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "clock.h"
#include "message.h"
#include "receive.h"
#include "signals.h"
#include "task.h"
#include "worker.h"

/* One input on its way.  In the process's memory, as it may not come back. */
struct slot {
    moult_task task;
    uint64_t index; /* of its input */
    uint64_t end_ms;
    struct envelope *e; /* what it came to, among the drafts; NULL: it was killed */
    bool is_used, is_done;
};

struct stream {
    struct process *p;
    moult_task_function *run;
    moult_task_stream how;
    struct slot *slots;
    uint64_t started, told; /* inputs */
    uint32_t used;          /* slots */
    bool is_over;           /* there are no more inputs */
    bool is_halted;         /* `each` has had enough */
};

/* -- slots -- */

static struct slot *slot_find(struct stream *s, uint64_t ref)
{
    for (uint32_t i = 0; i < s->how.max_concurrency; i++)
        if (s->slots[i].is_used && !s->slots[i].is_done && s->slots[i].task.ref == ref)
            return &s->slots[i];
    return NULL;
}

static bool is_of_stream(struct process *p, struct envelope *e, void *context)
{
    return (e->kind == ENVELOPE_RESULT || e->kind == ENVELOPE_DOWN) &&
           slot_find(context, e->ref);
}

static void done(struct stream *s, struct slot *slot, struct envelope *e)
{
    signal_unlink(s->p, slot->task.pid);
    slot->is_done = true;
    slot->e = e;
    if (e)
        draft_keep(s->p, e);
}

static void release(struct stream *s, struct slot *slot)
{
    if (slot->e)
        draft_drop(s->p, &slot->e->out);
    *slot = (struct slot){.is_used = false};
    s->used--;
}

/* -- starting -- */

static int start(struct stream *s, struct slot *slot, moult_out *args)
{
    moult_task_options o = {.size = sizeof(o),
                            .label = "stream",
                            .supervisor = s->how.supervisor,
                            .flags = MOULT_AWAITED |
                                     (s->how.supervisor.bits ? 0 : MOULT_LINKED)};
    int error = moult_task_opt(&s->p->ctx, s->run, args, &o, &slot->task);

    if (error)
        return error;
    slot->is_used = true;
    slot->index = s->started++;
    slot->end_ms = s->how.timeout_ms == MOULT_INFINITY
                       ? MOULT_INFINITY
                       : clock_ns() / 1000000u + s->how.timeout_ms;
    s->used++;
    return 0;
}

static int fill(struct stream *s)
{
    int error = 0;

    for (uint32_t i = 0; i < s->how.max_concurrency && !s->is_over && !error; i++) {
        moult_out *args;

        if (s->slots[i].is_used)
            continue;
        args = moult_draft(&s->p->ctx);
        s->is_over = !s->how.next(s->how.context, args);
        if (s->is_over)
            draft_drop(s->p, args);
        else
            error = start(s, &s->slots[i], args);
    }
    return error;
}

/* -- telling -- */

static moult_outcome outcome_of(struct stream *s, struct slot *slot)
{
    if (slot->e)
        return task_outcome(s->p, &slot->task, slot->e);
    return (moult_outcome){.error = -ETIMEDOUT, .text = moult_strerror(-ETIMEDOUT)};
}

/* Tell of one that may be told of; false if there is none. */
static bool tell_one(struct stream *s)
{
    for (uint32_t i = 0; i < s->how.max_concurrency; i++) {
        struct slot *slot = &s->slots[i];
        moult_outcome o;

        if (!slot->is_done || (!s->how.unordered && slot->index != s->told))
            continue;
        o = outcome_of(s, slot);
        if (s->how.each && !s->how.each(s->how.context, slot->index, &o))
            s->is_halted = true;
        s->told++;
        release(s, slot);
        return true;
    }
    return false;
}

/* -- waiting -- */

static struct slot *first_due(struct stream *s)
{
    struct slot *first = NULL;

    for (uint32_t i = 0; i < s->how.max_concurrency; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->is_used && !slot->is_done && (!first || slot->end_ms < first->end_ms))
            first = slot;
    }
    return first;
}

static int wait_for_one(struct stream *s)
{
    struct slot *due = first_due(s);
    uint64_t now_ms = clock_ns() / 1000000u, left_ms = MOULT_INFINITY;
    struct envelope *e;
    int error;

    if (due->end_ms != MOULT_INFINITY)
        left_ms = due->end_ms > now_ms ? due->end_ms - now_ms : 0;
    error = receive(s->p, is_of_stream, s, left_ms, &e);
    if (!error)
        done(s, slot_find(s, e->ref), e);
    else if (error == -ETIMEDOUT && s->how.on_timeout == MOULT_ON_TIMEOUT_KILL)
        done(s, due, task_kill(s->p, &due->task));
    else
        return error;
    return 0;
}

static void kill_all(struct stream *s)
{
    for (uint32_t i = 0; i < s->how.max_concurrency; i++) {
        struct slot *slot = &s->slots[i];

        if (!slot->is_used)
            continue;
        if (!slot->is_done)
            done(s, slot, task_kill(s->p, &slot->task));
        task_forget(s->p, &slot->task);
        release(s, slot);
    }
}

static int run(struct stream *s)
{
    int error = 0;

    while (!error && !s->is_halted) {
        error = fill(s);
        if (error || !s->used)
            return error;
        if (!tell_one(s))
            error = wait_for_one(s);
    }
    return error;
}

/* What it had at first; it has only grown since. */
#define STREAM_MIN (offsetof(moult_task_stream, each) + sizeof(void *))

/* NULL: nothing. */
static const char *wrong_with(moult_task_function *function, const moult_task_stream *s)
{
    if (s->size < STREAM_MIN)
        return "the stream says it has too few bytes: begin it with .size = "
               "sizeof(moult_task_stream)";
    if (!s->next || !function)
        return "a stream needs a function and `next`";
    if (s->on_timeout != MOULT_ON_TIMEOUT_NOTHING &&
        s->on_timeout != MOULT_ON_TIMEOUT_KILL)
        return "on_timeout of a stream is MOULT_ON_TIMEOUT_KILL or 0";
    return NULL;
}

int moult_task_run_stream(moult_ctx *ctx, moult_task_function *function,
                          const moult_task_stream *stream)
{
    struct stream s = {.p = process_of(ctx), .run = function};
    moult_task_stream *how = &s.how;
    const char *wrong;
    int error;

    memcpy(how, stream, stream->size < sizeof(*how) ? stream->size : sizeof(*how));
    wrong = wrong_with(function, how);
    if (wrong)
        return process_fail(s.p, -EINVAL, wrong);
    how->max_concurrency =
        how->max_concurrency ? how->max_concurrency : workers_count();
    how->timeout_ms = task_timeout_ms(how->timeout_ms);
    s.slots = heap_alloc(&s.p->ctx.heap, how->max_concurrency * sizeof(*s.slots));
    if (!s.slots)
        return process_fail(s.p, -ENOMEM, "no memory for a stream");
    error = run(&s);
    kill_all(&s);
    heap_free(&s.p->ctx.heap, s.slots);
    return error ? process_fail(s.p, error, moult_strerror(error)) : 0;
}
