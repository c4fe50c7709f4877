/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "event.h"
#include "json_memory.h"
#include "json_text.h"

#define RECORD_FORMAT 1
#define DUMP_FLAGS    (JSON_COMPACT | JSON_SORT_KEYS)

struct record {
    json_t *apps; /* name -> {vsn, hash} */
    json_t *next; /* prepared, or NULL */
    char *path, *beside, *bad;
    int folder; /* for fsync */
};

static char *path_in(const char *folder, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static json_t *checksum(json_t *apps)
{
    char text[17];
    char *dump = json_text(apps, DUMP_FLAGS);

    if (!dump)
        return NULL;
    snprintf(text, sizeof(text), "%016" PRIx64,
             (uint64_t)XXH3_64bits(dump, strlen(dump)));
    free(dump);
    return json_string(text);
}

/* The applications of a whole record of our format, borrowed from `all`; or NULL. */
static json_t *verified(json_t *all)
{
    json_t *apps = json_object_get(all, "applications");
    json_t *sum = json_is_object(apps) ? checksum(apps) : NULL;
    bool good = sum && json_equal(sum, json_object_get(all, "checksum")) &&
                json_integer_value(json_object_get(all, "format")) == RECORD_FORMAT;

    json_decref(sum);
    return good ? apps : NULL;
}

static void set_aside(struct record *r, const char *reason)
{
    event_emit(EVENT_ERROR, "release.record_bad", "{s:s, s:s, s:s}", "file", r->path,
               "reason", reason, "kept_as", r->bad);
    rename(r->path, r->bad);
}

/* 0, also if what is there is no good; or why it can't be told whether it is. */
static int take(struct record *r, FILE *file, struct fault *why)
{
    json_error_t error;
    json_t *all, *apps;
    bool lacked;

    json_memory_watch();
    all = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    apps = all ? verified(all) : NULL;
    if (apps)
        json_object_update(r->apps, apps);
    lacked = json_memory_done();
    if (!apps && !lacked && !ferror(file))
        set_aside(r, all ? "its checksum or format is wrong" : error.text);
    json_decref(all);
    if (lacked)
        return fault(why, -ENOMEM, "no memory for the release record");
    return ferror(file) ? fault(why, -EIO, "unable to read '%s'", r->path) : 0;
}

static int load(struct record *r, struct fault *why)
{
    FILE *file;
    int error;

    r->apps = json_object();
    if (!r->apps)
        return fault(why, -ENOMEM, "no memory for the release record");
    file = fopen(r->path, "re");
    if (!file)
        return errno == ENOENT ? 0
                               : fault(why, -errno, "unable to read '%s': %s", r->path,
                                       strerror(errno));
    error = take(r, file, why);
    fclose(file);
    return error;
}

int record_open(const char *data, struct record **out, struct fault *why)
{
    struct record *r = calloc(1, sizeof(*r));
    int error, folder_errno;

    if (!r)
        return fault(why, -ENOMEM, "no memory for the release record");
    r->folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    folder_errno = errno;
    r->path = path_in(data, "releases.json");
    r->beside = path_in(data, "releases.json.new");
    r->bad = path_in(data, "releases.json.bad");
    if (!r->path || !r->beside || !r->bad) {
        record_close(r);
        return fault(why, -ENOMEM, "no memory for the release record");
    }
    if (r->folder < 0)
        error = fault(why, -folder_errno, "unable to open the data folder '%s': %s",
                      data, strerror(folder_errno));
    else
        error = load(r, why);
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
    json_decref(r->apps);
    json_decref(r->next);
    free(r->path);
    free(r->beside);
    free(r->bad);
    free(r);
}

static const char *member(const struct record *r, const char *app, const char *key)
{
    return json_string_value(json_object_get(json_object_get(r->apps, app), key));
}

const char *record_vsn(const struct record *r, const char *app)
{
    return member(r, app, "vsn");
}

const char *record_hash(const struct record *r, const char *app)
{
    return member(r, app, "hash");
}

int record_each(const struct record *r, void (*visit)(void *context, const char *app),
                void *context)
{
    json_t *apps = json_copy(r->apps), *entry; /* visits may change the record */
    const char *app;

    if (!apps)
        return -ENOMEM;
    json_object_foreach(apps, app, entry) visit(context, app);
    json_decref(apps);
    return 0;
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
    char *text = json_text(all, JSON_INDENT(2) | JSON_SORT_KEYS);
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

/* Is that what the record says already?  Then nothing has to be made durable. */
static bool says(const struct record *r, const char *app, const char *vsn,
                 const char *hash)
{
    const char *its_vsn = record_vsn(r, app), *its_hash = record_hash(r, app);

    return its_vsn && its_hash && strcmp(its_vsn, vsn) == 0 &&
           strcmp(its_hash, hash) == 0;
}

int record_prepare(struct record *r, const char *app, const char *vsn, const char *hash,
                   struct fault *why)
{
    json_t *next, *all;
    int error = -ENOMEM;

    record_forget(r);
    if (says(r, app, vsn, hash))
        return 0;
    next = json_deep_copy(r->apps);
    if (next &&
        json_object_set_new(next, app,
                            json_pack("{s:s, s:s}", "vsn", vsn, "hash", hash)) == 0) {
        all = json_pack("{s:i, s:O, s:o}", "format", RECORD_FORMAT, "applications",
                        next, "checksum", checksum(next));
        error = all ? write_durably(r->beside, all) : -ENOMEM;
        json_decref(all);
    }
    if (error) {
        json_decref(next);
        return fault(why, error, "unable to write the release record '%s': %s",
                     r->beside, strerror(-error));
    }
    r->next = next;
    return 0;
}

int record_commit(struct record *r, struct fault *why)
{
    if (!r->next)
        return 0;
    if (rename(r->beside, r->path) < 0 || fsync(r->folder) < 0)
        return fault(why, -errno, "unable to replace the release record '%s': %s",
                     r->path, strerror(errno));
    json_decref(r->apps);
    r->apps = r->next;
    r->next = NULL;
    return 0;
}

void record_forget(struct record *r)
{
    if (!r->next)
        return;
    json_decref(r->next);
    r->next = NULL;
    unlink(r->beside);
}
