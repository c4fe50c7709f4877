/* SPDX-License-Identifier: Apache-2.0 */
#include "charge.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "event.h"
#include "group.h"
#include "relation.h"
#include "worker.h"

/* It ends as soon as it looks, if it has not ended already. */
static void end_for_memory(struct process *p, moult_pid pid)
{
    atomic_store_explicit(&p->was_over, pid_generation(pid), memory_order_relaxed);
    if (mailbox_nudge(&p->inbox))
        worker_schedule(p);
}

static void exit_for_memory(struct process *p)
{
    const struct heap *h = &p->ctx.heap;
    bool shared = h->over == HEAP_OVER_QUOTA;
    char text[200];

    snprintf(text, sizeof(text),
             "it needs more memory than %s of %" PRIu64 " bytes: it holds %" PRIu64
             ", and %" PRIu64 " for %" PRIu32
             " messages that wait, what it sends and whom it is tied to",
             shared ? "its application's max_heap" : "its max_heap",
             shared ? atomic_load_explicit(&h->quota->limit, memory_order_relaxed)
                    : h->limit,
             h->used, h->queued + h->waiting,
             atomic_load_explicit(&p->backlog, memory_order_relaxed));
    process_exit(p, -ENOMEM, text);
}

/* Does a process that has a limit hold more than it may? */
void charge_check(struct process *p)
{
    struct heap *h = &p->ctx.heap;

    h->waiting = (uint64_t)atomic_load_explicit(&p->backlog, memory_order_relaxed) *
                     sizeof(struct envelope) +
                 relations_size(p);
    if (!h->over)
        heap_check(h);
    if (!h->over && atomic_load_explicit(&p->was_over, memory_order_relaxed) ==
                        pid_generation(process_pid(p)))
        h->over = HEAP_OVER_LIMIT;
    if (h->over)
        exit_for_memory(p);
}

/* Who was refused knows; so shall who runs the host, once a second. */
void charge_tell_full(struct process *p)
{
    uint32_t now_s = (uint32_t)(clock_ns() / 1000000000u) + 1;

    atomic_store_explicit(&p->was_full, 0, memory_order_relaxed);
    if (p->told_full_s == now_s)
        return;
    p->told_full_s = now_s;
    event_emit(EVENT_WARN, "mailbox.full", "{s:s, s:s, s:i}", "app", p->group->name,
               "server", p->label ? p->label : p->class->name, "limit",
               (int)atomic_load_explicit(&p->limit, memory_order_relaxed));
}

/* `to`, whose process is `p`, is sent something that there is no room for. */
void charge_refused(struct process *p, moult_pid to)
{
    uint64_t most = atomic_load_explicit(&p->max_heap, memory_order_relaxed);
    uint64_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);

    if (most && (limit + 1) * sizeof(struct envelope) > most)
        end_for_memory(p, to);
    else
        atomic_store_explicit(&p->was_full, pid_generation(to), memory_order_relaxed);
}

/* Push a message that has memory of its own; it ends `p` if that is too much. */
int charge_push(struct process *p, moult_pid to, struct envelope *e, uint32_t room)
{
    uint64_t most = atomic_load_explicit(&p->max_heap, memory_order_relaxed);
    uint64_t sum = envelope_outside(e) +
                   atomic_fetch_add_explicit(&p->outside, envelope_outside(e),
                                             memory_order_relaxed);
    int woken = -EAGAIN;

    if (most && sum > most)
        end_for_memory(p, to);
    else
        woken = mailbox_push(&p->inbox, e, room);
    if (woken < 0)
        atomic_fetch_sub_explicit(&p->outside, envelope_outside(e),
                                  memory_order_relaxed);
    return woken;
}

/* `e` was taken out of the inbox. */
void charge_take_off(struct process *p, const struct envelope *e)
{
    if (e->kind < ENVELOPE_SIGNAL && e->out.owned)
        atomic_fetch_sub_explicit(&p->outside, envelope_outside(e),
                                  memory_order_relaxed);
}
