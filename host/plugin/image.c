/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "appfile.h"
#include "appupfile.h"
#include "commons.h"
#include "event.h"
#include "origin.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `all` */
static struct image *all; /* loaded or lingering, the newest first */

/* Is the file at `path` mapped, under that name? */
static bool is_mapped(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);

    if (handle)
        dlclose(handle);
    return handle != NULL;
}

static struct image **find_link(const char *path)
{
    struct image **link = &all;

    while (*link && strcmp((*link)->path, path) != 0)
        link = &(*link)->next;
    return link;
}

static void add_to_list(struct image *image)
{
    pthread_mutex_lock(&lock);
    image->next = all;
    all = image;
    pthread_mutex_unlock(&lock);
}

static void destroy(struct image *image)
{
    descriptor_release(&image->descriptor);
    free(image->path);
    free(image);
}

static struct tenant tenant_of(const struct image *image)
{
    const struct manifest *m = &image->manifest;

    return (struct tenant){image->path, m->name, m->vsn};
}

/* Run its destructors; what they change of what is everybody's is put back. */
static void unload(struct image *image)
{
    struct tenant tenant = tenant_of(image);
    void *handle = image->handle;

    origin_remove(dlsym(handle, "moult_plugin"));
    commons_check(); /* what others did */
    commons_enter(&tenant);
    dlclose(handle);
    commons_forget(&tenant);
    commons_check();
    commons_leave();
}

/* What the loader said, less the path that it begins with. */
static const char *loader_error(const char *path)
{
    const char *text = dlerror();
    size_t len = strlen(path);

    if (!text)
        return "no reason given";
    if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0)
        return text + len + 2;
    return text;
}

/* Free the ones that lingered and have gone since. */
static void forget_gone(void)
{
    struct image **link = &all;

    pthread_mutex_lock(&lock);
    while (*link) {
        struct image *image = *link;

        if (image->closing && !commons_threads(image->path)) {
            unload(image);
            image->closing = false;
            image->handle = NULL;
        }
        if (image->handle || is_mapped(image->path)) {
            link = &image->next;
        } else {
            *link = image->next;
            destroy(image);
        }
    }
    pthread_mutex_unlock(&lock);
}

static void own_module(struct image *image, struct module *m)
{
    if (!m)
        return;
    m->code.app = image->name;
    m->code.vsn = image->vsn;
    m->code.image = image;
    m->code.uses = &image->uses;
}

static int take_descriptor(struct image *image, descriptor_step *step,
                           struct fault *why)
{
    const struct manifest *m = &image->manifest;
    const struct moult_plugin *plugin;
    struct descriptor *d = &image->descriptor;
    int err;

    if (step)
        step("its descriptor", NULL);
    plugin = dlsym(image->handle, "moult_plugin");
    if (!plugin)
        return fault(why, -ENOEXEC, "%s %s exports no moult_plugin", m->name, m->vsn);
    err = descriptor_take(plugin, step, d, why);
    if (err)
        return err;
    if (strcmp(d->plugin.name, m->name) != 0 || strcmp(d->plugin.vsn, m->vsn) != 0)
        return fault(why, -EINVAL,
                     "it is %s %s by its note and %s %s by its descriptor", m->name,
                     m->vsn, d->plugin.name, d->plugin.vsn);
    err = appfile_merge(image->path, m->name, m->vsn, &d->resource, why);
    if (!err)
        err = appupfile_take(image->path, m->name, m->vsn, &d->appup, why);
    if (err)
        return err;
    image->name = d->plugin.name;
    image->vsn = d->plugin.vsn;
    for (size_t i = 0; i < d->count; i++) {
        d->codes[i].image = image;
        d->codes[i].uses = &image->uses;
    }
    own_module(image, d->resource.mod);
    own_module(image, d->appup.module);
    return 0;
}

static int load(struct image *image, descriptor_step *step, struct fault *why)
{
    struct tenant tenant = tenant_of(image);
    int err;

    if (step)
        step("its constructor", NULL);
    commons_check(); /* what others did */
    commons_enter(&tenant);
    image->handle = dlopen(image->path, RTLD_NOW | RTLD_LOCAL);
    commons_check();
    commons_leave();
    if (!image->handle)
        return fault(why, -ENOEXEC, "unable to load %s %s: %s", image->manifest.name,
                     image->manifest.vsn, loader_error(image->path));
    err = take_descriptor(image, step, why);
    if (err)
        unload(image);
    return err;
}

