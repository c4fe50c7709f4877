/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debt.h"
#include "event.h"
#include "manager.h"
#include "message.h"
#include "response.h"
#include "returned.h"
#include "saying.h"
#include "send_timer.h"
#include "server_show.h"
#include "serving.h"
#include "signals.h"
#include "sys.h"
#include "telling.h"
#include "utf8.h"

/* -- one callback -- */

/* Once, and only if it has started. */
static void terminate(struct process *p, struct server *s, int32_t reason,
                      const char *text)
{
    if (!(s->flags & SERVER_STARTED))
        return;
    server_report(p, reason, text); /* first: what is in the state is let go of now */
    if (s->code->server.terminate)
        s->code->server.terminate(&p->ctx, s->state, reason);
    if (s->code->server.manager)
        manager_end(p, s->state, reason);
    s->flags &= (uint8_t)~SERVER_STARTED;
}

void server_stop(struct process *p, struct server *s, int32_t reason, const char *text)
{
    terminate(p, s, reason, text);
    process_exit(p, reason, text);
}

static void start_idle(struct process *p, struct server *s, uint64_t ms)
{
    struct envelope *e = ms == MOULT_INFINITY ? NULL : envelope_create(ENVELOPE_IDLE);

    if (ms == MOULT_INFINITY)
        return;
    if (!e || ms) {
        s->idle = e ? send_timer_start(p, process_pid(p), ms, e) : 0;
        if (!s->idle)
            server_stop(p, s, -ENOMEM, "no memory for its timeout");
        return;
    }
    e->flags = ENVELOPE_TIMED;
    e->ref = s->idle =
        process_ref(); /* comes behind all that waits, and so after none */
    process_send(p, process_pid(p), e);
}

/* Who is only looked at begins its wait anew; suspended it does not wait.  As in OTP. */
static void wait_anew(struct process *p, struct server *s)
{
    bool is_held = s->flags & SERVER_IDLE_HELD;
    uint64_t ms = is_held ? s->idle : send_timer_delay(p, s->idle);

    if (!s->idle || ms == MOULT_INFINITY || p->flags & PROCESS_EXITING)
        return;
    if (!is_held)
        send_timer_cancel(p, s->idle);
    s->flags &= (uint8_t)~SERVER_IDLE_HELD;
    if (sys_is_suspended(p)) {
        s->flags |= SERVER_IDLE_HELD;
        s->idle = ms;
    } else {
        start_idle(p, s, ms);
    }
}

static moult_next continued(struct process *p, struct server *s)
{
    struct envelope *term = saying_continuation(p);
    moult_in in =
        term && term->out.len ? out_read(&term->out) : moult_in_over("\xf6", 1);
    moult_next next;

    if (s->code->server.handle_continue)
        next = s->code->server.handle_continue(&p->ctx, s->state, &in);
    else
        next = moult_stop_because(&p->ctx, -ENOSYS,
                                  "it said continue and has no handle_continue");
    if (term)
        draft_drop(p, &term->out);
    return next;
}

/* Do what a callback that is over said is to come; what it returned may be. */
static void go_on_as_said(struct process *p, struct server *s, moult_next next)
{
    while (next.verdict & MOULT_NEXT_CONTINUE) {
        next = continued(p, s);
        if (!returned_one_of(next, RETURNED_BY_OTHERS))
            next = returned_badly(&p->ctx, "handle_continue", next);
    }
    if (returned_stop(next))
        server_stop(p, s, next.reason, server_said(p));
    else if (next.verdict & MOULT_NEXT_TIMEOUT)
        start_idle(p, s, next.timeout_ms);
    else if (next.verdict & MOULT_NEXT_HIBERNATE)
        process_hibernate(p);
}

/* The same of what `callback`, that of no call, returned. */
static inline void go_on(struct process *p, struct server *s, const char *callback,
                         moult_next next)
{
    if (__builtin_expect(next.verdict == MOULT_NEXT_NOREPLY, 1))
        return;
    if (!returned_one_of(next, RETURNED_BY_OTHERS))
        next = returned_badly(&p->ctx, callback, next);
    go_on_as_said(p, s, next);
}

/* -- messages -- */

int server_answer(struct process *p, moult_pid to, struct envelope *e, moult_next next)
{
    return next.verdict & MOULT_NEXT_CONTINUE ? process_send(p, to, e)
                                              : process_send_last(p, to, e);
}

static void refuse_as_said(struct process *p, struct server *s, moult_next next)
{
    process_refuse(p, next.reason, server_said(p));
}

void server_reply(struct process *p, struct envelope *reply, const moult_in *in,
                  moult_next next)
{
    char text[256];

    if (in->error) {
        snprintf(text, sizeof(text), "the request was not understood: %s", in->why);
        process_refuse(p, in->error, text);
    } else if (reply->out.error) {
        process_refuse(p, reply->out.error, "the reply could not be written");
    } else {
        reply_take(p, reply);
        reply->ref = p->current->ref;
        reply->from = process_pid(p);
        server_answer(p, p->current->from, reply, next);
        p->current->kind = ENVELOPE_CAST; /* it is answered, however this ends */
    }
}

