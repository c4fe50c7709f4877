/* SPDX-License-Identifier: Apache-2.0 */
#include "charge.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "event.h"
#include "group.h"
#include "relation.h"
#include "worker.h"

/* Bytes that it may have; 0: any number. */
static uint64_t most_of(const struct bounds *b)
{
    return b ? atomic_load_explicit(&b->max_heap, memory_order_relaxed) : 0;
}

/* It ends as soon as it looks, if it has not ended already. */
static void end_for_memory(struct process *p, moult_pid pid)
{
    struct bounds *b = process_bounds(p);

    if (b)
        atomic_store_explicit(&b->was_over, pid_generation(pid), memory_order_relaxed);
    if (mailbox_nudge(&p->inbox))
        worker_schedule(p);
}

static void exit_for_memory(struct process *p)
{
    const struct heap *h = &p->ctx.heap;
    const struct allowance *b = &process_bounds(p)->allowance;
    bool shared = h->over == HEAP_OVER_QUOTA;
    char text[200];

    snprintf(text, sizeof(text),
             "it needs more memory than %s of %" PRIu64 " bytes: it holds %" PRIu64
             ", and %" PRIu64 " for %" PRIu32
             " messages that wait, what it sends and whom it is tied to",
             shared ? "its application's max_heap" : "its max_heap",
             shared ? atomic_load_explicit(&b->quota->limit, memory_order_relaxed)
                    : b->limit,
             h->used, h->queued + b->waiting,
             atomic_load_explicit(&p->backlog, memory_order_relaxed));
    process_exit(p, -ENOMEM, text);
}

/* Does a process that has a limit hold more than it may? */
void charge_check(struct process *p)
{
    struct heap *h = &p->ctx.heap;
    struct bounds *b = process_bounds(p);

    b->allowance.waiting =
        (uint64_t)atomic_load_explicit(&p->backlog, memory_order_relaxed) *
            sizeof(struct envelope) +
        relations_size(p);
    if (!h->over)
        heap_check(h);
    if (!h->over && atomic_load_explicit(&b->was_over, memory_order_relaxed) ==
                        pid_generation(process_pid(p)))
        h->over = HEAP_OVER_LIMIT;
    if (h->over)
        exit_for_memory(p);
}

/* Who was refused knows; so shall who runs the host, once a second. */
void charge_tell_full(struct process *p)
{
    uint16_t now_s = (uint16_t)(clock_ns() / 1000000000u % UINT16_MAX + 1);

    atomic_store_explicit(&p->was_full, 0, memory_order_relaxed);
    if (p->told_full_s == now_s)
        return;
    p->told_full_s = now_s;
    event_emit(EVENT_WARN, "mailbox.full", "{s:s, s:s, s:i}", "app", p->group->name,
               "server", process_label(p), "limit",
               (int)atomic_load_explicit(&p->limit, memory_order_relaxed));
}

/* `to`, whose process is `p`, is sent something that there is no room for. */
void charge_refused(struct process *p, moult_pid to)
{
    uint64_t most = most_of(process_bounds(p));
    uint64_t limit = atomic_load_explicit(&p->limit, memory_order_relaxed);

    if (most && (limit + 1) * sizeof(struct envelope) > most)
        end_for_memory(p, to);
    else
        atomic_store_explicit(&p->was_full, process_mark(to), memory_order_relaxed);
}

uint64_t charge_put_on(struct process *p, struct envelope *e)
{
    struct bounds *b = process_bounds(p);
    uint64_t size = envelope_outside(e);

    if (!b || !size || e->kind >= ENVELOPE_SIGNAL)
        return 0;
    e->flags |= ENVELOPE_CHARGED;
    return size + atomic_fetch_add_explicit(&b->outside, size, memory_order_relaxed);
}

void charge_take_off(struct process *p, struct envelope *e)
{
    if (!(e->flags & ENVELOPE_CHARGED))
        return;
    e->flags &= (uint8_t)~ENVELOPE_CHARGED & 31;
    atomic_fetch_sub_explicit(&process_bounds(p)->outside, envelope_outside(e),
                              memory_order_relaxed);
}

/* Push a message that has memory of its own; it ends `p` if that is too much. */
int charge_push(struct process *p, moult_pid to, struct envelope *e, uint32_t room)
{
    uint64_t most = most_of(process_bounds(p)), sum = charge_put_on(p, e);
    int woken = -EAGAIN;

    if (most && sum > most)
        end_for_memory(p, to);
    else
        woken = mailbox_push(&p->inbox, e, room);
    if (woken < 0)
        charge_take_off(p, e);
    return woken;
}
