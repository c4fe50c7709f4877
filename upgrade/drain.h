/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain - wait until every process of the applications on their way is at rest, and tell
 * whom one waits for meanwhile, and what they do.
 *
 * On the release handler's thread.
 */
#ifndef MOULT_DRAIN_H
#define MOULT_DRAIN_H

#include "group.h"
#include "stragglers.h"
#include "upgrade.h"

/* All borrowed. */
struct drain {
    struct hold *hold; /* that the groups of all moves are held by */
    const struct upgrade_move *moves;
    size_t move_count;
    /* How long `p`, which is of that move, has; and the least of all that is over `ms`, or
     * 0: none is. */
    uint64_t (*limit_ms)(const void *context, size_t move, const struct process *p);
    uint64_t (*next_ms)(const void *context, uint64_t ms);
    const void *context; /* for both */
    struct stragglers_listener listener;
};

/*
 * 0, and all are frozen; or -ETIMEDOUT and `why`, with the names of those that are not at
 * rest in their time and what they do.
 */
int drain_wait(const struct drain *d, struct fault *why);

#endif
