/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"

#include <string.h>

#include "clock.h"
#include "message.h"
#include "relation.h"
#include "reqids.h"
#include "signals.h"
#include "utf8.h"

void response_forget(struct process *p, uint64_t ref)
{
    if (p->relations && map_remove(&p->relations->requests, ref, NULL))
        reqids_gone(p->relations->reqids, ref);
}

bool response_is_due(const struct process *p, uint64_t ref)
{
    return p->relations && map_find(&p->relations->requests, ref, NULL);
}

static int error_of(const struct envelope *e)
{
    if (!(e->flags & ENVELOPE_ERROR))
        return 0;
    if (!(e->flags & ENVELOPE_DEAD))
        return e->code;
    return e->code == MOULT_NOPROC ? -ESRCH : -EOWNERDEAD;
}

moult_response response_of(struct process *p, const struct envelope *e)
{
    moult_response r = {.ref = e->ref, .error = error_of(e), .text = ""};

    if (r.error) {
        r.text = *signal_text(e) ? signal_text(e) : moult_strerror(e->code);
        r.text_len = strlen(r.text);
    }
    r.reason = e->flags & ENVELOPE_DEAD ? e->code : 0;
    r.reply = r.error || !e->out.len ? moult_in_over("\xf6", 1) : out_read(&e->out);
    response_forget(p, e->ref);
    return r;
}

void response_put(struct process *p, const struct envelope *e, moult_out *out)
{
    moult_response r = response_of(p, e);

    moult_put_map(out, 5);
    moult_put_text(out, "response");
    moult_put_uint(out, r.ref);
    moult_put_int_at(out, "error", r.error);
    moult_put_int_at(out, "reason", r.reason);
    moult_put_text_at(out, "text", utf8_valid(r.text, r.text_len) ? r.text : "");
    moult_put_text(out, "reply");
    moult_put_item(out, r.reply.at, (size_t)(r.reply.end - r.reply.at));
}

bool moult_match_response(const moult_in *message, moult_response *response)
{
    moult_in in = *message, ref, text;
    moult_response r = {0};

    if (moult_peek(&in) != MOULT_MAP || !moult_find(&in, "response", &ref))
        return false;
    r.ref = moult_get_uint(&ref);
    r.error = (int32_t)moult_int_at(&in, "error");
    r.reason = (int32_t)moult_int_at(&in, "reason");
    if (!moult_find(&in, "reply", &r.reply) || !moult_find(&in, "text", &text))
        return false;
    r.text = moult_get_text(&text, &r.text_len);
    if (in.error || ref.error || text.error)
        return false;
    *response = r;
    return true;
}

/* Send `e` (taken) to `to`, and remember that a reply may come. */
static int send_request(struct process *p, moult_pid to, struct envelope *e,
                        uint64_t *ref)
{
    uint64_t id = ++p->last_ref | SIGNAL_REF_ASYNC;
    int error = relation_put(p, RELATION_REQUESTS, id, 1);
    char text[80];

    if (error) {
        envelope_destroy(e);
        return process_fail(p, error, moult_strerror(error));
    }
    e->kind = ENVELOPE_CALL;
    e->from = process_pid(p);
    e->ref = id;
    error = process_send(p, to, e);
    if (error) {
        response_forget(p, id);
        return process_fail(p, error, process_refusal(to, error, text, sizeof(text)));
    }
    *ref = id;
    return 0;
}

int moult_send_request(moult_ctx *ctx, moult_pid to, moult_out *request, uint64_t *ref)
{
    struct process *p = process_of(ctx);
    struct envelope *e;
    int error = draft_take(p, request, &e);

    if (!error && moult_pid_equal(to, process_pid(p))) {
        envelope_destroy(e);
        error = -EDEADLK;
    }
    if (error)
        return process_fail(p, error, moult_strerror(error));
    return send_request(p, to, e, ref);
}

/* -- waiting for one -- */

/* The reply to `ref`, taken out of what has been received; or NULL. */
static struct envelope *take_reply(struct process *p, uint64_t ref)
{
    struct envelope *e = p->first, *before = NULL;

