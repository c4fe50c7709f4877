/* SPDX-License-Identifier: Apache-2.0 */
#include "outline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lost.h"
#include "moving.h"
#include "others.h"
#include "plain.h"
#include "server.h"
#include "supervisor.h"
#include "version.h"

/* What is known while it is written. */
struct writing {
    const struct outline *o;
    size_t *live; /* processes of each child of the plan */
    struct pace_counts counts;
    size_t carried, processes; /* servers that are rehearsed; all */
    json_t *steps;
};

/* The one that the version itself says. */
static const struct route *last_leg(const struct plan *plan)
{
    return &plan->journey.legs[plan->journey.count - 1];
}

/* -- how many there are -- */

static void count_one(struct process *p, void *context)
{
    struct writing *w = context;
    const struct plan *plan = w->o->plan;
    const struct server *server = server_of(p);
    const struct supervisor *supervisor = supervisor_of(p);
    const struct code *code = server       ? server->code
                              : supervisor ? supervisor->code
                                           : NULL;
    const struct plan_child *c = code ? plan_find(plan, code) : NULL;

    w->processes++;
    if (!c)
        return;
    w->live[c - plan->children]++;
    if (server)
        w->counts.moved[c->move]++;
    if (server &&
        (c->move == PLAN_SCHEMA || c->move == PLAN_CODE_CHANGE || plan_carries_mail(c)))
        w->carried++;
}

/* -- steps -- */

static void add_step(struct writing *w, const char *step, json_t *text)
{
    json_array_append_new(w->steps,
                          json_pack("{s:s, s:o}", "step", step, "text", text));
}

static bool is_moved(const struct plan_child *c)
{
    return c->from && c->to && c->move != PLAN_ANEW;
}

static void add_move(struct writing *w, const struct plan_child *c)
{
    add_step(w, "migrate", moving_text(c));
}

static const struct plan_child *child_named(const struct plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->count; i++)
        if (is_moved(&plan->children[i]) && strcmp(plan->children[i].to->id, id) == 0)
            return &plan->children[i];
    return NULL;
}

/* Those with an instruction in its order, then the others. */
static void add_moves(struct writing *w)
{
    const struct plan *plan = w->o->plan;
    const struct way *way = last_leg(plan)->way;
    const struct instruction *sorted[APPUP_LIST_MAX];
    bool up = version_compare(plan->to->vsn, plan->from->vsn) > 0;
    size_t count = way ? way->count : 0;

    if (way)
        way_sort(way, up ? APPUP_UP : APPUP_DOWN, sorted);
    for (size_t i = 0; i < count; i++) {
        const struct plan_child *c = child_named(plan, sorted[i]->name);

        if (c)
            add_move(w, c);
    }
    for (size_t i = 0; i < plan->count; i++)
        if (is_moved(&plan->children[i]) && !way_find(way, plan->children[i].to->id))
            add_move(w, &plan->children[i]);
}

/* A template's are started at run time only. */
static json_t *child_text(const struct code *code, bool added)
{
    if (code->is_template)
        return json_sprintf(
            added ? "'%s' can be started" : "'%s' can't be started any more", code->id);
    return json_sprintf(added ? "'%s' is started" : "'%s' is ended", code->id);
}

static void add_children(struct writing *w, const char *step, bool added)
{
    const struct plan *plan = w->o->plan;

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_child *c = &plan->children[i];
        const struct code *code = added ? c->to : c->from;

        if (!is_moved(c) && code && c->move != PLAN_ANEW)
            add_step(w, step, child_text(code, added));
    }
}

/* What is stopped and started, of what is left and of what is new. */
static void add_anew(struct writing *w, const char *step, bool starts)
{
    const struct plan *plan = w->o->plan;

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_child *c = &plan->children[i];
        const struct code *code = starts ? c->to : c->from;

        if (c->move == PLAN_ANEW && code)
            add_step(w, step,
                     json_sprintf(starts ? "'%s' is started anew"
                                         : "'%s' is stopped: what it holds is lost",
                                  code->id));
    }
}

/* Why the version that is left stays loaded; NULL: it does not. */
static const char *why_it_stays(const struct plan *plan)
{
    static const enum lint lints[] = {LINT_NODELETE, LINT_UNIQUE};

    for (size_t i = 0; i < sizeof(lints) / sizeof(*lints); i++)
        if (plan->from->manifest.lints[lints[i]][0])
            return plan->from->manifest.lints[lints[i]];
    return NULL;
}

static void add_purge(struct writing *w, size_t kept)
{
    const char *vsn = w->o->plan->from->vsn, *stays = why_it_stays(w->o->plan);

    if (stays)
        add_step(w, "purge", json_sprintf("%s stays loaded: %s", vsn, stays));
    else if (kept)
        add_step(w, "purge",
                 json_sprintf("%s stays loaded until %zu process%s that run%s its "
                              "functions end",
                              vsn, kept, kept == 1 ? "" : "es", kept == 1 ? "s" : ""));
    else
        add_step(w, "purge", json_sprintf("%s is unloaded", vsn));
}

static int add_apply(void *context, const struct image *image,
                     const struct instruction *i)
{
    add_step(context, "apply", json_sprintf("'%s' is called, and may refuse", i->name));
    return 0;
}

static int add_late_apply(void *context, const struct image *image,
                          const struct instruction *i)
{
    add_step(context, "apply", json_sprintf("'%s' is called", i->name));
    return 0;
}

