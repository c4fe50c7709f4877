/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearse.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"

struct sampling;

struct sample {
    struct sampling *all;
    moult_pid pid;
    const struct code *code;
    char id[128]; /* for messages; cut */
    moult_out state;
};

struct sampling {
    const struct plan *plan;
    struct sample *samples;
    size_t count;
    pthread_mutex_t lock; /* guards `waits` */
    pthread_cond_t done;
    size_t waits; /* states that were asked for and did not come yet */
};

static void choose(struct process *p, void *context)
{
    struct sampling *all = context;
    const struct server *s = server_of(p);
    const struct plan_child *child;
    struct sample *sample;

    /* Its code is changed by nobody but the release handler, which this is. */
    if (!s || all->count == REHEARSE_MOST)
        return;
    child = plan_find(all->plan, s->code);
    if (!child || !child->to || child->move == PLAN_POINTER)
        return;
    sample = &all->samples[all->count++];
    *sample = (struct sample){.all = all, .pid = process_pid(p), .code = s->code};
    snprintf(sample->id, sizeof(sample->id), "%s", s->id);
}

/* Take the state out of {vsn, format, state}; on a worker. */
static void take_state(void *context, int error, const char *text, moult_in *in)
{
    struct sample *sample = context;
    struct sampling *all = sample->all;
    moult_in state;
    size_t len;

    if (!error && moult_find(in, "state", &state)) {
        const void *item = moult_get_item(&state, &len);

        moult_put_item(&sample->state, item, len);
    }
    pthread_mutex_lock(&all->lock);
    if (--all->waits == 0)
        pthread_cond_signal(&all->done);
    pthread_mutex_unlock(&all->lock);
}

/* Ask all at once, and wait for the last. */
static void take_states(struct sampling *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

        if (!e)
            continue;
        e->code = SYSTEM_STATE;
        pthread_mutex_lock(&all->lock);
        all->waits++;
        pthread_mutex_unlock(&all->lock);
        if (ask(all->samples[i].pid, e, REHEARSE_ASK_MS, take_state,
                &all->samples[i]) == 0)
            continue;
        pthread_mutex_lock(&all->lock);
        all->waits--;
        pthread_mutex_unlock(&all->lock);
    }
    pthread_mutex_lock(&all->lock);
    while (all->waits > 0)
        pthread_cond_wait(&all->done, &all->lock);
    pthread_mutex_unlock(&all->lock);
}

static int try_all(struct vet *vet, struct sampling *all, struct vet_state *states,
                   size_t *count, struct fault *why)
{
    struct vet_job job = {.path = all->plan->to->path,
                          .with = all->plan->from->path,
                          .states = states,
                          .timeout_ms = REHEARSE_LIMIT_MS};
    struct vet_report report = {0};
    size_t *whose = calloc(all->count + 1, sizeof(*whose)), bytes = 0;
    int error;

    if (!whose)
        return fault(why, -ENOMEM, "no memory for a rehearsal");
    take_states(all);
    for (size_t i = 0; i < all->count && bytes < REHEARSE_BYTES; i++) {
        if (!all->samples[i].state.len || all->samples[i].state.error)
            continue; /* it was busy, or has ended */
        states[job.state_count] =
            (struct vet_state){all->samples[i].code->id, all->samples[i].state.bytes,
                               all->samples[i].state.len};
        whose[job.state_count++] = i;
        bytes += all->samples[i].state.len;
    }
    *count = job.state_count;
    error = job.state_count ? vet_run_job(vet, &job, &report, why) : 0;
    if (error && report.state >= 0 && (size_t)report.state < job.state_count)
        plan_blame(why, all->samples[whose[report.state]].id);
    json_decref(report.lints);
    free(whose);
    return error;
}

int rehearse(struct vet *vet, const struct plan *plan, struct application *app,
             size_t *count, struct fault *why)
{
    struct sampling all = {.plan = plan,
                           .lock = PTHREAD_MUTEX_INITIALIZER,
                           .done = PTHREAD_COND_INITIALIZER};
    struct vet_state *states = calloc(REHEARSE_MOST, sizeof(*states));
    int error = -ENOMEM;

    *count = 0;
    all.samples = calloc(REHEARSE_MOST, sizeof(*all.samples));
    if (states && all.samples) {
        group_each(&app->group, choose, &all);
        error = try_all(vet, &all, states, count, why);
    }
    if (error)
        fault_where(why, "rehearse", app->name, NULL, NULL);
    for (size_t i = 0; i < all.count; i++)
        out_release(&all.samples[i].state);
    free(all.samples);
    free(states);
    return error == -ENOMEM ? fault(why, error, "no memory for a rehearsal") : error;
}
