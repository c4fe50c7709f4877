/* SPDX-License-Identifier: Apache-2.0 */
#include "purge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "ask.h"
#include "event.h"
#include "keepers.h"
#include "loaded.h"
#include "plain.h"
#include "server.h"
#include "signals.h"

#define END_MS 5000u /* for one that was killed, wherever it is */

/* -- killing -- */

struct doomed {
    const char *vsn, *other; /* or NULL; `other` is spared */
    bool only;
    moult_pid *pids;
    size_t count, room;
};

static void doom(struct process *p, void *context)
{
    struct doomed *d = context;
    const struct plain *s = plain_of(p);

    if (!s || (d->vsn && (strcmp(s->code->vsn, d->vsn) == 0) != d->only) ||
        (d->other && strcmp(s->code->vsn, d->other) == 0))
        return;
    if (d->count < d->room)
        d->pids[d->count] = process_pid(p);
    d->count++;
    signal_exit(NULL, process_pid(p), MOULT_KILL, NULL);
}

static size_t kill_all(struct application *app, struct doomed d)
{
    size_t room =
        group_count(&app->group); /* what it was sent meanwhile is not missed */

    d.pids = calloc(room + 1, sizeof(moult_pid));
    d.room = d.pids ? room : 0;
    group_each(&app->group, doom, &d);
    for (size_t i = 0; i < d.count && i < d.room; i++) {
        struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

        if (e) /* which its end answers */
            ask_and_wait(d.pids[i], e, END_MS, NULL, NULL, 0);
    }
    free(d.pids);
    if (d.count)
        event_emit(EVENT_WARN, "purge.killed", "{s:s, s:s*, s:I}", "app", app->name,
                   d.only ? "vsn" : "but", d.vsn, "processes", (json_int_t)d.count);
    return d.count;
}

size_t purge_kill(struct application *app, const char *vsn, bool only)
{
    return kill_all(app, (struct doomed){.vsn = vsn, .only = only});
}

size_t purge_kill_older(struct application *app, const char *vsn, const char *other)
{
    return kill_all(app, (struct doomed){.vsn = vsn, .other = other});
}

/* -- one version -- */

struct named {
    char app[MANIFEST_NAME_MAX + 1];
    const char *vsn;
};

static int take_name(const struct stock *s, const char *word, struct named *out,
                     struct fault *why)
{
    struct catalog_entry entry = {0};
    const char *mark = strchr(word, '@');
    int error;

    if (!mark || mark - word > (ptrdiff_t)MANIFEST_NAME_MAX)
        return fault(why, -EINVAL, "'%s' names no version, as counter@1.0.0 does",
                     word);
    memcpy(out->app, word, (size_t)(mark - word));
    out->vsn = mark + 1;
    error = catalog_find(s->catalog, out->app, out->vsn, &entry);
    catalog_entry_release(&entry);
    return error ? fault(why, error == -ENOMEM ? error : -ENOENT,
                         "there is no version %s of '%s'", out->vsn, out->app)
                 : 0;
}

struct looking {
    const char *vsn;
    bool found;
};

static void look(struct process *p, void *context)
{
    struct looking *l = context;
    const struct server *s = server_of(p);

    l->found |= s && strcmp(s->code->vsn, l->vsn) == 0;
}

/* Do servers run it, be it only some, as canaries or beside them? */
static bool is_served(struct application *app, const char *vsn)
{
    struct looking l = {.vsn = vsn};

    group_each(&app->group, look, &l);
    return l.found || (app->spec && app->status == APPLICATION_RUNNING &&
                       strcmp(app->spec->vsn, vsn) == 0);
}

static int check(const struct named *n, struct application *app, bool brutal,
                 struct fault *why)
{
    char *names;
    int error = 0;

    if (is_served(app, n->vsn))
        return fault(why, -EPERM, "%s %s is what runs", n->app, n->vsn);
    names = brutal ? NULL : keepers_names(n->app, n->vsn);
    if (names)
        error =
            fault(why, -EBUSY,
                  "it is kept for what still runs it: %s; --brutal kills these", names);
    free(names);
    return error;
}

int purge_version(struct stock *s, const char *word, bool brutal, json_t **report,
                  struct fault *why)
{
    struct named n = {0};
    struct application *app;
    size_t killed = 0;
    char *reason;
    int error = take_name(s, word, &n, why);

    if (error)
        return error;
    app = application_find(n.app);
    error = app ? check(&n, app, brutal, why) : 0;
    if (error)
        return error;
    if (app)
        killed = purge_kill(app, n.vsn, true);
    loaded_purge(s);
    reason = keepers_reason(n.app, n.vsn);
    *report = json_pack("{s:s, s:s, s:I, s:b, s:s*}", "application", n.app, "vsn",
                        n.vsn, "killed", (json_int_t)killed, "unloaded",
                        !reason && !loaded_has(s, n.app, n.vsn), "reason", reason);
    free(reason);
    return 0;
}
