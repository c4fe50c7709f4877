/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "drop.h"
#include "event.h"
#include "intake.h"
#include "ledger.h"
#include "loaded.h"
#include "needs.h"
#include "once.h"
#include "order.h"
#include "remove.h"
#include "unpack.h"

/* -- those that wait for another -- */

/* Applications that need one that is not here, or did not start. */
struct waiting {
    struct waiting *next;
    char name[MANIFEST_NAME_MAX + 1];
};

static void wait_for_others(struct stock *s, const struct catalog_entry *entry,
                            const char *culprit, const struct fault *why)
{
    struct waiting **link = &s->waiting;

    while (*link && strcmp((*link)->name, entry->manifest.name) != 0)
        link = &(*link)->next;
    if (*link || !(*link = calloc(1, sizeof(**link))))
        return;
    strcpy((*link)->name, entry->manifest.name);
    event_emit(EVENT_WARN, "application.waits", "{s:s, s:s, s:s, s:s}", "app",
               entry->manifest.name, "vsn", entry->manifest.vsn, "for", culprit,
               "reason", why->text);
}

void boot_forget_waiting(struct stock *s)
{
    struct waiting *w;

    while ((w = s->waiting)) {
        s->waiting = w->next;
        free(w);
    }
}

static void start_refused(struct stock *s, const struct catalog_entry *entry,
                          const struct fault *why)
{
    catalog_refuse(s->catalog, &entry->manifest, entry->dropped, why->text);
    event_emit(EVENT_ERROR, "application.refused", "{s:s, s:s, s:s}", "app",
               entry->manifest.name, "vsn", entry->manifest.vsn, "reason", why->text);
}

/* What `entry` lists did not start: of itself, or because of another. */
static void start_failed(struct stock *s, const struct catalog_entry *entry,
                         const struct needs *n, const struct fault *why)
{
    const char *culprit = n->missing[0] ? n->missing : why->app;

    if (why->error != -ELOOP && culprit[0] &&
        strcmp(culprit, entry->manifest.name) != 0)
        wait_for_others(s, entry, culprit, why);
    else
        start_refused(s, entry, why);
    application_start_failed(entry->manifest.name, why->text);
}

/* -- one, later -- */

/* All of `n` runs, and the ledger says so. */
static int run_needs(struct stock *s, const struct needs *n, struct fault *why)
{
    struct order order = {.stock = s};
    json_t *apps = stock_applications(s, NULL), *report = NULL, *next = NULL;
    int error = apps ? 0 : fault(why, -ENOMEM, "no memory to start what is new");

    for (size_t i = 0; i < n->count && !error; i++) {
        if (!n->list[i].is_part)
            error = order_start(&order, &n->list[i].entry, why);
        if (!error && stock_add_application(apps, &n->list[i].entry) < 0)
            error = fault(why, -ENOMEM, "no memory to start what is new");
    }
    if (!error) {
        next = ledger_become(record_ledger(s->record), apps, s->manual);
        error = order_run(&order, next, &report, why);
    }
    for (size_t i = 0; i < n->count && !error; i++)
        catalog_set_status(s->catalog, n->list[i].spec->name, n->list[i].spec->vsn,
                           CATALOG_RUNNING);
    order_finish(&order);
    json_decref(report);
    json_decref(next);
    json_decref(apps);
    return error;
}

static int start_with_needs(struct stock *s, const struct catalog_entry *entry,
                            struct needs *n, struct fault *why)
{
    int error;

    *n = (struct needs){.stock = s};
    error = needs_add(n, entry, why);
    return error ? error : run_needs(s, n, why);
}

static void start_new(struct stock *s, const struct catalog_entry *entry)
{
    struct needs n;
    struct fault why = {0};

    if (start_with_needs(s, entry, &n, &why) < 0)
        start_failed(s, entry, &n, &why);
    needs_release(&n);
}

