/* SPDX-License-Identifier: Apache-2.0 */
#include "statem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debt.h"
#include "event.h"
#include "send_timer.h"
#include "server_show.h"
#include "serving.h"
#include "signals.h"

int statem_create(struct server *s, struct fault *why)
{
    struct statem *m = calloc(1, sizeof(*m));

    if (!m)
        return fault(why, -ENOMEM, "no memory for a state machine");
    timeouts_init(&m->timeouts);
    timeouts_init(&m->asked);
    s->machine = m;
    return 0;
}

void statem_put_status(const struct statem *m, moult_out *out)
{
    moult_put_int_at(out, "postponed", m->postponed.count);
    moult_put_text(out, "timeouts");
    timeouts_show(&m->timeouts, out);
}

static char *state_of(const struct server *s)
{
    return (char *)s->state + s->code->state_field->offset;
}

static void set_state(const struct server *s, const char *name)
{
    memcpy(state_of(s), name, strlen(name) + 1); /* it fits: moult_next_state() */
}

static moult_on_event *callback_of(const struct server *s)
{
    const moult_statem_state *state = statem_find(s->code, state_of(s));

    return state && state->handle ? state->handle : s->code->statem.handle_event;
}

/* -- what a callback returned -- */

#define ALLOWED (MOULT_NEXT_VERDICT | MOULT_NEXT_STATEM | MOULT_NEXT_HIBERNATE)

/* Why `next`, returned for `event` (NULL: by init), can't be; NULL if it can. */
static const char *objection(const struct server *s, const moult_event *event,
                             moult_next next)
{
    const struct statem *m = s->machine;
    int32_t verdict = next.verdict & MOULT_NEXT_VERDICT;
    bool enters = event && event->type == MOULT_EVENT_ENTER;

    if (next.verdict & ~ALLOWED)
        return "a callback returned a value that it may not return";
    if ((verdict == MOULT_NEXT_REPLY || verdict == MOULT_NEXT_STOP_REPLY ||
         verdict == MOULT_NEXT_REFUSE) &&
        event && !event->from)
        return "a callback replies to an event that is no call";
    if (next.verdict & MOULT_NEXT_POSTPONE &&
        (!event || enters || verdict == MOULT_NEXT_REFUSE))
        return "a callback postpones what can't be postponed";
    if (enters && next.verdict & MOULT_NEXT_STATE && strcmp(m->next, event->state) != 0)
        return "an enter goes to another state";
    return NULL;
}

static bool is_stop(moult_next next)
{
    int32_t verdict = next.verdict & MOULT_NEXT_VERDICT;

    return verdict == MOULT_NEXT_STOP || verdict == MOULT_NEXT_STOP_REPLY;
}

static bool is_known(moult_next next)
{
    int32_t verdict = next.verdict & MOULT_NEXT_VERDICT;

    return verdict <= MOULT_NEXT_STOP_REPLY;
}

/* Stop if `next` says so, or can't be, or an action failed.  True if it goes on. */
static bool goes_on(struct process *p, struct server *s, const moult_event *event,
                    moult_next next)
{
    const char *why = is_known(next)
                          ? objection(s, event, next)
                          : "a callback returned a value that it may not return";

    if (!s->machine->error && !why && !is_stop(next))
        return true;
    if (s->machine->error || (!why && is_stop(next)))
        server_stop(p, s, s->machine->error ? s->machine->error : next.reason,
                    server_said(p));
    else
        server_stop(p, s, -EPROTO, why);
    return false;
}

moult_next statem_begun(struct moult_ctx *ctx, struct server *s, moult_next next)
{
    const char *why = NULL;

    if (s->machine->error) {
        next.verdict = MOULT_NEXT_STOP;
        next.reason = s->machine->error;
    } else if ((next.verdict & MOULT_NEXT_VERDICT) == MOULT_NEXT_NOREPLY) {
        why = objection(s, NULL, next);
        if (why)
            next = moult_stop_because(ctx, -EPROTO, "%s", why);
        else if (next.verdict & MOULT_NEXT_STATE)
            set_state(s, s->machine->next);
    }
    return next;
}

/* -- answers -- */

/* Its caller waits for this process; else it was answered, or `from` says for whom. */
static bool is_owed(const struct process *p)
{
    return p->current->kind == ENVELOPE_CALL;
}

static void refuse(struct process *p, const moult_event *event, moult_next next)
{
    if (is_owed(p))
        process_refuse(p, next.reason, server_said(p));
    else if (p->current->code & STATEM_PREFIXED)
        moult_refuse_to(&p->ctx, event->from, next.reason, server_said(p));
}

