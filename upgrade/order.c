/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"
#include "clock.h"
#include "confirm.h"
#include "event.h"
#include "follow.h"
#include "hops.h"
#include "ledger.h"
#include "loaded.h"
#include "needs.h"
#include "purge.h"
#include "rehearse.h"

/* Room for one more of `size` bytes at `*list`, which has `count`; false: no memory. */
static bool make_room(void *list, size_t count, size_t size)
{
    void *old, *more;

    memcpy(&old, list, sizeof(old));
    more = reallocarray(old, count + 1, size);
    if (more)
        memcpy(list, &more, sizeof(more));
    return more != NULL;
}

int order_vet(struct order *o, const struct catalog_entry *to, struct fault *why)
{
    struct catalog_entry from = {0};
    struct vet_report report = {0};
    uint64_t began = clock_ns();
    int error = catalog_find_running(o->stock->catalog, to->manifest.name, &from);

    if (!error)
        error = vet_run(o->stock->vet, to->stored, from.stored, 0, &report, why);
    json_decref(report.lints);
    catalog_entry_release(&from);
    o->vet_ns += clock_ns() - began;
    return error;
}

int order_move(struct order *o, struct application *app, const struct catalog_entry *to,
               struct fault *why)
{
    struct loaded *from = loaded_of(o->stock, app), *l;
    int error;

    if (!from || app->status != APPLICATION_RUNNING)
        return fault(why, -ESRCH, "application '%s' does not run", app->name);
    if (!make_room(&o->moves, o->move_count, sizeof(*o->moves)))
        return fault(why, -ENOMEM, "no memory for the upgrade");
    error = loaded_open(o->stock, to, &l, why);
    if (!error)
        o->moves[o->move_count++] = (struct upgrade_move){
            app, from->image, l->image, &l->spec, canary_runs(l->image), NULL, 0};
    if (!error)
        error = hops_find(o->stock, &o->moves[o->move_count - 1], why);
    return error ? error : follow_appup(o, &o->moves[o->move_count - 1], why);
}

int order_start(struct order *o, const struct catalog_entry *entry, struct fault *why)
{
    struct loaded *l;
    int error;

    for (size_t i = 0; i < o->start_count; i++)
        if (strcmp(o->starts[i]->name, entry->manifest.name) == 0)
            return 0;
    if (!make_room(&o->starts, o->start_count, sizeof(*o->starts)))
        return fault(why, -ENOMEM, "no memory for the upgrade");
    error = loaded_open(o->stock, entry, &l, why);
    if (!error)
        o->starts[o->start_count++] = &l->spec;
    return error;
}

int order_stop(struct order *o, struct application *app, struct fault *why)
{
    for (size_t i = 0; i < o->stop_count; i++)
        if (o->stops[i] == app)
            return 0;
    if (!make_room(&o->stops, o->stop_count, sizeof(*o->stops)))
        return fault(why, -ENOMEM, "no memory for the upgrade");
    o->stops[o->stop_count++] = app;
    return 0;
}

void order_skip(struct order *o, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < o->start_count; i++)
        if (strcmp(o->starts[i]->name, name) != 0)
            o->starts[count++] = o->starts[i];
    o->start_count = count;
}

void order_keep(struct order *o, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < o->stop_count; i++)
        if (strcmp(o->stops[i]->name, name) != 0)
            o->stops[count++] = o->stops[i];
    o->stop_count = count;
}

int order_applications(const struct order *o, json_t *apps)
{
    int error = 0;

    for (size_t i = 0; i < o->start_count && !error; i++) {
        struct catalog_entry entry = {0};

        error = catalog_find(o->stock->catalog, o->starts[i]->name, o->starts[i]->vsn,
                             &entry);
        if (!error)
            error = stock_add_application(apps, &entry);
        catalog_entry_release(&entry);
    }
    for (size_t i = 0; i < o->stop_count; i++)
        json_object_del(apps, o->stops[i]->name);
    return error;
}

