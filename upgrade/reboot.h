/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reboot - an upgrade by which the host ends, and begins anew with what is upgraded to.
 *
 *   step     does                                               undone by
 *   -------  -------------------------------------------------  ------------------------
 *   plan ... as of every upgrade, until nothing may refuse      forgetting it
 *   - - - - - - - - - - - - - point of no return - - - - - - - - - - - - - - - - - - -
 *   commit   the record says what to begin with next, once      -
 *
 * Then the host has to end; see once.h.  On the release handler's thread.
 */
#ifndef MOULT_REBOOT_H
#define MOULT_REBOOT_H

#include "attempt.h"

/* May it be so, as it was asked for?  0, or -ENOTSUP and `why`. */
int reboot_check(const struct attempt *a, struct fault *why);

/* Write and commit it.  0, or a negative errno and `why`, and the record is as it was. */
int reboot_commit(struct attempt *a, struct fault *why);

/* What is said of a part that was done so; given. */
json_t *reboot_part_json(const struct part *part);

#endif
