/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - the functions of abi/moult/message.h, on processes.
 */
#include <errno.h>
#include <string.h>

#include "debt.h"
#include "message.h"
#include "name.h"
#include "send_timer.h"
#include "signals.h"
#include "telemetry.h"
#include "worker.h"

/*
 * What a draft is when there is no memory for one: its error is set, so writing to it
 * does nothing and nothing is ever stored.
 */
static struct envelope no_memory = {.out = {.error = -ENOMEM}};

moult_pid moult_self(moult_ctx *ctx)
{
    return process_pid(process_of(ctx));
}

moult_pid moult_whereis(const char *name)
{
    return name_find(name);
}

static bool may_draft(struct heap *h)
{
    heap_check(h);
    return !h->over;
}

moult_out *moult_draft(moult_ctx *ctx)
{
    struct process *p = process_of(ctx);
    struct heap *h = &p->ctx.heap;
    struct envelope *e;

    if (__builtin_expect(h->is_limited, 0) && !may_draft(h))
        return &no_memory.out;
    e = envelope_create(ENVELOPE_CAST);
    if (!e)
        return &no_memory.out;
    h->queued += sizeof(*e);
    e->next = p->drafts;
    p->drafts = e;
    return &e->out;
}

moult_out *moult_draft_outside(void)
{
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    return e ? &e->out : &no_memory.out;
}

void draft_keep(struct process *p, struct envelope *e)
{
    p->ctx.heap.queued += sizeof(*e);
    e->next = p->drafts;
    p->drafts = e;
}

struct envelope *reply_draft(struct process *p)
{
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    if (e)
        draft_keep(p, e);
    return e;
}

/* The one at `link` goes; what it was received as, and not answered yet, is owed. */
static void drop(struct process *p, struct envelope **link)
{
    struct envelope *e = *link;
    int error;

    *link = e->next;
    p->ctx.heap.queued -= sizeof(*e);
    if (e->kind != ENVELOPE_CALL)
        envelope_destroy(e);
    else if ((error = debt_add(p, e)) < 0)
        process_answer_dead(e, process_pid(p), error, NULL);
}

void drafts_drop(struct process *p)
{
    while (p->drafts)
        drop(p, &p->drafts);
}

void received_drop(struct process *p)
{
    struct envelope **link = &p->drafts;

    while (*link)
        if ((*link)->flags & ENVELOPE_RECEIVED)
            drop(p, link);
        else
            link = &(*link)->next;
}

static void undraft(struct process *p, const struct envelope *e)
{
    struct envelope **link = &p->drafts;

    while (*link && *link != e)
        link = &(*link)->next;
    if (*link) {
        *link = e->next;
        p->ctx.heap.queued -= sizeof(*e);
    }
}

void draft_forget(struct process *p, const struct envelope *e)
{
    undraft(p, e);
}

void reply_take(struct process *p, struct envelope *reply)
{
    undraft(p, reply);
    reply->kind = ENVELOPE_REPLY;
}

void draft_drop(struct process *p, moult_out *out)
{
    struct envelope *e = envelope_of(out);

    if (e == &no_memory)
        return;
    undraft(p, e);
    envelope_destroy(e);
}

static int take_any(moult_ctx *ctx, moult_out *out, struct envelope **taken)
{
    struct envelope *e = envelope_of(out);

    if (e == &no_memory)
        return -ENOMEM;
    if (ctx)
        undraft(process_of(ctx), e);
    if (e->out.error) {
        int error = e->out.error;

        envelope_destroy(e);
        return error;
    }
    if (!e->out.len) /* nothing written is null, as init's missing arguments are */
        moult_put_null(&e->out);
    *taken = e;
    return 0;
}

/* As nearly always: `e` was drafted last, and is fine. */
static inline bool is_plain(const struct process *p, const struct envelope *e)
{
    return p->drafts == e && !e->out.error && e->out.len;
}

static inline void take_plain(struct process *p, struct envelope *e)
{
    p->drafts = e->next;
    p->ctx.heap.queued -= sizeof(*e);
}

/* `out` as an envelope that is nobody's draft any more; or its error. */
static inline int take(moult_ctx *ctx, moult_out *out, struct envelope **taken)
{
    struct envelope *e = envelope_of(out);

    if (!ctx || !is_plain(process_of(ctx), e))
        return take_any(ctx, out, taken);
    take_plain(process_of(ctx), e);
    *taken = e;
    return 0;
}