    while (e && !(e->kind == ENVELOPE_REPLY && e->ref == ref)) {
        before = e;
        e = e->next;
    }
    if (e)
        process_unqueue(p, e, before);
    return e;
}

static int wait_for(struct process *p, uint64_t ref, uint64_t timeout_ms)
{
    struct await a = {.ref = ref};

    if (!response_is_due(p, ref))
        return process_fail(p, -ENOENT, "no reply to that is to come");
    envelope_destroy(p->answer);
    p->answer = NULL;
    process_obey(p);
    a.reply = take_reply(p, ref);
    if (!a.reply && timeout_ms == 0) /* its time is over */
        return process_fail(p, -ETIMEDOUT, moult_strerror(-ETIMEDOUT));
    return process_answered(p, &a, timeout_ms);
}

static int wait_and_read(moult_ctx *ctx, uint64_t ref, uint64_t timeout_ms, bool keeps,
                         moult_in *reply)
{
    struct process *p = process_of(ctx);
    int error;

    if (timeout_ms == MOULT_NOW)
        timeout_ms = 0;
    else if (!timeout_ms)
        timeout_ms = MOULT_CALL_TIMEOUT_MS;
    error = wait_for(p, ref, timeout_ms);

    if (error != -ETIMEDOUT || !keeps)
        response_forget(p, ref);
    if (!error && reply)
        *reply = out_read(&p->answer->out);
    return error;
}

int moult_receive_response(moult_ctx *ctx, uint64_t ref, uint64_t timeout_ms,
                           moult_in *reply)
{
    return wait_and_read(ctx, ref, timeout_ms, false, reply);
}

int moult_wait_response(moult_ctx *ctx, uint64_t ref, uint64_t timeout_ms,
                        moult_in *reply)
{
    return wait_and_read(ctx, ref, timeout_ms, true, reply);
}

/* -- several at once -- */

static void ask_each(moult_ctx *ctx, moult_answer *answers, size_t count,
                     const moult_out *request)
{
    for (size_t i = 0; i < count; i++) {
        moult_out *copy = moult_draft(ctx);

        moult_put_item(copy, request->bytes, request->len);
        answers[i].ref = 0;
        answers[i].error =
            moult_send_request(ctx, answers[i].to, copy, &answers[i].ref);
    }
}

/* The last call's answer, lent until the callback is over, as a draft is. */
static moult_in lend_answer(struct process *p)
{
    struct envelope *e = p->answer;

    p->answer = NULL;
    e->kind = ENVELOPE_CAST;
    e->flags = 0;
    e->next = p->drafts;
    p->drafts = e;
    p->ctx.heap.queued += sizeof(*e);
    return out_read(&e->out);
}

static uint64_t now_ms(void)
{
    return clock_ns() / 1000000u;
}

/* How long until `end_ms`; at least so long that what has come is seen. */
static uint64_t left_ms(uint64_t end_ms)
{
    uint64_t now = now_ms();

    if (end_ms == MOULT_INFINITY)
        return end_ms;
    return end_ms > now ? end_ms - now : 0;
}

int moult_multi_call(moult_ctx *ctx, moult_answer *answers, size_t count,
                     moult_out *request, uint64_t timeout_ms)
{
    struct process *p = process_of(ctx);
    uint64_t now = now_ms(), end_ms;
    int good = 0;

    timeout_ms = timeout_ms ? timeout_ms : MOULT_CALL_TIMEOUT_MS;
    end_ms = timeout_ms < MOULT_INFINITY - now ? now + timeout_ms : MOULT_INFINITY;
    if (!request->len)
        moult_put_null(request);
    ask_each(ctx, answers, count, request);
    draft_drop(p, request);
    for (size_t i = 0; i < count; i++) {
        if (answers[i].error)
            continue;
        answers[i].error = wait_for(p, answers[i].ref, left_ms(end_ms));
        response_forget(p, answers[i].ref);
        if (!answers[i].error)
            answers[i].reply = lend_answer(p);
        good += answers[i].error == 0;
    }
    return good;
}
