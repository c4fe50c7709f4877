/* SPDX-License-Identifier: Apache-2.0 */
#include "drain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "out.h"
#include "utf8.h"
#include "watchdog.h"

#define LOOK_MS 50u /* for one that waits to say in which callback */

/* Who is looked for. */
struct looking {
    struct stragglers all;
    const struct drain *drain;
    size_t move;
    uint64_t waited_ms; /* those alone that had no longer; 0: all */
};

static void note(struct process *p, void *context)
{
    struct looking *l = context;
    uint64_t state =
        mailbox_state(atomic_load_explicit(&p->inbox, memory_order_relaxed));
    struct straggler *s;

    if (p->class->is_free || state == MAILBOX_HELD)
        return;
    if (l->waited_ms &&
        l->drain->limit_ms(l->drain->context, l->move, p) > l->waited_ms)
        return;
    s = stragglers_add(&l->all, process_pid(p), process_label(p));
    if (s)
        s->waits = state == MAILBOX_WAIT;
}

/* What it is waiting in; it says so itself. */
static void ask_where(struct straggler *s)
{
    struct envelope *e = envelope_create(ENVELOPE_LOOK);
    moult_out answer;
    char text[128] = "";
    moult_in in, function;
    const char *name = NULL;
    size_t len = 0;

    if (!e)
        return;
    out_init(&answer, NULL, 0);
    if (ask_and_wait(s->pid, e, LOOK_MS, &answer, text, sizeof(text)) == 0) {
        in = out_read(&answer);
        if (moult_find(&in, "function", &function) &&
            moult_peek(&function) == MOULT_TEXT)
            name = moult_get_text(&function, &len);
    }
    if (name)
        snprintf(s->doing, sizeof(s->doing), "waits inside %.*s", (int)len, name);
    out_release(&answer);
}

static void find_out(struct straggler *s)
{
    char where[sizeof(s->doing) - 4];

    if (s->waits)
        ask_where(s);
    else if (watchdog_slow(s->pid, where, sizeof(where)))
        snprintf(s->doing, sizeof(s->doing), "in %s", where);
    if (!s->doing[0])
        snprintf(s->doing, sizeof(s->doing), "in a callback");
    utf8_trim(s->doing);
}

/* Whom all wait for, or if there is `waited_ms`, whose time is over. */
static struct stragglers look(const struct drain *d, uint64_t waited_ms)
{
    struct looking l = {.drain = d, .waited_ms = waited_ms};

    for (; l.move < d->move_count; l.move++) {
        group_each(&d->moves[l.move].app->group, note, &l);
        if (l.all.count && !l.all.app)
            l.all.app = d->moves[l.move].app->name;
    }
    for (unsigned i = 0; i < l.all.count && i < STRAGGLERS_NAMED; i++)
        find_out(&l.all.list[i]);
    return l.all;
}

/* Whom it waits for, `ms` after it began; or they came to rest just now. */
static void tell(const struct drain *d, uint64_t ms)
{
    struct stragglers all = look(d, 0);

    stragglers_tell(&all, "drain", ms, &d->listener);
}

/* 0; or -ETIMEDOUT and `why`: the time of some is over. */
static int check(const struct drain *d, uint64_t waited_ms, struct fault *why)
{
    struct stragglers all = look(d, waited_ms);
    char text[360];

    if (!all.count)
        return 0;
    stragglers_describe(&all, text, sizeof(text));
    fault_where(why, "drain", all.app, all.list[0].name, NULL);
    return fault(why, -ETIMEDOUT,
                 "%u of its processes did not come to the end of their callback within "
                 "%u ms: %s",
                 all.count, (unsigned)waited_ms, text);
}

int drain_wait(const struct drain *d, struct fault *why)
{
    uint64_t waited = 0, ms = STRAGGLERS_TELL_MS, end = d->next_ms(d->context, 0);
    int error = 0;

    while (!error) {
        if (end > waited && ms > end - waited)
            ms = end - waited;
        if (hold_freeze(d->hold, ms) == 0)
            return 0;
        waited += ms;
        ms = STRAGGLERS_AGAIN_MS;
        if (waited >= end) {
            error = check(d, waited, why);
            end = d->next_ms(d->context, waited);
        }
        if (!error)
            tell(d, waited);
    }
    return error;
}
