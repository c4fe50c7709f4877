/* SPDX-License-Identifier: Apache-2.0 */
#include "alias.h"

#include "charge.h"
#include "message.h"
#include "relation.h"
#include "response.h"
#include "signals.h"

#define FLAGS (MOULT_ALIAS_REPLY | MOULT_ALIAS_DEMONITOR)

/* -- having them -- */

static int create(struct process *p, int32_t flags, moult_alias *alias)
{
    uint64_t ref = process_ref() | ALIAS_REF;
    int error = relation_put(p, RELATION_ALIASES, ref, (uint64_t)flags);

    if (!error)
        *alias = (moult_alias){process_pid(p), ref};
    return error;
}

int moult_alias_create(moult_ctx *ctx, int32_t flags, moult_alias *alias)
{
    if (flags & ~MOULT_ALIAS_REPLY)
        return -EINVAL;
    return create(process_of(ctx), flags, alias);
}

int moult_monitor_alias(moult_ctx *ctx, moult_pid to, int32_t flags, moult_alias *alias)
{
    struct process *p = process_of(ctx);
    moult_alias own;
    int error = flags & ~FLAGS ? -EINVAL : create(p, flags, &own);

    if (error)
        return error;
    error = signal_monitor_as(p, to, own.ref);
    if (error)
        map_remove(&p->relations->aliases, own.ref, NULL);
    else
        *alias = own;
    return error;
}

bool moult_unalias(moult_ctx *ctx, moult_alias alias)
{
    struct process *p = process_of(ctx);

    return moult_pid_equal(alias.pid, process_pid(p)) && p->relations &&
           map_remove(&p->relations->aliases, alias.ref, NULL);
}

void alias_demonitored(struct process *p, uint64_t ref)
{
    uint64_t flags;

    if (alias_is_ref(ref) && map_find(&p->relations->aliases, ref, &flags) &&
        flags & MOULT_ALIAS_DEMONITOR)
        map_remove(&p->relations->aliases, ref, NULL);
}

/* -- what comes by them -- */

/* An answer becomes an info, so that whoever receives need not know of it. */
static struct envelope *as_info(struct process *p, struct envelope *e)
{
    struct envelope *info = envelope_create(ENVELOPE_INFO);

    if (info) {
        info->from = e->from;
        response_put(p, e, &info->out);
    }
    if (!info || info->out.error) {
        envelope_destroy(info);
        info = NULL;
        process_exit(p, -ENOMEM, "no memory for what came by an alias");
    }
    envelope_destroy(e);
    return info;
}

/* True if `ref` is one still; it may be the last time. */
static bool is_open(struct process *p, uint64_t ref)
{
    uint64_t flags;

    if (!p->relations || !map_find(&p->relations->aliases, ref, &flags))
        return false;
    if (flags & MOULT_ALIAS_REPLY) {
        map_remove(&p->relations->aliases, ref, NULL);
        signal_demonitor(p, ref);
    }
    return true;
}

void alias_act(struct process *p, struct envelope *e)
{
    if (!is_open(p, e->ref)) {
        envelope_destroy(e);
        return;
    }
    if (e->kind == ENVELOPE_REPLY)
        e = as_info(p, e);
    if (!e)
        return;
    e->kind = ENVELOPE_INFO;
    e->ref = 0;
    process_queue(p, e);
}

/* -- sending there -- */

/* A signal is never refused for want of room; this one becomes a message. */
static bool is_full(moult_pid to)
{
    struct process *p = process_find(to);
    uint64_t waits;

    if (!p)
        return false;
    waits = mailbox_count(atomic_load_explicit(&p->inbox, memory_order_relaxed));
    waits += atomic_load_explicit(&p->backlog, memory_order_relaxed);
    if (waits < atomic_load_explicit(&p->limit, memory_order_relaxed))
        return false;
    charge_refused(p, to);
    return true;
}

int moult_send_alias(moult_ctx *ctx, moult_alias alias, moult_out *message)
{
    struct process *p = ctx ? process_of(ctx) : NULL;
    struct envelope *e;
    int error = draft_take(p, message, &e);

    if (error)
        return error;
    if (!alias_is_ref(alias.ref) || is_full(alias.pid)) {
        envelope_destroy(e);
        return alias_is_ref(alias.ref) ? -EAGAIN : -EINVAL;
    }
    e->kind = ENVELOPE_ALIASED;
    e->ref = alias.ref;
    if (p)
        e->from = process_pid(p);
    error = process_send(p, alias.pid, e);
    if (p)
        process_breathe(p);
    return error;
}
