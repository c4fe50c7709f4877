/* SPDX-License-Identifier: Apache-2.0 */
#include "vet_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vet_buffer_add(struct vet_buffer *b, const void *bytes, size_t len)
{
    if (len > b->capacity - b->len) {
        size_t capacity = 2 * b->capacity + len;
        char *grown = realloc(b->bytes, capacity);

        if (!grown)
            return -ENOMEM;
        b->bytes = grown;
        b->capacity = capacity;
    }
    if (bytes && len) {
        memcpy(b->bytes + b->len, bytes, len);
        b->len += len;
    }
    return 0;
}

int vet_buffer_add_frame(struct vet_buffer *b, const void *bytes, size_t len)
{
    uint32_t size = (uint32_t)len;
    int err = len > UINT32_MAX ? -EMSGSIZE : vet_buffer_add(b, &size, sizeof(size));

    return err ? err : vet_buffer_add(b, bytes, len);
}

void vet_buffer_release(struct vet_buffer *b)
{
    free(b->bytes);
    *b = (struct vet_buffer){0};
}

const char *vet_buffer_frame(const struct vet_buffer *b, size_t *at, size_t *len)
{
    const char *frame;
    uint32_t size;

    if (b->len - *at < sizeof(size))
        return NULL;
    memcpy(&size, b->bytes + *at, sizeof(size));
    if (b->len - *at - sizeof(size) < size)
        return NULL;
    frame = b->bytes + *at + sizeof(size);
    *at += sizeof(size) + size;
    *len = size;
    return frame;
}

/* A text goes with its zero, so that it can be used where it lies; NULL is empty. */
static int add_text(struct vet_buffer *b, const char *text)
{
    return vet_buffer_add_frame(b, text, text ? strlen(text) + 1 : 0);
}

/* 0 and the text, or NULL if it was NULL; -EBADMSG. */
static int take_text(const struct vet_buffer *b, size_t *at, const char **text)
{
    size_t len;
    const char *frame = vet_buffer_frame(b, at, &len);

    if (!frame || (len && frame[len - 1] != '\0'))
        return -EBADMSG;
    *text = len ? frame : NULL;
    return 0;
}

int vet_job_write(const struct vet_job *job, struct vet_buffer *b)
{
    uint64_t count = job->state_count, via = job->via_count;
    int err = add_text(b, job->path);

    if (!err)
        err = add_text(b, job->with);
    if (!err)
        err = vet_buffer_add_frame(b, &job->is_release, sizeof(job->is_release));
    if (!err)
        err = vet_buffer_add_frame(b, &via, sizeof(via));
    for (size_t i = 0; i < job->via_count && !err; i++)
        err = add_text(b, job->via[i]);
    if (!err)
        err = vet_buffer_add_frame(b, &count, sizeof(count));
    for (size_t i = 0; i < job->state_count && !err; i++) {
        err = add_text(b, job->states[i].server);
        if (!err)
            err = vet_buffer_add_frame(b, job->states[i].bytes, job->states[i].len);
        if (!err)
            err = vet_buffer_add_frame(b, job->states[i].messages,
                                       job->states[i].messages_len);
    }
    return err;
}

static int take_state(const struct vet_buffer *b, size_t *at, struct vet_state *state)
{
    int err = take_text(b, at, &state->server);

    if (err || !state->server)
        return -EBADMSG;
    state->bytes = vet_buffer_frame(b, at, &state->len);
    state->messages = vet_buffer_frame(b, at, &state->messages_len);
    return state->bytes && state->messages ? 0 : -EBADMSG;
}

/* How many there are of what follows; each takes more than a byte. */
static int take_count(const struct vet_buffer *b, size_t *at, uint64_t *count)
{
    size_t len;
    const char *frame = vet_buffer_frame(b, at, &len);

    if (!frame || len != sizeof(*count))
        return -EBADMSG;
    memcpy(count, frame, sizeof(*count));
    return *count > b->len ? -EBADMSG : 0;
}

static int take_via(const struct vet_buffer *b, size_t *at, struct vet_job *job)
{
    const char **via;
    uint64_t count;
    int err = take_count(b, at, &count);

    if (err)
        return err;
    via = calloc(count + 1, sizeof(*via));
    if (!via)
        return -ENOMEM;
    job->via = via;
    job->via_count = count;
    for (size_t i = 0; i < count && !err; i++)
        err = take_text(b, at, &via[i]) || !via[i] ? -EBADMSG : 0;
    return err;
}

static int take_states(const struct vet_buffer *b, size_t *at, struct vet_job *job)
{
    struct vet_state *states;
    uint64_t count;
    int err = take_count(b, at, &count);

    if (err)
        return err;
    states = calloc(count + 1, sizeof(*states));
    if (!states)
        return -ENOMEM;
    job->states = states;
    job->state_count = count;
    for (size_t i = 0; i < count && !err; i++)
        err = take_state(b, at, &states[i]);
    return err;
}

int vet_job_read(const struct vet_buffer *b, struct vet_job *job)
{
    const char *frame;
    size_t at = 0, len;
    int err;

    *job = (struct vet_job){0};
    if (take_text(b, &at, &job->path) || !job->path || take_text(b, &at, &job->with))
        return -EBADMSG;
    frame = vet_buffer_frame(b, &at, &len);
    if (!frame || len != sizeof(job->is_release))
        return -EBADMSG;
    job->is_release = frame[0] != 0;
    err = take_via(b, &at, job);
    if (!err)
        err = take_states(b, &at, job);
    if (err)
        vet_job_release(job);
    return err;
}

void vet_job_release(struct vet_job *job)
{
    free((void *)job->states);
    free((void *)job->via);
    *job = (struct vet_job){0};
}
