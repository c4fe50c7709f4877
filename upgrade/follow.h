/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow - what becomes of other applications: those that an appup adds are started, with
 * all that they need, and those that it removes are stopped; what a new version needs and
 * does not run yet is started, as an application that starts has it started.  What it does
 * not need any more runs on, as in OTP.
 *
 * On the release handler's thread.
 */
#ifndef MOULT_FOLLOW_H
#define MOULT_FOLLOW_H

#include "order.h"

/*
 * Have `order` start and stop what the way of `move`, its last, says.  0; or a negative
 * errno and `why`.  That there is no way is said when it is planned.
 */
int follow_appup(struct order *order, struct upgrade_move *move, struct fault *why);

/*
 * Have it start what `entry` lists, which does not run, and what that needs.  0; or a
 * negative errno and `why`: -ENOENT (something is nowhere).
 */
int follow_start(struct order *order, const struct catalog_entry *entry,
                 struct fault *why);

/*
 * Have it start what is needed by those that move.  0; or a negative errno and `why`:
 * -ENOENT (it is nowhere).
 */
int follow_needs(struct order *order, struct fault *why);

#endif
