/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_carry - take a message from one version of a server to another.
 *
 * As carry does a state: the version with the higher message_format translates, upward and
 * downward; between equal formats it stays as it is.  The same for a rehearsal and for the
 * real thing.
 */
#ifndef MOULT_MESSAGE_CARRY_H
#define MOULT_MESSAGE_CARRY_H

#include "carry.h"

/* Does anything on the way read messages differently?  [pure] */
bool message_differs(const struct passage *legs, size_t count);

/* Can messages go so?  0, or -ENOTSUP and `why`.  [pure] */
int message_check(const struct passage *leg, struct fault *why);

/*
 * Write to `out` (empty) what the item `in` is at the end of `count` legs, each of which
 * message_check() lets; `kind` is MOULT_GOT_CALL and so on.  0; or a negative errno and `why`
 * names the function.  [pure]
 */
int message_carry(const struct passage *legs, size_t count, int32_t kind, moult_in in,
                  moult_out *out, struct fault *why);

#endif
