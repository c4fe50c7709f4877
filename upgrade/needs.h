/* SPDX-License-Identifier: Apache-2.0 */
/*
 * needs - what is to be started for an application to start: before it all that it needs,
 * with it all that it includes.  OTP: application:ensure_all_started/1.
 *
 * Depth first, so that each comes after what it needs.  On the release handler's thread.
 */
#ifndef MOULT_NEEDS_H
#define MOULT_NEEDS_H

#include "loaded.h"
#include "stock.h"

#define NEEDS_DEPTH_MAX 64u /* applications that need one another in a row */

/* One version, loaded. */
struct need {
    struct catalog_entry entry;
    const struct application_spec *spec;
    bool is_part; /* it is included in another, which starts it */
};

/* Begin with the first, the rest zero. */
struct needs {
    struct stock *stock;
    struct need *list;
    size_t count;
    char missing[MANIFEST_NAME_MAX + 1]; /* the first that is not here, or "" */
};

/*
 * Add what `entry` lists and all that is to be started for it.  0; -ENOENT (`missing` is not
 * here), -ELOOP (they need one another in a circle, which `why` has), or why one can't be
 * loaded: why->app.
 */
int needs_add(struct needs *needs, const struct catalog_entry *entry,
              struct fault *why);

void needs_release(struct needs *needs);

/*
 * The version of `name` to begin with: the one that runs or should, by the release, if it
 * is here, or the highest.  0; -ENOENT, -ENOMEM.
 */
int needs_choose(const struct stock *stock, const char *name,
                 struct catalog_entry *out);

/*
 * Put `count` versions in an order in which each comes after those of them that it needs.
 * [pure]
 */
void needs_sort(const struct application_spec **specs, size_t count);

#endif
