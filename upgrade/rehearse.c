/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearse.h"

#include <stdlib.h>

#include "mail.h"
#include "out.h"
#include "sample.h"

/* A trial of some, and what it needs. */
struct rehearsal {
    struct vet *vet;
    const struct plan *plan;
    struct vet_state *states; /* of a batch */
    size_t *whose;            /* the sample that each is of */
    struct rehearsed done;
};

/* Is its state written and read again, or what waits for it? */
static bool is_carried(void *context, const struct code *code)
{
    const struct rehearsal *r = context;
    const struct plan_child *child = plan_find(r->plan, code);

    return child && child->from == code && child->to &&
           (child->move != PLAN_POINTER || plan_carries_mail(child));
}

static bool carries_mail(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan_carries_mail(&plan->children[i]))
            return true;
    return false;
}

static size_t messages_in(const moult_out *mail)
{
    moult_in in = out_read(mail);

    return mail->len ? moult_get_array(&in) : 0;
}

static int try_batch(struct rehearsal *r, const struct sampling *all, struct fault *why)
{
    struct vet_job job = {.path = r->plan->to->path,
                          .with = r->plan->from->path,
                          .states = r->states,
                          .timeout_ms = REHEARSE_LIMIT_MS};
    const char *via[ROUTE_LEGS_MAX];
    struct vet_report report = {0};
    size_t bytes = 0;
    int error;

    job.via = via;
    for (; job.via_count + 1 < r->plan->journey.count; job.via_count++)
        via[job.via_count] = r->plan->journey.legs[job.via_count].to->path;
    for (size_t i = all->first; i < all->end && bytes < REHEARSE_BYTES; i++) {
        const struct sample *s = &all->samples[i];

        if (!s->state.len || s->state.error)
            continue; /* it was busy, or has ended */
        r->states[job.state_count] = (struct vet_state){
            s->code->id, s->state.bytes, s->state.len, s->mail.bytes, s->mail.len};
        r->whose[job.state_count++] = i;
        bytes += s->state.len + s->mail.len;
        r->done.messages += messages_in(&s->mail);
    }
    r->done.states += job.state_count;
    error = job.state_count ? vet_run_job(r->vet, &job, &report, why) : 0;
    if (error && report.state >= 0 && (size_t)report.state < job.state_count)
        plan_blame(why, all->samples[r->whose[report.state]].id);
    json_decref(report.lints);
    return error;
}

static int refuse_for(const struct fault *failed, struct fault *why)
{
    fault_where(why, NULL, NULL, failed->server, failed->field);
    return fault(why, failed->error, "%s", failed->text);
}

/* NOLINTNEXTLINE(readability-function-size): a struct for one more is not worth it */
int rehearse(struct vet *vet, const struct plan *plan, struct application *app,
             size_t most, struct rehearsed *done, struct fault *why)
{
    struct rehearsal r = {.vet = vet, .plan = plan};
    struct sampling all = {.wants = is_carried,
                           .context = &r,
                           .mail = carries_mail(plan) ? MAIL_COPY_MOST : 0};
    int error = sampling_choose(&all, &app->group, most);

    r.states = calloc(SAMPLE_BATCH, sizeof(*r.states));
    r.whose = calloc(SAMPLE_BATCH, sizeof(*r.whose));
    if (!r.states || !r.whose)
        error = -ENOMEM;
    while (!error && sampling_next(&all))
        error =
            all.failed.error ? refuse_for(&all.failed, why) : try_batch(&r, &all, why);
    if (error)
        fault_where(why, "rehearse", app->name, NULL, NULL);
    sampling_finish(&all);
    free(r.states);
    free(r.whose);
    *done = r.done;
    return error == -ENOMEM ? fault(why, error, "no memory for a rehearsal") : error;
}
