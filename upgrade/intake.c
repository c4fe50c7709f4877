/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "event.h"
#include "watch.h"

static void drop_refused(struct stock *s, const struct manifest *m, const char *path,
                         const struct fault *why)
{
    if (!stock_is_passing(why->error)) /* who hears of it finds it in the list */
        catalog_refuse(s->catalog, m, path, why->text);
    event_emit(EVENT_ERROR, "plugin.refused", "{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s}",
               "file", path, "app", m->name, "vsn", m->vsn, "step", why->step, "server",
               why->server[0] ? why->server : NULL, "field",
               why->field[0] ? why->field : NULL, "reason", why->text);
}

static int vet_and_add(struct stock *s, const struct manifest *m, const char *path,
                       const char *stored, uint64_t *vet_ns, struct fault *why)
{
    struct catalog_entry running = {0};
    struct vet_report report = {0};
    uint64_t began = clock_ns();
    int error;

    catalog_find_running(s->catalog, m->name, &running); /* none is fine */
    error = vet_run(s->vet, stored, running.stored, 0, &report, why);
    *vet_ns = clock_ns() - began;
    if (!error && (error = store_approve(s->store, stored)) < 0)
        fault(why, error, "unable to keep '%s': %s", stored, strerror(-error));
    if (!error && (error = catalog_add(s->catalog, m, stored, path, report.lints)) < 0)
        fault(why, error, "unable to list %s %s: %s", m->name, m->vsn,
              strerror(-error));
    json_decref(report.lints);
    catalog_entry_release(&running);
    return error;
}

/* Has nobody written to the file at `path` since it was `before`? */
static bool is_as_before(const char *path, const struct stat *before)
{
    struct stat now;

    return !watch_is_being_written(path) && stat(path, &now) == 0 &&
           now.st_ino == before->st_ino && now.st_size == before->st_size &&
           now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

int intake_file(struct stock *s, const struct intake_source *from, struct manifest *m,
                uint64_t *vet_ns, struct fault *reason)
{
    const char *path = from->path;
    struct fault why = {0};
    struct stat before = {0};
    char *stored = NULL;
    int error;

    *vet_ns = 0;
    stat(path, &before);
    error = manifest_read(path, m, &why);
    if (error)
        fault_where(&why, "read", NULL, NULL, NULL);
    if (!m->hash[0] && error == -ENOENT)
        return error; /* gone again */
    if (error && !is_as_before(path, &before))
        return fault(reason, -EBUSY, "'%s' is being written to", path);
    if (!error || m->hash[0]) {
        struct fault known = {0};
        int considered = catalog_consider(s->catalog, m, from->shown, &known);

        if (considered == -EALREADY || considered == -ECANCELED) {
            *reason = known;
            return considered;
        }
        if (!error && (error = considered) < 0)
            why = known;
    }
    if (!error && (error = store_put(s->store, path, m, &stored, &why)) == -EAGAIN) {
        *reason = why; /* it has changed since */
        return -EBUSY;
    }
    if (!error)
        error = vet_and_add(s, m, from->shown, stored, vet_ns, &why);
    if (error && stored)
        store_drop(s->store, stored);
    free(stored);
    *reason = why;
    if (error)
        drop_refused(s, m, from->shown, &why);
    else
        event_emit(EVENT_INFO, "plugin.staged", "{s:s, s:s, s:s}", "app", m->name,
                   "vsn", m->vsn, "file", from->shown);
    return error;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int intake_read_folder(const char *path, struct intake_folder *out, struct fault *why)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir)
        return fault(why, -errno, "unable to read the plugin folder '%s': %s", path,
                     strerror(errno));
    while ((entry = readdir(dir))) {
        char **more;

        if (!watch_is_plugin_name(entry->d_name))
            continue;
        more = realloc(out->paths, (out->count + 1) * sizeof(*more));
        if (more)
            out->paths = more;
        if (more &&
            asprintf(&out->paths[out->count], "%s/%s", path, entry->d_name) >= 0)
            out->count++;
    }
    closedir(dir);
    if (out->count)
        qsort(out->paths, out->count, sizeof(*out->paths), by_text);
    return 0;
}

void intake_release_folder(struct intake_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free(folder->paths[i]);
    free(folder->paths);
}
