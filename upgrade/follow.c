/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <errno.h>
#include <string.h>

#include "needs.h"
#include "route.h"

static int start_all(struct order *o, const struct needs *n, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < n->count && !error; i++)
        if (!n->list[i].is_part && !application_runs(n->list[i].spec->name))
            error = order_start(o, &n->list[i].entry, why);
    return error;
}

int follow_start(struct order *o, const struct catalog_entry *entry, struct fault *why)
{
    struct needs needs = {.stock = o->stock};
    int error = needs_add(&needs, entry, why);

    if (error == -ENOENT)
        fault(why, error, "'%s' needs '%s', which is not here", entry->manifest.name,
              needs.missing);
    if (!error)
        error = start_all(o, &needs, why);
    needs_release(&needs);
    return error;
}

static int add(struct order *o, const struct instruction *i, struct fault *why)
{
    struct catalog_entry entry = {0};
    int error;

    if (application_runs(i->name))
        return order_keep(o, i->name), 0;
    error = needs_choose(o->stock, i->name, &entry);
    if (error)
        return fault(why, error, "%s adds application '%s', which is not here",
                     i->where, i->name);
    error = follow_start(o, &entry, why);
    catalog_entry_release(&entry);
    return error;
}

static int drop(struct order *o, const struct instruction *i, struct fault *why)
{
    struct application *app = application_find(i->name);

    order_skip(o, i->name);
    return app && app->status == APPLICATION_RUNNING ? order_stop(o, app, why) : 0;
}

static int follow_way(struct order *o, const struct way *way, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; way && i < way->count && !error; i++) {
        const struct instruction *one = &way->list[i];

        if (one->kind == MOULT_ADD_APPLICATION)
            error = add(o, one, why);
        else if (one->kind == MOULT_REMOVE_APPLICATION)
            error = drop(o, one, why);
    }
    return error;
}

int follow_appup(struct order *o, struct upgrade_move *m, struct fault *why)
{
    const struct image *ends[] = {m->from, m->to};
    struct journey journey;
    int error = journey_find(m->stops ? m->stops : ends, m->stops ? m->stop_count : 2,
                             &journey, NULL);

    if (error)
        return 0;
    m->purges = journey_purges(&journey);
    for (size_t i = 0; i < journey.count && !error; i++)
        error = follow_way(o, journey.legs[i].way, why);
    if (error)
        fault_where(why, "plan", m->app->name, NULL, NULL);
    return error;
}

/* -- what is needed -- */

/* An optional one that the version before did without may have been stopped by hand. */
static bool is_wanted(const struct upgrade_move *m, const char *name)
{
    const struct resource *from = application_resource(m->app->spec),
                          *to = application_resource(m->spec);

    return !resource_has(to->optional, name) || !resource_has(from->applications, name);
}

static bool stops(const struct order *o, const char *name)
{
    for (size_t i = 0; i < o->stop_count; i++)
        if (strcmp(o->stops[i]->name, name) == 0)
            return true;
    return false;
}

static int start_needed(struct order *o, const struct upgrade_move *m, const char *name,
                        struct fault *why)
{
    struct catalog_entry entry = {0};
    struct fault said = {0};
    int error = needs_choose(o->stock, name, &entry);

    if (error == -ENOENT && resource_has(application_resource(m->spec)->optional, name))
        return 0;
    if (error)
        return fault(why, error,
                     "application '%s' %s needs '%s', which is not here: dropping a "
                     "version of it into the plugin folder adds it",
                     m->app->name, m->to->vsn, name);
    error = follow_start(o, &entry, &said);
    catalog_entry_release(&entry);
    return error ? fault(why, error, "application '%s' %s needs '%s': %s", m->app->name,
                         m->to->vsn, name, said.text)
                 : 0;
}

int follow_needs(struct order *o, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < o->move_count && !error; i++) {
        const struct upgrade_move *m = &o->moves[i];
        char **name = application_resource(m->spec)->applications;

        for (; name && *name && !error; name++)
            if (!application_runs(*name) && !stops(o, *name) && is_wanted(m, *name))
                error = start_needed(o, m, *name, why);
        if (error)
            fault_where(why, "plan", m->app->name, NULL, NULL);
    }
    return error;
}
