/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate.h"

#include <errno.h>
#include <stdlib.h>

#include "carry.h"
#include "clock.h"
#include "crew.h"

#define FEW 64u /* servers that are moved before a worker is awake */

static int build_state(struct move *m, struct carry_room *room, struct fault *why)
{
    const struct server *s = server_of(m->process);
    int error;

    if (m->plan->move == PLAN_POINTER)
        return 0;
    out_reset(&room->saved);
    m->allowance = (struct allowance){.limit = m->plan->to->child->max_heap};
    heap_init(&m->ctx.heap, &m->allowance);
    error = server_save(s, &room->saved, why);
    if (!error)
        error = carry_along(m->plan->legs, m->plan->leg_count, room, &m->ctx, &m->state,
                            why);
    return error;
}

bool move_has_to_build(const struct move *m)
{
    return m->plan->move != PLAN_POINTER || plan_carries_mail(m->plan);
}

static int build(struct move *m, struct carry_room *room, struct fault *why)
{
    int error = build_state(m, room, why);

    if (!error && plan_carries_mail(m->plan))
        error =
            mail_build(&m->mail, m->process, m->plan->legs, m->plan->leg_count, why);
    if (error)
        plan_blame(why, server_of(m->process)->id);
    return error;
}

uint64_t move_time(struct move *m, const struct room *room)
{
    uint64_t took = clock_ns() - room->began_ns;

    m->took_us = (uint32_t)(took / 1000) + 1;
    return took;
}

int move_build(struct move *m, const struct budget *budget, struct room *room,
               struct fault *why)
{
    uint64_t took;
    int error;

    room->began_ns = clock_ns();
    error = build(m, &room->carry, why);
    took = move_time(m, room);
    if (!error)
        error = budget_check_move(budget, took, server_of(m->process)->id, why);
    if (!error && budget_is_over(budget))
        error = -ETIMEDOUT; /* whoever asked for it says who was slow */
    return error;
}

void room_release(struct room *room)
{
    carry_room_release(&room->carry);
}

static bool needs_building(const struct migration *m)
{
    return m->moved[PLAN_SCHEMA] || m->moved[PLAN_CODE_CHANGE] || m->has_mail;
}

bool migration_runs_callbacks(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_child *c = &plan->children[i];
        const moult_server *to = c->to ? &c->to->server : NULL;

        if (c->move == PLAN_CODE_CHANGE || c->leg_count > 1 ||
            (c->move == PLAN_SCHEMA && (to->save || to->load || to->manager)) ||
            plan_carries_mail(c))
            return true;
    }
    return false;
}

/* All that runs is the host's own. */
static int build_here(struct migration *m, const struct budget *budget,
                      struct fault *why)
{
    struct room room = {0};
    int error = 0;

    for (size_t i = 0; i < m->count && !error; i++)
        if (move_has_to_build(&m->moves[i]))
            error = move_build(&m->moves[i], budget, &room, why);
    room_release(&room);
    return error;
}

int migration_build(struct migration *m, const struct budget *budget, struct fault *why)
{
    if (!needs_building(m))
        return 0;
    return m->count <= FEW && !migration_runs_callbacks(m->plan)
               ? build_here(m, budget, why)
               : crew_build(m, budget, why);
}

/* -- listing -- */

struct collecting {
    struct migration *migration;
    const struct pick *pick;
    struct process *stranger;
    int error;
};

/* Memory for what the new version limits, which the commit can't ask for any more. */
static int reserve_bounds(struct process *p, const moult_child *child)
{
    bool is_bounded =
        child->max_heap || child->warn_callback_ms || child->max_callback_ms;

    return is_bounded ? process_reserve_bounds(p) : 0;
}

static void collect(struct process *p, void *context)
{
    struct collecting *c = context;
    const struct server *s = server_of(p);
    const struct plan_child *plan;
    struct move *m;

    if (!s)
        return;
    plan = plan_find(c->migration->plan, s->code);
    if (!plan) {
        c->stranger = p;
        return;
    }
    if (plan->to == s->code || !plan->to) { /* started with it; or to be stopped */
        c->migration->moved[plan->to ? PLAN_ADDED : PLAN_REMOVED]++;
        return;
    }
    if (c->pick && !pick_has(c->pick, process_pid(p)))
        return;
    if (reserve_bounds(p, plan->to->child) < 0)
        c->error = -ENOMEM;
    m = &c->migration->moves[c->migration->count++];
    *m = (struct move){
        .process = p, .plan = plan, .pid = process_pid(p), .state = s->state};
    c->migration->moved[plan->move]++;
    c->migration->renewed += !c->pick && plan_renews(plan);
    c->migration->has_mail |= plan_carries_mail(plan);
}

int migration_collect(struct migration *m, const struct plan *plan, struct group *group,
                      const struct pick *pick, struct fault *why)
{
    struct collecting c = {.migration = m, .pick = pick};
    uint32_t count = group_count(group); /* and more of what is no server, meanwhile */

    *m = (struct migration){.plan = plan, .listener = m->listener};
    m->moves = malloc((count + 1) * sizeof(*m->moves));
    if (!m->moves)
        return fault(why, -ENOMEM, "no memory to list %u servers", count);
    group_each(group, collect, &c);
    if (pick)
        m->moved[PLAN_ADDED] = m->moved[PLAN_REMOVED] = 0; /* they stay as they are */
    if (pick && !pick->all && m->count == 0)
        return fault(why, -ESRCH, "none of the servers that were picked is there");
    if (c.error)
        return fault(why, c.error, "no memory for the limits of the servers");
    if (c.stranger) {
        fault_where(why, NULL, NULL, process_label(c.stranger), NULL);
        return fault(why, -EPROTO, "server '%s' runs code of neither version",
                     process_label(c.stranger));
    }
    return 0;
}

void migration_slowest(const struct migration *m, struct slowest *slowest)
{
    for (size_t i = 0; i < m->count; i++)
        slowest_add(slowest, server_of(m->moves[i].process)->id, m->moves[i].took_us);
}

/* -- the end -- */

void migration_commit(struct migration *m, struct group *group)
{
    pthread_mutex_lock(&group->lock);
    for (size_t i = 0; i < m->count; i++) {
        struct move *move = &m->moves[i];
        bool same_memory = move->plan->move == PLAN_POINTER;

        server_swap(move->process, move->plan->to, move->state,
                    same_memory ? NULL : &move->ctx);
        mail_commit(&move->mail);
    }
    pthread_mutex_unlock(&group->lock);
    if (!m->count)
        return;
    /* All code of an image shares one count. */
    code_use(m->moves[0].plan->to, (int)m->count);
    code_use(m->moves[0].plan->from, -(int)m->count);
}

void migration_abandon(struct migration *m)
{
    for (size_t i = 0; i < m->count; i++)
        mail_abandon(&m->moves[i].mail);
}

void migration_finish(struct migration *m)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->moves[i].plan->move != PLAN_POINTER)
            heap_finish(&m->moves[i].ctx.heap);
        mail_finish(&m->moves[i].mail);
    }
    free(m->moves);
    *m = (struct migration){0};
}
