/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier.h"
#include "debt.h"
#include "event.h"
#include "group.h"
#include "json.h"
#include "message.h"
#include "name.h"
#include "registry.h"
#include "schema.h"
#include "send_timer.h"
#include "serving.h"
#include "signals.h"
#include "statem.h"
#include "utf8.h"

#define UNHANDLED_SHOWN 1024u /* bytes of a message that the event log repeats */

/* -- what a callback may say besides what it returns -- */

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

    while (*link && (*link)->kind != kind)
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

static void keep(struct process *p, struct envelope *e)
{
    p->ctx.heap.queued += sizeof(*e); /* as any draft */
    e->next = p->drafts;
    p->drafts = e;
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
        keep(p, e);
    }
    return next;
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
    keep(p, e);
    return &e->out;
}

void moult_trap_exit(moult_ctx *ctx, bool on)
{
    struct process *p = process_of(ctx);

    p->flags = (uint8_t)(on ? p->flags | PROCESS_TRAPS : p->flags & ~PROCESS_TRAPS);
}

void moult_log(moult_ctx *ctx, int32_t level, const char *format, ...)
{
    static const enum event_level levels[] = {EVENT_DEBUG, EVENT_INFO, EVENT_WARN,
                                              EVENT_ERROR};
    struct process *p = process_of(ctx);
    struct server *s = p->data;
    char text[1001];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    event_emit(levels[level & 3], "plugin.log", "{s:s, s:s, s:s}", "server", s->id,
               "app", s->code->app, "text", text);
}

/* -- state -- */

int server_save(const struct server *s, moult_out *out, struct fault *why)
{
    const struct code *code = s->code;
    int error = 0;

    if (code->server.save) {
        error = code->server.save(s->state, out);
        if (!error)
            error = moult_out_error(out);
        if (error)
            fault_where(why, NULL, NULL, NULL, "save");
    } else if (code->schema) {
        error = schema_save(code->schema, s->state, out, why);
    } else {
        moult_put_map(out, 0);
    }
    if (error)
        fault(why, error, "its state can't be written: %s", moult_strerror(error));
    return error;
}

/* Why there is no memory, if that is because it may have no more. */
static const char *beyond(const struct moult_ctx *ctx)
{
    return ctx->heap.over ? ": it is more than its max_heap" : "";
}

int state_load(struct moult_ctx *ctx, const struct code *code,
               const moult_schema *writer, moult_in *in, void **state,
               struct fault *why)
{
    const moult_schema *schema = code->schema;
    void *memory = NULL;
    int error = 0;

    if (schema) {
        memory = heap_alloc(&ctx->heap, schema->size);
        if (!memory || schema_init(ctx, schema, memory) < 0)
            return fault(why, -ENOMEM, "no memory for a state of %u bytes%s",
                         schema->size, beyond(ctx));
    }
    if (in && code->server.load) {
        error = code->server.load(ctx, memory, in);
        if (!error)
            error = in->error;
        if (error)
            fault_where(why, NULL, NULL, NULL, "load");
    } else if (in && schema) {
        error = schema_load(ctx, schema, writer, memory, in, why);
    }
    if (error)
        return fault(why, error, "its state can't be read: %s%s",
                     in->why ? in->why : moult_strerror(error), beyond(ctx));
    *state = memory;
    return code->server.statem ? statem_check_state(code, memory, why) : 0;
}

void server_swap(struct process *p, const struct code *code, void *state,
                 struct moult_ctx *ctx)
{
    struct server *s = p->data;

    s->code = code;
    s->state = state;
    if (ctx) {
        struct moult_ctx old = p->ctx;

        p->ctx = *ctx;
        *ctx = old;
        heap_succeed(&p->ctx.heap, &ctx->heap);
    }
    process_set_limits(p, code->child->mailbox_limit, code->child->max_heap);
    process_set_patience(p, code->child->warn_callback_ms,
                         code->child->max_callback_ms);
}

/* -- one callback -- */

static void terminate(struct process *p, struct server *s, int32_t reason)
{
    if (s->flags & SERVER_STARTED && s->code->server.terminate)
        s->code->server.terminate(&p->ctx, s->state, reason);
    s->flags &= (uint8_t)~SERVER_STARTED;
}

