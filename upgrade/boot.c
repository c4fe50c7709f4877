/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "event.h"
#include "intake.h"
#include "loaded.h"

static int start(const struct boot *b, const struct catalog_entry *entry,
                 struct fault *why)
{
    struct application *app;
    struct loaded *l;
    int error = loaded_open(b->stock, entry, &l, why);

    if (!error)
        error = record_prepare(b->record, entry->manifest.name, entry->manifest.vsn,
                               entry->manifest.hash, why);
    if (!error) {
        error = application_start(&l->spec, &app, why);
        if (error)
            record_forget(b->record);
        else
            error = record_commit(b->record, why);
    }
    if (error) {
        loaded_purge(b->stock);
        return error;
    }
    catalog_set_status(b->stock->catalog, entry->manifest.name, entry->manifest.vsn,
                       CATALOG_RUNNING);
    return 0;
}

static void start_refused(const struct boot *b, const struct catalog_entry *entry,
                          const struct fault *why)
{
    catalog_refuse(b->stock->catalog, &entry->manifest, entry->dropped, why->text);
    event_emit(EVENT_ERROR, "application.refused", "{s:s, s:s, s:s}", "app",
               entry->manifest.name, "vsn", entry->manifest.vsn, "reason", why->text);
}

void boot_start(const struct boot *b, const struct catalog_entry *entry)
{
    struct fault why = {0};

    if (start(b, entry, &why) < 0)
        start_refused(b, entry, &why);
}

/* The version of `name` to begin with: the record's if it is here, or the highest. */
static int choose(const struct boot *b, const char *name, struct catalog_entry *out)
{
    const char *vsn = record_vsn(b->record, name), *hash = record_hash(b->record, name);

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

static void start_named(void *context, const char *name)
{
    const struct boot *b = context;
    struct catalog_entry entry = {0};
    struct application *app = application_find(name);

    if ((app && app->status == APPLICATION_RUNNING) || choose(b, name, &entry) < 0)
        return;
    boot_start(b, &entry);
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

int boot_all(const struct boot *b, const char *plugins, struct fault *why)
{
    struct boot boot = *b;
    struct intake_folder folder = {0};
    struct manifest m;
    int error = intake_read_folder(plugins, &folder, why);

    take_in_each(b->stock, &folder);
    if (record_each(b->record, start_named, &boot) < 0 &&
        !error) /* in the folder or not */
        error = fault(why, -ENOMEM, "no memory to start what the release record has");
    for (size_t i = 0; i < folder.count; i++)
        if (manifest_read(folder.paths[i], &m, NULL) == 0 &&
            !record_vsn(b->record, m.name))
            start_named(&boot, m.name);
    intake_release_folder(&folder);
    return error;
}