/* -- what came of it; told when the list says the same -- */

static void moved(struct order *o, const struct upgrade_move *m, const json_t *report)
{
    struct catalog *catalog = o->stock->catalog;

    catalog_set_status(catalog, m->app->name, m->from->vsn, CATALOG_OLD);
    catalog_set_status(catalog, m->app->name, m->to->vsn, CATALOG_RUNNING);
    event_emit(EVENT_INFO, "upgrade.commit", "{s:s, s:s, s:s, s:O*, s:O*, s:O*}", "app",
               m->app->name, "from", m->from->vsn, "to", m->to->vsn, "servers",
               json_object_get(report, "servers"), "pause_us",
               json_object_get(report, "pause_us"), "waited",
               json_object_get(report, "waited"));
}

/* Whatever still runs a version that was left, as it was asked for or an appup says. */
static void kill_rest(const struct order *o, const struct upgrade_move *m,
                      json_t *report)
{
    bool left = o->terms.brutal || m->purges.kills_left,
         older = o->terms.brutal || m->purges.kills_older;
    size_t killed = 0;

    if (!left && !older)
        return;
    if (older)
        killed = purge_kill_older(m->app, m->to->vsn, m->from->vsn);
    if (left)
        killed += purge_kill(m->app, m->from->vsn, true);
    json_object_set_new(report, "killed", json_integer((json_int_t)killed));
}

static void started(struct order *o, const struct application_spec *spec)
{
    struct catalog *catalog = o->stock->catalog;
    struct catalog_entry was = {0}; /* if it had ended by itself */

    if (catalog_find_running(catalog, spec->name, &was) == 0)
        catalog_set_status(catalog, spec->name, was.manifest.vsn, CATALOG_OLD);
    catalog_set_status(catalog, spec->name, spec->vsn, CATALOG_RUNNING);
    catalog_entry_release(&was);
}

static void committed(struct order *o, const json_t *report)
{
    const json_t *upgraded = json_object_get(report, "upgraded");

    for (size_t i = 0; i < o->move_count; i++)
        moved(o, &o->moves[i], json_array_get(upgraded, i));
    for (size_t i = 0; i < o->move_count; i++)
        kill_rest(o, &o->moves[i], json_array_get(upgraded, i));
    for (size_t i = 0; i < o->start_count; i++)
        started(o, o->starts[i]);
    for (size_t i = 0; i < o->stop_count; i++)
        catalog_set_status(o->stock->catalog, o->stops[i]->name, o->stops[i]->spec->vsn,
                           CATALOG_OLD);
}

static int (*const modes[])(const struct upgrade *u, json_t **report,
                            struct fault *why) = {
    [UPGRADE_RUN] = upgrade_run,
    [UPGRADE_PLAN] = upgrade_plan,
    [UPGRADE_REHEARSE] = upgrade_rehearse};

static int run(struct order *o, json_t *next, json_t **report, struct fault *why)
{
    struct upgrade u = {.moves = o->moves,
                        .move_count = o->move_count,
                        .starts = o->starts,
                        .start_count = o->start_count,
                        .stops = o->stops,
                        .stop_count = o->stop_count,
                        .vet = o->stock->vet,
                        .record = o->stock->record,
                        .next = next,
                        .rehearse = o->stock->rehearse,
                        .vet_ns = o->vet_ns,
                        .terms = o->terms,
                        .pick = o->pick,
                        .lists = o->listener != NULL,
                        .unasked = o->unasked,
                        .progress = o->listener ? o->listener->progress : NULL,
                        .context = o->listener ? o->listener->context : NULL};
    int error;

    if (o->mode == UPGRADE_REHEARSE && u.rehearse == 0)
        u.rehearse = REHEARSE_SAMPLE; /* who asks for it wants it */
    error = modes[o->mode](&u, report, why);
    if (error || o->mode != UPGRADE_RUN || o->pick)
        return error;
    o->stock->reboots = json_is_true(json_object_get(*report, "restart"));
    if (!o->stock->reboots)
        committed(o, *report);
    return 0;
}

