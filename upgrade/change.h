/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change - bring running applications to other versions that are at hand.
 *
 * On the release handler's thread.
 */
#ifndef MOULT_CHANGE_H
#define MOULT_CHANGE_H

#include "application.h"
#include "release.h"
#include "stock.h"

/* What to do, for whom, and with what.  All is borrowed. */
struct change {
    struct stock *stock;
    enum release_verb verb;                  /* RELEASE_UPGRADE or the like */
    const struct release_listener *listener; /* or NULL */
    const struct terms *terms;               /* NULL: as configured */
};

/*
 * Bring each of `words`, texts "APP@VSN" or "APP" for the highest there is, where it is
 * asked to be, all of them or none, after vetting it again.  One that is there already is
 * left alone, unless all are.  0 and `*report` given: of one target what upgrade_run()
 * says of it, of several an array of these; or a negative errno and `why`, everything is
 * as it was, and a refusal is told as event `upgrade.refused`.
 */
int change_named(const struct change *change, const json_t *words, json_t **report,
                 struct fault *why);

/*
 * Bring `app` to the version that was taken in just now, if it is a higher one.  `vet_ns`
 * was spent on its file.
 */
void change_to_new(const struct change *change, struct application *app,
                   const struct catalog_entry *entry, uint64_t vet_ns);

#endif
