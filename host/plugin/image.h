/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - one version of one application, loaded.
 *
 * Its file passed the vet, lies in the store under a name of its own, and stays there
 * as long as this lives.  Loading and unloading run the plugin's constructors and
 * destructors and take the loader's locks: they are the release handler's, never a
 * worker's.  What is counted as a use keeps the code; who counts it decides when.
 */
#ifndef MOULT_IMAGE_H
#define MOULT_IMAGE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "descriptor.h"
#include "manifest.h"

struct image {
    const char *name, *vsn; /* of the application */
    char *path;             /* in the store */
    struct manifest manifest;
    struct descriptor descriptor; /* `codes` is what servers run */
    void *handle; /* the loader's; NULL once it is closed.  The list's lock */
    bool closing; /* as soon as no thread runs its code.  The release handler's */
    _Atomic uint32_t uses; /* release when one goes, acquire where zero is looked for */
    struct image *next;    /* in the list of all; its lock guards this */
};

/*
 * Load the plugin at `path` (copied), whose manifest is `m` (copied).  `step` may be
 * NULL; it is told before code of the plugin runs.  0 and `*out` given to
 * image_close(), or with `why`: -EEXIST (that path is loaded, or lingers: store it
 * anew), -ENOEXEC (the loader refuses it), -ENOMEM, or why its descriptor is wrong.
 */
int image_open(const char *path, const struct manifest *m, descriptor_step *step,
               struct image **out, struct fault *why);

/*
 * Unload `image`, which nobody uses.  0 (it is freed, or listed as lingering: there is
 * event `image.lingers` then) or -EBUSY (it is used: nothing is done).
 */
int image_close(struct image *image);

/* Begin and end a use of its code.  [any] */
void image_get(struct image *image);
void image_put(struct image *image);

/* How many uses there are; 0 stays 0 once no server can be started from it.  [any] */
uint32_t image_uses(const struct image *image);

/* What a child with that id runs; NULL if there is none.  [any] */
const struct code *image_find_code(const struct image *image, const char *id);

/* Was the file at `path` closed and is not gone?  [any] */
bool image_lingers(const char *path);

/*
 * All images, given: an array of objects with name, vsn, file, uses, and of those that
 * linger the reason, as far as it can be told.  NULL when out of memory.  [any]
 */
json_t *image_list_json(void);

#endif