struct keeping {
    const struct image *image;
    size_t count;
};

static void count_keeper(struct process *p, void *context)
{
    struct keeping *k = context;
    const struct plain *s = plain_of(p);

    k->count += s && s->code->image == k->image;
}

/* What the host's end costs: it is not this application's alone. */
struct losing {
    size_t processes, applications;
};

static void count_lost(struct application *app, void *context)
{
    struct losing *l = context;
    size_t count = group_count(&app->group);

    l->processes += count;
    l->applications += count > 0;
}

static void add_reboot(struct writing *w)
{
    struct losing l = {0};

    application_each(count_lost, &l);
    journey_each_apply(&w->o->plan->journey, true, add_apply, w);
    add_step(w, "commit",
             json_string("the release record says what to begin with next, once"));
    add_step(
        w, "restart",
        json_sprintf("the host ends in order and begins anew, with '%s' as %s: all "
                     "that %zu process%s of %zu application%s hold is lost",
                     w->o->move->app->name, w->o->plan->to->vsn, l.processes,
                     l.processes == 1 ? "" : "es", l.applications,
                     l.applications == 1 ? "" : "s"));
    add_step(
        w, "permanent",
        json_string("until 'moult permanent', a host that ends begins with what is "
                    "permanent now"));
}

/* `texts` (taken) may be NULL. */
static void add_others(struct writing *w, const char *step, json_t *texts)
{
    json_t *text;
    size_t i;

    json_array_foreach(texts, i, text) add_step(w, step, json_incref(text));
    json_decref(texts);
}

static void write_steps(struct writing *w)
{
    struct keeping kept = {.image = w->o->plan->from};
    size_t tried = w->carried < w->o->rehearse ? w->carried : w->o->rehearse;

    if (w->o->plan->reboots) {
        add_reboot(w);
        return;
    }
    group_each(&w->o->move->app->group, count_keeper, &kept);
    if (tried)
        add_step(
            w, "rehearse",
            json_sprintf("of %zu live state%s a copy is carried in another process",
                         tried, tried == 1 ? "" : "s"));
    add_step(w, "prepare",
             json_string("the new release record is written beside the old"));
    add_others(w, "start", others_before(w->o->whole, w->o->move));
    add_children(w, "add", true);
    journey_each_apply(&w->o->plan->journey, true, add_apply, w);
    if (w->o->plan->restarts)
        add_step(
            w, "restart",
            json_sprintf("'%s' is stopped and started as %s: what it holds is lost",
                         w->o->move->app->name, w->o->plan->to->vsn));
    add_anew(w, "stop", false);
    add_step(
        w, "drain",
        json_sprintf("%zu process%s come%s to the end of a callback; messages queue",
                     w->processes, w->processes == 1 ? "" : "es",
                     w->processes == 1 ? "s" : ""));
    add_moves(w);
    add_step(w, "commit",
             json_string("all servers run the new code; the record is replaced"));
    add_anew(w, "start", true);
    journey_each_apply(&w->o->plan->journey, false, add_late_apply, w);
    add_children(w, "retire", false);
    add_others(w, "retire", others_after(w->o->whole, w->o->move));
    add_purge(w, kept.count);
}

/* -- servers -- */

static json_t *servers_json(const struct writing *w)
{
    const struct plan *plan = w->o->plan;
    json_t *servers;

    if (plan->restarts || plan->reboots)
        return lost_json(plan, &w->o->move->app->group);
    servers = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_child *c = &plan->children[i];
        const struct code *code = c->to ? c->to : c->from;
        uint64_t count = c->from ? w->live[i] : plan_servers_of(plan->to, code);

        json_array_append_new(servers,
                              json_pack("{s:s, s:I, s:s, s:s}", "server", code->id,
                                        "count", (json_int_t)count, "moved",
                                        plan_move_text(c->move), "why", moving_why(c)));
    }
    return servers;
}

/* -- all -- */

/* The versions that it goes by way of. */
static json_t *via_json(const struct plan *plan)
{
    json_t *via = json_array();

    for (size_t i = 0; i + 1 < plan->journey.count; i++)
        json_array_append_new(via, json_string(plan->journey.legs[i].to->vsn));
    return via;
}

static json_t *whole(struct writing *w)
{
    const struct plan *plan = w->o->plan;
    const struct way *way = last_leg(plan)->way;
    bool measured;
    uint64_t pause_ns = pace_estimate_ns(&w->counts, &measured);

    return json_pack(
        "{s:s, s:s, s:s, s:o, s:s, s:O, s:o, s:o, s:b, s:I, s:s}", "application",
        w->o->move->app->name, "from", plan->from->vsn, "to", plan->to->vsn, "via",
        via_json(plan), "by", way ? way->where : "derived", "steps", w->steps,
        "servers", servers_json(w), "env", env_changes(w->o->move->app->env, w->o->env),
        "restart", plan->reboots, "pause_us", (json_int_t)(pause_ns / 1000), "pause_by",
        measured ? "measured" : "assumed");
}

json_t *outline_json(const struct outline *o)
{
    struct writing w = {.o = o, .steps = json_array()};
    json_t *json = NULL;

    w.live = calloc(o->plan->count + 1, sizeof(*w.live));
    if (w.live && w.steps) {
        group_each(&o->move->app->group, count_one, &w);
        write_steps(&w);
        json = whole(&w);
    }
    json_decref(w.steps);
    free(w.live);
    return json;
}
