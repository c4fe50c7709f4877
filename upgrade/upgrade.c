/* SPDX-License-Identifier: Apache-2.0 */
#include "upgrade.h"

#include <errno.h>

#include "ahead.h"
#include "clock.h"
#include "event.h"
#include "pause.h"
#include "reboot.h"

static void retire(struct attempt *a)
{
    uint64_t began_ns = clock_ns();
    struct fault why = {0};

    if (a->u->pick)
        return;
    if (record_commit(a->u->record, &why) < 0)
        event_emit(EVENT_ERROR, "release.record_failed", "{s:s}", "reason", why.text);
    a->record_ns += clock_ns() - began_ns;
    for (size_t i = 0; i < a->u->move_count; i++)
        part_retire(&a->parts[i]);
    for (size_t i = 0; i < a->u->stop_count; i++)
        application_stop(a->u->stops[i]);
}

static void undo(struct attempt *a)
{
    const struct upgrade *u = a->u;

    for (size_t i = 0; i < u->move_count; i++)
        part_abandon(&a->parts[i]);
    if (a->drain_ns)
        pause_resume(a);
    for (size_t i = 0; i < u->move_count; i++)
        part_undo(&a->parts[i]);
    ahead_take_back(a);
    if (a->prepared)
        record_forget(u->record);
}

/* All that may refuse, in order; what is planned first says which of them. */
typedef int step(struct attempt *a, struct fault *why);

static step *const before[] = {
    ahead_rehearse, ahead_check, ahead_prepare, ahead_start,   ahead_add, ahead_apply,
    ahead_restart,  ahead_stop,  pause_drain,   pause_migrate, NULL};
static step *const before_reboot[] = {ahead_check, ahead_apply, NULL};

static void finish(struct attempt *a)
{
    pause_commit(a);
    pause_resume(a);
    for (size_t i = 0; i < a->u->move_count; i++)
        part_start(&a->parts[i]);
    pause_tell(a);
    retire(a);
    pause_note(a);
    attempt_told(a, NULL);
}

static int take_steps(struct attempt *a, struct fault *why)
{
    int error = ahead_plan(a, why);
    step *const *next = attempt_reboots(a) ? before_reboot : before;

    while (!error && *next)
        error = (*next++)(a, why);
    return error;
}

/* It is told of first, since nothing may fail once it is committed. */
static int reboot(struct attempt *a, json_t **report, struct fault *why)
{
    json_t *said = NULL;
    int error = attempt_tell(a, reboot_part_json, &said, why);

    if (!error && json_object_set_new(said, "restart", json_true()) < 0)
        error = fault(why, -ENOMEM, "no memory to tell of it");
    if (!error)
        error = reboot_commit(a, why);
    if (error)
        json_decref(said);
    else
        *report = said;
    return error;
}

int upgrade_run(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct attempt a;
    int error = attempt_begin(&a, u, why);

    if (error)
        return error;
    a.runs = true;
    attempt_told_start(&a);
    error = take_steps(&a, why);
    if (!error && attempt_reboots(&a))
        error = reboot(&a, report, why);
    if (error) {
        undo(&a);
        attempt_told(&a, why);
    } else if (!attempt_reboots(&a)) {
        finish(&a);
        *report = attempt_report(&a);
    }
    attempt_finish(&a);
    return error;
}

int upgrade_rehearse(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct attempt a;
    int error = attempt_begin(&a, u, why);

    if (error)
        return error;
    error = ahead_plan(&a, why);
    if (!error)
        error = ahead_rehearse(&a, why);
    if (!error)
        error = attempt_tell(&a, part_rehearsal_json, report, why);
    attempt_finish(&a);
    return error;
}

int upgrade_plan(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct attempt a;
    int error = attempt_begin(&a, u, why);

    if (error)
        return error;
    error = ahead_plan_quietly(&a, why);
    if (!error)
        error = attempt_tell(&a, part_plan_json, report, why);
    attempt_finish(&a);
    return error;
}
