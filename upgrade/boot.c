/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "event.h"
#include "intake.h"
#include "ledger.h"
#include "loaded.h"
#include "order.h"
#include "remove.h"

static void start_refused(struct stock *s, const struct catalog_entry *entry,
                          const struct fault *why)
{
    catalog_refuse(s->catalog, &entry->manifest, entry->dropped, why->text);
    event_emit(EVENT_ERROR, "application.refused", "{s:s, s:s, s:s}", "app",
               entry->manifest.name, "vsn", entry->manifest.vsn, "reason", why->text);
}

/* -- one, later -- */

void boot_start(struct stock *s, const struct catalog_entry *entry)
{
    struct order order = {.stock = s};
    json_t *apps = stock_applications(s, entry), *report = NULL,
           *next =
               apps ? ledger_become(record_ledger(s->record), apps, s->manual) : NULL;
    struct fault why = {0};
    int error = order_start(&order, entry, &why);

    if (!error)
        error = order_run(&order, next, &report, &why);
    order_finish(&order);
    if (error)
        start_refused(s, entry, &why);
    json_decref(report);
    json_decref(next);
    json_decref(apps);
}

/* -- all, at first -- */

struct boot {
    struct stock *stock;
    json_t *apps; /* that run, or should: of the release that this comes to */
};

static int start(struct boot *b, const struct catalog_entry *entry, struct fault *why)
{
    struct application *app;
    struct loaded *l;
    int error = loaded_open(b->stock, entry, &l, why);

    if (!error)
        error = application_start(&l->spec, &app, why);
    if (!error)
        error = stock_add_application(b->apps, entry);
    if (error) {
        loaded_purge(b->stock);
        return error;
    }
    catalog_set_status(b->stock->catalog, entry->manifest.name, entry->manifest.vsn,
                       CATALOG_RUNNING);
    return 0;
}

/* The version of `name` to begin with: the release's if it is here, or the highest. */
static int choose(struct boot *b, const char *name, const json_t *version,
                  struct catalog_entry *out)
{
    const char *vsn = json_string_value(json_object_get(version, "vsn")),
               *hash = json_string_value(json_object_get(version, "hash"));

    if (vsn && hash && catalog_find(b->stock->catalog, name, vsn, out) == 0) {
        if (strcmp(out->manifest.hash, hash) == 0)
            return 0;
        catalog_entry_release(out);
    }
    if (vsn)
        event_emit(EVENT_WARN, "release.missing", "{s:s, s:s}", "app", name, "vsn",
                   vsn);
    return catalog_find_highest(b->stock->catalog, name, out);
}

/* `version` is what a release has of it, or NULL. */
static void start_named(struct boot *b, const char *name, const json_t *version)
{
    struct catalog_entry entry = {0};
    struct application *app = application_find(name);
    struct fault why = {0};

    if ((app && app->status == APPLICATION_RUNNING) ||
        choose(b, name, version, &entry) < 0)
        return;
    if (start(b, &entry, &why) < 0)
        start_refused(b->stock, &entry, &why);
    catalog_entry_release(&entry);
}

static void take_in_each(struct stock *s, const struct intake_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        struct fault ignored = {0}; /* the intake has told it */
        struct manifest m = {0};
        uint64_t vet_ns;

        intake_file(s, folder->paths[i], &m, &vet_ns, &ignored);
    }
}

static void start_all(struct boot *b, const struct intake_folder *folder)
{
    const json_t *ledger = record_ledger(b->stock->record);
    json_t *version;
    struct manifest m;
    const char *app;

    json_object_foreach(ledger_applications(ledger_running(ledger)), app, version)
        start_named(b, app, version);
    for (size_t i = 0; i < folder->count; i++)
        if (manifest_read(folder->paths[i], &m, NULL) == 0 &&
            !ledger_knows(ledger, m.name))
            start_named(b, m.name, NULL);
}

/* What runs is the release that has just this. */
static void settle(struct boot *b)
{
    struct stock *s = b->stock;
    char name[LEDGER_NAME_TEXT];
    struct fault why = {0};
    json_t *next;

    if (json_object_size(b->apps) == 0 && !ledger_running(record_ledger(s->record)))
        return; /* there is nothing yet */
    next = ledger_become(record_ledger(s->record), b->apps, s->manual);
    if (record_replace(s->record, next, &why) < 0)
        event_emit(EVENT_ERROR, "release.record_failed", "{s:s}", "reason", why.text);
    json_decref(next);
    event_emit(EVENT_INFO, "release.boot", "{s:s}", "release",
               ledger_name(ledger_running(record_ledger(s->record)), name));
}

int boot_all(struct stock *s, const char *plugins, struct fault *why)
{
    struct boot b = {.stock = s, .apps = stock_applications(s, NULL)};
    struct intake_folder folder = {0};
    int error = b.apps ? 0 : fault(why, -ENOMEM, "no memory to start what there is");

    if (!error)
        error = intake_read_folder(plugins, &folder, why);
    if (!error) {
        remove_sweep(s);
        take_in_each(s, &folder);
        start_all(&b, &folder);
        settle(&b);
    }
    intake_release_folder(&folder);
    json_decref(b.apps);
    return error;
}
