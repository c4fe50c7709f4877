/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loaded - the versions that are loaded, as applications want them described.
 *
 * One that nothing uses any more is unloaded by the next loaded_purge().
 */
#ifndef MOULT_LOADED_H
#define MOULT_LOADED_H

#include "application.h"
#include "image.h"
#include "stock.h"

struct loaded {
    struct loaded *next;
    struct image *image;
    struct application_spec spec;
};

/*
 * Load the version that `entry` lists, unless it is loaded.  0 and `*out` lent until it
 * is purged; or a negative errno and `why`.
 */
int loaded_open(struct stock *stock, const struct catalog_entry *entry,
                struct loaded **out, struct fault *why);

/* The version that `app` runs, or NULL. */
struct loaded *loaded_of(const struct stock *stock, const struct application *app);

/* Is that version loaded? */
bool loaded_has(const struct stock *stock, const char *name, const char *vsn);

/* Unload every image that nothing uses; those in use are looked at again next time. */
void loaded_purge(struct stock *stock);

#endif
