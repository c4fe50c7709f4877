/* SPDX-License-Identifier: Apache-2.0 */
#include "part.h"

#include <errno.h>
#include <string.h>

#include "event.h"
#include "listener.h"
#include "master.h"
#include "plain.h"

static bool is_same_list(char *const *a, char *const *b)
{
    for (; a && *a && b && *b && strcmp(*a, *b) == 0; a++)
        b++;
    return !(a && *a) && !(b && *b);
}

/* It may be configured as the host is, and includes what it did. */
static int configure(struct part *part, struct fault *why)
{
    const struct upgrade_move *m = part->move;
    const struct resource *to = application_resource(m->spec);

    if (!is_same_list(application_resource(m->app->spec)->included, to->included))
        return fault(why, -ENOTSUP,
                     "which applications '%s' includes can't change while it runs",
                     m->app->name);
    return env_make_next(&m->app->env, m->app->name, to, false, &part->env, why);
}

struct looking {
    const struct upgrade_move *move;
    const struct process *found;
};

/* One that runs a version that is old already. */
static void look(struct process *p, void *context)
{
    struct looking *l = context;
    const struct plain *s = plain_of(p);

    if (s && s->code->image != l->move->from && s->code->image != l->move->to)
        l->found = p;
}

/* OTP: old_processes. */
static int check_old(const struct upgrade_move *m, struct fault *why)
{
    struct looking l = {.move = m};

    if (!m->purges.refuses)
        return 0;
    group_each(&m->app->group, look, &l);
    return l.found ? fault(why, -EBUSY,
                           "its appup wants nothing to run a version before %s, and %s "
                           "does: 'moult releases' names all, 'moult purge' ends them",
                           m->from->vsn, process_label(l.found))
                   : 0;
}

int part_plan(struct part *part, struct fault *why)
{
    const struct upgrade_move *m = part->move;
    int error = m->stops ? plan_make_by(m->stops, m->stop_count, &part->plan, why)
                         : plan_make(m->from, m->to, &part->plan, why);

    if (!error)
        error = check_old(m, why);
    if (!error && !part->pick)
        error = configure(part, why);
    else if (!error && (part->plan.restarts || plan_stops(&part->plan)))
        error = fault(why, -ENOTSUP,
                      "'%s' is started anew between %s and %s: there can be no canary",
                      m->app->name, m->from->vsn, m->to->vsn);
    if (error)
        fault_where(why, "plan", m->app->name, NULL, NULL);
    part->supervision =
        (struct supervision){.app = m->app, .plan = &part->plan, .top = &m->spec->top};
    return error;
}

int part_rehearse(struct part *part, struct vet *vet, size_t most, struct fault *why)
{
    if (part->plan.restarts)
        return 0; /* no state is carried */
    return rehearse(vet, &part->plan, part->move->app, most, &part->rehearsed, why);
}

int part_check(struct part *part, struct fault *why)
{
    const struct upgrade_move *m = part->move;
    int error = application_config_check(m->app, m->spec, part->env, why);

    if (error)
        fault_where(why, "check", m->app->name, NULL, "config_check");
    return error;
}

/* -- what an appup has called -- */

struct applying {
    struct part *part;
    struct fault *why;
};

static int apply(void *context, const struct image *image, const struct instruction *i)
{
    struct applying *a = context;
    const struct appup *appup = &image->descriptor.appup;
    const struct apply what = {.module = appup->module,
                               .call = appup_function(appup, i->name)->call,
                               .args = i->extra ? i->extra : "\xf6", /* null */
                               .len = i->extra ? i->extra_len : 1};
    struct fault said = {0};
    int error = application_apply(a->part->move->app, &what, &said);

    if (!error)
        return 0;
    fault_where(a->why, "apply", a->part->move->app->name, NULL, i->name);
    return fault(a->why, error, "%s: '%s' refuses: %s", i->where, i->name, said.text);
}

static int is_one(void *context, const struct image *image, const struct instruction *i)
{
    return 1;
}

bool part_applies(const struct part *part)
{
    return !part->pick && journey_each_apply(&part->plan.journey, true, is_one, NULL);
}

int part_apply(struct part *part, struct fault *why)
{
    if (part->pick)
        return 0; /* when all of them go */
    return journey_each_apply(&part->plan.journey, true, apply,
                              &(struct applying){part, why});
}

