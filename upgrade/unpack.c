/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "beside.h"
#include "event.h"
#include "intake.h"
#include "watch.h"

static bool ends_with(const char *text, const char *end)
{
    size_t m = strlen(text), n = strlen(end);

    return m >= n && strcmp(text + m - n, end) == 0;
}

bool unpack_is_plugin(const char *path)
{
    return ends_with(path, ".so");
}

bool unpack_is_release(const char *path)
{
    return ends_with(path, ".rel");
}

/* -- a release file -- */

/* Its applications as a ledger has them, with the hashes of what is here; given. */
static int find_versions(struct stock *s, const json_t *spec, json_t **out,
                         struct fault *why)
{
    json_t *apps = json_object(), *vsn;
    const char *name;
    int error = apps ? 0 : -ENOMEM;

    json_object_foreach(json_object_get(spec, "applications"), name, vsn)
    {
        struct catalog_entry entry = {0};

        if (!error)
            error = catalog_find(s->catalog, name, json_string_value(vsn), &entry);
        if (error == -ENOENT)
            error = fault(why, -ENODATA, "it needs %s %s, which is not here", name,
                          json_string_value(vsn));
        if (!error)
            error = stock_add_application(apps, &entry);
        catalog_entry_release(&entry);
    }
    if (error) {
        json_decref(apps);
        return fault(why, error, "no memory for a release");
    }
    *out = apps;
    return 0;
}

static int add(struct stock *s, const json_t *spec, json_t *apps, const char *name,
               struct fault *why)
{
    const json_t *ledger = record_ledger(s->record);
    json_t *known = NULL, *next;
    int error;

    if (ledger_find(ledger, name, &known, NULL) == 0)
        return json_equal(ledger_applications(known), apps)
                   ? fault(why, -EALREADY, "%s is here already", name)
                   : fault(why, -EEXIST,
                           "there is a release %s with other versions: give what was "
                           "changed a higher vsn",
                           name);
    if (ledger_unpacked(ledger) >= LEDGER_UNPACKED_MAX)
        return fault(why, -EDQUOT,
                     "there are %u releases: 'moult remove' makes room for more",
                     LEDGER_UNPACKED_MAX);
    next = ledger_add(ledger, json_string_value(json_object_get(spec, "name")),
                      json_string_value(json_object_get(spec, "vsn")), apps);
    error = record_replace(s->record, next, why);
    json_decref(next);
    if (!error)
        event_emit(EVENT_INFO, "release.unpack", "{s:s}", "release", name);
    return error;
}

static int unpack_release(struct stock *s, const char *path, struct unpacked *out,
                          struct fault *why)
{
    json_t *spec = NULL, *apps = NULL;
    int error = vet_read_release(s->vet, path, &spec, why);

    if (!error)
        error = find_versions(s, spec, &apps, why);
    if (!error) {
        ledger_name(spec, out->release);
        error = add(s, spec, apps, out->release, why);
    }
    json_decref(apps);
    json_decref(spec);
    return error;
}

/* -- a package -- */

struct unpacking {
    struct stock *stock;
    const char *label; /* of the package */
    char *folder;      /* of its own, for what is taken out of it */
    char *release;     /* the path of its release file there, or NULL */
    struct unpacked *out;
};

static bool is_beside(const char *path)
{
    const char *end = strrchr(path, '.');
    int kind = 0;

    while (end && kind < BESIDE_COUNT && strcmp(end, beside_end(kind)) != 0)
        kind++;
    return end && kind < BESIDE_COUNT;
}

/* Take `member` out of it and, if it is a plugin, in. */
static int take_member(struct unpacking *u, struct archive *p,
                       const struct archive_member *member, struct fault *why)
{
    char *path = NULL;
    struct unpacked one = {0};
    int error;

    if (asprintf(&path, "%s/%s", u->folder, member->name) < 0)
        return fault(why, -ENOMEM, "no memory to unpack '%s'", u->label);
    error = archive_extract(p, path, why);
    if (!error && unpack_is_release(path) && !u->release) {
        u->release = path;
        return 0;
    }
    if (!error && is_beside(path)) { /* it stays, for the plugin that comes behind it */
        free(path);
        return 0;
    }
    if (!error && unpack_is_plugin(path)) {
        const struct intake_source from = {path, u->label};
        struct fault known = {0};

        error = intake_file(u->stock, &from, &one.plugin, &one.vet_ns, &known);
        error = error == -EALREADY ? 0 : error;
        if (error)
            *why = known;
    } else if (!error) {
        error = fault(why, -EINVAL, "'%s' holds '%s', which belongs in no package",
                      u->label, member->name);
    }
    unlink(path);
    free(path);
    return error;
}

static int take_members(struct unpacking *u, const char *path, struct fault *why)
{
    struct archive_member member;
    struct archive *p;
    int error = archive_open(path, &p, why), more = 1;

    if (error)
        return error;
    while (!error && (more = archive_next(p, &member, why)) > 0)
        error = take_member(u, p, &member, why);
    archive_close(p);
    error = error ? error : more;
    if (error)
        return error;
    return u->release ? unpack_release(u->stock, u->release, u->out, why)
                      : fault(why, -EINVAL, "'%s' has no release file", path);
}

static int unpack_package(struct stock *s, const char *path, struct unpacked *out,
                          struct fault *why)
{
    const char *name = strrchr(path, '/');
    struct unpacking u = {.stock = s, .label = path, .out = out};
    int error = asprintf(&u.folder, "%s/%s", s->unpacking, name ? name + 1 : path) < 0
                    ? -ENOMEM
                    : 0;

    if (error)
        return fault(why, error, "no memory to unpack '%s'", path);
    stock_clear_unpacking(s);
    if ((mkdir(s->unpacking, 0700) < 0 && errno != EEXIST) || mkdir(u.folder, 0700) < 0)
        error = fault(why, -errno, "unable to make the folder '%s': %s", u.folder,
                      strerror(errno));
    else
        error = take_members(&u, path, why);
    stock_clear_unpacking(s);
    free(u.release);
    free(u.folder);
    return error;
}

int unpack_file(struct stock *s, const char *path, struct unpacked *out,
                struct fault *why)
{
    const struct intake_source from = {path, path};

    if (unpack_is_plugin(path))
        return intake_file(s, &from, &out->plugin, &out->vet_ns, why);
    if (access(path, R_OK) < 0)
        return fault(why, -errno, "unable to read '%s': %s", path, strerror(errno));
    if (!unpack_is_release(path) && !ends_with(path, ".pack"))
        return fault(why, -EINVAL,
                     "'%s' is neither a plugin (.so), nor a release file (.rel), nor a "
                     "package (.pack)",
                     path);
    if (watch_is_being_written(path))
        return fault(why, -EBUSY, "'%s' is being written to", path);
    return unpack_is_release(path) ? unpack_release(s, path, out, why)
                                   : unpack_package(s, path, out, why);
}
