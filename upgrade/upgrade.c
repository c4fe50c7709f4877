/* SPDX-License-Identifier: Apache-2.0 */
#include "upgrade.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "crew.h"
#include "drain.h"
#include "event.h"
#include "pace.h"
#include "part.h"
#include "told.h"

/* There is one attempt at a time, and members may look at the hold long after it. */
static struct hold hold;
static pthread_once_t hold_once = PTHREAD_ONCE_INIT;

static void make_hold(void)
{
    hold_init(&hold);
}

struct attempt {
    const struct upgrade *u;
    struct part *parts;  /* as many as there are moves */
    size_t held, starts; /* groups; applications that were started, or failed to */
    int *statuses;       /* what these were before; see application_status() */
    bool runs;           /* it is not only planned or rehearsed */
    bool prepared;
    struct budget budget;
    uint64_t began_ns, drain_ns, rested_ns, moved_ns, resumed_ns;
    uint64_t rehearse_ns, record_ns; /* they took */
};

static void progress(void *context, const char *name, const json_t *more)
{
    const struct attempt *a = context;

    if (a->u->progress)
        a->u->progress(a->u->context, name, more);
}

/* `name` begins; or, if it took `us`, is over: nothing is told while all rest. */
static void tell_step(struct attempt *a, const char *name, json_int_t us)
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
    progress(a, name, NULL);
}

static void step(struct attempt *a, const char *name)
{
    tell_step(a, name, -1);
}

static void tell_rest(struct attempt *a)
{
    tell_step(a, "migrate", (json_int_t)(a->moved_ns - a->rested_ns) / 1000);
    tell_step(a, "commit", (json_int_t)(a->resumed_ns - a->moved_ns) / 1000);
}

/* -- before -- */

/* The one application that this is about, or NULL. */
static const char *only_name(const struct upgrade *u)
{
    return u->move_count == 1 ? u->moves[0].app->name : NULL;
}

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
    fault_where(why, "plan", only_name(u), NULL, NULL);
    return fault(why, -ENOTSUP,
                 "an appup has applications started or stopped, which is for all of "
                 "their servers: 'moult upgrade' moves them all");
}

static int plan_parts(struct attempt *a, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < a->u->move_count && !error; i++) {
        error = part_plan(&a->parts[i], why);
        if (!error)
            error = check_needs(a->u, &a->u->moves[i], why);
    }
    return error ? error : check_pick(a, why);
}

static int make_plans(struct attempt *a, struct fault *why)
{
    step(a, "plan");
    return plan_parts(a, why);
}

static int run_rehearsals(struct attempt *a, struct fault *why)
{
    uint64_t began_ns = clock_ns();
    int error = 0;

    if (a->u->rehearse == 0)
        return 0;
    step(a, "rehearse");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_rehearse(&a->parts[i], a->u->vet, a->u->rehearse, why);
    a->rehearse_ns = clock_ns() - began_ns;
    return error;
}

/* May they be configured so?  They say so themselves. */
static int check_config(struct attempt *a, struct fault *why)
{
    int error = 0;

    if (a->u->pick)
        return 0;
    step(a, "check");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_check(&a->parts[i], why);
    return error;
}

static int prepare_record(struct attempt *a, struct fault *why)
{
    uint64_t began_ns;
    int error;

    if (a->u->pick)
        return 0;
    step(a, "prepare");
    began_ns = clock_ns();
    error = record_prepare(a->u->record, a->u->next, why);
    a->record_ns = clock_ns() - began_ns;
    a->prepared = !error;
    if (error)
        fault_where(why, "prepare", only_name(a->u), NULL, NULL);
    return error;
}

static int start_applications(struct attempt *a, struct fault *why)
{
    const struct upgrade *u = a->u;
    struct application *app;
    int error = 0;

    if (u->start_count)
        step(a, "start");
    while (a->starts < u->start_count && !error) {
        const struct application_spec *spec = u->starts[a->starts];

        a->statuses[a->starts++] = application_status(spec->name);
        error = application_start(spec, &app, why);
    }
    return error;
}

