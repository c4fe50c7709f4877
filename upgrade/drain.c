/* SPDX-License-Identifier: Apache-2.0 */
#include "drain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "event.h"
#include "out.h"
#include "utf8.h"
#include "watchdog.h"

#define LOOK_MS 50u /* for one that waits to say in which callback */

/* One that is not at rest. */
struct straggler {
    moult_pid pid;
    bool waits; /* inside its callback, for another */
    char name[64], doing[256];
};

struct stragglers {
    struct straggler list[DRAIN_NAMED];
    unsigned count;  /* of all */
    const char *app; /* of the first */
};

static void note(struct process *p, void *context)
{
    struct stragglers *all = context;
    uint64_t state =
        mailbox_state(atomic_load_explicit(&p->inbox, memory_order_relaxed));
    struct straggler *s;

    if (p->class->is_free || state == MAILBOX_HELD)
        return;
    if (all->count++ >= DRAIN_NAMED)
        return;
    s = &all->list[all->count - 1];
    s->pid = process_pid(p);
    s->waits = state == MAILBOX_WAIT;
    snprintf(s->name, sizeof(s->name), "%s", process_label(p));
    utf8_trim(s->name);
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
    for (unsigned i = 0; i < all->count && i < DRAIN_NAMED; i++)
        find_out(&all->list[i]);
}

/* "'a', waits inside handle_call; 'b', in spin (spins.c:12) of spins 1.0.0; and 3 more" */
static void describe(const struct stragglers *all, char *text, size_t size)
{
    size_t used = 0;

    text[0] = 0;
    for (unsigned i = 0; i < all->count && i < DRAIN_NAMED && used < size - 1; i++) {
        snprintf(text + used, size - used, "%s'%s', %s", i ? "; " : "",
                 all->list[i].name, all->list[i].doing);
        used = strlen(text);
    }
    if (all->count > DRAIN_NAMED && used < size - 1)
        snprintf(text + used, size - used, "; and %u more", all->count - DRAIN_NAMED);
    utf8_trim(text);
}

static json_t *list(const struct stragglers *all)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < all->count && i < DRAIN_NAMED; i++) {
        const struct straggler *s = &all->list[i];
        char pid[PID_TEXT];

        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "server", s->name, "pid",
                                        pid_print(s->pid, pid), "doing", s->doing));
    }
    return list;
}

/* Whom it waits for, `ms` after it began. */
static void tell(const struct drain *d, uint64_t ms)
{
    struct stragglers all = {0};
    char text[400] = "waits for ";
    size_t used = strlen(text);
    json_t *waits;

    look(d, &all);
    if (!all.count) /* they came to rest just now */
        return;
    describe(&all, text + used, sizeof(text) - used);
    waits = json_pack("{s:s, s:I, s:i, s:o, s:s}", "app", all.app, "ms", (json_int_t)ms,
                      "count", (int)all.count, "servers", list(&all), "text", text);
    event_emit(EVENT_WARN, "upgrade.waits", "O*", waits);
    if (d->tell && waits)
        d->tell(d->context, waits);
    json_decref(waits);
}

static int refuse(const struct drain *d, struct fault *why)
{
    struct stragglers all = {0};
    char text[360];

    look(d, &all);
    describe(&all, text, sizeof(text));
    fault_where(why, "drain", all.app ? all.app : d->moves[0].app->name,
                all.count ? all.list[0].name : NULL, NULL);
    return fault(why, -ETIMEDOUT,
                 "%u of its processes did not come to the end of their callback within "
                 "%u ms: %s",
                 all.count, (unsigned)d->limit_ms, text);
}

int drain_wait(const struct drain *d, struct fault *why)
{
    uint64_t waited = 0, ms = DRAIN_TELL_MS;

    while (waited < d->limit_ms) {
        if (ms > d->limit_ms - waited)
            ms = d->limit_ms - waited;
        if (hold_freeze(d->hold, ms) == 0)
            return 0;
        waited += ms;
        if (waited < d->limit_ms)
            tell(d, waited);
        ms = DRAIN_AGAIN_MS;
    }
    return refuse(d, why);
}
