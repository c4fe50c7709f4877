/* SPDX-License-Identifier: Apache-2.0 */
#include "upgrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event.h"
#include "migrate.h"
#include "plan.h"
#include "rehearse.h"
#include "supervision.h"

#define LIST_MOST 100u /* servers that a report names one by one */

/* There is one attempt at a time, and members may look at the hold long after it. */
static struct hold hold;
static pthread_once_t hold_once = PTHREAD_ONCE_INIT;

static void make_hold(void)
{
    hold_init(&hold);
}

struct attempt {
    const struct upgrade *u;
    struct plan plan;
    struct migration migration;
    struct supervision supervision;
    size_t rehearsed;
    bool prepared;
    uint64_t began_ns, drain_ns, resumed_ns, waited;
    json_t *list; /* of servers, for the report */
};

static void step(struct attempt *a, const char *name)
{
    event_emit(EVENT_DEBUG, "upgrade.step", "{s:s, s:s, s:s, s:s}", "step", name, "app",
               a->u->app->name, "from", a->u->from->vsn, "to", a->u->to->vsn);
    if (a->u->progress)
        a->u->progress(a->u->context, name);
}

/* -- before -- */

static int make_plan(struct attempt *a, struct fault *why)
{
    int error;

    step(a, "plan");
    error = plan_make(a->u->from, a->u->to, &a->plan, why);
    if (error)
        fault_where(why, "plan", a->u->app->name, NULL, NULL);
    a->supervision = (struct supervision){
        .app = a->u->app, .plan = &a->plan, .top = &a->u->spec->top};
    return error;
}

static int run_rehearsal(struct attempt *a, struct fault *why)
{
    step(a, "rehearse");
    return rehearse(a->u->vet, &a->plan, a->u->app, &a->rehearsed, why);
}

static int prepare_record(struct attempt *a, struct fault *why)
{
    int error;

    step(a, "prepare");
    error = record_prepare(a->u->record, a->u->to->name, a->u->to->vsn,
                           a->u->to->manifest.hash, why);
    a->prepared = !error;
    if (error)
        fault_where(why, "prepare", a->u->app->name, NULL, NULL);
    return error;
}

static int add_children(struct attempt *a, struct fault *why)
{
    int error;

    if (!supervision_adds(&a->supervision))
        return 0;
    step(a, "add");
    error = supervision_add(&a->supervision, why);
    if (error)
        fault_where(why, "add", a->u->app->name, NULL, NULL);
    return error;
}

/* -- the pause -- */

struct straggler {
    char names[256];
    int count;
};

static void name_straggler(struct process *p, void *context)
{
    struct straggler *s = context;
    size_t used = strlen(s->names);

    if (mailbox_state(atomic_load_explicit(&p->inbox, memory_order_relaxed)) ==
        MAILBOX_HELD)
        return;
    if (s->count++ < 5)
        snprintf(s->names + used, sizeof(s->names) - used, "%s'%s'", used ? ", " : "",
                 p->label ? p->label : "?");
}

static int drain(struct attempt *a, struct fault *why)
{
    struct straggler stragglers = {0};

    step(a, "drain");
    a->drain_ns = clock_ns();
    group_hold(&a->u->app->group, &hold);
    if (hold_freeze(&hold, UPGRADE_DRAIN_MS) == 0)
        return 0;
    group_each(&a->u->app->group, name_straggler, &stragglers);
    fault_where(why, "drain", a->u->app->name, NULL, NULL);
    return fault(why, -ETIMEDOUT,
                 "%d of its processes did not come to the end of their callback within "
                 "%u ms: %s",
                 stragglers.count, UPGRADE_DRAIN_MS, stragglers.names);
}

static int migrate(struct attempt *a, struct fault *why)
{
    int error = supervision_check(&a->supervision, why);

    if (!error)
        error = migration_collect(&a->migration, &a->plan, &a->u->app->group, why);
    if (!error)
        error = migration_build(&a->migration, why);
    if (error)
        fault_where(why, "migrate", a->u->app->name, NULL, NULL);
    return error;
}

static void commit(struct attempt *a)
{
    migration_commit(&a->migration);
    supervision_become(&a->supervision);
    application_became(a->u->app, a->u->spec);
}

static void resume(struct attempt *a)
{
    a->waited = group_release(&a->u->app->group, &hold);
    a->resumed_ns = clock_ns();
}

/* -- after -- */

static json_t *list_servers(const struct migration *m)
{
    json_t *list = json_array();

    for (size_t i = 0; i < m->count && i < LIST_MOST; i++) {
        const struct server *s = server_of(m->moves[i].process);
        char pid[PID_TEXT];

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s}", "server", s->id, "pid",
                            pid_print(process_pid(m->moves[i].process), pid), "moved",
                            plan_move_text(m->moves[i].plan->move)));
    }
    return list;
}

