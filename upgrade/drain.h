/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain - wait until every process of the applications on their way is at rest, and tell
 * whom one waits for meanwhile, and what they do.
 *
 * On the release handler's thread.
 */
#ifndef MOULT_DRAIN_H
#define MOULT_DRAIN_H

#include <jansson.h>

#include "group.h"
#include "upgrade.h"

#define DRAIN_TELL_MS  500u /* after which whom one waits for is told */
#define DRAIN_AGAIN_MS 1000u
#define DRAIN_NAMED    5u /* processes; of the others only how many there are */

/* All borrowed. */
struct drain {
    struct hold *hold; /* that the groups of all moves are held by */
    const struct upgrade_move *moves;
    size_t move_count;
    uint64_t limit_ms;
    /* Told as `upgrade.waits` is, with the members of that event (borrowed). */
    void (*tell)(void *context, const json_t *waits);
    void *context;
};

/*
 * 0, and all are frozen; or -ETIMEDOUT and `why`, with the names of those that are not at
 * rest and what they do.
 */
int drain_wait(const struct drain *d, struct fault *why);

#endif
