/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confirm - what was changed on trial: it goes back by itself, unless somebody confirms it
 * in time.
 *
 * One change at most awaits that, and meanwhile no other is begun.  It is not permanent: a
 * host that ends begins with what was permanent before.  It goes back by the way down,
 * with all state, when its time is over, or as soon as one of its applications has had
 * more restarts since than, by its rate, in as long before, or has ended.  If the way down
 * is refused all stays, loudly, and awaits nothing any more.
 *
 * On the release handler's thread, but for what says otherwise.
 */
#ifndef MOULT_CONFIRM_H
#define MOULT_CONFIRM_H

#include "order.h"

struct confirmation;

/*
 * Note what `order`, which is about to be done, changes, by its terms.  0 and `*out` given;
 * or -ENOMEM and `why`.
 */
int confirm_prepare(const struct order *order, struct confirmation **out,
                    struct fault *why);

/* It is done: from now on it is awaited.  `c` is taken. */
void confirm_begin(struct confirmation *c, struct stock *stock);

/* It was not done. */
void confirm_drop(struct confirmation *c);

/* Does a change await confirmation?  [any] */
bool confirm_is_awaited(void);

/* -EBUSY and `why`: another change has to wait, and for whom. */
int confirm_busy(struct fault *why);

/*
 * It stays, and is permanent if what ran before was.  0 and `*report` given: release, from,
 * permanent; or with `why`: -ENOENT (nothing is awaited), or why the record can't be
 * written, and it is still awaited.
 */
int confirm_do(struct stock *stock, json_t **report, struct fault *why);

/* What runs was made permanent, so it stays. */
void confirm_settled(void);

/* Another change was made: that one of old did not go back is no news any more. */
void confirm_superseded(void);

/*
 * Go back now, for `reason`.  0 and `*report` given, as install_release() has it; -ENOENT;
 * or why that was refused, also told as `upgrade.back_refused`.
 */
int confirm_back(struct stock *stock, const struct release_listener *listener,
                 const char *reason, json_t **report, struct fault *why);

/* Is it time, or reason, to go back?  Then do. */
void confirm_look(struct stock *stock);

/*
 * What awaits confirmation, given: release, from, applications (an array of name, from,
 * to, restarts, allowed), left_ms; or refused, why it did not go back.  NULL: nothing.
 * [any]
 */
json_t *confirm_json(void);

/* Nothing is awaited any more. */
void confirm_finish(void);

#endif