void server_stop(struct process *p, struct server *s, int32_t reason, const char *text)
{
    terminate(p, s, reason);
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

static moult_next continued(struct process *p, struct server *s)
{
    struct envelope *term = take_kept(p, CONTINUATION);
    moult_in in =
        term && term->out.len ? out_read(&term->out) : moult_in_over("\xf6", 1);
    moult_next next;

    s->busy = term;
    if (s->code->server.handle_continue)
        next = s->code->server.handle_continue(&p->ctx, s->state, &in);
    else
        next = moult_stop_because(&p->ctx, -ENOSYS,
                                  "it said continue and has no handle_continue");
    s->busy = NULL;
    envelope_destroy(term);
    return next;
}

static void go_on_as_said(struct process *p, struct server *s, moult_next next)
{
    while (next.verdict & MOULT_NEXT_CONTINUE)
        next = continued(p, s);
    switch (next.verdict & MOULT_NEXT_VERDICT) {
    case MOULT_NEXT_STOP:
    case MOULT_NEXT_STOP_REPLY:
        server_stop(p, s, next.reason, server_said(p));
        return;
    case MOULT_NEXT_NOREPLY:
    case MOULT_NEXT_REPLY:
    case MOULT_NEXT_REFUSE:
        if (!(next.verdict & MOULT_NEXT_STATEM)) /* which this is not */
            break;
        /* fall through */
    default:
        server_stop(p, s, -EPROTO,
                    "a callback returned a value that it may not return");
        return;
    }
    if (next.verdict & MOULT_NEXT_TIMEOUT)
        start_idle(p, s, next.timeout_ms);
}

/* What a callback said for itself, without what goes to a caller. */
static inline void go_on(struct process *p, struct server *s, moult_next next)
{
    if (next.verdict != MOULT_NEXT_NOREPLY && next.verdict != MOULT_NEXT_REPLY)
        go_on_as_said(p, s, next);
}

/* -- messages -- */

/*
 * Send `e`, the answer to whom this server keeps waiting.  That one runs next, here, if
 * the callback is over; if the server goes on by itself, wherever there is room.
 */
static int send_answer(struct process *p, moult_pid to, struct envelope *e,
                       moult_next next)
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
        envelope_destroy(reply);
    } else if (reply->out.error) {
        process_refuse(p, reply->out.error, "the reply could not be written");
        envelope_destroy(reply);
    } else {
        reply->ref = p->current->ref;
        reply->from = process_pid(p);
        send_answer(p, p->current->from, reply, next);
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

    if (!s->code->server.handle_call) {
        process_refuse(p, -ENOSYS, "this server takes no calls");
        return;
    }
    reply = envelope_create(ENVELOPE_REPLY);
    if (!reply) {
        process_refuse(p, -ENOMEM, "no memory for the reply");
        return;
    }
    s->busy = reply;
    next = s->code->server.handle_call(&p->ctx, s->state, &from, &in, &reply->out);
    s->busy = NULL;
    switch (is_answered(p) ? MOULT_NEXT_VERDICT : next.verdict & MOULT_NEXT_VERDICT) {
    case MOULT_NEXT_REPLY:
        server_reply(p, reply, &in, next);
        reply = NULL;
        break;
    case MOULT_NEXT_REFUSE:
        refuse_as_said(p, s, next);
        break;
    case MOULT_NEXT_STOP_REPLY:
        s->busy = reply;
        terminate(p, s, next.reason);
        s->busy = NULL;
        server_reply(p, reply, &in, next);
        reply = NULL;
        break;
    case MOULT_NEXT_NOREPLY:
        if (debt_add(p, e) < 0)
            process_refuse(p, -ENOMEM, "no memory to remember the call");
        p->current = NULL;
        break;
    default: /* stops, and the ending answers; or it is answered */
        break;
    }
    envelope_destroy(reply);
    go_on(p, s, next);
}

static void unhandled(struct server *s, const struct envelope *e, const char *kind)
{
    moult_in in = out_read(&e->out);
    json_t *content = e->out.len > UNHANDLED_SHOWN
                          ? json_sprintf("(%u bytes)", e->out.len)
                          : json_from_cbor(&in, NULL);

    event_emit(EVENT_WARN, "server.unhandled", "{s:s, s:s, s:s, s:o}", "server", s->id,
               "app", s->code->app, "kind", kind, "message",
               content ? content : json_null());
}