/* From now on a fault in it ends the server that runs it, and not the host. */
static void guard(struct image *image)
{
    struct origin origin = {.path = image->path, .app = image->name, .vsn = image->vsn};

    if (origin_add(dlsym(image->handle, "moult_plugin"), &origin) < 0)
        event_emit(EVENT_WARN, "image.unguarded", "{s:s, s:s}", "app", image->name,
                   "vsn", image->vsn);
}

int image_open(const char *path, const struct manifest *m, descriptor_step *step,
               struct image **out, struct fault *why)
{
    struct image *image;
    int err;

    forget_gone();
    if (is_mapped(path))
        return fault(why, -EEXIST, "'%s' is loaded already", path);
    image = calloc(1, sizeof(*image));
    if (image)
        image->path = strdup(path);
    if (!image || !image->path) {
        free(image);
        return fault(why, -ENOMEM, "no memory to load '%s'", path);
    }
    image->manifest = *m;
    err = load(image, step, why);
    if (err) {
        destroy(image);
        return err;
    }
    add_to_list(image);
    guard(image);
    event_emit(EVENT_INFO, "image.open", "{s:s, s:s, s:s}", "app", image->name, "vsn",
               image->vsn, "file", image->path);
    *out = image;
    return 0;
}

/* Why it may not have gone, in words. */
static const char *probable_cause(const struct image *image)
{
    const struct manifest *m = &image->manifest;

    if (image->closing)
        return "threads that it started still run: end them in terminate";
    if (m->lints[LINT_NODELETE][0])
        return m->lints[LINT_NODELETE];
    if (m->lints[LINT_UNIQUE][0])
        return m->lints[LINT_UNIQUE];
    return "something holds it: a destructor of thread-local data, or a library that "
           "it "
           "registered with";
}

int image_close(struct image *image)
{
    bool closing = commons_threads(image->path) > 0; /* which need its code */

    if (image_uses(image) > 0)
        return -EBUSY;
    if (!closing)
        unload(image);
    image->closing = closing;
    if (is_mapped(image->path))
        event_emit(EVENT_WARN, "image.lingers", "{s:s, s:s, s:s, s:s}", "app",
                   image->name, "vsn", image->vsn, "file", image->path, "reason",
                   probable_cause(image));
    else
        event_emit(EVENT_INFO, "image.close", "{s:s, s:s}", "app", image->name, "vsn",
                   image->vsn);
    if (!closing) {
        pthread_mutex_lock(&lock);
        image->handle = NULL;
        pthread_mutex_unlock(&lock);
    }
    forget_gone();
    return 0;
}

void image_get(struct image *image)
{
    /* Relaxed: who gets one use has another already, or owns the image. */
    atomic_fetch_add_explicit(&image->uses, 1, memory_order_relaxed);
}

void image_put(struct image *image)
{
    /*
     * Release, for the acquire in image_uses(): its code is left before it is closed.
     */
    atomic_fetch_sub_explicit(&image->uses, 1, memory_order_release);
}

uint32_t image_uses(const struct image *image)
{
    return atomic_load_explicit(&image->uses, memory_order_acquire);
}

const struct code *image_find_code(const struct image *image, const char *id)
{
    for (size_t i = 0; i < image->descriptor.count; i++)
        if (strcmp(image->descriptor.codes[i].id, id) == 0)
            return &image->descriptor.codes[i];
    return NULL;
}

bool image_lingers(const char *path)
{
    struct image *found;
    bool lingers;

    pthread_mutex_lock(&lock);
    found = *find_link(path);
    lingers = found && (!found->handle || found->closing);
    pthread_mutex_unlock(&lock);
    return lingers && is_mapped(path);
}

static json_t *image_json(const struct image *image)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:i}", "name", image->name, "vsn", image->vsn,
                  "file", image->path, "uses", (int)image_uses(image));

    if (json && (!image->handle || image->closing))
        json_object_set_new(json, "lingers", json_string(probable_cause(image)));
    return json;
}

json_t *image_list_json(void)
{
    json_t *list = json_array();
    int err = 0;

    pthread_mutex_lock(&lock);
    for (const struct image *i = all; i && list && !err; i = i->next)
        err = json_array_append_new(list, image_json(i));
    pthread_mutex_unlock(&lock);
    if (!err)
        return list;
    json_decref(list);
    return NULL;
}