static int add_children(struct attempt *a, struct fault *why)
{
    bool adds = false;
    int error = 0;

    if (a->u->pick)
        return 0;
    for (size_t i = 0; i < a->u->move_count; i++)
        adds |= part_adds(&a->parts[i]);
    if (adds)
        step(a, "add");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_add(&a->parts[i], why);
    return error;
}

/* What appups have called beforehand. */
static int apply_functions(struct attempt *a, struct fault *why)
{
    bool applies = false;
    int error = 0;

    for (size_t i = 0; i < a->u->move_count; i++)
        applies |= part_applies(&a->parts[i]);
    if (applies)
        step(a, "apply");

    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_apply(&a->parts[i], why);
    return error;
}

/* Those whose appup wants it.  The last before the pause: what they hold is lost. */
static int restart_applications(struct attempt *a, struct fault *why)
{
    bool restarts = false;
    int error = 0;

    for (size_t i = 0; i < a->u->move_count; i++)
        restarts |= a->parts[i].plan.restarts;
    if (restarts)
        step(a, "restart");
    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_restart(&a->parts[i], why);
    return error;
}

/* -- the pause -- */

static void tell_waits(void *context, const json_t *waits)
{
    progress(context, "drain", waits);
}

/* Whoever has to wake up for it should have, before anybody waits. */
static void call_crew(const struct attempt *a)
{
    bool needed = false;

    for (size_t i = 0; i < a->u->move_count; i++)
        needed |= migration_runs_callbacks(&a->parts[i].plan);
    if (needed)
        crew_call();
}

static int drain(struct attempt *a, struct fault *why)
{
    const struct upgrade *u = a->u;
    struct drain d = {.hold = &hold,
                      .moves = u->moves,
                      .move_count = u->move_count,
                      .limit_ms = UPGRADE_DRAIN_MS,
                      .tell = tell_waits,
                      .context = a};
    int error = 0;

    step(a, "drain");
    call_crew(a);
    a->drain_ns = clock_ns();
    a->budget = budget_begin(&u->terms, a->drain_ns);
    for (; a->held < u->move_count; a->held++)
        group_hold(&u->moves[a->held].app->group, &hold);
    d.limit_ms = budget_patience(&a->budget, UPGRADE_DRAIN_MS);
    if (a->held)
        error = drain_wait(&d, why);
    a->rested_ns = clock_ns();
    return error;
}

/* That is why, whatever was ended because of it. */
static int blame_slowest(struct attempt *a, struct fault *why)
{
    struct fault ended = *why;
    struct slowest slowest = {0};

    for (size_t i = 0; i < a->u->move_count; i++)
        migration_slowest(&a->parts[i].migration, &slowest);
    *why = (struct fault){0};
    fault_where(why, "migrate", only_name(a->u),
                slowest.count ? slowest.list[0].name : NULL, ended.field);
    return budget_exceeded(&a->budget, &slowest, why);
}

static int migrate(struct attempt *a, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_migrate(&a->parts[i], &a->budget, why);
    if ((!error || error == -ETIMEDOUT) && budget_is_over(&a->budget))
        error = blame_slowest(a, why);
    a->moved_ns = clock_ns();
    return error;
}

static void commit(struct attempt *a)
{
    for (size_t i = 0; i < a->u->move_count; i++)
        part_commit(&a->parts[i]);
}

static void resume(struct attempt *a)
{
    for (size_t i = 0; i < a->held; i++)
        a->parts[i].waited = group_release(&a->u->moves[i].app->group, &hold);
    a->resumed_ns = clock_ns();
}

/* -- after -- */

/* How long it took is what the next plan is measured by. */
static void note_pace(const struct attempt *a)
{
    struct pace_counts counts = {0};

    for (size_t i = 0; i < a->u->move_count; i++)
        for (int move = 0; move <= PLAN_REMOVED; move++)
            counts.moved[move] += a->parts[i].migration.moved[move];
    pace_note(&counts, a->resumed_ns - a->drain_ns);
}

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

