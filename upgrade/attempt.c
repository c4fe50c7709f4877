/* SPDX-License-Identifier: Apache-2.0 */
#include "attempt.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "crew.h"
#include "event.h"
#include "told.h"

int attempt_begin(struct attempt *a, const struct upgrade *u, struct fault *why)
{
    *a = (struct attempt){.u = u, .began_ns = clock_ns()};
    a->parts = calloc(u->move_count + 1, sizeof(*a->parts));
    a->statuses = calloc(u->start_count + 1, sizeof(*a->statuses));
    if (!a->parts || !a->statuses) {
        free(a->parts);
        free(a->statuses);
        return fault(why, -ENOMEM, "no memory for the upgrade");
    }
    for (size_t i = 0; i < u->move_count; i++)
        a->parts[i] = (struct part){
            .whole = u, .move = &u->moves[i], .pick = u->pick, .rehearse = u->rehearse};
    return 0;
}

void attempt_finish(struct attempt *a)
{
    crew_dismiss();
    for (size_t i = 0; i < a->u->move_count; i++)
        part_finish(&a->parts[i]);
    free(a->parts);
    free(a->statuses);
}

const char *attempt_app(const struct attempt *a)
{
    return a->u->move_count == 1 ? a->u->moves[0].app->name : NULL;
}

bool attempt_reboots(const struct attempt *a)
{
    for (size_t i = 0; i < a->u->move_count; i++)
        if (a->parts[i].plan.reboots)
            return true;
    return false;
}

void attempt_progress(const struct attempt *a, const char *step, const json_t *more)
{
    if (a->u->progress)
        a->u->progress(a->u->context, step, more);
}

/* A negative `us`: it begins. */
static void tell_step(const struct attempt *a, const char *name, json_int_t us)
{
    const struct upgrade *u = a->u;

    for (size_t i = 0; i < u->move_count; i++) {
        const struct upgrade_move *m = &u->moves[i];
        json_t *event = json_pack("{s:s, s:s, s:s, s:s}", "step", name, "app",
                                  m->app->name, "from", m->from->vsn, "to", m->to->vsn);

        if (us >= 0)
            json_object_set_new(event, "us", json_integer(us));
        event_emit(a->runs ? EVENT_INFO : EVENT_DEBUG, "upgrade.step", "o*", event);
    }
    attempt_progress(a, name, NULL);
}

void attempt_step(const struct attempt *a, const char *name)
{
    tell_step(a, name, -1);
}

void attempt_took(const struct attempt *a, const char *name, json_int_t us)
{
    tell_step(a, name, us);
}

void attempt_told_start(const struct attempt *a)
{
    for (size_t i = 0; i < a->u->move_count; i++)
        told_start(&a->u->moves[i]);
}

void attempt_told(const struct attempt *a, const struct fault *why)
{
    for (size_t i = 0; i < a->u->move_count; i++)
        if (why)
            told_exception(&a->u->moves[i], a->began_ns, why);
        else
            told_stop(&a->parts[i], a->began_ns, a->resumed_ns - a->drain_ns);
}

/* -- reports -- */

/* What is common to all its applications is said of each. */
static json_t *report_part(const struct attempt *a, const struct part *part,
                           uint64_t now_ns)
{
    const struct {
        const char *name;
        uint64_t ns;
    } took[] = {{"pause_us", a->resumed_ns - a->drain_ns},
                {"total_us", now_ns - a->began_ns + a->u->vet_ns},
                {"vet_us", a->u->vet_ns},
                {"rehearse_us", a->rehearse_ns},
                {"record_us", a->record_ns}};
    json_t *report = part_report(part, a->u->lists);

    for (size_t i = 0; i < sizeof(took) / sizeof(*took); i++)
        json_object_set_new(report, took[i].name,
                            json_integer((json_int_t)(took[i].ns / 1000)));
    return report;
}

static json_t *whole_report(const struct upgrade *u, json_t *upgraded)
{
    json_t *started = json_array(), *stopped = json_array();

    for (size_t i = 0; i < u->start_count; i++)
        json_array_append_new(started,
                              json_pack("{s:s, s:s}", "application", u->starts[i]->name,
                                        "vsn", u->starts[i]->vsn));
    for (size_t i = 0; i < u->stop_count; i++)
        json_array_append_new(stopped,
                              json_pack("{s:s, s:s}", "application", u->stops[i]->name,
                                        "vsn", u->stops[i]->spec->vsn));
    return json_pack("{s:o, s:o, s:o}", "upgraded", upgraded, "started", started,
                     "stopped", stopped);
}

json_t *attempt_report(const struct attempt *a)
{
    json_t *upgraded = json_array();

    for (size_t i = 0; i < a->u->move_count; i++)
        json_array_append_new(upgraded, report_part(a, &a->parts[i], clock_ns()));
    return whole_report(a->u, upgraded);
}

int attempt_tell(const struct attempt *a, json_t *(*tell)(const struct part *part),
                 json_t **report, struct fault *why)
{
    json_t *upgraded = json_array();

    for (size_t i = 0; i < a->u->move_count; i++)
        json_array_append_new(upgraded, tell(&a->parts[i]));
    *report = whole_report(a->u, upgraded);
    return *report ? 0 : fault(why, -ENOMEM, "no memory to tell of it");
}
