/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail.h"
#include "out.h"
#include "sample.h"

/* -- writing -- */

static size_t count_mail(const struct sample *s)
{
    moult_in in = out_read(&s->mail);

    return s->mail.len && !s->mail.error ? moult_get_array(&in) : 0;
}

static void put_state(const struct sample *s, moult_out *items)
{
    moult_put_map(items, count_mail(s) ? 4 : 3);
    moult_put_text(items, "server");
    moult_put_text(items, s->code->id);
    moult_put_text(items, "name");
    moult_put_text(items, s->id);
    moult_put_text(items, "state");
    moult_put_item(items, s->state.bytes, s->state.len);
    if (!count_mail(s))
        return;
    moult_put_text(items, "messages");
    moult_put_item(items, s->mail.bytes, s->mail.len);
}

/* The states one after the other; how many. */
static struct snapshot_counts put_states(struct sampling *all, moult_out *items)
{
    struct snapshot_counts counts = {0};

    while (!items->error && sampling_next(all))
        for (size_t i = all->first; i < all->end; i++) {
            const struct sample *s = &all->samples[i];

            if (!s->state.len || s->state.error)
                continue; /* it was busy, or has ended */
            put_state(s, items);
            counts.states++;
            counts.messages += count_mail(s);
        }
    return counts;
}

static int write_file(const char *path, const moult_out *head, const moult_out *items)
{
    char *part = NULL;
    int error = 0, fd;
    FILE *file;

    if (asprintf(&part, "%s.part", path) < 0)
        return -ENOMEM;
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file || fwrite(head->bytes, 1, head->len, file) != head->len ||
        fwrite(items->bytes, 1, items->len, file) != items->len || fflush(file) != 0 ||
        fsync(fd) < 0)
        error = -errno;
    if (file && fclose(file) != 0 && !error)
        error = -errno;
    if (!file && fd >= 0)
        close(fd);
    if (!error && rename(part, path) < 0)
        error = -errno;
    if (error)
        unlink(part);
    free(part);
    return error;
}

/* The array comes last, so that what is in it can follow. */
static void put_head(const struct application *app, size_t count, moult_out *head)
{
    moult_put_map(head, 3);
    moult_put_text(head, "application");
    moult_put_text(head, app->name);
    moult_put_text(head, "vsn");
    moult_put_text(head, app->spec->vsn);
    moult_put_text(head, "states");
    moult_put_array(head, count);
}

int snapshot_write(struct application *app, const char *path,
                   struct snapshot_counts *counts, struct fault *why)
{
    struct sampling all = {.mail = MAIL_COPY_MOST};
    moult_out head = {0}, items = {0};
    int error = sampling_choose(&all, &app->group, SIZE_MAX);

    if (!error) {
        *counts = put_states(&all, &items);
        put_head(app, counts->states, &head);
        error = items.error ? items.error : head.error;
    }
    if (!error)
        error = write_file(path, &head, &items);
    sampling_finish(&all);
    out_release(&head);
    out_release(&items);
    return error ? fault(why, error, "unable to write '%s': %s", path, strerror(-error))
                 : 0;
}

/* -- reading -- */

static char *read_file(const char *path, size_t *len, struct fault *why)
{
    FILE *file = fopen(path, "re");
    char *bytes = NULL;
    struct stat st;

    if (!file) {
        fault(why, -errno, "unable to read '%s': %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode) ||
        (size_t)st.st_size > OUT_LIMIT)
        fault(why, -EINVAL, "'%s' is no snapshot", path);
    else if (!(bytes = malloc((size_t)st.st_size + 1)))
        fault(why, -ENOMEM, "no memory to read '%s'", path);
    else
        *len = fread(bytes, 1, (size_t)st.st_size, file);
    fclose(file);
    return bytes;
}

/* The text under `key` in the map `in`; given, or NULL. */
static char *text_at(moult_in *in, const char *key)
{
    moult_in value;
    size_t len = 0;
    const char *text = moult_find(in, key, &value) && moult_peek(&value) == MOULT_TEXT
                           ? moult_get_text(&value, &len)
                           : NULL;

    return text && !memchr(text, 0, len) ? strndup(text, len) : NULL;
}

static bool copy_text(moult_in *in, const char *key, char *to, size_t size)
{
    char *text = text_at(in, key);
    bool fits = text && strlen(text) < size;

    if (fits)
        strcpy(to, text);
    free(text);
    return fits;
}

/* There may be none. */
static bool read_mail(moult_in *item, struct vet_state *state, size_t *count)
{
    moult_in value, in;

    if (!moult_find(item, "messages", &value))
        return true;
    if (moult_peek(&value) != MOULT_ARRAY)
        return false;
    in = value;
    *count += moult_get_array(&in);
    state->messages = moult_get_item(&value, &state->messages_len);
    return state->messages != NULL;
}

static bool read_state(moult_in *item, struct snapshot *s)
{
    struct vet_state *state = &s->states[s->count];
    moult_in value;

    state->server = text_at(item, "server");
    s->names[s->count++] = text_at(item, "name");
    if (!state->server || !s->names[s->count - 1] ||
        !moult_find(item, "state", &value) || moult_peek(&value) != MOULT_MAP)
        return false;
    state->bytes = moult_get_item(&value, &state->len);
    return state->bytes && read_mail(item, state, &s->messages);
}

static bool read_states(moult_in *in, struct snapshot *s)
{
    moult_in list;
    size_t count;

    if (!moult_find(in, "states", &list) || moult_peek(&list) != MOULT_ARRAY)
        return false;
    count = moult_get_array(&list);
    if (list.error || count > OUT_LIMIT)
        return false;
    s->states = calloc(count + 1, sizeof(*s->states));
    s->names = calloc(count + 1, sizeof(*s->names));
    if (!s->states || !s->names)
        return false;
    while (s->count < count && !list.error) {
        moult_in item = list;

        if (moult_peek(&item) != MOULT_MAP || !read_state(&item, s))
            return false;
        moult_skip(&list);
    }
    return !list.error;
}

int snapshot_read(const char *path, struct snapshot *s, struct fault *why)
{
    size_t len = 0;
    moult_out whole;
    moult_in in;

    s->bytes = read_file(path, &len, why);
    if (!s->bytes)
        return why->error;
    out_init(&whole, s->bytes, (uint32_t)len);
    whole.len = (uint32_t)len;
    in = out_read(&whole);
    if (len == 0 || moult_peek(&in) != MOULT_MAP ||
        !copy_text(&in, "application", s->application, sizeof(s->application)) ||
        !copy_text(&in, "vsn", s->vsn, sizeof(s->vsn)) || !read_states(&in, s))
        return fault(why, -EINVAL, "'%s' is no snapshot: 'moult snapshot' makes one",
                     path);
    return 0;
}

void snapshot_finish(struct snapshot *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free((char *)s->states[i].server);
        free(s->names[i]);
    }
    free(s->states);
    free(s->names);
    free(s->bytes);
}
