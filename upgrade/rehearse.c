/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearse.h"

#include <stdio.h>
#include <stdlib.h>

#include "ask.h"

struct sample {
    moult_pid pid;
    const struct code *code;
    char id[128]; /* for messages; cut */
    moult_out state;
};

struct sampling {
    const struct plan *plan;
    struct sample *samples;
    size_t count;
};

static void choose(struct process *p, void *context)
{
    struct sampling *all = context;
    const struct server *s = server_of(p);
    struct sample *sample;

    /* Code and flags are the process's own; that it started, and with what, stays. */
    if (!s || all->count == REHEARSE_MOST)
        return;
    sample = &all->samples[all->count++];
    *sample = (struct sample){.pid = process_pid(p), .code = s->code};
    snprintf(sample->id, sizeof(sample->id), "%s", s->id);
}

/* The state out of {vsn, format, state}; false if it could not be had. */
static bool snapshot(struct sample *sample)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    moult_out answer = {0};
    moult_in in, state;
    size_t len = 0;
    int error;

    if (!e)
        return false;
    e->code = SYSTEM_STATE;
    error = ask_and_wait(sample->pid, e, REHEARSE_ASK_MS, &answer, NULL, 0);
    in = out_read(&answer);
    if (!error && moult_find(&in, "state", &state)) {
        const void *item = moult_get_item(&state, &len);

        moult_put_item(&sample->state, item, len);
    }
    out_release(&answer);
    return len && !sample->state.error;
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
    for (size_t i = 0; i < all->count && bytes < REHEARSE_BYTES; i++) {
        const struct plan_child *child = plan_find(all->plan, all->samples[i].code);

        if (!child || !child->to || child->move == PLAN_POINTER ||
            !snapshot(&all->samples[i]))
            continue;
        states[job.state_count] =
            (struct vet_state){all->samples[i].code->id, all->samples[i].state.bytes,
                               all->samples[i].state.len};
        whose[job.state_count++] = i;
        bytes += all->samples[i].state.len;
    }
    *count = job.state_count;
    error = job.state_count ? vet_run_job(vet, &job, &report, why) : 0;
    if (error && report.state >= 0 && (size_t)report.state < job.state_count && why) {
        why->server[0] = 0;
        fault_where(why, NULL, NULL, all->samples[whose[report.state]].id, NULL);
    }
    json_decref(report.lints);
    free(whose);
    return error;
}

int rehearse(struct vet *vet, const struct plan *plan, struct application *app,
             size_t *count, struct fault *why)
{
    struct sampling all = {.plan = plan};
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
