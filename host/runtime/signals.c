/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <string.h>

#include "alias.h"
#include "debt.h"
#include "look.h"
#include "relation.h"

void signal_set_text(struct envelope *e, const char *text)
{
    if (text && *text)
        moult_put_item(&e->out, text, strlen(text) + 1);
}

const char *signal_text(const struct envelope *e)
{
    return e->out.len ? (const char *)e->out.bytes : "";
}

static int signal_send(struct process *sender, moult_pid to, enum envelope_kind kind,
                       uint64_t ref)
{
    struct envelope *e = envelope_create(kind);

    if (!e)
        return -ENOMEM;
    if (sender)
        e->from = process_pid(sender);
    e->ref = ref;
    return process_send(sender, to, e);
}

static int tell_end(moult_pid from, moult_pid to, enum envelope_kind kind, uint64_t ref,
                    int32_t reason, const char *text)
{
    struct envelope *e = envelope_create(kind);

    if (!e)
        return -ENOMEM;
    e->from = from;
    e->ref = ref;
    e->code = reason;
    signal_set_text(e, text);
    return process_send(NULL, to, e);
}

static bool forget_link(struct process *p, moult_pid to)
{
    if (p->flags & PROCESS_LINKED && moult_pid_equal(p->parent, to)) {
        p->flags &= (uint8_t)~PROCESS_LINKED;
        return true;
    }
    return p->relations && map_remove(&p->relations->links, to.bits, NULL);
}

static bool is_linked(const struct process *p, moult_pid to)
{
    return (p->flags & PROCESS_LINKED && moult_pid_equal(p->parent, to)) ||
           (p->relations && map_find(&p->relations->links, to.bits, NULL));
}

/*
 * An exit signal.  `ref` 1: through a link, where `kill` is a reason like others; 0: sent
 * by somebody.  OTP's table of exit signals is this function.
 */
static void act_exit(struct process *p, struct envelope *e)
{
    bool by_link = e->ref == 1;

    if (by_link && !forget_link(p, e->from) &&
        !p->class->keeps_links) { /* unlinked meanwhile */
        envelope_destroy(e);
    } else if (!by_link && e->code == MOULT_KILL) {
        process_exit(p, MOULT_KILLED, NULL);
        envelope_destroy(e);
    } else if (p->flags & PROCESS_TRAPS) {
        process_queue(p, e);
    } else {
        if (e->code != MOULT_NORMAL || moult_pid_equal(e->from, process_pid(p)))
            process_exit(p, e->code, signal_text(e));
        envelope_destroy(e);
    }
}

static void act_reply(struct process *p, struct envelope *e)
{
    if (p->await && !p->await->reply && p->await->ref == e->ref) {
        e->next = NULL;
        p->await->reply = e;
    } else if (alias_is_ref(e->ref)) {
        alias_act(p, e);
    } else if (e->ref & SIGNAL_REF_ASYNC && p->relations &&
               map_find(&p->relations->requests, e->ref, NULL)) {
        process_queue(p, e); /* to a process that asks without waiting */
    } else {
        envelope_destroy(e);
    }
}

static void act_down(struct process *p, struct envelope *e)
{
    if (p->relations && map_remove(&p->relations->watched, e->ref, NULL)) {
        alias_demonitored(p, e->ref);
        process_queue(p, e);
    } else {
        envelope_destroy(e);
    }
}

/* Who has given up to wait for it does not want it. */
static void act_result(struct process *p, struct envelope *e)
{
    if (p->relations && map_find(&p->relations->watched, e->ref, NULL))
        process_queue(p, e);
    else
        envelope_destroy(e);
}

/* Without room the other is told that we ended: a false alarm, but never silence. */
static void act_link(struct process *p, struct envelope *e)
{
    int error =
        is_linked(p, e->from) ? 0 : relation_put(p, RELATION_LINKS, e->from.bits, 1);

    if (error)
        tell_end(process_pid(p), e->from, ENVELOPE_EXIT, 1, error, NULL);
    envelope_destroy(e);
}

static void act_monitor(struct process *p, struct envelope *e)
{
    int error = relation_put(p, RELATION_MONITORED_BY, e->ref, e->from.bits);

    if (error)
        tell_end(process_pid(p), e->from, ENVELOPE_DOWN, e->ref, error, NULL);
    envelope_destroy(e);
}

static struct envelope *act_answered(struct process *p, const struct envelope *e)
{
    moult_in in = out_read(&e->out);
    moult_pid caller = moult_get_pid(&in);
    struct envelope *now = p->current;

    if (now && now->kind == ENVELOPE_CALL && now->ref == e->ref &&
        moult_pid_equal(now->from, caller))
        now->kind = ENVELOPE_CAST; /* the one being handled is no call any more */
    return debt_take(p, caller, e->ref);
}

void signal_act(struct process *p, struct envelope *e)
{
    switch (e->kind) {
    case ENVELOPE_REPLY:
        act_reply(p, e);
        return;
    case ENVELOPE_EXIT:
        act_exit(p, e);
        return;
    case ENVELOPE_DOWN:
        act_down(p, e);
        return;
    case ENVELOPE_RESULT:
        act_result(p, e);
        return;
    case ENVELOPE_LOOK:
        look_answer(p, e);
        return;
    case ENVELOPE_LINK:
        act_link(p, e);
        return;
    case ENVELOPE_MONITOR:
        act_monitor(p, e);
        return;
    case ENVELOPE_IDLE:
    case ENVELOPE_DOZE:
        process_queue(p, e);
        return;
    case ENVELOPE_READY:
        e->kind = ENVELOPE_INFO;
        process_queue(p, e);
        return;
    case ENVELOPE_ALIASED:
        alias_act(p, e);
        return;
    case ENVELOPE_UNLINK:
        forget_link(p, e->from);
        break;
    case ENVELOPE_ANSWERED:
        envelope_destroy(act_answered(p, e));
        break;
    case ENVELOPE_DEMONITOR:
        if (p->relations)
            map_remove(&p->relations->watchers, e->ref, NULL);
        break;
    default:
        break;
    }
    envelope_destroy(e);
}