/* Answered already, by moult_reply_to() inside the callback? */
static bool is_answered(const struct process *p)
{
    return p->current->kind != ENVELOPE_CALL;
}

static void handle_call(struct process *p, struct server *s)
{
    struct envelope *e = p->current, *reply;
    moult_from from = {e->from, process_pid(p), e->ref};
    moult_in in = out_read(&e->out);
    moult_next next;
    int error;

    if (!s->code->server.handle_call) {
        process_refuse(p, -ENOSYS, "this server takes no calls");
        return;
    }
    reply = reply_draft(p);
    if (!reply) {
        process_refuse(p, -ENOMEM, "no memory for the reply");
        return;
    }
    next = s->code->server.handle_call(&p->ctx, s->state, &from, &in, &reply->out);
    if (next.verdict != MOULT_NEXT_REPLY && !returned_one_of(next, RETURNED_BY_CALL))
        next = returned_badly(&p->ctx, "handle_call", next);
    switch (is_answered(p) ? MOULT_NEXT_VERDICT : next.verdict & MOULT_NEXT_VERDICT) {
    case MOULT_NEXT_REPLY:
        server_reply(p, reply, &in, next);
        break;
    case MOULT_NEXT_REFUSE:
        refuse_as_said(p, s, next);
        break;
    case MOULT_NEXT_STOP_REPLY:
        terminate(p, s, next.reason, server_said(p));
        server_reply(p, reply, &in, next);
        break;
    case MOULT_NEXT_NOREPLY:
        error = debt_add(p, e);
        if (error)
            process_refuse(p, error, debt_problem(error));
        p->current = NULL;
        break;
    default: /* stops, and the ending answers; or it is answered */
        break;
    }
    if (next.verdict != MOULT_NEXT_REPLY)
        go_on_as_said(p, s, next);
}

static void unhandled(struct process *p, bool in_callback, const char *kind)
{
    const struct server *s = p->data;

    event_emit(EVENT_WARN, "server.unhandled", "{s:s, s:s, s:s, s:o}", "server", s->id,
               "app", s->code->app, "kind", kind, "message",
               server_shown(p, p->current, in_callback));
}

moult_next moult_unhandled(moult_ctx *ctx)
{
    struct process *p = process_of(ctx);

    if (p->current->kind == ENVELOPE_CALL)
        return moult_refuse(ctx, -ENOSYS, "this server knows no such request");
    unhandled(p, true, p->current->kind == ENVELOPE_CAST ? "cast" : "info");
    return moult_noreply();
}

static void handle_message(struct process *p, struct server *s,
                           moult_next (*callback)(moult_ctx *, void *, moult_in *),
                           const char *name)
{
    moult_in in = out_read(&p->current->out);

    if (callback)
        go_on(p, s, name, callback(&p->ctx, s->state, &in));
    else
        unhandled(p, false, name + strlen("handle_"));
}

static void handle_idle(struct process *p, struct server *s)
{
    moult_in in = moult_in_over("\xf6", 1);

    if (s->code->server.handle_info)
        go_on(p, s, "handle_info", s->code->server.handle_info(&p->ctx, s->state, &in));
    else
        unhandled(p, false, "timeout");
}

static void handle_start(struct process *p, struct server *s)
{
    moult_next next;

    if (server_begin(p, s, &next))
        go_on(p, s, "init", next);
}

/* Write what a task came to as the map {"task": ref, "result"}; see abi/moult/task.h. */
static void put_result(moult_out *out, const struct envelope *e)
{
    moult_put_map(out, 2);
    moult_put_text(out, "task");
    moult_put_uint(out, e->ref);
    moult_put_text(out, "result");
    moult_put_item(out, e->out.bytes, e->out.len);
}

/* Write the end of another, told by `e`, as a map that begins with what it is. */
static void put_end(moult_out *out, const struct envelope *e)
{
    const char *text = signal_text(e);

    moult_put_map(out, e->kind == ENVELOPE_DOWN ? 4 : 3);
    if (e->kind == ENVELOPE_DOWN) {
        moult_put_text(out, "down");
        moult_put_uint(out, e->ref);
    }
    moult_put_text(out, e->kind == ENVELOPE_DOWN ? "pid" : "exit");
    moult_put_pid(out, e->from);
    moult_put_int_at(out, "reason", e->code);
    moult_put_text_at(out, "text", utf8_valid(text, strlen(text)) ? text : "");
}

/* It becomes a message to handle_info; see abi/moult/process.h and task.h. */
bool server_news(struct process *p, struct server *s)
{
    struct envelope *e = p->current, *news = envelope_create(ENVELOPE_INFO);

    if (!news) {
        server_stop(p, s, -ENOMEM, "no memory to tell that another ended");
        return false;
    }
    if (e->kind == ENVELOPE_RESULT)
        put_result(&news->out, e);
    else if (e->kind == ENVELOPE_REPLY)
        response_put(p, e, &news->out);
    else
        put_end(&news->out, e);
    news->from = e->from;
    p->current = news;
    envelope_destroy(e);
    return true;
}

static void handle_end(struct process *p, struct server *s)
{
    if (server_news(p, s))
        handle_message(p, s, s->code->server.handle_info, "handle_info");
}

