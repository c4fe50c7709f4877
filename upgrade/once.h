/* SPDX-License-Identifier: Apache-2.0 */
/*
 * once - begin with a release that is not permanent, once.
 *
 *   record  while                              a host that ends then begins with
 *   ------  ---------------------------------  -----------------------------------
 *   next    the host before ends               that release
 *   tried   its applications start             the permanent one, and says so
 *   -       all of them run: it is current     the permanent one
 *
 * So whatever becomes of it, it is begun with once only.  On the thread that boots.
 */
#ifndef MOULT_ONCE_H
#define MOULT_ONCE_H

#include "stock.h"

/*
 * Is there a release to be tried?  Then it is current.  That the one before failed is told
 * as event `release.once_failed`; so is that it can't be noted, and then it is not tried.
 */
bool once_take(struct stock *stock);

/*
 * Do all applications of what is tried run?  0; or -ENOEXEC and `why`, and the record has
 * the reason.
 */
int once_check(struct stock *stock, struct fault *why);

/* All of it runs, or there is nothing to be tried. */
void once_settled(void);

/* Is a release tried, and does not run as a whole yet?  [any] */
bool once_is_trying(void);

#endif
