/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"

/* -- which servers -- */

static void choose(struct process *p, void *context)
{
    struct sampling *all = context;
    const struct server *s = server_of(p);
    struct sample *sample;

    if (!s || all->count == all->room ||
        (all->wants && !all->wants(all->context, s->code)))
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

int sampling_choose(struct sampling *all, struct group *group, size_t most)
{
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->done, NULL);
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

static void copy_item(moult_in *map, const char *key, moult_out *to)
{
    moult_in value;
    const void *item;
    size_t len;

    if (!moult_find(map, key, &value))
        return;
    item = moult_get_item(&value, &len);
    moult_put_item(to, item, len);
}

/* Take the state out of {vsn, format, state, messages}; on a worker. */
static void take_state(void *context, int error, const char *text, moult_in *in)
{
    struct sample *sample = context;
    struct sampling *all = sample->sampling;

    if (!error) {
        copy_item(in, "state", &sample->state);
        copy_item(in, "messages", &sample->mail);
    }
    pthread_mutex_lock(&all->lock);
    if (error == -EFAULT) {
        fault_where(&all->failed, NULL, NULL, sample->id, "save");
        fault(&all->failed, error, "%s", text);
    }
    if (--all->waits == 0)
        pthread_cond_signal(&all->done);
    pthread_mutex_unlock(&all->lock);
}

/* Ask all at once, and wait for the last. */
static void take_states(struct sampling *all)
{
    for (size_t i = all->first; i < all->end; i++) {
        struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

        all->samples[i].sampling = all;
        if (!e)
            continue;
        e->code = SYSTEM_STATE;
        if (all->mail)
            moult_put_int(&e->out, all->mail);
        pthread_mutex_lock(&all->lock);
        all->waits++;
        pthread_mutex_unlock(&all->lock);
        if (ask(all->samples[i].pid, e, SAMPLE_ASK_MS, take_state, &all->samples[i]) ==
            0)
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

static void drop_states(struct sampling *all)
{
    for (size_t i = all->first; i < all->end; i++) {
        out_release(&all->samples[i].state);
        out_release(&all->samples[i].mail);
    }
}

bool sampling_next(struct sampling *all)
{
    drop_states(all);
    all->first = all->end;
    all->end +=
        all->count - all->first < SAMPLE_BATCH ? all->count - all->first : SAMPLE_BATCH;
    take_states(all);
    return all->first < all->end;
}

void sampling_finish(struct sampling *all)
{
    drop_states(all);
    free(all->samples);
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->done);
}