/* Nobody can refuse any more. */
static int apply_late(void *context, const struct image *image,
                      const struct instruction *i)
{
    struct part *part = context;
    struct fault why = {0};

    if (apply(&(struct applying){part, &why}, image, i) < 0)
        event_emit(EVENT_ERROR, "upgrade.apply_failed", "{s:s, s:s, s:s}", "app",
                   part->move->app->name, "function", i->name, "reason", why.text);
    return 0;
}

/* Start `spec` in place of what is stopped. */
static int start_again(const struct application_spec *spec, struct fault *why)
{
    struct application *app;

    application_stop(application_find(spec->name));
    return application_start(spec, &app, why);
}

int part_restart(struct part *part, struct fault *why)
{
    const struct upgrade_move *m = part->move;
    int error;

    if (!part->plan.restarts)
        return 0;
    part->was = m->app->spec;
    error = start_again(m->spec, why);
    if (error)
        fault_where(why, "restart", m->app->name, NULL, NULL);
    return error;
}

/* As it was: with its initial state, since the one that it had is lost. */
static void restart_back(struct part *part)
{
    struct fault why = {0};

    if (part->was && start_again(part->was, &why) < 0)
        application_start_failed(part->was->name, why.text);
}

bool part_adds(const struct part *part)
{
    return !part->plan.restarts && supervision_adds(&part->supervision);
}

int part_add(struct part *part, struct fault *why)
{
    int error = part_adds(part) ? supervision_add(&part->supervision, why) : 0;

    if (error)
        fault_where(why, "add", part->move->app->name, NULL, NULL);
    return error;
}

int part_stop(struct part *part, struct fault *why)
{
    int error =
        plan_stops(&part->plan) ? supervision_pause(&part->supervision, why) : 0;

    if (error)
        fault_where(why, "stop", part->move->app->name, NULL, NULL);
    return error;
}

void part_start(struct part *part)
{
    supervision_unpause(&part->supervision);
}

int part_migrate(struct part *part, const struct budget *budget, struct fault *why)
{
    struct application *app = part->move->app;
    int error;

    if (part->plan.restarts)
        return 0; /* that was done */
    error = part->pick ? 0 : supervision_check(&part->supervision, why);
    if (!error && !part->pick)
        error = env_settle(part->env, why);
    part->migration.listener =
        (struct stragglers_listener){part->whole->progress, part->whole->context};
    if (!error)
        error = migration_collect(&part->migration, &part->plan, &app->group,
                                  part->pick, why);
    if (!error)
        error = listeners_check(&app->group, part->move->spec, why);
    if (!error)
        error = migration_build(&part->migration, budget, why);
    if (error)
        fault_where(why, "migrate", app->name, NULL, NULL);
    part->migration.moved[PLAN_ANEW] = part->supervision.paused;
    return error;
}

void part_commit(struct part *part)
{
    if (part->plan.restarts)
        return;
    migration_commit(&part->migration, &part->move->app->group);
    if (part->pick) {
        supervision_place(&part->supervision, part->pick);
        return;
    }
    supervision_become(&part->supervision);
    listeners_become(&part->move->app->group, part->move->spec);
    part->env = application_became(part->move->app, part->move->spec, part->env);
}

void part_abandon(struct part *part)
{
    migration_abandon(&part->migration);
}

void part_retire(struct part *part)
{
    if (!part->pick)
        journey_each_apply(&part->plan.journey, false, apply_late, part);
    if (part->plan.restarts)
        return;
    application_config_changed(part->move->app, part->env);
    supervision_remove(&part->supervision);
    supervision_renew(&part->supervision);
}

void part_undo(struct part *part)
{
    if (part->plan.restarts) {
        restart_back(part);
        return;
    }
    if (part->pick)
        return;
    supervision_unpause(&part->supervision);
    supervision_undo(&part->supervision);
    if (part->move->has_canary)
        return; /* what runs that version is its, too */
    /* What the new children have spawned. */
    plains_kill(&part->move->app->group, part->move->to);
    listeners_kill(&part->move->app->group, part->move->spec);
}

void part_finish(struct part *part)
{
    migration_finish(&part->migration);
    plan_release(&part->plan);
    supervision_finish(&part->supervision);
    env_drop(&part->move->app->env, part->env);
}
