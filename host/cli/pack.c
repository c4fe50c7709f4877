/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "beside.h"
#include "manifest.h"
#include "refusal.h"
#include "relfile.h"

/* What goes into it; the release file first. */
struct pack {
    json_t *spec; /* what the release file says */
    char *to, *folder;
    char **paths, **names; /* with room for all */
    size_t count;
    struct fault why;
};

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int no_memory(struct pack *p)
{
    return fault(&p->why, -ENOMEM, "no memory for the package");
}

/* The path in the folder of that version's plugin, given; NULL if there is none. */
static char *find_plugin(const struct pack *p, DIR *dir, const char *app,
                         const char *vsn)
{
    struct dirent *entry;

    rewinddir(dir);
    while ((entry = readdir(dir))) {
        const char *end = strrchr(entry->d_name, '.');
        struct manifest m;
        char *path = NULL;

        if (!end || strcmp(end, ".so") != 0 ||
            asprintf(&path, "%s/%s", p->folder, entry->d_name) < 0)
            continue;
        if (manifest_read(path, &m, NULL) == 0 && strcmp(m.name, app) == 0 &&
            strcmp(m.vsn, vsn) == 0)
            return path;
        free(path);
    }
    return NULL;
}

/* `path` is taken, and NULL if there was no memory for it. */
static int add(struct pack *p, char *path, const char *name, const char *vsn,
               const char *end)
{
    p->paths[p->count] = path;
    if (asprintf(&p->names[p->count], "%s-%s%s", name, vsn, end) < 0)
        p->names[p->count] = NULL;
    p->count++;
    return path && p->names[p->count - 1] ? 0 : no_memory(p);
}

/* A version's plugin, behind the files beside it, which are part of what it is. */
static int add_plugin(struct pack *p, char *path, const char *app, const char *vsn)
{
    int error = 0;

    for (int kind = 0; kind < BESIDE_COUNT && !error; kind++) {
        struct beside b;

        error = beside_find(kind, path, app, vsn, &b, &p->why);
        if (!error && b.path)
            error = add(p, strdup(b.path), app, vsn, beside_end(kind));
        beside_release(&b);
    }
    if (!error)
        return add(p, path, app, vsn, ".so");
    free(path);
    return error;
}

static int add_plugins(struct pack *p)
{
    DIR *dir = opendir(p->folder);
    const char *app;
    json_t *vsn;
    int error = 0;

    if (!dir)
        return fault(&p->why, -errno, "unable to read the folder '%s': %s", p->folder,
                     strerror(errno));
    json_object_foreach(json_object_get(p->spec, "applications"), app, vsn)
    {
        char *path = error ? NULL : find_plugin(p, dir, app, json_string_value(vsn));

        if (!error && !path)
            error = fault(&p->why, -ENOENT, "there is no %s %s in '%s'", app,
                          json_string_value(vsn), p->folder);
        if (!error)
            error = add_plugin(p, path, app, json_string_value(vsn));
    }
    closedir(dir);
    return error;
}

/* The folder of `path`, given. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

static int gather(struct pack *p, const struct args *args)
{
    const char *from = args->words[0], *folder = args_value(args, "plugins"),
               *to = args_value(args, "to");
    int error = relfile_read(from, &p->spec, &p->why);
    size_t count = json_object_size(json_object_get(p->spec, "applications")) *
                       (BESIDE_COUNT + 1) +
                   1;

    if (error)
        return error;
    p->paths = calloc(count, sizeof(*p->paths));
    p->names = calloc(count, sizeof(*p->names));
    p->folder = folder ? strdup(folder) : folder_of(from);
    if (!p->paths || !p->names || !p->folder)
        return no_memory(p);
    if (to ? !(p->to = strdup(to))
           : asprintf(&p->to, "%s-%s.pack", text(p->spec, "name"),
                      text(p->spec, "vsn")) < 0)
        return no_memory(p);
    error = add(p, strdup(from), text(p->spec, "name"), text(p->spec, "vsn"), ".rel");
    return error ? error : add_plugins(p);
}

static void print(const struct pack *p, const struct args *args,
                  const struct screen *screen)
{
    size_t count = json_object_size(json_object_get(p->spec, "applications"));

    if (args->json) {
        json_t *all =
            json_pack("{s:s, s:s, s:s, s:O}", "file", p->to, "name",
                      text(p->spec, "name"), "vsn", text(p->spec, "vsn"),
                      "applications", json_object_get(p->spec, "applications"));

        json_dumpf(all, screen->out, JSON_COMPACT);
        putc('\n', screen->out);
        json_decref(all);
        return;
    }
    screen_text(screen, BOLD, 0, p->to);
    fprintf(screen->out, ": %s@%s, %zu application%s\n", text(p->spec, "name"),
            text(p->spec, "vsn"), count, count == 1 ? "" : "s");
}

static void finish(struct pack *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->paths[i]);
        free(p->names[i]);
    }
    free(p->paths);
    free(p->names);
    free(p->folder);
    free(p->to);
    json_decref(p->spec);
}

int pack_run(const struct args *args, const struct screen *screen)
{
    struct pack p = {0};
    int error = gather(&p, args);

    if (!error)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): finish() frees it */
        error = archive_write(p.to, (const char *const *)p.paths,
                              (const char *const *)p.names, p.count, &p.why);
    if (error)
        refusal_complain(&p.why, args->json, screen);
    else
        print(&p, args, screen);
    finish(&p);
    return error ? CLI_FAILED : CLI_DONE;
}
