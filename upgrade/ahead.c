/* SPDX-License-Identifier: Apache-2.0 */
#include "ahead.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "reboot.h"

/* Will `name` run when it is done? */
static bool will_run(const struct upgrade *u, const char *name)
{
    for (size_t i = 0; i < u->start_count; i++)
        if (strcmp(u->starts[i]->name, name) == 0)
            return true;
    for (size_t i = 0; i < u->stop_count; i++)
        if (strcmp(u->stops[i]->name, name) == 0)
            return false;
    return application_runs(name);
}

/* Will all run that the new version of `m` needs? */
static int check_needs(const struct upgrade *u, const struct upgrade_move *m,
                       struct fault *why)
{
    const struct resource *r = application_resource(m->spec);

    for (char **name = r->applications; name && *name; name++)
        if (!resource_has(r->optional, *name) && !will_run(u, *name)) {
            fault_where(why, "plan", m->app->name, NULL, NULL);
            return fault(why, -ENOENT,
                         "application '%s' needs '%s', which does not run",
                         m->app->name, *name);
        }
    return 0;
}

/* A part of the servers can't take all of an application, or others, along. */
static int check_pick(const struct attempt *a, struct fault *why)
{
    const struct upgrade *u = a->u;
    bool whole = u->start_count || u->stop_count;

    for (size_t i = 0; i < u->move_count; i++)
        whole |= a->parts[i].plan.restarts;
    if (!u->pick || !whole)
        return 0;
    fault_where(why, "plan", attempt_app(a), NULL, NULL);
    return fault(why, -ENOTSUP,
                 "an appup has applications started or stopped, which is for all of "
                 "their servers: 'moult upgrade' moves them all");
}

int ahead_plan_quietly(struct attempt *a, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < a->u->move_count && !error; i++) {
        error = part_plan(&a->parts[i], why);
        if (!error)
            error = check_needs(a->u, &a->u->moves[i], why);
    }
    if (!error)
        error = check_pick(a, why);
    if (!error && attempt_reboots(a))
        for (size_t i = 0; i < a->u->move_count; i++)
            a->parts[i].plan.reboots = true;
    return error ? error : reboot_check(a, why);
}

int ahead_plan(struct attempt *a, struct fault *why)
{
    attempt_step(a, "plan");
    return ahead_plan_quietly(a, why);
}

int ahead_rehearse(struct attempt *a, struct fault *why)
{
    uint64_t began_ns = clock_ns();
    int error = 0;

    if (a->u->rehearse == 0)
        return 0;
    attempt_step(a, "rehearse");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_rehearse(&a->parts[i], a->u->vet, a->u->rehearse, why);
    a->rehearse_ns = clock_ns() - began_ns;
    return error;
}

/* May they be configured so?  They say so themselves. */
int ahead_check(struct attempt *a, struct fault *why)
{
    int error = 0;

    if (a->u->pick)
        return 0;
    attempt_step(a, "check");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_check(&a->parts[i], why);
    return error;
}

int ahead_prepare(struct attempt *a, struct fault *why)
{
    uint64_t began_ns;
    int error;

    if (a->u->pick)
        return 0;
    attempt_step(a, "prepare");
    began_ns = clock_ns();
    error = record_prepare(a->u->record, a->u->next, why);
    a->record_ns = clock_ns() - began_ns;
    a->prepared = !error;
    if (error)
        fault_where(why, "prepare", attempt_app(a), NULL, NULL);
    return error;
}

int ahead_start(struct attempt *a, struct fault *why)
{
    const struct upgrade *u = a->u;
    struct application *app;
    int error = 0;

    if (u->start_count)
        attempt_step(a, "start");
    while (a->starts < u->start_count && !error) {
        const struct application_spec *spec = u->starts[a->starts];

        a->statuses[a->starts++] = application_status(spec->name);
        error = application_start(spec, &app, why);
    }
    return error;
}

int ahead_add(struct attempt *a, struct fault *why)
{
    bool adds = false;
    int error = 0;

    if (a->u->pick)
        return 0;
    for (size_t i = 0; i < a->u->move_count; i++)
        adds |= part_adds(&a->parts[i]);
    if (adds)
        attempt_step(a, "add");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_add(&a->parts[i], why);
    return error;
}

/* What appups have called beforehand. */
int ahead_apply(struct attempt *a, struct fault *why)
{
    bool applies = false;
    int error = 0;

    for (size_t i = 0; i < a->u->move_count; i++)
        applies |= part_applies(&a->parts[i]);
    if (applies)
        attempt_step(a, "apply");

    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_apply(&a->parts[i], why);
    return error;
}

/* Those whose appup wants it.  The last before the pause: what they hold is lost. */
int ahead_restart(struct attempt *a, struct fault *why)
{
    bool restarts = false;
    int error = 0;

    for (size_t i = 0; i < a->u->move_count; i++)
        restarts |= a->parts[i].plan.restarts;
    if (restarts)
        attempt_step(a, "restart");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_restart(&a->parts[i], why);
    return error;
}

/* The servers of these; the others go on. */
int ahead_stop(struct attempt *a, struct fault *why)
{
    bool stops = false;
    int error = 0;

    for (size_t i = 0; i < a->u->move_count; i++)
        stops |= plan_stops(&a->parts[i].plan);
    if (stops)
        attempt_step(a, "stop");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_stop(&a->parts[i], why);
    return error;
}

/* -- undone -- */

/* What failed to start alone, of nothing else's, stays listed as that. */
void ahead_take_back(struct attempt *a)
{
    const struct upgrade *u = a->u;
    bool alone = !u->move_count && !u->stop_count;

    while (a->starts-- > 0) {
        const char *name = u->starts[a->starts]->name;

        if (!alone || application_status(name) != APPLICATION_FAILED)
            application_take_back(name, alone ? 0 : a->statuses[a->starts]);
    }
}
