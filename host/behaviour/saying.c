/* SPDX-License-Identifier: Apache-2.0 */
#include "saying.h"

#include <stdarg.h>
#include <stdio.h>

#include "barrier.h"
#include "event.h"
#include "message.h"
#include "server.h"
#include "serving.h"
#include "signals.h"

/*
 * Kept among its drafts, which go when the callback is over: few servers say anything,
 * and those that don't need no room for it.  By kind: plain drafts are casts.
 */
#define SAID         ENVELOPE_REPLY
#define CONTINUATION ENVELOPE_INFO

/* Where what was kept as `kind` is linked, or the end of the list. */
static struct envelope **kept(struct process *p, enum envelope_kind kind)
{
    struct envelope **link = &p->drafts;

    while (*link && ((*link)->kind != kind || (*link)->flags & ENVELOPE_RECEIVED))
        link = &(*link)->next;
    return link;
}

/* The same, taken off the list; or NULL. */
static struct envelope *take_kept(struct process *p, enum envelope_kind kind)
{
    struct envelope **link = kept(p, kind), *e = *link;

    if (e) {
        *link = e->next;
        p->ctx.heap.queued -= sizeof(*e);
    }
    return e;
}

/* Why it refused or stopped, in its words; NULL if it said nothing. */
const char *server_said(struct process *p)
{
    struct envelope *e = *kept(p, SAID);

    return e ? signal_text(e) : NULL;
}

static moult_next say(moult_ctx *ctx, moult_next next, const char *format, va_list args)
{
    struct process *p = process_of(ctx);
    struct envelope *e = envelope_create(SAID);
    char text[1024];

    vsnprintf(text, sizeof(text), format, args);
    envelope_destroy(take_kept(p, SAID));
    if (e) {
        signal_set_text(e, text);
        draft_keep(p, e);
    }
    return next;
}

struct envelope *saying_continuation(struct process *p)
{
    struct envelope *e = *kept(p, CONTINUATION);

    if (e)
        e->kind = ENVELOPE_CAST; /* the next that it says is another */
    return e;
}

moult_next moult_refuse(moult_ctx *ctx, int error, const char *format, ...)
{
    moult_next next = {MOULT_NEXT_REFUSE, error < 0 ? error : -EINVAL, 0};
    va_list args;

    va_start(args, format);
    next = say(ctx, next, format, args);
    va_end(args);
    return next;
}

moult_next moult_stop_because(moult_ctx *ctx, int32_t reason, const char *format, ...)
{
    moult_next next = {MOULT_NEXT_STOP, reason, 0};
    va_list args;

    va_start(args, format);
    next = say(ctx, next, format, args);
    va_end(args);
    return next;
}

moult_out *moult_continuation(moult_ctx *ctx)
{
    struct process *p = process_of(ctx);
    struct envelope *e = *kept(p, CONTINUATION);

    if (e)
        return &e->out;
    e = envelope_create(CONTINUATION);
    if (!e) {
        process_exit(p, -ENOMEM, "no memory for what it continues with");
        return moult_draft(ctx);
    }
    draft_keep(p, e);
    return &e->out;
}

void moult_trap_exit(moult_ctx *ctx, bool on)
{
    struct process *p = process_of(ctx);

    p->flags = (uint8_t)(on ? p->flags | PROCESS_TRAPS : p->flags & ~PROCESS_TRAPS);
}