void signal_refuse(struct envelope *e, moult_pid to)
{
    if (e->kind == ENVELOPE_LINK)
        tell_end(to, e->from, ENVELOPE_EXIT, 1, MOULT_NOPROC, NULL);
    else if (e->kind == ENVELOPE_MONITOR)
        tell_end(to, e->from, ENVELOPE_DOWN, e->ref, MOULT_NOPROC, NULL);
    else if (e->kind == ENVELOPE_LOOK) {
        process_answer_dead(e, to, MOULT_NOPROC, NULL);
        return;
    }
    envelope_destroy(e);
}

int signal_link(struct process *p, moult_pid to)
{
    int error;

    if (moult_pid_equal(to, process_pid(p)) || is_linked(p, to))
        return 0;
    error = relation_put(p, RELATION_LINKS, to.bits, 1);
    if (error)
        return error;
    error = signal_send(p, to, ENVELOPE_LINK, 0);
    if (error == -ESRCH)
        return tell_end(to, process_pid(p), ENVELOPE_EXIT, 1, MOULT_NOPROC, NULL);
    if (error < 0)
        map_remove(&p->relations->links, to.bits, NULL);
    return error;
}

void signal_relink(struct process *p, moult_pid to)
{
    if (signal_send(p, to, ENVELOPE_LINK, 0) < 0)
        tell_end(to, process_pid(p), ENVELOPE_EXIT, 1, MOULT_NOPROC, NULL);
}

void signal_unlink(struct process *p, moult_pid to)
{
    if (forget_link(p, to))
        signal_send(p, to, ENVELOPE_UNLINK, 0);
}

int signal_monitor_as(struct process *p, moult_pid to, uint64_t id)
{
    int error = relation_put(p, RELATION_MONITORS, id, to.bits);

    if (error)
        return error;
    error = signal_send(p, to, ENVELOPE_MONITOR, id);
    if (error == -ESRCH)
        error = tell_end(to, process_pid(p), ENVELOPE_DOWN, id, MOULT_NOPROC, NULL);
    if (error < 0)
        map_remove(&p->relations->watched, id, NULL);
    return error;
}

int signal_monitor(struct process *p, moult_pid to, uint64_t *ref)
{
    uint64_t id = process_ref();
    int error = signal_monitor_as(p, to, id);

    if (!error)
        *ref = id;
    return error;
}

void signal_demonitor(struct process *p, uint64_t ref)
{
    uint64_t to;

    if (!p->relations || !map_remove(&p->relations->watched, ref, &to))
        return;
    alias_demonitored(p, ref);
    signal_send(p, (moult_pid){to}, ENVELOPE_DEMONITOR, ref);
}

/* In case that it does not look into its mailbox: see watchdog.h. */
static void doom(moult_pid pid)
{
    struct process *p = process_find(pid);

    if (p)
        atomic_store_explicit(&p->doomed, pid_generation(pid), memory_order_relaxed);
}

int signal_exit(struct process *sender, moult_pid to, int32_t reason, const char *text)
{
    struct envelope *e = envelope_create(ENVELOPE_EXIT);

    if (!e)
        return -ENOMEM;
    if (sender)
        e->from = process_pid(sender);
    e->code = reason;
    signal_set_text(e, text);
    if (reason == MOULT_KILL)
        doom(to);
    return process_send(sender, to, e);
}

void signal_exit_linked(struct process *p, moult_pid to, int32_t reason)
{
    tell_end(process_pid(p), to, ENVELOPE_EXIT, 1, reason, NULL);
}

void signal_answered(const moult_from *from)
{
    struct envelope *e = envelope_create(ENVELOPE_ANSWERED);

    if (!e) /* it will say that it ended to one who no longer waits */
        return;
    e->ref = from->ref;
    moult_put_pid(&e->out, from->caller);
    process_send(NULL, from->callee, e);
}

void signal_farewell(struct process *p)
{
    moult_pid self = process_pid(p);
    const struct map_entry *entry;
    uint32_t at = 0;

    if (p->flags & PROCESS_LINKED)
        tell_end(self, p->parent, ENVELOPE_EXIT, 1, p->reason, process_reason_text(p));
    if (!p->relations)
        return;
    while ((entry = map_next(&p->relations->links, &at)))
        tell_end(self, (moult_pid){entry->key}, ENVELOPE_EXIT, 1, p->reason,
                 process_reason_text(p));
    at = 0;
    while ((entry = map_next(&p->relations->watchers, &at)))
        tell_end(self, (moult_pid){entry->value}, ENVELOPE_DOWN, entry->key, p->reason,
                 process_reason_text(p));
    at = 0;
    while ((entry = map_next(&p->relations->watched, &at)))
        signal_send(p, (moult_pid){entry->value}, ENVELOPE_DEMONITOR, entry->key);
}