/* `reply` is taken. */
static void reply_to(struct process *p, const moult_event *event,
                     struct envelope *reply, moult_next next)
{
    if (next.verdict & MOULT_NEXT_STATEM || server_of(p)->machine->inserted.first)
        next.verdict |= MOULT_NEXT_CONTINUE; /* there is more to do in this turn */
    if (is_owed(p))
        server_reply(p, reply, event->content, next);
    else if (p->current->code & STATEM_PREFIXED)
        moult_reply_to(&p->ctx, event->from, &reply->out);
    else
        draft_drop(p, &reply->out);
}

/* Answer as `next` says; the reply of `event`, if it has one, is taken. */
static void answer(struct process *p, struct server *s, const moult_event *event,
                   moult_next next)
{
    struct envelope *reply = event->reply ? envelope_of(event->reply) : NULL;
    int32_t verdict = next.verdict & MOULT_NEXT_VERDICT;

    if (reply && (verdict == MOULT_NEXT_REPLY || verdict == MOULT_NEXT_STOP_REPLY)) {
        reply_to(p, event, reply, next);
        return;
    }
    if (reply)
        draft_drop(p, &reply->out);
    if (verdict == MOULT_NEXT_REFUSE)
        refuse(p, event, next);
}

/* -- postponing -- */

static void drop_postponed(struct process *p, struct server *s)
{
    event_emit(EVENT_WARN, "statem.overflow", "{s:s, s:s, s:s, s:i}", "server", s->id,
               "app", s->code->app, "state", state_of(s), "postponed",
               (int)s->machine->postponed.count);
    if (is_owed(p))
        process_refuse(p, -EAGAIN, "it has postponed too many events");
}

/* The event at hand is handled, and perhaps not for the last time. */
static void keep_current(struct process *p, struct server *s, moult_next next)
{
    struct envelope *e = p->current;

    if (next.verdict & MOULT_NEXT_POSTPONE) {
        if (s->machine->postponed.count >=
            atomic_load_explicit(&p->limit, memory_order_relaxed)) {
            drop_postponed(p, s);
            return;
        }
        event_queue_push(&s->machine->postponed, p, e);
        p->current = NULL;
    } else if (e && is_owed(p)) {
        int error = debt_add(p, e);

        if (error)
            process_refuse(p, error, debt_problem(error));
        p->current = NULL;
    }
}

/* -- transitions -- */

/* The state was entered from `old_state`; again and again if it says so. */
static bool enter(struct process *p, struct server *s, const char *old_state)
{
    moult_in nothing = moult_in_over("\xf6", 1);
    moult_event event = {.type = MOULT_EVENT_ENTER,
                         .state = state_of(s),
                         .old_state = old_state,
                         .content = &nothing};
    bool stays;
    moult_next next;

    s->machine->enters = true;
    do {
        next = callback_of(s)(&p->ctx, s->state, &event);
        event.old_state = event.state;
        stays = goes_on(p, s, &event, next);
    } while (stays && next.verdict & MOULT_NEXT_REPEAT);
    s->machine->enters = false;
    return stays;
}

/* From the state it is in to where `next`, returned by a callback that goes on, says. */
static void go(struct process *p, struct server *s, moult_next next)
{
    struct statem *m = s->machine;
    bool changes = next.verdict & MOULT_NEXT_STATE && strcmp(m->next, state_of(s)) != 0;

    if (changes) {
        memcpy(m->old, state_of(s), s->code->state_field->size);
        set_state(s, m->next);
    }
    if (s->code->statem.state_enter && (changes || next.verdict & MOULT_NEXT_REPEAT) &&
        !enter(p, s, changes ? m->old : state_of(s)))
        return;
    if (changes) {
        timeouts_stop(p, m, MOULT_EVENT_STATE_TIMEOUT);
        event_queue_prepend(&m->queue, &m->postponed);
    }
    event_queue_prepend(&m->queue, &m->inserted);
    if (timeouts_start(p, m) < 0)
        server_stop(p, s, -ENOMEM, "no memory for a timeout");
}

/* -- one event -- */

static int32_t type_of(const struct envelope *e)
{
    return e->code & ~STATEM_PREFIXED;
}

/* What comes before the content, which `event->content` is moved to. */
static void read_prefix(const struct envelope *e, moult_event *event, moult_from *from)
{
    size_t len;

    if (!(e->code & STATEM_PREFIXED))
        return;
    if (event->type == MOULT_EVENT_CALL)
        *from = moult_get_from(event->content);
    else
        event->name = moult_get_bytes(event->content, &len);
}

