/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receive - take messages out of the mailbox by what they are; see abi/moult/spawn.h.
 */
#include <string.h>

#include "message.h"
#include "plain.h"
#include "receive.h"
#include "send_timer.h"
#include "signals.h"

struct seeking {
    struct await await;
    receive_wanted *wanted;
    void *context;
    struct envelope *looked_at; /* the last that was; all before were not wanted */
    struct envelope *found;
};

/* Take `e`, behind `before`, out; where the search goes on. */
static struct envelope *take(struct process *p, struct seeking *s, struct envelope *e)
{
    struct envelope *next = e->next;

    process_unqueue(p, e, s->looked_at);
    if (e->flags & ENVELOPE_TIMED)
        send_timer_received(p, e->ref);
    return next;
}

/* A plain process has no state to tell, and nobody else who would say so. */
static void refuse_system(struct process *p, struct envelope *e)
{
    moult_pid caller = e->from;

    envelope_reset(e, ENVELOPE_REPLY);
    e->flags = ENVELOPE_ERROR;
    e->code = -ENOTSUP;
    signal_set_text(e, "it is no server: it has no state, and no children");
    process_send(p, caller, e);
}

static bool seek(struct process *p, moult_pid nobody)
{
    struct seeking *s = (struct seeking *)p->await;
    struct envelope *e = s->looked_at ? s->looked_at->next : p->first, *next;

    for (; e; e = next) {
        next = e->next;
        if (e->kind == ENVELOPE_SYSTEM && plain_of(p)) {
            take(p, s, e);
            refuse_system(p, e);
        } else if (s->wanted(p, e, s->context)) {
            take(p, s, e);
            s->found = e;
            return true;
        } else {
            s->looked_at = e;
        }
    }
    return false;
}

int receive(struct process *p, receive_wanted *wanted, void *context,
            uint64_t timeout_ms, struct envelope **found)
{
    struct seeking s = {
        .await = {.messages = true}, .wanted = wanted, .context = context};
    int error = 0;

    process_count_handled(p);
    process_breathe(p);
    process_obey(p);
    p->await = &s.await;
    if (!seek(p, (moult_pid){0})) {
        p->await = NULL;
        error =
            timeout_ms ? process_await_done(p, &s.await, seek, timeout_ms) : -ETIMEDOUT;
    }
    p->await = NULL;
    *found = s.found;
    return error;
}

/* -- the ABI's -- */

static int kind_of(const struct process *p, const struct envelope *e)
{
    switch (e->kind) {
    case ENVELOPE_INFO:
        return MOULT_GOT_INFO;
    case ENVELOPE_CAST:
        return MOULT_GOT_CAST;
    case ENVELOPE_CALL:
        return MOULT_GOT_CALL;
    case ENVELOPE_DOWN:
        return MOULT_GOT_DOWN;
    case ENVELOPE_RESULT:
        return MOULT_GOT_RESULT;
    case ENVELOPE_EXIT: /* a server's own supervisor is none of its messages */
        return plain_of(p) || !moult_pid_equal(e->from, p->parent) ? MOULT_GOT_EXIT
                                                                   : -1;
    default:
        return -1;
    }
}

static bool describe(const struct process *p, const struct envelope *e,
                     moult_message *m)
{
    const char *text;

    *m = (moult_message){.kind = kind_of(p, e), .sender = e->from};
    if (m->kind < 0)
        return false;
    if (m->kind != MOULT_GOT_DOWN && m->kind != MOULT_GOT_EXIT) {
        m->in = out_read(&e->out);
        if (m->kind == MOULT_GOT_CALL)
            m->from = (moult_from){e->from, process_pid(p), e->ref};
        if (m->kind == MOULT_GOT_RESULT)
            m->ref = e->ref;
        return true;
    }
    text = signal_text(e);
    m->in = moult_in_over("\xf6", 1);
    m->ref = m->kind == MOULT_GOT_DOWN ? e->ref : 0;
    m->ended = (moult_ended){m->ref, e->from, e->code, text, strlen(text)};
    return true;
}

struct filtering {
    moult_filter *filter;
    void *context;
    moult_message *message;
};

static bool is_wanted(struct process *p, struct envelope *e, void *context)
{
    struct filtering *f = context;

    return describe(p, e, f->message) &&
           (!f->filter || f->filter(f->message, f->context));
}

int moult_receive(moult_ctx *ctx, moult_filter *filter, void *context,
                  uint64_t timeout_ms, moult_message *message)
{
    struct process *p = process_of(ctx);
    moult_message found = {0};
    struct filtering f = {filter, context, &found};
    struct envelope *e;
    int error;

    received_forget(p);
    error = receive(p, is_wanted, &f, timeout_ms, &e);
    if (error)
        return error;
    received_keep(p, e);
    *message = found;
    return 0;
}

void received_keep(struct process *p, struct envelope *e)
{
    e->flags |= ENVELOPE_RECEIVED;
    draft_keep(p, e);
    if (plain_of(p))
        p->current = e; /* what it does now is as urgent as this */
    atomic_store_explicit(&p->memory, (uint32_t)p->ctx.heap.used, memory_order_relaxed);
}

void received_forget(struct process *p)
{
    struct plain *s = plain_of(p);

    if (s)
        p->current = s->args;
    received_drop(p);
}

int moult_sleep(moult_ctx *ctx, uint64_t ms)
{
    struct process *p = process_of(ctx);
    struct await a = {0};
    int error;

    if (ms == 0) {
        process_take_breath(p);
        return 0;
    }
    error = process_await(p, &a, ms);
    return error == -ETIMEDOUT ? 0 : error;
}
