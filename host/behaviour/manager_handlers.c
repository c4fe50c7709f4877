/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "manager.h"
#include "serving.h"
#include "signals.h"

static struct handlers *all_of(const struct process *p)
{
    return ((struct server *)p->data)->state;
}

struct handler *handler_find(const struct handlers *all, const char *name)
{
    struct handler *h = all->first;

    while (h && strcmp(h->name, name) != 0)
        h = h->next;
    return h;
}

static void unlist(struct handlers *all, struct handler *h)
{
    struct handler **link = &all->first;

    while (*link && *link != h)
        link = &(*link)->next;
    if (*link)
        *link = h->next;
    h->listed = false;
}

void handler_works(struct process *p, struct handler *h)
{
    all_of(p)->at_work = h;
    p->ctx.heap.part = h->part;
    process_count_handled(p);
}

void handler_rests(struct process *p)
{
    all_of(p)->at_work = NULL;
    p->ctx.heap.part = 0;
}

/* -- who is to know -- */

static bool owns_another(const struct handlers *all, const struct handler *h)
{
    const struct handler *other = all->first;

    while (other && (other == h || !moult_pid_equal(other->owner, h->owner)))
        other = other->next;
    return other != NULL;
}

/* The owner of `h`, which is on no list any more, is told, and let go. */
static void tell_owner(struct process *p, const struct handler *h,
                       const struct leaving *l)
{
    struct envelope *e = envelope_create(ENVELOPE_INFO);
    int32_t reason = l->why.reason;

    if (l->why.how == MOULT_REMOVED_MANAGER)
        reason = MOULT_SHUTDOWN;
    if (e) {
        moult_put_map(&e->out, 5);
        moult_put_text_at(&e->out, "handler_gone", h->name);
        moult_put_text(&e->out, "manager");
        moult_put_pid(&e->out, process_pid(p));
        moult_put_int_at(&e->out, "reason", reason);
        moult_put_text_at(&e->out, "swapped", l->swapped ? l->swapped : "");
        moult_put_text_at(&e->out, "text", l->text ? l->text : "");
        process_send(p, h->owner, e);
    }
    if (!owns_another(all_of(p), h))
        signal_unlink(p, h->owner);
}

static void tell(struct process *p, const struct handler *h, const struct leaving *l)
{
    const struct server *s = p->data;

    if (l->why.how == MOULT_REMOVED_FAILURE)
        event_emit(EVENT_ERROR, "handler.failed", "{s:s, s:s, s:s, s:s}", "app",
                   s->code->app, "server", s->id, "handler", h->name, "reason",
                   l->text && l->text[0] ? l->text : moult_strerror(l->why.reason));
    if (h->owner.bits && l->why.how != MOULT_REMOVED_OWNER)
        tell_owner(p, h, l);
}

/* -- going -- */

const moult_out *handler_remove(struct process *p, struct handler *h,
                                const struct leaving *l)
{
    moult_out *result = moult_draft(&p->ctx);
    moult_in nothing = moult_in_over("\xf6", 1);
    moult_removal why = l->why;

    if (h->listed)
        unlist(all_of(p), h);
    tell(p, h, l);
    if (!why.args)
        why.args = &nothing;
    if (h->began && h->kind->handler.terminate) {
        handler_works(p, h);
        h->kind->handler.terminate(&p->ctx, h->state, &why, result);
        handler_rests(p);
    }
    handler_free(&p->ctx, h);
    return result;
}

void handler_forget(struct process *p, struct handler *h, int32_t reason,
                    const char *text)
{
    struct leaving l = {.why = {.how = MOULT_REMOVED_FAILURE, .reason = reason},
                        .text = text};

    handler_rests(p);
    if (h->listed) {
        unlist(all_of(p), h);
        tell(p, h, &l);
    }
    handler_free(&p->ctx, h);
}

/* -- coming -- */

/* What init returned. */
static int judge(struct process *p, moult_next next, struct fault *why)
{
    const char *said = server_said(p);
    int32_t verdict = next.verdict & ~MOULT_NEXT_HIBERNATE;
    int error = next.reason < 0 ? next.reason : -ECANCELED;

    if (verdict == MOULT_NEXT_NOREPLY)
        return 0;
    if (verdict != MOULT_NEXT_STOP && verdict != MOULT_NEXT_REFUSE)
        return fault(why, -EPROTO, "init returned a value that it may not return");
    return fault(why, error, "%s", said ? said : moult_strerror(error));
}

int handler_begin(struct process *p, struct handler *h, moult_in *args,
                  moult_in *swapped, struct fault *why)
{
    moult_in own = *args;
    int error = 0;

    if (h->kind->handler.init) {
        handler_works(p, h);
        error = judge(p, h->kind->handler.init(&p->ctx, h->state, &own, swapped), why);
        handler_rests(p);
    }
    h->began = !error;
    return error;
}

int handler_add(struct process *p, const struct adding *a, struct fault *why)
{
    struct server *s = p->data;
    struct handlers *all = s->state;
    const struct code *kind = manager_kind(s->code, a->name);
    moult_in args = a->args;
    struct handler *h;
    int error;

    if (!kind)
        return fault(why, -ENOENT, "there is no kind of handlers for '%s'", a->name);
    h = handler_create(&p->ctx, all, kind, a->name, why);
    if (!h)
        return why->error;
    error = handler_begin(p, h, &args, a->swapped, why);
    if (!error && a->owner.bits && signal_link(p, a->owner) < 0)
        error = fault(why, -ENOMEM, "no memory for a link");
    if (error) {
        handler_free(&p->ctx, h);
        return error;
    }
    h->owner = a->owner;
    h->listed = true;
    h->next = all->first;
    all->first = h;
    return 0;
}
