/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload - what the applications that run have by a configuration that is read anew: an
 * upgrade of their envs alone.
 *
 *   step     does                                             undone by
 *   -------  -----------------------------------------------  ------------------------
 *   make     makes the env of each, by what its version says  dropping it
 *   check    asks each config_check                           -
 *   - - - - - - - - - - - - - point of no return - - - - - - - - - - - - - - - - - - -
 *   commit   each has it; calls each config_change            -
 *
 * On the release handler's thread.
 */
#ifndef MOULT_RELOAD_H
#define MOULT_RELOAD_H

#include "application.h"

/* All zero is empty. */
struct reload {
    struct fresh *list; /* one an application that runs, the last started first */
    size_t count;
};

/*
 * Make and check them by what env_draft() was said.  0; or a negative errno, and `why` with
 * the application, and who said what may not be.  reload_finish() it either way.
 */
int reload_prepare(struct reload *r, struct fault *why);

/*
 * Every application has its new env, and what was drafted is what the file says.  Tell
 * those whose env is another, in the reverse of the order they were started in.
 */
void reload_commit(struct reload *r);

/*
 * What changes, before the commit, or did, after it: an array of objects: application, key,
 * from, to; given.  NULL: no memory.
 */
json_t *reload_json(const struct reload *r);

void reload_finish(struct reload *r);

#endif