static void handle_message(struct process *p, struct server *s,
                           moult_next (*callback)(moult_ctx *, void *, moult_in *),
                           const char *kind)
{
    moult_in in = out_read(&p->current->out);

    if (callback)
        go_on(p, s, callback(&p->ctx, s->state, &in));
    else
        unhandled(s, p->current, kind);
}

static void handle_idle(struct process *p, struct server *s)
{
    moult_in in = moult_in_over("\xf6", 1);

    if (s->code->server.handle_info)
        go_on(p, s, s->code->server.handle_info(&p->ctx, s->state, &in));
    else
        unhandled(s, p->current, "timeout");
}

void server_system(struct process *p, struct server *s)
{
    struct envelope *e = p->current, *reply = envelope_create(ENVELOPE_REPLY);
    struct fault why = {0};
    int error;

    if (!reply || e->code != SYSTEM_STATE) {
        process_refuse(p, reply ? -ENOSYS : -ENOMEM, NULL);
        envelope_destroy(reply);
        return;
    }
    moult_put_map(&reply->out, 3);
    moult_put_text_at(&reply->out, "vsn", s->code->vsn);
    moult_put_int_at(&reply->out, "format", s->code->server.format);
    moult_put_text(&reply->out, "state");
    s->busy = reply;
    error = server_save(s, &reply->out, &why);
    s->busy = NULL;
    if (error < 0) {
        process_refuse(p, why.error, why.text);
        envelope_destroy(reply);
        return;
    }
    reply->ref = e->ref;
    process_send_last(p, e->from, reply);
}

/* -- starting -- */

static void start_failed(struct process *p, int error, const char *text)
{
    /* The ending answers who waits: by then the name is free again. */
    process_exit(p, error, text);
}

static void ignored(struct process *p)
{
    struct envelope *reply = envelope_create(ENVELOPE_REPLY);

    name_release(p);
    registry_leave(p);
    if (reply) {
        moult_put_bool(&reply->out, false);
        reply->ref = p->current->ref;
        process_send(p, p->current->from, reply);
        p->current->kind = ENVELOPE_CAST; /* it is answered */
    }
    process_exit(p, MOULT_NORMAL, NULL);
}

static bool started(struct process *p, struct server *s, moult_next next)
{
    struct envelope *reply = envelope_create(ENVELOPE_REPLY);
    int error;

    if (!reply) {
        start_failed(p, -ENOMEM, "no memory to say that it has started");
        return false;
    }
    s->flags |= SERVER_STARTED;
    moult_put_bool(&reply->out, true);
    reply->ref = p->current->ref;
    error = send_answer(p, p->current->from, reply, next);
    p->current->kind = ENVELOPE_CAST;
    if (error == -ESRCH) /* it does not even know that there is a child to end */
        server_stop(p, s, MOULT_KILLED, "its starter ended meanwhile");
    return error != -ESRCH;
}

bool server_begin(struct process *p, struct server *s, moult_next *init_said)
{
    moult_in args = out_read(&p->current->out);
    moult_next next = moult_noreply();
    struct fault why = {0};
    int error = state_load(&p->ctx, s->code, NULL, NULL, &s->state, &why);

    if (!error && s->code->server.statem)
        error = statem_create(s, &why);
    if (error) {
        start_failed(p, error, why.text);
        return false;
    }
    if (s->code->server.init)
        next = s->code->server.init(&p->ctx, s->state, &args);
    if (p->ctx.heap.over) {
        start_failed(p, -ENOMEM, "init needs more memory than its max_heap");
        return false;
    }
    if (s->machine)
        next = statem_begun(&p->ctx, s, next);
    switch (next.verdict & MOULT_NEXT_VERDICT) {
    case MOULT_NEXT_NOREPLY:
        *init_said = next;
        return started(p, s, next);
    case MOULT_NEXT_IGNORE:
        ignored(p);
        return false;
    case MOULT_NEXT_STOP:
    case MOULT_NEXT_REFUSE:
        start_failed(p, next.reason, server_said(p));
        return false;
    default:
        start_failed(p, -EPROTO, "init returned a value that it may not return");
        return false;
    }
}

