/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate.h"

#include <errno.h>
#include <stdlib.h>

#include "ask.h"
#include "barrier.h"
#include "carry.h"
#include "clock.h"
#include "worker.h"

#define SHARE 64u /* servers a worker takes at a time */

/* -- one state -- */

/* As much time as its callbacks have, but not for ever: all others wait meanwhile. */
static void set_patience(struct process *p, const moult_child *child,
                         const struct budget *budget)
{
    uint32_t most =
        child->max_callback_ms ? child->max_callback_ms : MIGRATE_CALLBACK_MS;

    process_set_patience(p, child->warn_callback_ms, budget_patience(budget, most));
}

static int build_state(struct move *m, struct carry_room *room, struct fault *why)
{
    const struct server *s = server_of(m->process);
    int error;

    if (m->plan->move == PLAN_POINTER)
        return 0;
    out_reset(&room->saved);
    heap_init(&m->ctx.heap, m->plan->to->child->max_heap);
    error = server_save(s, &room->saved, why);
    if (!error)
        error = carry_along(m->plan->legs, m->plan->leg_count, room, &m->ctx, &m->state,
                            why);
    return error;
}

static bool has_to_build(const struct move *m)
{
    return m->plan->move != PLAN_POINTER || mail_differs(m->plan->from, m->plan->to);
}

static int build(struct move *m, struct carry_room *room, struct fault *why)
{
    int error = build_state(m, room, why);

    if (!error && mail_differs(m->plan->from, m->plan->to))
        error = mail_build(&m->mail, m->process, m->plan->from, m->plan->to, why);
    if (error)
        plan_blame(why, server_of(m->process)->id);
    return error;
}

/* -- all of them, on all workers -- */

struct crew {
    struct migration *migration;
    const struct budget *budget;
    /* Next move to build; relaxed: each is one worker's, and `left` orders the end. */
    _Atomic size_t next;
    _Atomic bool failed;  /* relaxed: a hint to stop early */
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t done;
    unsigned left; /* workers */
    int error;
    struct fault *why; /* of the first that failed */
};

static void refused(struct crew *crew, int error, const struct fault *why)
{
    pthread_mutex_lock(&crew->lock);
    if (!crew->error) {
        crew->error = error;
        if (crew->why)
            *crew->why = *why;
    }
    pthread_mutex_unlock(&crew->lock);
    atomic_store_explicit(&crew->failed, true, memory_order_relaxed);
}

/* One worker's part in it; its process's, since a callback may not come back. */
struct hand {
    struct crew *crew;
    struct move *move; /* that is being built */
    uint64_t began_ns; /* that */
    struct carry_room room;
    struct fault failed; /* a callback, for good */
};

/* So far; it counts as the time of its move. */
static uint64_t time_move(struct hand *hand)
{
    uint64_t took = clock_ns() - hand->began_ns;

    hand->move->took_us = (uint32_t)(took / 1000) + 1;
    return took;
}

/* Build one, and see how long that took. */
static int build_timed(struct hand *hand, struct fault *why)
{
    const struct server *s = server_of(hand->move->process);
    uint64_t took;
    int error;

    hand->began_ns = clock_ns();
    error = build(hand->move, &hand->room, why);
    took = time_move(hand);
    return error ? error : budget_check_move(hand->crew->budget, took, s->id, why);
}

static void build_some(struct process *p, struct hand *hand)
{
    struct crew *crew = hand->crew;
    struct migration *m = crew->migration;
    size_t i, end;

    while ((i = atomic_fetch_add_explicit(&crew->next, SHARE, memory_order_relaxed)) <
           m->count) {
        end = i + SHARE < m->count ? i + SHARE : m->count;
        for (; i < end; i++) {
            struct fault why = {0};
            int error;

            if (atomic_load_explicit(&crew->failed, memory_order_relaxed))
                return;
            if (!has_to_build(&m->moves[i]))
                continue;
            hand->move = &m->moves[i];
            process_count_handled(p);
            set_patience(p, hand->move->plan->to->child, crew->budget);
            error = build_timed(hand, &why);
            if (!error && budget_is_over(crew->budget))
                error = -ETIMEDOUT; /* whoever asked for it says who was slow */
            if (error)
                refused(crew, error, &why);
        }
    }
}

