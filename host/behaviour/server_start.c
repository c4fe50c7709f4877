/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_start - how a server comes to be, up to its first message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "group.h"
#include "manager.h"
#include "name.h"
#include "registry.h"
#include "relation.h"
#include "returned.h"
#include "serving.h"
#include "signals.h"
#include "statem.h"
#include "telling.h"

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
    s->flags |= SERVER_STARTED | SERVER_RAN;
    if (telemetry_is_on())
        telling_start(p);
    moult_put_bool(&reply->out, true);
    reply->ref = p->current->ref;
    error = server_answer(p, p->current->from, reply, next);
    p->current->kind = ENVELOPE_CAST;
    if (error == -ESRCH) /* it does not even know that there is a child to end */
        server_stop(p, s, MOULT_KILLED, "its starter ended meanwhile");
    return error != -ESRCH;
}

bool server_begin(struct process *p, struct server *s, moult_next *init_said)
{
    moult_in args = out_read(&p->current->out);
    moult_next next = moult_noreply();
    struct fault why;
    int error;

    fault_init(&why);
    error = state_load(&p->ctx, s->code, NULL, NULL, &s->state, &why);
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
    if (s->code->server.manager)
        next = manager_begun(&p->ctx, s, &args);
    if (server_machine(s))
        next = statem_begun(&p->ctx, s, next);
    else if (!returned_one_of(next, RETURNED_BY_INIT))
        next = returned_badly(&p->ctx, "init", next);
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

/* What its servers share; NULL if that has no limit. */
static struct quota *quota_of(struct group *group)
{
    struct quota *quota = &group->quota;

    return atomic_load_explicit(&quota->limit, memory_order_relaxed) ? quota : NULL;
}

static const struct process_class *class_of(const moult_server *s)
{
    if (s->statem)
        return &statem_class;
    return s->manager ? &manager_class : &server_class;
}

/* A process for it, without a name yet; NULL: no memory. */
static struct process *make(struct process *parent, const struct server_spec *spec)
{
    struct group *group = spec->group ? spec->group : parent->group;
    struct process_options options = {
        .class = class_of(&spec->code->server),
        .group = group,
        .parent = process_pid(parent),
        .linked = !spec->is_alone,
        .limit = spec->code->child->mailbox_limit,
        .max_heap = spec->code->child->max_heap,
        .quota = quota_of(group),
        .warn_callback_ms = spec->code->child->warn_callback_ms,
        .max_callback_ms = spec->code->child->max_callback_ms};
    size_t id_size = strlen(spec->id) + 1;
    /* What malloc keeps at hand, calloc searches for. */
    struct server *s = malloc(offsetof(struct server, id) + id_size);
    struct process *p = s ? process_create(&options) : NULL;

    if (!p) {
        free(s);
        return NULL;
    }
    s->code = spec->code;
    s->state = NULL;
    s->idle = 0;
    s->flags = 0;
    memcpy(s->id, spec->id, id_size);
    code_use(s->code, 1);
    server_set_doze(p, s->code);
    p->data = s;
    if (spec->is_alone)
        p->parent = process_pid(p);
    return p;
}

/* The parent's side of the link, unless its class knows its children by itself. */
static int link_parent(struct process *parent, const struct server_spec *spec,
                       moult_pid child)
{
    if (spec->is_alone || parent->class->keeps_links)
        return 0;
    return relation_put(parent, RELATION_LINKS, child.bits, 1);
}

/* Its init takes too long: it ends, and has ended when this returns. */
static int too_late(struct process *parent, moult_pid child, uint64_t timeout_ms)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    char text[80];

    signal_unlink(parent, child);
    signal_exit(parent, child, MOULT_KILL, NULL);
    if (e) /* which its end answers */
        process_call(parent, child, e, MOULT_INFINITY);
    snprintf(text, sizeof(text), "its init did not return in %llu ms",
             (unsigned long long)timeout_ms);
    return process_fail(parent, -ETIMEDOUT, text);
}

/* Throw `p` away, which nobody has heard of. */
static int discard(struct process *parent, struct process *p, struct envelope *e,
                   int error, const char *text)
{
    if (parent->relations)
        map_remove(&parent->relations->links, process_pid(p).bits, NULL);
    envelope_destroy(e);
    process_discard(p);
    return process_fail(parent, error, text);
}

static bool has_started(const struct process *parent)
{
    const struct envelope *e = parent->answer;

    return e && e->out.len && e->out.bytes[0] == 0xf5; /* true */
}

/*
 * What an upgrade leaves alone may start servers while it has all at rest, and of the
 * version before.  0; -EAGAIN: not now; -ESTALE.
 */
static int admit(struct process *parent, struct process *p, const struct code *code)
{
    if (!parent->class->is_free)
        return 0;
    if (!group_enter(p->group, p))
        return -EAGAIN;
    return application_has(code->app, code->all) ? 0 : -ESTALE;
}

/* `*frozen`: not now. */
static int start(struct process *parent, const struct server_spec *spec, moult_pid *pid,
                 bool *frozen)
{
    struct envelope *e = envelope_create(ENVELOPE_START);
    struct process *p = NULL;
    moult_pid child, holder = {0};
    char text[NAME_PROBLEM];
    int error;

    if (e)
        moult_put_item(&e->out, spec->args, spec->args_len);
    if (e && !e->out.error)
        p = make(parent, spec);
    if (!p) {
        envelope_destroy(e);
        return process_fail(parent, -ENOMEM, process_shortage(text, sizeof(text)));
    }
    child = process_pid(p);
    error = link_parent(parent, spec, child);
    if (error)
        return discard(parent, p, e, error, "no room for a link");
    if (spec->name && (error = name_register(p, spec->name, &holder)) < 0)
        return discard(parent, p, e, error,
                       name_problem(spec->name, error, holder, text));
    error = admit(parent, p, spec->code);
    *frozen = error == -EAGAIN;
    if (error)
        return discard(parent, p, e, error,
                       "another version of its application runs by now");
    error = process_start(parent, p, e,
                          spec->timeout_ms ? spec->timeout_ms : MOULT_INFINITY);
    if (error == -ETIMEDOUT)
        return too_late(parent, child, spec->timeout_ms);
    if (!error)
        *pid = has_started(parent) ? child : (moult_pid){0};
    return error;
}

int server_start(struct process *parent, const struct server_spec *spec, moult_pid *pid)
{
    bool frozen = false;
    int error = start(parent, spec, pid, &frozen);

    while (frozen) {
        struct await a = {0};

        frozen = false;
        error = process_await(parent, &a, SERVER_FROZEN_MS);
        if (error != -ETIMEDOUT)
            return process_fail(parent, error, moult_strerror(error));
        error = start(parent, spec, pid, &frozen);
    }
    return error;
}
