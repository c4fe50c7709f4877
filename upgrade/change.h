/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change - bring a running application to another version that is at hand.
 */
#ifndef MOULT_CHANGE_H
#define MOULT_CHANGE_H

#include "application.h"
#include "record.h"
#include "release.h"
#include "stock.h"

/* What to do, for whom, and with what.  All is borrowed. */
struct change {
    struct stock *stock;
    struct record *record;
    enum release_verb verb;
    struct release_listener listener; /* may be empty */
    uint64_t vet_ns;                  /* spent on the file so far */
};

/*
 * Do it, or say what it would do: bring `app` to what `to` lists.  0 and `*report` given,
 * as upgrade_run() or upgrade_plan() has it; or a negative errno and `why`, and everything
 * is as it was.
 */
int change_application(const struct change *change, struct application *app,
                       const struct catalog_entry *to, json_t **report,
                       struct fault *why);

/*
 * Bring the application called `name` to `vsn` (NULL: the highest there is) after vetting
 * it again.  As change_application(); a refusal is told as event `upgrade.refused`.
 */
int change_named(struct change *change, const char *name, const char *vsn,
                 json_t **report, struct fault *why);

/* Bring `app` to the version that was taken in just now, if it is a higher one. */
void change_to_new(struct change *change, struct application *app,
                   const struct catalog_entry *entry);

#endif
