/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statem_events - the actions of abi/moult/statem.h, and the queues they fill.
 */
#include <string.h>

#include "message.h"
#include "statem.h"

/* -- queues -- */

static uint64_t charge_of(const struct envelope *e)
{
    return sizeof(*e) + envelope_outside(e);
}

void event_queue_push(struct event_queue *q, struct process *p, struct envelope *e)
{
    e->next = NULL;
    if (q->last)
        q->last->next = e;
    else
        q->first = e;
    q->last = e;
    q->count++;
    p->ctx.heap.queued += charge_of(e);
}

struct envelope *event_queue_pop(struct event_queue *q, struct process *p)
{
    struct envelope *e = q->first;

    if (!e)
        return NULL;
    q->first = e->next;
    if (!q->first)
        q->last = NULL;
    q->count--;
    e->next = NULL;
    p->ctx.heap.queued -= charge_of(e);
    return e;
}

void event_queue_prepend(struct event_queue *q, struct event_queue *front)
{
    if (!front->first)
        return;
    front->last->next = q->first;
    q->first = front->first;
    if (!q->last)
        q->last = front->last;
    q->count += front->count;
    *front = (struct event_queue){0};
}

void event_queue_finish(struct event_queue *q, struct process *p)
{
    struct envelope *e;

    while ((e = event_queue_pop(q, p)))
        process_answer_dead(e, process_pid(p), p->reason, process_reason_text(p));
}

/* -- actions -- */

static struct statem *machine_of(moult_ctx *ctx)
{
    struct server *s = server_of(process_of(ctx));

    return s ? server_machine(s) : NULL;
}

/* An action can't be done: the server is to end, and this is why. */
static int fail(moult_ctx *ctx, struct statem *m, int error, const char *what)
{
    moult_stop_because(ctx, error, "%s: %s", what, moult_strerror(error));
    m->error = error;
    return error;
}

/* `content` (taken, or NULL) as an event. */
static int take_content(moult_ctx *ctx, moult_out *content, struct envelope **e)
{
    return draft_take(process_of(ctx), content ? content : moult_draft(ctx), e);
}

/* Put a name or a `from` before the content of `*e`, which is replaced. */
static int prefix(struct envelope **e, const char *name, const moult_from *from)
{
    struct envelope *whole = envelope_create(ENVELOPE_CAST), *content = *e;
    int error = -ENOMEM;

    if (whole) {
        if (from)
            moult_put_from(&whole->out, from);
        else
            moult_put_bytes(&whole->out, name, strlen(name) + 1);
        moult_put_item(&whole->out, content->out.bytes, content->out.len);
        error = whole->out.error;
    }
    envelope_destroy(content);
    *e = whole;
    if (!error)
        return 0;
    envelope_destroy(whole);
    return error;
}

static int make_event(moult_ctx *ctx, int32_t type, const char *name,
                      const moult_from *from, moult_out *content, struct envelope **e)
{
    bool prefixed = name || from;
    int error = take_content(ctx, content, e);

    if (!error && prefixed)
        error = prefix(e, name, from);
    if (error)
        return error;
    (*e)->kind = ENVELOPE_CAST;
    (*e)->code = type | (prefixed ? STATEM_PREFIXED : 0);
    return 0;
}

int moult_next_event(moult_ctx *ctx, int32_t type, const moult_from *from,
                     moult_out *content)
{
    struct statem *m = machine_of(ctx);
    struct envelope *e;
    int error;

    if (!m)
        return -ENOTSUP;
    if (m->enters)
        return fail(ctx, m, -EPROTO, "an enter inserts events");
    if (type < MOULT_EVENT_CALL || type > MOULT_EVENT_INTERNAL ||
        (type == MOULT_EVENT_CALL) != (from != NULL))
        return fail(ctx, m, -EINVAL, "an event that can't be was inserted");
    error = make_event(ctx, type, NULL, from, content, &e);
    if (error)
        return fail(ctx, m, error, "an event can't be inserted");
    event_queue_push(&m->inserted, process_of(ctx), e);
    return 0;
}

static int ask(moult_ctx *ctx, int32_t type, const char *name, uint64_t ms,
               moult_out *content, bool update)
{
    struct statem *m = machine_of(ctx);
    struct envelope *e = NULL;
    int error;

    if (!m)
        return -ENOTSUP;
    if (type == MOULT_EVENT_GENERIC_TIMEOUT
            ? !name || strlen(name) >= MOULT_STATE_NAME_MAX
            : name ||
                  (type != MOULT_EVENT_TIMEOUT && type != MOULT_EVENT_STATE_TIMEOUT))
        return fail(ctx, m, -EINVAL, "a timeout of no such type and name");
    error = make_event(ctx, type, name, NULL, content, &e);
    if (!error)
        error = timeouts_ask(process_of(ctx), type, name ? name : "", ms, update, e);
    return error ? fail(ctx, m, error, "a timeout can't be set") : 0;
}

int moult_event_timeout(moult_ctx *ctx, uint64_t ms, moult_out *content)
{
    return ask(ctx, MOULT_EVENT_TIMEOUT, NULL, ms, content, false);
}

int moult_state_timeout(moult_ctx *ctx, uint64_t ms, moult_out *content)
{
    return ask(ctx, MOULT_EVENT_STATE_TIMEOUT, NULL, ms, content, false);
}

int moult_generic_timeout(moult_ctx *ctx, const char *name, uint64_t ms,
                          moult_out *content)
{
    return ask(ctx, MOULT_EVENT_GENERIC_TIMEOUT, name, ms, content, false);
}

int moult_update_timeout(moult_ctx *ctx, int32_t type, const char *name,
                         moult_out *content)
{
    return ask(ctx, type, name, 0, content, true);
}

moult_next moult_next_state(moult_ctx *ctx, const char *state)
{
    moult_next next = {MOULT_NEXT_STATE, 0, 0};
    struct server *s = server_of(process_of(ctx));
    struct statem *m = s ? server_machine(s) : NULL;
    size_t len = strlen(state);

    if (!m)
        return next; /* which a server may not return */
    if (len == 0 || len >= s->code->state_field->size ||
        (s->code->statem.states && !statem_find(s->code, state))) {
        m->error = -EINVAL;
        return moult_stop_because(ctx, -EINVAL, "it has no state '%s' to go to", state);
    }
    memcpy(m->next, state, len + 1);
    return next;
}
