/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "send_timer.h"
#include "statem.h"

void timeouts_init(struct timeouts *t)
{
    t->first = NULL;
    t->end = &t->first;
}

/* Bytes of `t`, which its process's heap is charged for while it is in a list. */
static uint64_t charge_of(const struct timeout *t)
{
    return sizeof(*t) + strlen(t->name) + 1 + sizeof(*t->event) +
           envelope_outside(t->event);
}

static void append(struct process *p, struct timeouts *all, struct timeout *t)
{
    t->next = NULL;
    *all->end = t;
    all->end = &t->next;
    p->ctx.heap.queued += charge_of(t);
}

static struct timeout *unlink_at(struct process *p, struct timeouts *all,
                                 struct timeout **link)
{
    struct timeout *t = *link;

    *link = t->next;
    if (!*link)
        all->end = link;
    p->ctx.heap.queued -= charge_of(t);
    return t;
}

static void destroy(struct timeout *t)
{
    envelope_destroy(t->event);
    free(t);
}

/* Where the one of that kind is linked in; at the end if there is none. */
static struct timeout **find(struct timeouts *all, int32_t type, const char *name)
{
    struct timeout **link = &all->first;

    while (*link && ((*link)->type != type || strcmp((*link)->name, name) != 0))
        link = &(*link)->next;
    return link;
}

/* NOLINTNEXTLINE(readability-function-size): what an action says */
int timeouts_ask(struct process *p, int32_t type, const char *name, uint64_t ms,
                 bool update, struct envelope *event)
{
    struct statem *m = server_machine(server_of(p));
    size_t size = strlen(name) + 1;
    struct timeout *t = malloc(sizeof(*t) + size);

    if (!t) {
        envelope_destroy(event);
        return -ENOMEM;
    }
    *t = (struct timeout){.ms = ms, .type = type, .update = update, .event = event};
    memcpy(t->name, name, size);
    append(p, &m->asked, t);
    return 0;
}

static void stop(struct process *p, struct timeouts *all, struct timeout **link)
{
    struct timeout *t = unlink_at(p, all, link);

    if (t->id)
        send_timer_cancel(p, t->id);
    destroy(t);
}

/* Start `t`, which is taken. */
static int start(struct process *p, struct statem *m, struct timeout *t)
{
    struct envelope *e;

    if (t->ms == MOULT_INFINITY) {
        destroy(t);
        return 0;
    }
    if (t->ms) {
        e = envelope_create(ENVELOPE_IDLE);
        t->id = e ? send_timer_start(p, process_pid(p), t->ms, e) : 0;
        if (!t->id) {
            destroy(t);
            return -ENOMEM;
        }
    }
    append(p, &m->timeouts, t);
    return 0;
}

/* `runs` sends what `t`, which is taken, would have sent. */
static void update(struct process *p, struct timeout *runs, struct timeout *t)
{
    struct envelope *before = runs->event;

    p->ctx.heap.queued -= charge_of(runs);
    runs->event = t->event;
    p->ctx.heap.queued += charge_of(runs);
    t->event = before;
    destroy(t);
}

int timeouts_start(struct process *p, struct statem *m)
{
    int error = 0;

    while (m->asked.first && !error) {
        struct timeout *t = unlink_at(p, &m->asked, &m->asked.first);
        struct timeout **runs = find(&m->timeouts, t->type, t->name);

        if (*runs && t->update) {
            update(p, *runs, t);
            continue;
        }
        if (*runs)
            stop(p, &m->timeouts, runs);
        error = start(p, m, t);
    }
    return error;
}

void timeouts_stop(struct process *p, struct statem *m, int32_t type)
{
    struct timeout **link = find(&m->timeouts, type, "");

    if (*link)
        stop(p, &m->timeouts, link);
}

struct envelope *timeouts_due(struct process *p, struct statem *m, uint64_t id)
{
    struct timeout **link = &m->timeouts.first, *t;
    struct envelope *event;

    while (*link && (*link)->id != id)
        link = &(*link)->next;
    if (!*link)
        return NULL;
    t = unlink_at(p, &m->timeouts, link);
    event = t->event;
    t->event = NULL;
    destroy(t);
    return event;
}

void timeouts_show(const struct timeouts *all, moult_out *out)
{
    static const char *const types[] = {[MOULT_EVENT_TIMEOUT] = "event",
                                        [MOULT_EVENT_STATE_TIMEOUT] = "state",
                                        [MOULT_EVENT_GENERIC_TIMEOUT] = "generic"};
    size_t count = 0;

    for (const struct timeout *t = all->first; t; t = t->next)
        count++;
    moult_put_array(out, count);
    for (const struct timeout *t = all->first; t; t = t->next) {
        moult_put_map(out, 2);
        moult_put_text_at(out, "type", types[t->type]);
        moult_put_text(out, "name");
        if (t->type == MOULT_EVENT_GENERIC_TIMEOUT)
            moult_put_text(out, t->name);
        else
            moult_put_null(out);
    }
}

void timeouts_finish(struct process *p, struct timeouts *t)
{
    while (t->first)
        stop(p, t, &t->first);
}
