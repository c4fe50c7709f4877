/* SPDX-License-Identifier: Apache-2.0 */
#include "loaded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"

static struct loaded *find(const struct stock *s, const char *name, const char *vsn)
{
    struct loaded *l = s->loaded;

    while (l && (strcmp(l->image->name, name) != 0 || strcmp(l->image->vsn, vsn) != 0))
        l = l->next;
    return l;
}

static int make_loaded(struct stock *s, struct image *image, struct loaded **out)
{
    const struct descriptor *d = &image->descriptor;
    struct loaded *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    l->image = image;
    l->spec = (struct application_spec){
        .name = image->name,
        .vsn = image->vsn,
        .description = d->resource.description ? d->resource.description
                       : d->plugin.description ? d->plugin.description
                                               : "",
        .top = d->branches[0],
        .image = image,
        .resource = &d->resource,
        .uses = &image->uses};
    l->next = s->loaded;
    s->loaded = l;
    *out = l;
    return 0;
}

/* A path never loaded before, if an image of that file lingers. */
static int fresh_path(struct stock *s, const struct catalog_entry *entry, char **path,
                      struct fault *why)
{
    if (!image_lingers(entry->stored)) {
        *path = strdup(entry->stored);
        return *path ? 0 : fault(why, -ENOMEM, "no memory to load a plugin");
    }
    if (store_reissue(s->store, entry->stored, path, why) < 0)
        return why->error;
    return catalog_set_stored(s->catalog, entry->manifest.name, entry->manifest.vsn,
                              *path);
}

int loaded_open(struct stock *s, const struct catalog_entry *entry, struct loaded **out,
                struct fault *why)
{
    struct image *image;
    char *path = NULL;
    int error;

    *out = find(s, entry->manifest.name, entry->manifest.vsn);
    if (*out)
        return 0;
    error = fresh_path(s, entry, &path, why);
    if (!error)
        error = image_open(path, &entry->manifest, NULL, &image, why);
    free(path);
    if (error) {
        fault_where(why, "load", entry->manifest.name, NULL, NULL);
        return error;
    }
    if (make_loaded(s, image, out) == 0)
        return 0;
    image_close(image);
    return fault(why, -ENOMEM, "no memory to load a plugin");
}

bool loaded_has(const struct stock *s, const char *name, const char *vsn)
{
    return find(s, name, vsn) != NULL;
}

struct loaded *loaded_of(const struct stock *s, const struct application *app)
{
    struct loaded *l = s->loaded;

    while (l && &l->spec != app->spec)
        l = l->next;
    return l;
}

void loaded_purge(struct stock *s)
{
    struct loaded **link = &s->loaded;

    while (*link) {
        struct loaded *l = *link;
        struct application *app = application_find(l->spec.name);
        bool runs = app && app->spec == &l->spec && app->status == APPLICATION_RUNNING;

        if (runs || image_uses(l->image) > 0) {
            link = &l->next;
            continue;
        }
        *link = l->next;
        if (app && app->spec == &l->spec)
            application_unload(app);
        event_emit(EVENT_DEBUG, "image.purge", "{s:s, s:s}", "app", l->image->name,
                   "vsn", l->image->vsn);
        image_close(l->image);
        free(l);
    }
}
