/* SPDX-License-Identifier: Apache-2.0 */
#include "install.h"

#include <errno.h>
#include <string.h>

#include "event.h"
#include "ledger.h"

struct installing {
    struct order *order;
    const json_t *apps; /* of the release */
    struct fault *why;
    int error;
};

static int find(struct order *o, const char *app, const json_t *version,
                struct catalog_entry *out, struct fault *why)
{
    const char *vsn = json_string_value(json_object_get(version, "vsn")),
               *hash = json_string_value(json_object_get(version, "hash"));
    int error = catalog_find(o->stock->catalog, app, vsn, out);

    if (!error && strcmp(out->manifest.hash, hash) == 0)
        return 0;
    return fault(why, error == -ENOMEM ? error : -ENOENT,
                 "it has %s %s, which is not here any more: 'moult unpack' or dropping "
                 "%s-%s.so into the plugin folder brings it back",
                 app, vsn, app, vsn);
}

/* What the release has of `app` runs then. */
static int add(struct order *o, const char *name, const json_t *version,
               struct fault *why)
{
    struct application *app = application_find(name);
    struct catalog_entry entry = {0};
    int error = find(o, name, version, &entry, why);

    if (error)
        return error;
    if (!app || app->status != APPLICATION_RUNNING) {
        error = order_start(o, &entry, why);
    } else if (strcmp(app->spec->vsn, entry.manifest.vsn) != 0) {
        error = order_vet(o, &entry, why);
        if (!error)
            error = order_move(o, app, &entry, why);
    }
    catalog_entry_release(&entry);
    return error;
}

/* What runs and the release has not stops then. */
static void drop(struct application *app, void *context)
{
    struct installing *i = context;

    if (!i->error && app->spec && app->status != APPLICATION_STOPPED &&
        !json_object_get(i->apps, app->name))
        i->error = order_stop(i->order, app, i->why);
}

/* What appups add and remove, the release must have, and have not. */
static int check_appups(const struct order *o, const json_t *apps, struct fault *why)
{
    for (size_t i = 0; i < o->start_count; i++)
        if (!json_object_get(apps, o->starts[i]->name))
            return fault(
                why, -ENOENT,
                "an appup adds application '%s', or what it adds needs it, and "
                "the release does not have it",
                o->starts[i]->name);
    for (size_t i = 0; i < o->stop_count; i++)
        if (json_object_get(apps, o->stops[i]->name))
            return fault(why, -EINVAL,
                         "an appup removes application '%s', and the release has it",
                         o->stops[i]->name);
    return 0;
}

static int gather(struct order *o, const json_t *apps, struct fault *why)
{
    struct installing i = {.order = o, .apps = apps, .why = why};
    json_t *version;
    const char *app;

    json_object_foreach((json_t *)(uintptr_t)apps, app, version)
    {
        if (i.error)
            break;
        i.error = add(o, app, version, why);
        if (i.error)
            fault_where(why, "find", app, NULL, NULL);
    }
    application_each(drop, &i);
    return i.error ? i.error : check_appups(o, apps, why);
}

/* The ledger when it is done; given, or NULL: no memory. */
static json_t *ledger_after(const json_t *ledger, const json_t *release, bool lasts)
{
    json_t *next = ledger_install(ledger, release), *permanent;

    if (!next || !lasts || !ledger_is(ledger_running(ledger), "permanent"))
        return next;
    permanent = ledger_make_permanent(next, release);
    json_decref(next);
    return permanent;
}

static int install(struct order *o, const json_t *release, bool lasts, json_t **report,
                   struct fault *why)
{
    const json_t *ledger = record_ledger(o->stock->record);
    char from[LEDGER_NAME_TEXT], to[LEDGER_NAME_TEXT];
    json_t *next;
    int error;

    ledger_name(ledger_running(ledger), from);
    ledger_name(release, to);
    if (release == ledger_running(ledger))
        return fault(why, -EALREADY, "%s is what runs already", to);
    error = gather(o, ledger_applications(release), why);
    if (error)
        return error;
    next = ledger_after(ledger, release, lasts);
    error = order_run(o, next, report, why);
    json_decref(next);
    if (!error) {
        json_object_set_new(*report, "release", json_string(to));
        json_object_set_new(*report, "from", json_string(from));
    }
    if (!error && o->mode == UPGRADE_RUN) {
        const json_t *runs = ledger_running(record_ledger(o->stock->record));

        json_object_set_new(
            *report, "permanent",
            json_boolean(!o->stock->reboots && ledger_is(runs, "permanent")));
    }
    return error;
}

int install_applications(struct order *o, const json_t *apps, json_t *next,
                         json_t **report, struct fault *why)
{
    int error = gather(o, apps, why);

    return error ? error : order_run(o, next, report, why);
}

static void refused(const char *name, const struct fault *why)
{
    const char *const members[][2] = {{"release", name},     {"app", why->app},
                                      {"step", why->step},   {"server", why->server},
                                      {"field", why->field}, {"reason", why->text}};
    json_t *event = json_object();

    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        if (members[i][1][0])
            json_object_set_new(event, members[i][0], json_string(members[i][1]));
    event_emit(EVENT_ERROR, "release.refused", "o", event);
}

int install_release(struct order *o, const char *name, bool lasts, json_t **report,
                    struct fault *why)
{
    json_t *release = NULL;
    int error = ledger_find(record_ledger(o->stock->record), name, &release, why);

    if (!error)
        error = install(o, release, lasts, report, why);
    if (error && o->mode == UPGRADE_RUN)
        refused(name, why);
    order_finish(o);
    return error;
}