/* Handle the event that is current. */
static void handle_event(struct process *p, struct server *s)
{
    struct envelope *e = p->current, *reply = NULL;
    moult_from from = {e->from, process_pid(p), e->ref};
    moult_in content = out_read(&e->out);
    moult_event event = {.type = type_of(e), .state = state_of(s), .content = &content};
    moult_next next;

    timeouts_stop(p, s->machine, MOULT_EVENT_TIMEOUT);
    read_prefix(e, &event, &from);
    if (event.type == MOULT_EVENT_CALL) {
        reply = reply_draft(p);
        if (!reply) {
            if (is_owed(p))
                process_refuse(p, -ENOMEM, "no memory for the reply");
            return;
        }
        event.from = &from;
        event.reply = &reply->out;
    }
    next = callback_of(s)(&p->ctx, s->state, &event);
    if (!s->machine->error && is_known(next) && !objection(s, &event, next))
        answer(p, s, &event, next);
    if (!goes_on(p, s, &event, next))
        return;
    keep_current(p, s, next);
    go(p, s, next);
}

/* -- the process -- */

static void handle_start(struct process *p, struct server *s)
{
    moult_next next;

    if (!server_begin(p, s, &next))
        return;
    next.verdict = MOULT_NEXT_REPEAT; /* the first state is entered from itself */
    go(p, s, next);
}

static void handle_message(struct process *p, struct server *s, int32_t type)
{
    p->current->code = type;
    handle_event(p, s);
}

/* A timer has fired; what it stands for may have been cancelled since. */
static void handle_timeout(struct process *p, struct server *s)
{
    struct envelope *event = timeouts_due(p, s->machine, p->current->ref);

    if (!event)
        return;
    envelope_destroy(p->current);
    p->current = event;
    handle_event(p, s);
}

/* Another has ended: with its parent it ends, of the rest it is told. */
static void handle_end(struct process *p, struct server *s)
{
    if (p->current->kind == ENVELOPE_EXIT &&
        moult_pid_equal(p->current->from, p->parent))
        server_stop(p, s, p->current->code, signal_text(p->current));
    else if (server_news(p, s))
        handle_message(p, s, MOULT_EVENT_INFO);
}

static void dispatch(struct process *p, struct server *s)
{
    switch (p->current->kind) {
    case ENVELOPE_CALL:
        handle_message(p, s, MOULT_EVENT_CALL);
        return;
    case ENVELOPE_CAST:
        handle_message(p, s, MOULT_EVENT_CAST);
        return;
    case ENVELOPE_INFO:
        handle_message(p, s, MOULT_EVENT_INFO);
        return;
    case ENVELOPE_SYSTEM:
        server_system(p, s);
        return;
    case ENVELOPE_START:
        handle_start(p, s);
        return;
    case ENVELOPE_EXIT:
    case ENVELOPE_DOWN:
    case ENVELOPE_RESULT:
    case ENVELOPE_REPLY:
        handle_end(p, s);
        return;
    case ENVELOPE_IDLE:
        handle_timeout(p, s);
        return;
    default:
        return;
    }
}

/* The next event that is queued, or that timed out after 0 ms, becomes current. */
static bool take_queued(struct process *p, struct statem *m)
{
    p->current = event_queue_pop(&m->queue, p);
    if (!p->current && m->timeouts.first)
        p->current = timeouts_due(p, m, 0);
    return p->current != NULL;
}

static void handle(struct process *p, struct envelope *e)
{
    struct server *s = p->data;

    p->current = e;
    if (e->flags & ENVELOPE_TIMED)
        send_timer_received(p, e->ref);
    dispatch(p, s);
    server_over(p);
    while (!(p->flags & PROCESS_EXITING) && take_queued(p, s->machine)) {
        process_breathe(p);
        process_count_handled(p);
        handle_event(p, s);
        server_over(p);
    }
}

static void ended(struct process *p)
{
    struct server *s = p->data;
    struct statem *m = s->machine;

    if (m) {
        event_queue_finish(&m->queue, p);
        event_queue_finish(&m->postponed, p);
        event_queue_finish(&m->inserted, p);
        timeouts_finish(p, &m->timeouts);
        timeouts_finish(p, &m->asked);
        free(m);
    }
    server_ended(p);
}

const struct process_class statem_class = {.name = "statem",
                                           .handle = handle,
                                           .ended = ended,
                                           .whose = server_whose,
                                           .show = server_show_message,
                                           .outlives = server_outlives,
                                           .label_at = offsetof(struct server, id)};
