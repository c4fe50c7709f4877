/* SPDX-License-Identifier: Apache-2.0 */
#include "reboot.h"

#include <errno.h>

#include "clock.h"
#include "event.h"
#include "ledger.h"

int reboot_check(const struct attempt *a, struct fault *why)
{
    const struct upgrade *u = a->u;

    if (!attempt_reboots(a) || (!u->terms.confirm_ms && !u->unasked))
        return 0;
    fault_where(why, "plan", attempt_app(a), NULL, NULL);
    if (u->terms.confirm_ms)
        return fault(
            why, -ENOTSUP,
            "an appup has the host end and begin anew, once: whoever wants to "
            "keep that says 'moult permanent', and there is nothing to confirm: leave "
            "--confirm-within out");
    return fault(
        why, -EPERM,
        "an appup has the host end and begin anew, and all that servers hold is "
        "lost: 'moult upgrade' does that when it is asked to");
}

/* What cannot be made durable is not done. */
static int commit(struct record *r, json_t *next, struct fault *why)
{
    json_t *before = json_incref((json_t *)(uintptr_t)record_ledger(r));
    struct fault ignored = {0};
    int error = record_prepare(r, next, why);

    if (!error && (error = record_commit(r, why)) < 0)
        record_replace(r, before, &ignored);
    json_decref(before);
    return error;
}

int reboot_commit(struct attempt *a, struct fault *why)
{
    const json_t *ledger = record_ledger(a->u->record);
    uint64_t began_ns = clock_ns();
    char from[LEDGER_NAME_TEXT], to[LEDGER_NAME_TEXT];
    json_t *next = a->u->next ? ledger_once(ledger, a->u->next) : NULL;
    int error;

    attempt_step(a, "commit");
    ledger_name(ledger_running(ledger), from);
    error = commit(a->u->record, next, why);
    json_decref(next);
    a->record_ns = clock_ns() - began_ns;
    if (error) {
        fault_where(why, "commit", attempt_app(a), NULL, NULL);
        return error;
    }
    event_emit(EVENT_WARN, "release.once", "{s:s, s:s}", "release",
               ledger_name(ledger_next(record_ledger(a->u->record)), to), "from", from);
    return 0;
}

json_t *reboot_part_json(const struct part *part)
{
    const struct upgrade_move *m = part->move;

    return json_pack("{s:s, s:s, s:s, s:b}", "application", m->app->name, "from",
                     m->from->vsn, "to", m->to->vsn, "restart", 1);
}