static void handle_start(struct process *p, struct server *s)
{
    moult_next next;

    if (server_begin(p, s, &next))
        go_on(p, s, next);
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

bool server_news(struct process *p, struct server *s)
{
    struct envelope *e = p->current, *news = envelope_create(ENVELOPE_INFO);

    if (!news) {
        server_stop(p, s, -ENOMEM, "no memory to tell that another ended");
        return false;
    }
    put_end(&news->out, e);
    news->from = e->from;
    p->current = news;
    envelope_destroy(e);
    return true;
}

static void handle_end(struct process *p, struct server *s)
{
    if (server_news(p, s))
        handle_message(p, s, s->code->server.handle_info, "info");
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
        handle_message(p, s, callbacks->handle_cast, "cast");
        return;
    case ENVELOPE_INFO:
        handle_message(p, s, callbacks->handle_info, "info");
        return;
    case ENVELOPE_SYSTEM:
        server_system(p, s);
        return;
    case ENVELOPE_START:
        handle_start(p, s);
        return;
    case ENVELOPE_EXIT:
        handle_exit(p, s);
        return;
    case ENVELOPE_DOWN:
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

    if (e->kind == ENVELOPE_SYSTEM) /* who only looks does not disturb */
        return true;
    if (e->flags & ENVELOPE_TIMED)
        send_timer_received(p, e->ref);
    if (e->kind == ENVELOPE_IDLE && e->ref != idle)
        return false;
    s->idle = 0;
    if (idle && e->kind != ENVELOPE_IDLE)
        send_timer_cancel(p, idle);
    return true;
}

static void handle(struct process *p, struct envelope *e)
{
    struct server *s = p->data;

    p->current = e;
    if (!(s->idle | (e->flags & ENVELOPE_TIMED)) || stop_idle(p, s, e))
        dispatch(p, s);
    server_over(p);
}

void server_ended(struct process *p)
{
    struct server *s = p->data;

    envelope_destroy(s->busy);
    code_use(s->code, -1);
    free(s);
}

void server_whose(struct process *p, struct barrier_whose *whose)
{
    const struct server *s = p->data;

    whose->app = s->code->app;
    whose->vsn = s->code->vsn;
    whose->server = s->id;
}

const struct process_class server_class = {"server", handle, server_ended, false,
                                           server_whose};

/* What its servers share; NULL if that has no limit. */
static struct quota *quota_of(struct group *group)
{
    struct quota *quota = &group->quota;

    return atomic_load_explicit(&quota->limit, memory_order_relaxed) ? quota : NULL;
}

int server_start(struct process *parent, const struct server_spec *spec, moult_pid *pid)
{
    struct process_options options = {
        .class = spec->code->server.statem ? &statem_class : &server_class,
        .group = parent->group,
        .parent = process_pid(parent),
        .linked = true,
        .limit = spec->code->child->mailbox_limit,
        .max_heap = spec->code->child->max_heap,
        .quota = quota_of(parent->group),
        .warn_callback_ms = spec->code->child->warn_callback_ms,
        .max_callback_ms = spec->code->child->max_callback_ms};
    size_t id_size = strlen(spec->id) + 1;
    struct server *s = calloc(1, offsetof(struct server, id) + id_size);
    struct envelope *e = envelope_create(ENVELOPE_START);
    moult_pid child, holder = {0};
    char text[NAME_PROBLEM];
    struct process *p;
    int error;

    if (e)
        moult_put_item(&e->out, spec->args, spec->args_len);
    if (!s || !e || e->out.error || !(p = process_create(&options))) {
        envelope_destroy(e);
        free(s);
        return process_fail(parent, -ENOMEM, "no memory for another process");
    }
    memcpy(s->id, spec->id, id_size);
    s->code = spec->code;
    code_use(s->code, 1);
    p->data = s;
    p->label = s->id;
    child = process_pid(p);
    if (spec->name && (error = name_register(p, spec->name, &holder)) < 0) {
        envelope_destroy(e);
        process_discard(p);
        return process_fail(parent, error,
                            name_problem(spec->name, error, holder, text));
    }
    error = process_start(parent, p, e);
    if (error)
        return error;
    *pid = parent->answer && parent->answer->out.len &&
                   parent->answer->out.bytes[0] == 0xf5
               ? child
               : (moult_pid){0};
    return 0;
}
