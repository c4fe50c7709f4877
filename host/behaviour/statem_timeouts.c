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

static void append(struct timeouts *all, struct timeout *t)
{
    t->next = NULL;
    *all->end = t;
    all->end = &t->next;
}

static struct timeout *unlink_at(struct timeouts *all, struct timeout **link)
{
    struct timeout *t = *link;

    *link = t->next;
    if (!*link)
        all->end = link;
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
int timeouts_ask(struct statem *m, int32_t type, const char *name, uint64_t ms,
                 bool update, struct envelope *event)
{
    size_t size = strlen(name) + 1;
    struct timeout *t = malloc(sizeof(*t) + size);

    if (!t) {
        envelope_destroy(event);
        return -ENOMEM;
    }
    *t = (struct timeout){.ms = ms, .type = type, .update = update, .event = event};
    memcpy(t->name, name, size);
    append(&m->asked, t);
    return 0;
}

static void stop(struct process *p, struct timeouts *all, struct timeout **link)
{
    struct timeout *t = unlink_at(all, link);

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
    append(&m->timeouts, t);
    return 0;
}

int timeouts_start(struct process *p, struct statem *m)
{
    int error = 0;

    while (m->asked.first && !error) {
        struct timeout *t = unlink_at(&m->asked, &m->asked.first);
        struct timeout **runs = find(&m->timeouts, t->type, t->name);

        if (*runs && t->update) {
            struct envelope *before = (*runs)->event;

            (*runs)->event = t->event;
            t->event = before;
            destroy(t);
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

struct envelope *timeouts_due(struct statem *m, uint64_t id)
{
    struct timeout **link = &m->timeouts.first, *t;
    struct envelope *event;

    while (*link && (*link)->id != id)
        link = &(*link)->next;
    if (!*link)
        return NULL;
    t = unlink_at(&m->timeouts, link);
    event = t->event;
    t->event = NULL;
    destroy(t);
    return event;
}

void timeouts_finish(struct process *p, struct timeouts *t)
{
    while (t->first)
        stop(p, t, &t->first);
}
