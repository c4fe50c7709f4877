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

static void note(struct process *p, void *context)
{
    struct stragglers *all = context;
    uint64_t state =
        mailbox_state(atomic_load_explicit(&p->inbox, memory_order_relaxed));
    struct straggler *s;

    if (p->class->is_free || state == MAILBOX_HELD)
        return;
    s = stragglers_add(all, process_pid(p), process_label(p));
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

static void look(const struct drain *d, struct stragglers *all)
{
    for (size_t i = 0; i < d->move_count; i++) {
        group_each(&d->moves[i].app->group, note, all);
        if (all->count && !all->app)
            all->app = d->moves[i].app->name;
    }
    for (unsigned i = 0; i < all->count && i < STRAGGLERS_NAMED; i++)
        find_out(&all->list[i]);
}

/* Whom it waits for, `ms` after it began; or they came to rest just now. */
static void tell(const struct drain *d, uint64_t ms)
{
    struct stragglers all = {0};

    look(d, &all);
    stragglers_tell(&all, "drain", ms, &d->listener);
}

static int refuse(const struct drain *d, struct fault *why)
{
    struct stragglers all = {0};
    char text[360];

    look(d, &all);
    stragglers_describe(&all, text, sizeof(text));
    fault_where(why, "drain", all.app ? all.app : d->moves[0].app->name,
                all.count ? all.list[0].name : NULL, NULL);
    return fault(why, -ETIMEDOUT,
                 "%u of its processes did not come to the end of their callback within "
                 "%u ms: %s",
                 all.count, (unsigned)d->limit_ms, text);
}

int drain_wait(const struct drain *d, struct fault *why)
{
    uint64_t waited = 0, ms = STRAGGLERS_TELL_MS;

    while (waited < d->limit_ms) {
        if (ms > d->limit_ms - waited)
            ms = d->limit_ms - waited;
        if (hold_freeze(d->hold, ms) == 0)
            return 0;
        waited += ms;
        if (waited < d->limit_ms)
            tell(d, waited);
        ms = STRAGGLERS_AGAIN_MS;
    }
    return refuse(d, why);
}
