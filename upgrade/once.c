/* SPDX-License-Identifier: Apache-2.0 */
#include "once.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "application.h"
#include "event.h"
#include "ledger.h"

static atomic_bool is_trying; /* relaxed: who looks has waited for the booting thread */

bool once_is_trying(void)
{
    return atomic_load_explicit(&is_trying, memory_order_relaxed);
}

void once_settled(void)
{
    atomic_store_explicit(&is_trying, false, memory_order_relaxed);
}

static void tell_failed(const json_t *release, const char *reason)
{
    char name[LEDGER_NAME_TEXT];

    event_emit(EVENT_ERROR, "release.once_failed", "{s:s, s:s}", "release",
               ledger_name(release, name), "reason", reason);
}

/* Of a host before this one, which did not come up with it. */
static void tell_tried(const json_t *ledger)
{
    const json_t *tried = ledger_tried(ledger);
    const char *reason = json_string_value(json_object_get(tried, "reason"));

    if (tried)
        tell_failed(tried, reason ? reason : "the host ended before all of it ran");
}

static int replace(struct stock *s, json_t *next, struct fault *why)
{
    int error = record_replace(s->record, next, why);

    json_decref(next);
    return error;
}

bool once_take(struct stock *s)
{
    const json_t *ledger = record_ledger(s->record), *next = ledger_next(ledger);
    struct fault why = {0};

    tell_tried(ledger);
    if (!next)
        return false;
    if (replace(s, ledger_try(ledger), &why) < 0) {
        tell_failed(next, why.text);
        return false;
    }
    atomic_store_explicit(&is_trying, true, memory_order_relaxed);
    return true;
}

/* It runs as that version, by itself or as part of another. */
static bool is_there(const char *name, const json_t *version)
{
    const struct application *app = application_find(name);
    const char *vsn = json_string_value(json_object_get(version, "vsn"));

    return app && app->spec && strcmp(app->spec->vsn, vsn) == 0 &&
           (app->owner || application_runs(name));
}

int once_check(struct stock *s, struct fault *why)
{
    const json_t *release = ledger_running(record_ledger(s->record));
    char text[LEDGER_NAME_TEXT];
    struct fault ignored = {0}; /* it is told without a reason then */
    const char *name;
    json_t *version;

    json_object_foreach(ledger_applications(release), name, version)
    {
        if (is_there(name, version))
            continue;
        fault(why, -ENOEXEC, "application '%s' of %s did not start as %s", name,
              ledger_name(release, text),
              json_string_value(json_object_get(version, "vsn")));
        replace(s, ledger_failed(record_ledger(s->record), why->text), &ignored);
        return -ENOEXEC;
    }
    return 0;
}