/* -- what goes first -- */

/* Is it included in another that starts?  That one starts it. */
static bool is_part(const struct order *o, const struct application_spec *spec)
{
    for (size_t i = 0; i < o->start_count; i++)
        if (resource_has(application_resource(o->starts[i])->included, spec->name))
            return true;
    return false;
}

static int take_out_parts(struct order *o, struct fault *why)
{
    size_t starts = 0, stops = 0;

    for (size_t i = 0; i < o->start_count; i++)
        if (!is_part(o, o->starts[i]))
            continue;
        else if (!application_load(o->starts[i]))
            return fault(why, -ENOMEM, "no memory for application '%s'",
                         o->starts[i]->name);
    for (size_t i = 0; i < o->start_count; i++)
        if (!is_part(o, o->starts[i]))
            o->starts[starts++] = o->starts[i];
    for (size_t i = 0; i < o->stop_count; i++)
        if (!o->stops[i]->owner)
            o->stops[stops++] = o->stops[i];
    o->start_count = starts;
    o->stop_count = stops;
    return 0;
}

/* Those that others of them need are stopped after these. */
static int sort_stops(struct order *o, struct fault *why)
{
    size_t count = o->stop_count;
    const struct application_spec **specs = calloc(count + 1, sizeof(*specs));

    if (!specs)
        return fault(why, -ENOMEM, "no memory for the upgrade");
    for (size_t i = 0; i < count; i++)
        specs[i] = o->stops[i]->spec;
    needs_sort(specs, count);
    for (size_t i = 0; i < count; i++)
        o->stops[count - 1 - i] = application_find(specs[i]->name);
    free(specs);
    return 0;
}

static int settle(struct order *o, struct fault *why)
{
    int error = take_out_parts(o, why);

    needs_sort(o->starts, o->start_count);
    return error ? error : sort_stops(o, why);
}

/* Say of each, and of the whole, that it goes back unless it is confirmed. */
static void tell_terms(const struct order *o, json_t *report)
{
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(report, "upgraded"), i, one) json_object_set_new(
        one, "confirm_within_ms", json_integer(o->terms.confirm_ms));
    json_object_set_new(report, "confirm_within_ms", json_integer(o->terms.confirm_ms));
}

/* The same, on trial if its terms say so. */
static int run_on_terms(struct order *o, json_t *next, json_t **report,
                        struct fault *why)
{
    struct confirmation *c = NULL;
    int error = 0;

    if (o->terms.confirm_ms && o->mode == UPGRADE_RUN)
        error = confirm_prepare(o, &c, why);
    if (!error)
        error = run(o, next, report, why);
    if (error) {
        confirm_drop(c);
    } else if (c) {
        confirm_begin(c, o->stock);
        tell_terms(o, *report);
    } else if (o->mode == UPGRADE_RUN && o->move_count && !o->pick) {
        confirm_superseded();
    }
    return error;
}

int order_run(struct order *o, json_t *next, json_t **report, struct fault *why)
{
    const json_t *ledger = record_ledger(o->stock->record);
    char from[LEDGER_NAME_TEXT], to[LEDGER_NAME_TEXT];
    int error;

    ledger_name(ledger_running(ledger), from);
    error = settle(o, why);
    if (!error)
        error = run_on_terms(o, next, report, why);
    ledger_name(ledger_running(record_ledger(o->stock->record)), to);
    if (strcmp(from, to) != 0)
        event_emit(
            EVENT_INFO, "release.run", "{s:s, s:s, s:b}", "release", to, "from", from,
            "permanent",
            ledger_is(ledger_running(record_ledger(o->stock->record)), "permanent"));
    return error;
}

void order_finish(struct order *o)
{
    for (size_t i = 0; i < o->move_count; i++)
        free(o->moves[i].stops);
    free(o->moves);
    free(o->starts);
    free(o->stops);
    loaded_purge(o->stock);
}
