/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow - do what an appup says of other applications: start those that it adds, with all
 * that they need, and stop those that it removes.
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
int follow_appup(struct order *order, const struct upgrade_move *move,
                 struct fault *why);

#endif