static void handle_exit(struct process *p, struct server *s)
{
    if (moult_pid_equal(p->current->from, p->parent))
        server_stop(p, s, p->current->code, signal_text(p->current));
    else
        handle_end(p, s);
}

static void dispatch(struct process *p, struct server *s)
{
    const moult_server *callbacks = &s->code->server;

    switch (p->current->kind) {
    case ENVELOPE_CALL:
        handle_call(p, s);
        return;
    case ENVELOPE_CAST:
        handle_message(p, s, callbacks->handle_cast, "handle_cast");
        return;
    case ENVELOPE_INFO:
        handle_message(p, s, callbacks->handle_info, "handle_info");
        return;
    case ENVELOPE_SYSTEM:
        server_system(p, s);
        wait_anew(p, s);
        return;
    case ENVELOPE_START:
        handle_start(p, s);
        return;
    case ENVELOPE_EXIT:
        handle_exit(p, s);
        return;
    case ENVELOPE_DOWN:
    case ENVELOPE_RESULT:
    case ENVELOPE_REPLY: /* to what it did not wait for */
        handle_end(p, s);
        return;
    case ENVELOPE_IDLE:
        handle_idle(p, s);
        return;
    default:
        return;
    }
}

/* False if `e` is a timeout that a message has overtaken. */
static bool stop_idle(struct process *p, struct server *s, const struct envelope *e)
{
    uint64_t idle = s->idle;

    if (e->kind == ENVELOPE_SYSTEM) /* see wait_anew() */
        return true;
    if (e->flags & ENVELOPE_TIMED)
        send_timer_received(p, e->ref);
    if (e->kind == ENVELOPE_DOZE || (e->kind == ENVELOPE_IDLE && e->ref != idle))
        return false;
    s->idle = 0;
    if (idle && e->kind != ENVELOPE_IDLE && !(s->flags & SERVER_IDLE_HELD))
        send_timer_cancel(p, idle);
    s->flags &= (uint8_t)~SERVER_IDLE_HELD;
    return true;
}

/* Anything that is not as plain as handle() has it: apart, as it needs many registers. */
static __attribute__((noinline)) void handle_any(struct process *p, struct server *s,
                                                 struct envelope *e)
{
    if (!(s->idle | (e->flags & ENVELOPE_TIMED)) || stop_idle(p, s, e))
        dispatch(p, s);
    server_over(p);
}

/* It said more than that it goes on. */
static __attribute__((noinline)) void go_on_after(struct process *p, moult_next next)
{
    go_on(p, p->data, p->current->kind == ENVELOPE_CAST ? "handle_cast" : "handle_info",
          next);
    server_over(p);
}

/* A cast or an info that it waits for without a timeout goes straight to its callback. */
static void handle(struct process *p, struct envelope *e)
{
    struct server *s = p->data;
    moult_next (*callback)(moult_ctx *, void *, moult_in *) =
        e->kind == ENVELOPE_CAST ? s->code->server.handle_cast
                                 : s->code->server.handle_info;
    moult_next next;
    moult_in in;

    p->current = e;
    if (__builtin_expect(e->kind > ENVELOPE_INFO || s->idle || !callback ||
                             e->flags & ENVELOPE_TIMED,
                         0)) {
        handle_any(p, s, e);
        return;
    }
    in = out_read(&e->out);
    next = callback(&p->ctx, s->state, &in);
    if (__builtin_expect(next.verdict != MOULT_NEXT_NOREPLY, 0))
        go_on_after(p, next);
    else
        server_over(p);
}

void server_ended(struct process *p)
{
    struct server *s = p->data;

    if (telemetry_is_on() && s->flags & SERVER_RAN)
        telling_end(p);
    code_use(s->code, -1);
    free(s);
}

/* The one that runs; NULL: none, or the host itself for it. */
static const char *callback_of(const struct envelope *current)
{
    static const char *const names[ENVELOPE_ALIASED + 1] = {
        [ENVELOPE_CAST] = "handle_cast",  [ENVELOPE_INFO] = "handle_info",
        [ENVELOPE_CALL] = "handle_call",  [ENVELOPE_START] = "init",
        [ENVELOPE_EXIT] = "handle_info",  [ENVELOPE_DOWN] = "handle_info",
        [ENVELOPE_REPLY] = "handle_info", [ENVELOPE_RESULT] = "handle_info",
        [ENVELOPE_IDLE] = "handle_info"};

    return current ? names[current->kind] : NULL;
}

void server_whose(struct process *p, struct barrier_whose *whose)
{
    const struct server *s = p->data;

    whose->app = s->code->app;
    whose->vsn = s->code->vsn;
    whose->server = s->id;
    whose->is_private = s->code->server.format_status != NULL;
    whose->function =
        p->current && server_machine(s) ? "handle_event" : callback_of(p->current);
}

const struct process_class server_class = {.name = "server",
                                           .handle = handle,
                                           .ended = server_ended,
                                           .whose = server_whose,
                                           .show = server_show_message,
                                           .outlives = server_outlives,
                                           .label_at = offsetof(struct server, id)};
