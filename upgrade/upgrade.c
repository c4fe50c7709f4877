/* SPDX-License-Identifier: Apache-2.0 */
#include "upgrade.h"

#include "ahead.h"
#include "clock.h"
#include "event.h"
#include "pause.h"

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

/* All that may refuse, in order. */
static int (*const before[])(struct attempt *a, struct fault *why) = {
    ahead_plan, ahead_rehearse, ahead_check,   ahead_prepare, ahead_start,
    ahead_add,  ahead_apply,    ahead_restart, pause_drain,   pause_migrate};

int upgrade_run(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct attempt a;
    int error = attempt_begin(&a, u, why);

    if (error)
        return error;
    a.runs = true;
    attempt_told_start(&a);
    for (size_t i = 0; i < sizeof(before) / sizeof(*before) && !error; i++)
        error = before[i](&a, why);
    if (error) {
        undo(&a);
        attempt_told(&a, why);
    } else {
        pause_commit(&a);
        pause_resume(&a);
        pause_tell(&a);
        retire(&a);
        pause_note(&a);
        attempt_told(&a, NULL);
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
