/* SPDX-License-Identifier: Apache-2.0 */
#include "stock.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_memory.h"
#include "ledger.h"

bool stock_is_passing(int error)
{
    return error == -EAGAIN || error == -ENOMEM || error == -EPIPE ||
           error == -ENOSPC || error == -EDQUOT || error == -EIO || error == -EMFILE ||
           error == -ENFILE;
}

struct survey {
    struct stock *stock;
    int first; /* of the errors that are no file's fault */
};

/*
 * What an earlier host stored is here already, if it was vetted to the end and can still
 * be read.  The same content may be there twice, if it was loaded again while it
 * lingered.
 */
static void take_back(void *context, const char *stored)
{
    struct manifest m = {0};
    struct survey *survey = context;
    struct stock *s = survey->stock;
    int error = -EINVAL;

    if (store_is_approved(s->store, stored))
        error = manifest_read(stored, &m, NULL);
    if (!error)
        error = catalog_consider(s->catalog, &m, NULL, NULL);
    if (!error)
        error = catalog_add(s->catalog, &m, stored, NULL, NULL);
    if (error == -EDQUOT) /* it stays there, and waits for room */
        return;
    if (stock_is_passing(error)) /* which is no reason to lose it */
        survey->first = survey->first ? survey->first : error;
    else if (error)
        store_drop(s->store, stored);
}

static int take_all_back(struct stock *s, struct fault *why)
{
    struct survey survey = {.stock = s};
    int error = store_each(s->store, take_back, &survey);

    error = error ? error : survey.first;
    return error ? fault(why, error, "unable to read what is in the store: %s",
                         strerror(-error))
                 : 0;
}

static int remove_entry(const char *path, const struct stat *st, int type,
                        struct FTW *at)
{
    remove(path);
    return 0;
}

void stock_clear_unpacking(const struct stock *s)
{
    if (s->unpacking)
        nftw(s->unpacking, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

static int open_store(struct stock *s, const char *data, struct fault *why)
{
    char *folder = NULL;
    int error = asprintf(&folder, "%s/store", data) < 0 ? -ENOMEM : 0;

    if (!error && asprintf(&s->unpacking, "%s/unpacking", data) < 0) {
        s->unpacking = NULL;
        free(folder);
        error = -ENOMEM;
    }
    if (error)
        return fault(why, error, "no memory for the release handler");
    error = store_open(folder, &s->store, why);
    free(folder);
    return error;
}

int stock_open(struct stock *s, const char *data, struct fault *why)
{
    int error = open_store(s, data, why); /* from here on no other host has it */

    if (!error)
        stock_clear_unpacking(s); /* of a host that ended meanwhile */
    if (!error)
        error = record_open(data, &s->record, why);
    if (!error)
        error = vet_start(NULL, &s->vet, why);
    if (!error && !(s->catalog = catalog_create()))
        error = fault(why, -ENOMEM, "no memory for the release handler");
    return error ? error : take_all_back(s, why);
}

void stock_close(struct stock *s)
{
    vet_stop(s->vet);
    record_close(s->record);
    free(s->unpacking);
    catalog_destroy(s->catalog);
    store_close(s->store);
    *s = (struct stock){.loaded = s->loaded};
}

int stock_add_application(json_t *apps, const struct catalog_entry *entry)
{
    json_t *version;

    json_memory_watch();
    version = json_pack("{s:s, s:s}", "vsn", entry->manifest.vsn, "hash",
                        entry->manifest.hash);
    json_object_set_new(apps, entry->manifest.name, version);
    return json_memory_done() || !version ? -ENOMEM : 0;
}

json_t *stock_applications(const struct stock *s, const struct catalog_entry *entry)
{
    const json_t *running = ledger_running(record_ledger(s->record));
    json_t *apps;

    json_memory_watch();
    apps = running ? json_deep_copy(ledger_applications(running)) : json_object();
    if (!json_memory_done() && apps &&
        (!entry || stock_add_application(apps, entry) == 0))
        return apps;
    json_decref(apps);
    return NULL;
}
