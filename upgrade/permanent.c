/* SPDX-License-Identifier: Apache-2.0 */
#include "permanent.h"

#include <errno.h>
#include <string.h>

#include "event.h"
#include "ledger.h"

static int make(struct record *r, const json_t *release, json_t **report,
                struct fault *why)
{
    const json_t *ledger = record_ledger(r);
    char from[LEDGER_NAME_TEXT], to[LEDGER_NAME_TEXT];
    json_t *next;
    int error;

    ledger_name(ledger_permanent(ledger), from);
    ledger_name(release, to);
    if (!ledger_is(release, "permanent")) {
        next = ledger_make_permanent(ledger, release);
        error = record_replace(r, next, why);
        json_decref(next);
        if (error)
            return error;
        event_emit(EVENT_INFO, "release.permanent", "{s:s, s:s}", "release", to, "from",
                   from);
    }
    *report = json_pack("{s:s, s:s}", "release", to, "from", from);
    return 0;
}

int permanent_make(struct record *r, const char *name, json_t **report,
                   struct fault *why)
{
    const json_t *ledger = record_ledger(r);
    json_t *release = ledger_running(ledger);
    char full[LEDGER_NAME_TEXT];
    int error = name ? ledger_find(ledger, name, &release, why) : 0;

    if (error)
        return error;
    if (!release)
        return fault(why, -ENOENT, "nothing runs that could be permanent");
    if (release != ledger_running(ledger) && !ledger_is(release, "permanent"))
        return fault(
            why, -EPERM,
            "%s is %s: what is made permanent has to run.  'moult install' has "
            "it run",
            ledger_name(release, full),
            json_string_value(json_object_get(release, "status")));
    return make(r, release, report, why);
}

int permanent_make_old(struct record *r, const char *name, json_t **report,
                       struct fault *why)
{
    json_t *release = NULL;
    char full[LEDGER_NAME_TEXT];
    int error = ledger_find(record_ledger(r), name, &release, why);

    if (error)
        return error;
    if (!ledger_is(release, "old"))
        return fault(why, -EPERM, "%s is %s, not old", ledger_name(release, full),
                     json_string_value(json_object_get(release, "status")));
    return make(r, release, report, why);
}