/* Forget those that run; true if there are such. */
static bool forget_running(struct stock *s)
{
    struct waiting **link = &s->waiting, *w;
    bool any = false;

    while ((w = *link)) {
        if (!application_runs(w->name)) {
            link = &w->next;
            continue;
        }
        any = true;
        *link = w->next;
        free(w);
    }
    return any;
}

/* Try those that wait once more, for as long as that helps one. */
static void start_waiting(struct stock *s)
{
    do {
        for (struct waiting *w = s->waiting; w; w = w->next) {
            struct catalog_entry entry = {0};

            if (!application_runs(w->name) && needs_choose(s, w->name, &entry) == 0)
                start_new(s, &entry);
            catalog_entry_release(&entry);
        }
    } while (forget_running(s));
}

void boot_start(struct stock *s, const struct catalog_entry *entry)
{
    start_waiting(s); /* one may include it */
    if (!application_runs(entry->manifest.name))
        start_new(s, entry);
    start_waiting(s);
}

int boot_ensure(struct stock *s, const char *name, struct fault *why)
{
    struct catalog_entry entry = {0};
    struct needs n = {0};
    int error;

    if (application_runs(name))
        return 0;
    error = needs_choose(s, name, &entry);
    if (error)
        return fault(why, error, "there is no version of '%s'", name);
    error = start_with_needs(s, &entry, &n, why);
    needs_release(&n);
    catalog_entry_release(&entry);
    return error;
}

/* -- all, at first -- */

static atomic_bool is_cancelled; /* relaxed: it is only looked at now and then */

void boot_cancel(void)
{
    atomic_store_explicit(&is_cancelled, true, memory_order_relaxed);
}

static bool goes_on(void)
{
    return !atomic_load_explicit(&is_cancelled, memory_order_relaxed);
}

struct boot {
    struct stock *stock;
    bool once;    /* what it begins with is not permanent */
    json_t *apps; /* that run, or should: of the release that this comes to */
};

static int start_one(struct boot *b, const struct need *need, struct fault *why)
{
    struct application *app;
    int error = 0;

    if (!need->is_part && !application_runs(need->spec->name))
        error = application_start(need->spec, &app, why);
    if (!error && stock_add_application(b->apps, &need->entry) < 0)
        error = fault(why, -ENOMEM, "no memory to know of '%s'", need->spec->name);
    return error;
}

static int start(struct boot *b, const struct catalog_entry *entry, struct needs *n,
                 struct fault *why)
{
    int error;

    *n = (struct needs){.stock = b->stock};
    error = needs_add(n, entry, why);
    for (size_t i = 0; i < n->count && !error && goes_on(); i++)
        error = start_one(b, &n->list[i], why);
    for (size_t i = 0; i < n->count; i++)
        if (application_runs(n->list[i].spec->name))
            catalog_set_status(b->stock->catalog, n->list[i].spec->name,
                               n->list[i].spec->vsn, CATALOG_RUNNING);
    return error;
}

/* Is it part of another that is loaded? */
static bool is_included(const struct stock *s, const char *name)
{
    const struct loaded *l = s->loaded;

    while (l && !resource_has(application_resource(&l->spec)->included, name))
        l = l->next;
    return l != NULL;
}

/* Load it, so that it is known what it includes; what is wrong is told when it starts. */
static void load_named(struct boot *b, const char *name, const json_t *version)
{
    struct catalog_entry entry = {0};
    struct loaded *l;

    if (needs_choose(b->stock, name, &entry) == 0)
        loaded_open(b->stock, &entry, &l, NULL);
    catalog_entry_release(&entry);
}

