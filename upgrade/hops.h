/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hops - versions to go by way of, where there is no way from one to another.
 *
 * Those that are at hand and lie between the two; of all ways that with the fewest.  On the
 * release handler's thread.
 */
#ifndef MOULT_HOPS_H
#define MOULT_HOPS_H

#include "stock.h"
#include "upgrade.h"

/*
 * Give `move`, whose `from` and `to` are set, its `stops`, for free(), if it needs any and
 * there are such; it has been tried then.  0, also if there are none; or why those that
 * there are can't be gone by: a negative errno and `why`.
 */
int hops_find(struct stock *stock, struct upgrade_move *move, struct fault *why);

#endif
