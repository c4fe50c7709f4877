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

static int add(struct order *o, const struct instruction *i, struct fault *why)
{
    struct needs needs = {.stock = o->stock};
    struct catalog_entry entry = {0};
    int error;

    if (application_runs(i->name))
        return order_keep(o, i->name), 0;
    error = needs_choose(o->stock, i->name, &entry);
    if (error)
        return fault(why, error, "%s adds application '%s', which is not here",
                     i->where, i->name);
    error = needs_add(&needs, &entry, why);
    if (!error)
        error = start_all(o, &needs, why);
    needs_release(&needs);
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

int follow_appup(struct order *o, const struct upgrade_move *m, struct fault *why)
{
    const struct image *ends[] = {m->from, m->to};
    struct journey journey;
    int error = journey_find(m->stops ? m->stops : ends, m->stops ? m->stop_count : 2,
                             &journey, NULL);

    if (error)
        return 0;
    for (size_t i = 0; i < journey.count && !error; i++)
        error = follow_way(o, journey.legs[i].way, why);
    if (error)
        fault_where(why, "plan", m->app->name, NULL, NULL);
    return error;
}