/* What failed to start alone, of nothing else's, stays listed as that. */
static void take_back_starts(struct attempt *a)
{
    const struct upgrade *u = a->u;
    bool alone = !u->move_count && !u->stop_count;

    while (a->starts-- > 0) {
        const char *name = u->starts[a->starts]->name;

        if (!alone || application_status(name) != APPLICATION_FAILED)
            application_take_back(name, alone ? 0 : a->statuses[a->starts]);
    }
}

static void undo(struct attempt *a)
{
    const struct upgrade *u = a->u;

    for (size_t i = 0; i < u->move_count; i++)
        part_abandon(&a->parts[i]);
    if (a->drain_ns)
        resume(a);
    for (size_t i = 0; i < u->move_count; i++)
        part_undo(&a->parts[i]);
    take_back_starts(a);
    if (a->prepared)
        record_forget(u->record);
}

/* -- telling -- */

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

static json_t *make_report(const struct attempt *a)
{
    json_t *upgraded = json_array();

    for (size_t i = 0; i < a->u->move_count; i++)
        json_array_append_new(upgraded, report_part(a, &a->parts[i], clock_ns()));
    return whole_report(a->u, upgraded);
}

/* To who listens; see told.h. */
static void told(const struct attempt *a, const struct fault *why)
{
    for (size_t i = 0; i < a->u->move_count; i++)
        if (why)
            told_exception(&a->u->moves[i], a->began_ns, why);
        else
            told_stop(&a->parts[i], a->began_ns, a->resumed_ns - a->drain_ns);
}

/* All that may refuse, in order. */
static int (*const before[])(struct attempt *a, struct fault *why) = {
    make_plans,      run_rehearsals,       check_config,
    prepare_record,  start_applications,   add_children,
    apply_functions, restart_applications, drain,
    migrate};

static int attempt_begin(struct attempt *a, const struct upgrade *u, struct fault *why)
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
            .move = &u->moves[i], .pick = u->pick, .rehearse = u->rehearse};
    return 0;
}

static void attempt_finish(struct attempt *a)
{
    crew_dismiss();
    for (size_t i = 0; i < a->u->move_count; i++)
        part_finish(&a->parts[i]);
    free(a->parts);
    free(a->statuses);
}

int upgrade_run(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct attempt a;
    int error = attempt_begin(&a, u, why);

    if (error)
        return error;
    a.runs = true;
    pthread_once(&hold_once, make_hold);
    for (size_t i = 0; i < u->move_count; i++)
        told_start(&u->moves[i]);
    for (size_t i = 0; i < sizeof(before) / sizeof(*before) && !error; i++)
        error = before[i](&a, why);
    if (error) {
        undo(&a);
        told(&a, why);
    } else {
        commit(&a);
        resume(&a);
        tell_rest(&a);
        retire(&a);
        note_pace(&a);
        told(&a, NULL);
        *report = make_report(&a);
    }
    attempt_finish(&a);
    return error;
}

/* What `tell` says of each part. */
static int tell(struct attempt *a, json_t *(*tell_part)(const struct part *part),
                json_t **report, struct fault *why)
{
    json_t *upgraded = json_array();

    for (size_t i = 0; i < a->u->move_count; i++)
        json_array_append_new(upgraded, tell_part(&a->parts[i]));
    *report = whole_report(a->u, upgraded);
    return *report ? 0 : fault(why, -ENOMEM, "no memory to tell of it");
}

int upgrade_rehearse(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct attempt a;
    int error = attempt_begin(&a, u, why);

    if (error)
        return error;
    error = make_plans(&a, why);
    if (!error)
        error = run_rehearsals(&a, why);
    if (!error)
        error = tell(&a, part_rehearsal_json, report, why);
    attempt_finish(&a);
    return error;
}

int upgrade_plan(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct attempt a;
    int error = attempt_begin(&a, u, why);

    if (error)
        return error;
    error = plan_parts(&a, why);
    if (!error)
        error = tell(&a, part_plan_json, report, why);
    attempt_finish(&a);
    return error;
}
