/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finishing - how a process ends, and what it gives back before that.
 */
#include <stdlib.h>
#include <string.h>

#include "charge.h"
#include "debt.h"
#include "dictionary.h"
#include "group.h"
#include "io.h"
#include "name.h"
#include "registry.h"
#include "reqids.h"
#include "send_timer.h"
#include "signals.h"
#include "slot.h"
#include "sys.h"
#include "telemetry.h"
#include "worker.h"

void process_exit(struct process *p, int32_t reason, const char *text)
{
    struct relations *r;

    if (p->flags & PROCESS_EXITING)
        return;
    p->flags |= PROCESS_EXITING;
    p->reason = reason;
    r = text && *text ? process_relations(p) : NULL;
    if (r)
        r->reason_text = strdup(text);
}

void process_fail_callback(struct process *p, int32_t reason, const char *words)
{
    telemetry_spans_fail(p, reason, words);
    if (!(p->flags & PROCESS_EXITING) && p->class->outlives &&
        p->class->outlives(p, reason, words))
        worker_abandon_callback(p);
    process_exit(p, reason, words);
    worker_abandon(p);
}

static void relations_destroy(struct relations *r)
{
    map_finish(&r->links);
    map_finish(&r->watched);
    map_finish(&r->watchers);
    map_finish(&r->requests);
    map_finish(&r->aliases);
    reqids_finish(r->reqids);
    map_finish(&r->owed);
    map_finish(&r->timers);
    map_finish(&r->dictionary);
    map_finish(&r->descriptors);
    free(r->reason_text);
    free(r);
}

static bool is_empty(const struct relations *r)
{
    return !(r->links.count | r->watched.count | r->watchers.count | r->owed.count |
             r->timers.count | r->dictionary.count | r->descriptors.count |
             r->requests.count | r->aliases.count) &&
           !r->sys && !r->registry && !r->registered && !r->spans && !r->reqids;
}

void process_hibernate(struct process *p)
{
    struct relations *r = p->relations;

    envelope_destroy(p->answer);
    p->answer = NULL;
    if (!r)
        return;
    if (is_empty(r)) {
        relations_destroy(r);
        p->relations = NULL;
        return;
    }
    map_shrink(&r->links);
    map_shrink(&r->watched);
    map_shrink(&r->watchers);
    map_shrink(&r->owed);
    map_shrink(&r->timers);
    map_shrink(&r->dictionary);
    map_shrink(&r->descriptors);
    map_shrink(&r->requests);
    map_shrink(&r->aliases);
}

/* Signals that were on their way to a process that ended are answered or dropped. */
static void turn_away(struct process *p, struct envelope *e)
{
    while (e) {
        struct envelope *next = e->next;

        e->next = NULL;
        charge_take_off(p, e);
        if (e->to_generation != pid_generation(process_pid(p)))
            process_answer_stale(p, e);
        else if (e->kind < ENVELOPE_SIGNAL || e->kind == ENVELOPE_LOOK)
            process_answer_dead(e, process_pid(p), p->reason, process_reason_text(p));
        else if (e->kind == ENVELOPE_LINK || e->kind == ENVELOPE_MONITOR)
            signal_act(p, e); /* into the tables that signal_farewell reads */
        else
            envelope_destroy(e);
        e = next;
    }
}

/* Of what only some have: what others see or wait for. */
static void let_go(struct process *p)
{
    sys_finish(p);
    telemetry_spans_finish(p);
    send_timers_finish(p);
    registry_leave(p);
    io_finish(p);
}

void process_finish(struct process *p)
{
    group_remove(p->group, p); /* first: who walks the group reads `data` */
    if (p->class->ended)
        p->class->ended(p);
    if (p->await) {
        envelope_destroy(p->await->reply);
        timer_cancel(&p->await->timer);
        p->await = NULL;
    }
    if (p->relations)
        let_go(p);
    name_release(p);
    turn_away(p, mailbox_in_order(mailbox_close(&p->inbox)));
    process_answer_all(p, p->current);
    p->current = NULL; /* what is sent from here on is sent on nobody's behalf */
    process_answer_all(p, p->first);
    if (p->relations)
        debts_answer(p);
    signal_farewell(p);
    process_answer_all(p, p->drafts); /* calls that it received are among them */
    envelope_destroy(p->answer);
    if (p->relations) {
        dictionary_finish(p);
        relations_destroy(p->relations);
    }
    heap_finish(&p->ctx.heap);
    p->first = p->last = p->drafts = p->answer = NULL;
    p->relations = NULL;
    p->data = NULL;
    p->fiber = NULL;
    p->sends = 0;
    p->flags = 0;
    atomic_store_explicit(&p->memory, 0, memory_order_relaxed);
    atomic_store_explicit(&p->backlog, 0, memory_order_relaxed);
    atomic_store_explicit(&p->backlog_most, 0, memory_order_relaxed);
    slot_put(p);
}