/* `version` is what a release has of it, or NULL. */
static void start_named(struct boot *b, const char *name, const json_t *version)
{
    const char *vsn = json_string_value(json_object_get(version, "vsn")),
               *hash = json_string_value(json_object_get(version, "hash"));
    struct catalog_entry entry = {0};
    struct needs n = {0};
    struct fault why = {0};

    if (!goes_on())
        return;
    if (application_runs(name) || is_included(b->stock, name) ||
        needs_choose(b->stock, name, &entry) < 0) {
        if (vsn && !application_runs(name) && !is_included(b->stock, name))
            event_emit(EVENT_WARN, "release.missing", "{s:s, s:s}", "app", name, "vsn",
                       vsn);
        return;
    }
    if (vsn && (!hash || strcmp(entry.manifest.hash, hash) != 0))
        event_emit(EVENT_WARN, "release.missing", "{s:s, s:s}", "app", name, "vsn",
                   vsn);
    if (start(b, &entry, &n, &why) < 0)
        start_failed(b->stock, &entry, &n, &why);
    needs_release(&n);
    catalog_entry_release(&entry);
}

/* Those of one kind. */
static void take_in(struct stock *s, const struct intake_folder *folder, bool plugins,
                    bool releases)
{
    for (size_t i = 0; i < folder->count; i++)
        if (unpack_is_plugin(folder->paths[i]) == plugins &&
            unpack_is_release(folder->paths[i]) == releases)
            drop_take_in(s, folder->paths[i]);
}

/* What releases are made of goes before them. */
static void take_in_each(struct stock *s, const struct intake_folder *folder)
{
    take_in(s, folder, true, false);
    take_in(s, folder, false, false);
    take_in(s, folder, false, true);
}

/* Do `visit` with what the release has, and then with what no release knows. */
static void each(struct boot *b, const struct intake_folder *folder,
                 void (*visit)(struct boot *b, const char *name, const json_t *version))
{
    const json_t *ledger = record_ledger(b->stock->record);
    json_t *version;
    struct manifest m;
    const char *app;

    json_object_foreach(ledger_applications(ledger_wanted(ledger)), app, version)
        visit(b, app, version);
    for (size_t i = 0; i < folder->count; i++)
        if (manifest_read(folder->paths[i], &m, NULL) == 0 &&
            !ledger_knows(ledger, m.name))
            visit(b, m.name, NULL);
}

/* What runs is the release that has just this. */
static void settle(struct boot *b)
{
    struct stock *s = b->stock;
    char name[LEDGER_NAME_TEXT];
    struct fault why = {0};
    json_t *became, *next;
    const json_t *running;

    if (json_object_size(b->apps) == 0 && !ledger_running(record_ledger(s->record)))
        return; /* there is nothing yet */
    became = ledger_become(record_ledger(s->record), b->apps, s->manual || b->once);
    next = became ? ledger_settled(became) : NULL;
    if (record_replace(s->record, next, &why) < 0)
        event_emit(EVENT_ERROR, "release.record_failed", "{s:s}", "reason", why.text);
    json_decref(next);
    json_decref(became);
    once_settled();
    running = ledger_running(record_ledger(s->record));
    event_emit(EVENT_INFO, "release.boot", "{s:s, s:b}", "release",
               ledger_name(running, name), "permanent",
               ledger_is(running, "permanent"));
}

int boot_all(struct stock *s, const char *plugins, struct fault *why)
{
    struct boot b = {.stock = s, .once = once_take(s)};
    struct intake_folder folder = {0};
    int error = 0;

    b.apps = stock_applications(s, NULL); /* of what is tried, if anything is */
    if (!b.apps)
        error = fault(why, -ENOMEM, "no memory to start what there is");
    if (!error)
        error = intake_read_folder(plugins, &folder, why);
    if (!error) {
        remove_sweep(s);
        take_in_each(s, &folder);
        each(&b, &folder, load_named);
        each(&b, &folder, start_named);
    }
    if (!error && !goes_on())
        error = fault(why, -ECANCELED, "asked to stop before all had started");
    if (!error && b.once)
        error = once_check(s, why);
    if (!error) {
        settle(&b);
        start_waiting(s);
        loaded_purge(s);
    }
    intake_release_folder(&folder);
    json_decref(b.apps);
    return error;
}