int draft_take(struct process *p, moult_out *out, struct envelope **e)
{
    return take_any(p ? &p->ctx : NULL, out, e);
}

/* Outside of all processes, or something is to be said of the draft. */
static __attribute__((noinline)) int send_any(moult_ctx *ctx, moult_pid to,
                                              moult_out *out, enum envelope_kind kind)
{
    struct process *p = ctx ? process_of(ctx) : NULL;
    struct envelope *e;
    int error = take_any(ctx, out, &e);

    if (error)
        return error;
    e->kind = (uint8_t)kind;
    if (!p)
        return process_send(NULL, to, e);
    e->from = process_pid(p);
    return process_send_message(p, to, e);
}

static inline int send_as(moult_ctx *ctx, moult_pid to, moult_out *out,
                          enum envelope_kind kind)
{
    struct envelope *e;
    struct process *p;

    if (__builtin_expect(!ctx || !is_plain(process_of(ctx), envelope_of(out)), 0))
        return send_any(ctx, to, out, kind);
    p = process_of(ctx);
    e = envelope_of(out);
    take_plain(p, e);
    e->kind = (uint8_t)kind;
    e->from = process_pid(p);
    return process_send_message(p, to, e);
}

int moult_cast(moult_ctx *ctx, moult_pid to, moult_out *message)
{
    return send_as(ctx, to, message, ENVELOPE_CAST);
}

int moult_send(moult_ctx *ctx, moult_pid to, moult_out *message)
{
    return send_as(ctx, to, message, ENVELOPE_INFO);
}

/* -- calls -- */

int process_fail(struct process *p, int error, const char *text)
{
    envelope_destroy(p->answer);
    p->answer = envelope_create(ENVELOPE_REPLY);
    if (p->answer) {
        p->answer->flags = ENVELOPE_ERROR;
        p->answer->code = error;
        signal_set_text(p->answer, text);
    }
    return error;
}

int process_answered(struct process *p, struct await *a, uint64_t timeout_ms)
{
    int error = process_await(p, a, timeout_ms);

    if (error)
        return process_fail(p, error, moult_strerror(error));
    p->answer = a->reply;
    if (!(a->reply->flags & ENVELOPE_ERROR))
        return 0;
    if (!(a->reply->flags & ENVELOPE_DEAD))
        return a->reply->code;
    return a->reply->code == MOULT_NOPROC ? -ESRCH : -EOWNERDEAD;
}

static inline int call(struct process *p, moult_pid to, struct envelope *e,
                       uint64_t timeout_ms)
{
    struct await a = {.ref = ++p->last_ref};
    char text[80];
    int error;

    if (!worker_can_wait()) {
        envelope_destroy(e);
        return process_fail(p, -ENOMEM, "no memory for a stack to wait with");
    }
    envelope_destroy(p->answer);
    p->answer = NULL;
    e->from = process_pid(p);
    e->ref = a.ref;
    error = process_send_last(p, to, e);
    if (error)
        return process_fail(p, error, process_refusal(to, error, text, sizeof(text)));
    return process_answered(p, &a, timeout_ms);
}

int process_call_untold(struct process *p, moult_pid to, struct envelope *e,
                        uint64_t timeout_ms)
{
    return call(p, to, e, timeout_ms);
}

int process_call(struct process *p, moult_pid to, struct envelope *e,
                 uint64_t timeout_ms)
{
    if (__builtin_expect(p->flags & PROCESS_TOLD, 0) && telemetry_tells_call(p, e))
        return telemetry_call(p, to, e, timeout_ms);
    return call(p, to, e, timeout_ms);
}

int process_start(struct process *parent, struct process *p, struct envelope *e,
                  uint64_t timeout_ms)
{
    struct await a = {.ref = ++parent->last_ref};

    if (!worker_can_wait()) {
        envelope_destroy(e);
        process_discard(p);
        return process_fail(parent, -ENOMEM, "no memory for a stack to wait with");
    }
    envelope_destroy(parent->answer);
    parent->answer = NULL;
    e->from = process_pid(parent);
    e->ref = a.ref;
    e->to_generation = pid_generation(process_pid(p));
    e->urgency = process_urgency(parent);
    process_launch(p, e);
    return process_answered(parent, &a, timeout_ms);
}

