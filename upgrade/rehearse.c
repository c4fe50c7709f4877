/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearse.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"

struct batch;

/* A server that is to be asked for its state. */
struct sample {
    struct batch *batch; /* while it is */
    moult_pid pid;
    const struct code *code;
    char id[128]; /* for messages; cut */
    moult_out state;
};

struct sampling {
    const struct plan *plan;
    struct sample *samples;
    size_t count, room;
};

/* So many at a time. */
struct batch {
    struct sample *samples; /* of the sampling */
    size_t count;
    pthread_mutex_t lock; /* guards `waits` */
    pthread_cond_t done;
    size_t waits; /* states that were asked for and did not come yet */
};

/* -- which servers -- */

static void choose(struct process *p, void *context)
{
    struct sampling *all = context;
    const struct server *s = server_of(p);
    const struct plan_child *child;
    struct sample *sample;

    /* Its code is changed by nobody but the release handler, which this is. */
    if (!s || all->count == all->room)
        return;
    child = plan_find(all->plan, s->code);
    if (!child || !child->to || child->move == PLAN_POINTER)
        return;
    sample = &all->samples[all->count++];
    *sample = (struct sample){.pid = process_pid(p), .code = s->code};
    snprintf(sample->id, sizeof(sample->id), "%s", s->id);
}

/* Of all of them `most`, from the first to the last. */
static void thin_out(struct sampling *all, size_t most)
{
    if (all->count <= most)
        return;
    for (size_t i = 0; i < most; i++)
        all->samples[i] =
            all->samples[i * (all->count - 1) / (most > 1 ? most - 1 : 1)];
    all->count = most;
}

static int choose_all(struct sampling *all, struct group *group, size_t most)
{
    pthread_mutex_lock(&group->lock);
    all->room = group->count;
    pthread_mutex_unlock(&group->lock);
    all->samples = calloc(all->room + 1, sizeof(*all->samples));
    if (!all->samples)
        return -ENOMEM;
    group_each(group, choose, all);
    thin_out(all, most);
    return 0;
}

/* -- their states -- */

/* Take the state out of {vsn, format, state}; on a worker. */
static void take_state(void *context, int error, const char *text, moult_in *in)
{
    struct sample *sample = context;
    struct batch *b = sample->batch;
    moult_in state;
    size_t len;

    if (!error && moult_find(in, "state", &state)) {
        const void *item = moult_get_item(&state, &len);

        moult_put_item(&sample->state, item, len);
    }
    pthread_mutex_lock(&b->lock);
    if (--b->waits == 0)
        pthread_cond_signal(&b->done);
    pthread_mutex_unlock(&b->lock);
}

/* Ask all at once, and wait for the last. */
static void take_states(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

        b->samples[i].batch = b;
        if (!e)
            continue;
        e->code = SYSTEM_STATE;
        pthread_mutex_lock(&b->lock);
        b->waits++;
        pthread_mutex_unlock(&b->lock);
        if (ask(b->samples[i].pid, e, REHEARSE_ASK_MS, take_state, &b->samples[i]) == 0)
            continue;
        pthread_mutex_lock(&b->lock);
        b->waits--;
        pthread_mutex_unlock(&b->lock);
    }
    pthread_mutex_lock(&b->lock);
    while (b->waits > 0)
        pthread_cond_wait(&b->done, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void free_states(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        out_release(&b->samples[i].state);
}

/* -- the trial -- */

/* A trial of some, and what it needs. */
struct rehearsal {
    struct vet *vet;
    const struct plan *plan;
    struct vet_state *states; /* of a batch */
    size_t *whose;            /* the index in the batch of each */
    size_t rehearsed;
};

static int try_batch(struct rehearsal *r, struct batch *b, struct fault *why)
{
    struct vet_job job = {.path = r->plan->to->path,
                          .with = r->plan->from->path,
                          .states = r->states,
                          .timeout_ms = REHEARSE_LIMIT_MS};
    struct vet_report report = {0};
    size_t bytes = 0;
    int error;

    for (size_t i = 0; i < b->count && bytes < REHEARSE_BYTES; i++) {
        const struct sample *s = &b->samples[i];

        if (!s->state.len || s->state.error)
            continue; /* it was busy, or has ended */
        r->states[job.state_count] =
            (struct vet_state){s->code->id, s->state.bytes, s->state.len};
        r->whose[job.state_count++] = i;
        bytes += s->state.len;
    }
    r->rehearsed += job.state_count;
    error = job.state_count ? vet_run_job(r->vet, &job, &report, why) : 0;
    if (error && report.state >= 0 && (size_t)report.state < job.state_count)
        plan_blame(why, b->samples[r->whose[report.state]].id);
    json_decref(report.lints);
    return error;
}

static int try_all(struct rehearsal *r, struct sampling *all, struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < all->count && !error; i += REHEARSE_BATCH) {
        struct batch b = {.samples = all->samples + i,
                          .count = all->count - i < REHEARSE_BATCH ? all->count - i
                                                                   : REHEARSE_BATCH,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .done = PTHREAD_COND_INITIALIZER};

        take_states(&b);
        error = try_batch(r, &b, why);
        free_states(&b);
    }
    return error;
}

/* NOLINTNEXTLINE(readability-function-size): a struct for one more is not worth it */
int rehearse(struct vet *vet, const struct plan *plan, struct application *app,
             size_t most, size_t *count, struct fault *why)
{
    struct rehearsal r = {.vet = vet, .plan = plan};
    struct sampling all = {.plan = plan};
    int error = -ENOMEM;

    r.states = calloc(REHEARSE_BATCH, sizeof(*r.states));
    r.whose = calloc(REHEARSE_BATCH, sizeof(*r.whose));
    if (r.states && r.whose)
        error = choose_all(&all, &app->group, most);
    if (!error)
        error = try_all(&r, &all, why);
    if (error)
        fault_where(why, "rehearse", app->name, NULL, NULL);
    free(all.samples);
    free(r.states);
    free(r.whose);
    *count = r.rehearsed;
    return error == -ENOMEM ? fault(why, error, "no memory for a rehearsal") : error;
}