static void retire(struct attempt *a)
{
    struct fault why = {0};

    if (record_commit(a->u->record, &why) < 0)
        event_emit(EVENT_ERROR, "release.record_failed", "{s:s, s:s}", "app",
                   a->u->app->name, "reason", why.text);
    supervision_remove(&a->supervision);
}

static json_t *make_report(const struct attempt *a, uint64_t now_ns)
{
    const struct migration *m = &a->migration;
    json_t *moved = json_pack("{s:I, s:I, s:I, s:I, s:I}", "pointer",
                              (json_int_t)m->moved[PLAN_POINTER], "schema",
                              (json_int_t)m->moved[PLAN_SCHEMA], "code_change",
                              (json_int_t)m->moved[PLAN_CODE_CHANGE], "added",
                              (json_int_t)m->moved[PLAN_ADDED], "removed",
                              (json_int_t)m->moved[PLAN_REMOVED]);

    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:O, s:I, s:I, s:I, s:I, s:I}",
                     "application", a->u->app->name, "from", a->u->from->vsn, "to",
                     a->u->to->vsn, "servers", (json_int_t)m->count, "moved", moved,
                     "list", a->list, "rehearsed", (json_int_t)a->rehearsed, "waited",
                     (json_int_t)a->waited, "pause_us",
                     (json_int_t)((a->resumed_ns - a->drain_ns) / 1000), "total_us",
                     (json_int_t)((now_ns - a->began_ns + a->u->vet_ns) / 1000),
                     "vet_us", (json_int_t)(a->u->vet_ns / 1000));
}

static void undo(struct attempt *a)
{
    if (a->drain_ns)
        resume(a);
    supervision_undo(&a->supervision);
    if (a->prepared)
        record_forget(a->u->record);
}

static void attempt_release(struct attempt *a)
{
    migration_finish(&a->migration);
    plan_release(&a->plan);
    supervision_finish(&a->supervision);
    json_decref(a->list);
}

/* All that may refuse, in order. */
static int (*const before[])(struct attempt *a, struct fault *why) = {
    make_plan, run_rehearsal, prepare_record, add_children, drain, migrate};

int upgrade_run(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct attempt a = {.u = u, .began_ns = clock_ns()};
    int error = 0;

    pthread_once(&hold_once, make_hold);
    for (size_t i = 0; i < sizeof(before) / sizeof(*before) && !error; i++)
        error = before[i](&a, why);
    if (error) {
        undo(&a);
    } else {
        a.list = list_servers(&a.migration);
        commit(&a);
        resume(&a);
        retire(&a);
        *report = make_report(&a, clock_ns());
    }
    attempt_release(&a);
    return error;
}

static json_t *plan_servers(const struct plan *plan)
{
    json_t *servers = json_array();

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_child *c = &plan->children[i];
        const struct code *code = c->to ? c->to : c->from;
        const struct image *image = c->to ? plan->to : plan->from;

        json_array_append_new(servers,
                              json_pack("{s:s, s:I, s:s}", "server", code->id, "count",
                                        (json_int_t)plan_servers_of(image, code),
                                        "moved", plan_move_text(c->move)));
    }
    return servers;
}

static json_t *plan_steps(const struct plan *plan)
{
    static const char *const always[][2] = {
        {"rehearse", "copies of live states are carried in another process"},
        {"prepare", "the new release record is written beside the old"},
        {"drain", "every process comes to the end of its callback; messages queue"},
        {"migrate", "new states are built beside the old"},
        {"commit", "all servers run the new code; the record is replaced"},
        {"purge", "the old version is unloaded when nothing uses it"}};
    json_t *steps = json_array();

    for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
        json_array_append_new(
            steps, json_pack("{s:s, s:s}", "step", always[i][0], "text", always[i][1]));
    return steps;
}

int upgrade_plan(const struct upgrade *u, json_t **report, struct fault *why)
{
    struct plan plan;
    int error = plan_make(u->from, u->to, &plan, why);

    if (error) {
        fault_where(why, "plan", u->app->name, NULL, NULL);
        return error;
    }
    *report = json_pack("{s:s, s:s, s:s, s:o, s:o}", "application", u->app->name,
                        "from", u->from->vsn, "to", u->to->vsn, "steps",
                        plan_steps(&plan), "servers", plan_servers(&plan));
    plan_release(&plan);
    return *report ? 0 : fault(why, -ENOMEM, "no memory for the plan");
}
