/* SPDX-License-Identifier: Apache-2.0 */
#include "pause.h"

#include <errno.h>
#include <pthread.h>

#include "clock.h"
#include "crew.h"
#include "drain.h"
#include "pace.h"
#include "server.h"

/* There is one attempt at a time, and members may look at the hold long after it. */
static struct hold hold;
static pthread_once_t hold_once = PTHREAD_ONCE_INIT;

static void make_hold(void)
{
    hold_init(&hold);
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

/* -- how long each has to come to rest -- */

struct draining {
    const struct attempt *attempt;
    uint32_t most_ms; /* that the whole of it may take */
};

/* A server of `code` (may be NULL): as the appup says, within what the pause may take. */
static uint64_t limit_of(const struct draining *d, size_t move, const struct code *code)
{
    const struct journey *journey = &d->attempt->parts[move].plan.journey;
    uint32_t ms = code ? journey_timeout_ms(journey, code->id) : 0;

    ms = ms ? ms : UPGRADE_DRAIN_MS;
    return ms < d->most_ms ? ms : d->most_ms;
}

static uint64_t limit_ms(const void *context, size_t move, const struct process *p)
{
    const struct server *s = server_of(p);

    return limit_of(context, move, s ? s->code : NULL);
}

static uint64_t next_ms(const void *context, uint64_t ms)
{
    const struct draining *d = context;
    const struct attempt *a = d->attempt;
    uint64_t next = 0;

    for (size_t i = 0; i < a->u->move_count; i++) {
        const struct plan *plan = &a->parts[i].plan;

        for (size_t n = 0; n <= plan->count; n++) {
            const struct code *code = n ? plan->children[n - 1].from : NULL;
            uint64_t one = limit_of(d, i, code);

            if (one > ms && (!next || one < next))
                next = one;
        }
    }
    return next;
}

int pause_drain(struct attempt *a, struct fault *why)
{
    const struct upgrade *u = a->u;
    struct draining draining = {.attempt = a};
    struct drain d = {.hold = &hold,
                      .moves = u->moves,
                      .move_count = u->move_count,
                      .limit_ms = limit_ms,
                      .next_ms = next_ms,
                      .context = &draining,
                      .listener = {u->progress, u->context}};
    int error = 0;

    attempt_step(a, "drain");
    pthread_once(&hold_once, make_hold);
    call_crew(a);
    a->drain_ns = clock_ns();
    a->budget = budget_begin(&u->terms, a->drain_ns);
    draining.most_ms = budget_patience(&a->budget, UINT32_MAX);
    for (; a->held < u->move_count; a->held++)
        group_hold(&u->moves[a->held].app->group, &hold);
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
    fault_where(why, "migrate", attempt_app(a),
                slowest.count ? slowest.list[0].name : NULL, ended.field);
    return budget_exceeded(&a->budget, &slowest, why);
}

int pause_migrate(struct attempt *a, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < a->u->move_count && !error; i++)
        error = part_migrate(&a->parts[i], &a->budget, why);
    if ((!error || error == -ETIMEDOUT) && budget_is_over(&a->budget))
        error = blame_slowest(a, why);
    a->moved_ns = clock_ns();
    return error;
}

void pause_commit(struct attempt *a)
{
    for (size_t i = 0; i < a->u->move_count; i++)
        part_commit(&a->parts[i]);
}

void pause_resume(struct attempt *a)
{
    for (size_t i = 0; i < a->held; i++)
        a->parts[i].waited = group_release(&a->u->moves[i].app->group, &hold);
    a->resumed_ns = clock_ns();
}

void pause_tell(const struct attempt *a)
{
    attempt_took(a, "migrate", (json_int_t)(a->moved_ns - a->rested_ns) / 1000);
    attempt_took(a, "commit", (json_int_t)(a->resumed_ns - a->moved_ns) / 1000);
}

void pause_note(const struct attempt *a)
{
    struct pace_counts counts = {0};

    for (size_t i = 0; i < a->u->move_count; i++)
        for (unsigned move = 0; move < PLAN_MOVES; move++)
            counts.moved[move] += a->parts[i].migration.moved[move];
    pace_note(&counts, a->resumed_ns - a->drain_ns);
}
