/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "event.h"
#include "json_memory.h"
#include "json_text.h"
#include "ledger.h"

#define RECORD_FORMAT 2

struct record {
    pthread_mutex_t lock; /* guards `ledger`, for readers */
    json_t *ledger;
    json_t *next;    /* prepared, or NULL */
    json_t *written; /* what the file says; NULL: none, or another format */
    json_t *writing; /* what is beside it, or NULL: nothing */
    char *path, *beside, *before, *bad;
    int folder; /* for fsync */
};

static char *path_in(const char *folder, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static json_t *checksum(const json_t *value, size_t flags)
{
    char text[17];
    char *dump = json_text(value, JSON_COMPACT | flags);

    if (!dump)
        return NULL;
    snprintf(text, sizeof(text), "%016" PRIx64,
             (uint64_t)XXH3_64bits(dump, strlen(dump)));
    free(dump);
    return json_string(text);
}

static bool has_checksum(const json_t *all, const json_t *value, size_t flags)
{
    json_t *sum = value ? checksum(value, flags) : NULL;
    bool good = sum && json_equal(sum, json_object_get(all, "checksum"));

    json_decref(sum);
    return good;
}

/* Is it of a format that we know, and as it was written? */
static bool is_whole(const json_t *all)
{
    switch (json_integer_value(json_object_get(all, "format"))) {
    case 1: /* {applications: name -> {vsn, hash}}: those that ran last */
        return has_checksum(all, json_object_get(all, "applications"), JSON_SORT_KEYS);
    case RECORD_FORMAT:
        return has_checksum(all, json_object_get(all, "ledger"), 0);
    default:
        return false;
    }
}

/* Its ledger, given; NULL: no memory. */
static json_t *ledger_of(const json_t *all)
{
    json_t *ledger = json_object_get(all, "ledger");

    return ledger ? json_incref(ledger)
                  : ledger_create_with(json_object_get(all, "applications"));
}

static void set_aside(struct record *r, const char *path, const char *reason)
{
    event_emit(EVENT_ERROR, "release.record_bad", "{s:s, s:s, s:s}", "file", path,
               "reason", reason, "kept_as", r->bad);
    rename(path, r->bad);
}

/* What that file says; 0 and no ledger, if it is no good; or why it can't be told. */
static int take(struct record *r, const char *path, FILE *file, struct fault *why)
{
    json_error_t error = {0};
    bool good, lacked;
    json_t *all;

    json_memory_watch();
    all = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    good = all && is_whole(all);
    lacked = json_memory_done();
    if (good && !lacked)
        lacked = !(r->ledger = ledger_of(all));
    json_decref(all);
    if (lacked)
        return fault(why, -ENOMEM, "no memory for the release record");
    if (ferror(file))
        return fault(why, -EIO, "unable to read '%s'", path);
    if (good && ledger_is_valid(r->ledger))
        return 0;
    json_decref(r->ledger);
    r->ledger = NULL;
    set_aside(r, path, error.text[0] ? error.text : "its checksum or format is wrong");
    return 0;
}

static int load(struct record *r, const char *path, struct fault *why)
{
    FILE *file = fopen(path, "re");
    int error;

    if (!file)
        return errno == ENOENT ? 0
                               : fault(why, -errno, "unable to read '%s': %s", path,
                                       strerror(errno));
    error = take(r, path, file, why);
    fclose(file);
    return error;
}

/* The record; if it is no good, the one before; or else an empty one. */
static int load_any(struct record *r, struct fault *why)
{
    int error = load(r, r->path, why);

    if (!error && !r->ledger) {
        error = load(r, r->before, why);
        if (!error && r->ledger)
            event_emit(EVENT_WARN, "release.record_before", "{s:s}", "file", r->before);
    } else if (!error) {
        r->written = ledger_saved(r->ledger);
    }
    if (!error && !r->ledger && !(r->ledger = ledger_create()))
        error = fault(why, -ENOMEM, "no memory for the release record");
    return error;
}

static int open_all(struct record *r, const char *data, struct fault *why)
{
    r->path = path_in(data, "releases.json");
    r->beside = path_in(data, "releases.json.new");
    r->before = path_in(data, "releases.json.old");
    r->bad = path_in(data, "releases.json.bad");
    if (!r->path || !r->beside || !r->before || !r->bad)
        return fault(why, -ENOMEM, "no memory for the release record");
    r->folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->folder < 0)
        return fault(why, -errno, "unable to open the data folder '%s': %s", data,
                     strerror(errno));
    return load_any(r, why);
}