int moult_call(moult_ctx *ctx, moult_pid to, moult_out *request, uint64_t timeout_ms,
               moult_in *reply)
{
    struct process *p = process_of(ctx);
    struct envelope *e;
    int error = take(ctx, request, &e);

    if (!error && moult_pid_equal(to, process_pid(p))) {
        envelope_destroy(e);
        error = -EDEADLK;
    }
    if (error)
        return process_fail(p, error, moult_strerror(error));
    e->kind = ENVELOPE_CALL;
    error = process_call(p, to, e, timeout_ms ? timeout_ms : MOULT_CALL_TIMEOUT_MS);
    if (!error && reply)
        *reply = out_read(&p->answer->out);
    return error;
}

const char *moult_call_text(moult_ctx *ctx)
{
    struct envelope *answer = process_of(ctx)->answer;

    if (!answer || !(answer->flags & ENVELOPE_ERROR))
        return "";
    if (!answer->out.len)
        return moult_strerror(answer->code);
    return signal_text(answer);
}

int32_t moult_call_reason(moult_ctx *ctx)
{
    struct envelope *answer = process_of(ctx)->answer;

    return answer ? answer->code : MOULT_NORMAL;
}

/* -- answers -- */

/* Is `e` (may be NULL) the call that `from` stands for? */
static bool is_call(const struct envelope *e, const moult_from *from)
{
    return e && e->kind == ENVELOPE_CALL && e->ref == from->ref &&
           moult_pid_equal(e->from, from->caller);
}

/* Take the call that `from` stands for off what `p` owes. */
static void settle_debt(struct process *p, const moult_from *from)
{
    struct envelope *e = p->drafts;

    while (e && !is_call(e, from))
        e = e->next;
    if (is_call(p->current, from))
        e = p->current;
    if (e)
        e->kind = ENVELOPE_CAST; /* the one being handled is one no more */
    else
        envelope_destroy(debt_take(p, from->caller, from->ref));
}

static int answer(struct process *p, const moult_from *from, struct envelope *e)
{
    e->kind = ENVELOPE_REPLY;
    e->from = from->callee;
    e->ref = from->ref;
    if (p && moult_pid_equal(from->callee, process_pid(p)))
        settle_debt(p, from);
    else
        signal_answered(from);
    return process_send(p, from->caller, e);
}

int moult_reply_to(moult_ctx *ctx, const moult_from *from, moult_out *out)
{
    struct process *p = ctx ? process_of(ctx) : NULL;
    struct envelope *e;
    int error = take(ctx, out, &e);

    if (error)
        return error;
    return answer(p, from, e);
}

int moult_refuse_to(moult_ctx *ctx, const moult_from *from, int error, const char *why)
{
    struct envelope *e = envelope_create(ENVELOPE_REPLY);

    if (!e)
        return -ENOMEM;
    e->flags = ENVELOPE_ERROR;
    e->code = error < 0 ? error : -EINVAL;
    signal_set_text(e, why);
    return answer(ctx ? process_of(ctx) : NULL, from, e);
}

void process_refuse(struct process *p, int error, const char *text)
{
    struct envelope *e = p->current;
    moult_pid caller = e->from;

    p->current = NULL;
    envelope_reset(e, ENVELOPE_REPLY);
    e->flags = ENVELOPE_ERROR;
    e->code = error;
    signal_set_text(e, text);
    process_send_last(p, caller, e);
}

/* -- timers -- */

moult_timer moult_send_after(moult_ctx *ctx, moult_pid to, uint64_t delay_ms,
                             moult_out *message)
{
    struct process *p = process_of(ctx);
    struct envelope *e;

    if (take(ctx, message, &e) != 0)
        return 0;
    e->kind = ENVELOPE_INFO;
    e->from = process_pid(p);
    return send_timer_start(p, to, delay_ms, e);
}

moult_timer moult_send_interval(moult_ctx *ctx, moult_pid to, uint64_t every_ms,
                                moult_out *message)
{
    struct process *p = process_of(ctx);
    struct envelope *e;

    if (take(ctx, message, &e) != 0)
        return 0;
    e->kind = ENVELOPE_INFO;
    e->from = process_pid(p);
    return send_timer_repeat(p, to, every_ms, e);
}

int64_t moult_read_timer(moult_ctx *ctx, moult_timer timer)
{
    return send_timer_left(process_of(ctx), timer);
}

int64_t moult_cancel_timer(moult_ctx *ctx, moult_timer timer)
{
    return send_timer_cancel(process_of(ctx), timer);
}
