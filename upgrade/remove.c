/* SPDX-License-Identifier: Apache-2.0 */
#include "remove.h"

#include <errno.h>
#include <string.h>

#include "event.h"
#include "ledger.h"
#include "loaded.h"

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void sweep(struct stock *s, const json_t *version)
{
    const char *name = text(version, "name"), *vsn = text(version, "vsn");
    struct catalog_entry entry = {0};

    if (catalog_find(s->catalog, name, vsn, &entry) == 0 &&
        strcmp(entry.manifest.hash, text(version, "hash")) == 0) {
        catalog_forget(s->catalog, entry.manifest.hash);
        store_drop_version(s->store, name, vsn);
    }
    catalog_entry_release(&entry);
}

void remove_sweep(struct stock *s)
{
    const json_t *removed = ledger_removed(record_ledger(s->record)), *version;
    struct fault why = {0};
    json_t *next;
    size_t i;

    if (json_array_size(removed) == 0)
        return;
    json_array_foreach(removed, i, version) sweep(s, version);
    next = ledger_swept(record_ledger(s->record));
    if (record_replace(s->record, next, &why) < 0)
        event_emit(EVENT_ERROR, "release.record_failed", "{s:s}", "reason", why.text);
    json_decref(next);
}

/* May it go? */
static int check(struct stock *s, const json_t *release, const json_t *next,
                 struct fault *why)
{
    const json_t *ledger = record_ledger(s->record), *version;
    char name[LEDGER_NAME_TEXT];
    size_t i;

    ledger_name(release, name);
    if (release == ledger_running(ledger))
        return fault(why, -EPERM, "%s is what runs", name);
    if (release == ledger_permanent(ledger))
        return fault(why, -EPERM,
                     "%s is permanent: a host begins with it.  'moult permanent' makes "
                     "what runs permanent instead",
                     name);
    json_array_foreach(ledger_removed(next), i, version)
    {
        if (loaded_has(s, text(version, "name"), text(version, "vsn")))
            return fault(why, -EBUSY,
                         "%s %s is still in use: 'moult releases' says why",
                         text(version, "name"), text(version, "vsn"));
    }
    return 0;
}

static json_t *report_of(const json_t *release, const json_t *next)
{
    json_t *removed = json_array();
    const json_t *version;
    char name[LEDGER_NAME_TEXT];
    size_t i;

    json_array_foreach(ledger_removed(next), i, version)
    {
        json_array_append_new(removed, json_sprintf("%s@%s", text(version, "name"),
                                                    text(version, "vsn")));
    }
    return json_pack("{s:s, s:o}", "release", ledger_name(release, name), "removed",
                     removed);
}

int remove_release(struct stock *s, const char *name, json_t **report,
                   struct fault *why)
{
    json_t *release = NULL, *next = NULL, *told = NULL;
    int error = ledger_find(record_ledger(s->record), name, &release, why);

    if (error)
        return error;
    loaded_purge(s);
    next = ledger_remove(record_ledger(s->record), release);
    if (!next)
        return fault(why, -ENOMEM, "no memory to remove '%s'", name);
    error = check(s, release, next, why);
    if (!error) {
        told = report_of(release, next); /* it goes with the record */
        error = record_replace(s->record, next, why);
    }
    json_decref(next);
    if (error) {
        json_decref(told);
        return error;
    }
    remove_sweep(s);
    event_emit(EVENT_INFO, "release.remove", "{s:O*}", "release",
               json_object_get(told, "release"));
    *report = told;
    return 0;
}