int record_open(const char *data, struct record **out, struct fault *why)
{
    struct record *r = calloc(1, sizeof(*r));
    int error;

    if (!r)
        return fault(why, -ENOMEM, "no memory for the release record");
    r->folder = -1;
    pthread_mutex_init(&r->lock, NULL);
    error = open_all(r, data, why);
    if (error) {
        record_close(r);
        return error;
    }
    unlink(r->beside); /* of a host that ended before it committed */
    *out = r;
    return 0;
}

void record_close(struct record *r)
{
    if (!r)
        return;
    if (r->folder >= 0)
        close(r->folder);
    json_decref(r->ledger);
    json_decref(r->next);
    json_decref(r->written);
    json_decref(r->writing);
    free(r->path);
    free(r->beside);
    free(r->before);
    free(r->bad);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

const json_t *record_ledger(const struct record *r)
{
    return r->ledger;
}

json_t *record_copy(struct record *r)
{
    json_t *copy;

    pthread_mutex_lock(&r->lock);
    json_memory_watch();
    copy = json_deep_copy(r->ledger);
    pthread_mutex_unlock(&r->lock);
    if (!json_memory_done())
        return copy;
    json_decref(copy);
    return NULL;
}

static int write_whole(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);

        if (n < 0 && errno != EINTR)
            return -errno;
        text += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int write_durably(const char *path, const json_t *all)
{
    char *text = json_text(all, JSON_INDENT(2));
    int fd = text ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    int error = 0;

    if (fd < 0) {
        error = text ? -errno : -ENOMEM;
        free(text);
        return error;
    }
    error = write_whole(fd, text);
    free(text);
    if (close(fd) < 0 && !error)
        error = -errno;
    if (error)
        unlink(path);
    return error;
}

static int write_beside(struct record *r, json_t *saved)
{
    json_t *sum = checksum(saved, 0), *all;
    int error = -ENOMEM;

    all = sum ? json_pack("{s:i, s:O, s:O}", "format", RECORD_FORMAT, "ledger", saved,
                          "checksum", sum)
              : NULL;
    if (all)
        error = write_durably(r->beside, all);
    json_decref(all);
    json_decref(sum);
    return error;
}

int record_prepare(struct record *r, json_t *next, struct fault *why)
{
    json_t *saved = next ? ledger_saved(next) : NULL;
    bool is_written = saved && r->written && json_equal(saved, r->written);
    int error = saved ? 0 : -ENOMEM;

    record_forget(r);
    if (!error && !is_written)
        error = write_beside(r, saved);
    if (error) {
        json_decref(saved);
        return fault(why, error, "unable to write the release record '%s': %s",
                     r->beside, strerror(-error));
    }
    r->next = json_incref(next);
    if (!is_written)
        r->writing = json_incref(saved);
    json_decref(saved);
    return 0;
}

/*
 * The record becomes the one before, and what is beside it the record.  One that was set
 * aside can't: then the one before, which was used for it, stays.
 */
static int rename_all(struct record *r, struct fault *why)
{
    if (access(r->path, F_OK) == 0)
        unlink(r->before);
    if (link(r->path, r->before) < 0 && errno != ENOENT)
        event_emit(EVENT_WARN, "release.record_alone", "{s:s, s:s}", "file", r->before,
                   "reason", strerror(errno));
    if (rename(r->beside, r->path) < 0 || fsync(r->folder) < 0)
        return fault(why, -errno, "unable to replace the release record '%s': %s",
                     r->path, strerror(errno));
    return 0;
}

static void replace(json_t **to, json_t **from)
{
    json_decref(*to);
    *to = *from;
    *from = NULL;
}

int record_commit(struct record *r, struct fault *why)
{
    int error = r->writing ? rename_all(r, why) : 0;

    if (r->writing && !error)
        replace(&r->written, &r->writing);
    json_decref(r->writing);
    r->writing = NULL;
    pthread_mutex_lock(&r->lock);
    if (r->next)
        replace(&r->ledger, &r->next);
    pthread_mutex_unlock(&r->lock);
    return error;
}

void record_forget(struct record *r)
{
    if (r->writing)
        unlink(r->beside);
    json_decref(r->next);
    json_decref(r->writing);
    r->next = r->writing = NULL;
}

int record_replace(struct record *r, json_t *next, struct fault *why)
{
    int error = record_prepare(r, next, why);

    return error ? error : record_commit(r, why);
}