static void handle(struct process *p, struct envelope *e)
{
    envelope_destroy(e);
    build_some(p, p->data);
    process_exit(p, MOULT_NORMAL, NULL);
}

static void ended(struct process *p)
{
    struct hand *hand = p->data;
    struct crew *crew = hand->crew;

    if (hand->failed.error) {
        time_move(hand);
        refused(crew, hand->failed.error, &hand->failed);
    }
    carry_room_release(&hand->room);
    free(hand);
    pthread_mutex_lock(&crew->lock);
    if (--crew->left == 0)
        pthread_cond_signal(&crew->done);
    pthread_mutex_unlock(&crew->lock);
}

static void whose(struct process *p, struct barrier_whose *whose)
{
    struct hand *hand = p->data;
    const struct server *s = hand->move ? server_of(hand->move->process) : NULL;

    if (!s)
        return;
    whose->app = s->code->app;
    whose->vsn = s->code->vsn;
    whose->server = s->id;
    whose->why = &hand->failed;
}

static const struct process_class migrator_class = {"migrator", handle, ended, false,
                                                    whose};

static bool add_migrator(struct crew *crew)
{
    struct process_options options = {.class = &migrator_class,
                                      .group = &ask_group,
                                      .label = "migrator",
                                      .is_hosts = true};
    struct envelope *e = envelope_create(ENVELOPE_CAST);
    struct hand *hand = calloc(1, sizeof(*hand));
    struct process *p = e && hand ? process_create(&options) : NULL;

    if (!p) {
        envelope_destroy(e);
        free(hand);
        return false;
    }
    hand->crew = crew;
    p->data = hand;
    e->to_generation = pid_generation(process_pid(p));
    pthread_mutex_lock(&crew->lock);
    crew->left++;
    pthread_mutex_unlock(&crew->lock);
    process_launch(p, e);
    return true;
}

static bool needs_building(const struct migration *m)
{
    return m->moved[PLAN_SCHEMA] || m->moved[PLAN_CODE_CHANGE] || m->has_mail;
}

int migration_build(struct migration *m, const struct budget *budget, struct fault *why)
{
    struct crew crew = {.migration = m,
                        .budget = budget,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .done = PTHREAD_COND_INITIALIZER,
                        .why = why};
    unsigned hands = 0;

    if (!needs_building(m))
        return 0;
    while (hands < workers_count() && (size_t)hands * SHARE < m->count &&
           add_migrator(&crew))
        hands++;
    if (hands == 0)
        return fault(why, -ENOMEM, "no memory to move the servers");
    pthread_mutex_lock(&crew.lock);
    while (crew.left)
        pthread_cond_wait(&crew.done, &crew.lock);
    pthread_mutex_unlock(&crew.lock);
    return crew.error;
}

/* -- listing -- */

struct collecting {
    struct migration *migration;
    const struct pick *pick;
    struct process *stranger;
};

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
    m = &c->migration->moves[c->migration->count++];
    *m = (struct move){
        .process = p, .plan = plan, .pid = process_pid(p), .state = s->state};
    c->migration->moved[plan->move]++;
    c->migration->has_mail |= mail_differs(plan->from, plan->to);
}

int migration_collect(struct migration *m, const struct plan *plan, struct group *group,
                      const struct pick *pick, struct fault *why)
{
    struct collecting c = {.migration = m, .pick = pick};
    uint32_t count = group_count(group); /* and more of what is no server, meanwhile */

    *m = (struct migration){.plan = plan};
    m->moves = malloc((count + 1) * sizeof(*m->moves));
    if (!m->moves)
        return fault(why, -ENOMEM, "no memory to list %u servers", count);
    group_each(group, collect, &c);
    if (pick)
        m->moved[PLAN_ADDED] = m->moved[PLAN_REMOVED] = 0; /* they stay as they are */
    if (pick && !pick->all && m->count == 0)
        return fault(why, -ESRCH, "none of the servers that were picked is there");
    if (c.stranger) {
        fault_where(why, NULL, NULL, c.stranger->label, NULL);
        return fault(why, -EPROTO, "server '%s' runs code of neither version",
                     c.stranger->label);
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
