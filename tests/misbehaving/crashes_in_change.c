/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crashes_in_change - code_change follows a null pointer: always; or, built with
 * UNLESS_ZERO, only when there is something to carry, which initial values don't show.
 */
#include "good_counter.h"

#ifndef UNLESS_ZERO
#define UNLESS_ZERO 0
#endif

static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    moult_in state = *from;
    volatile int64_t *volatile nowhere = NULL;

    if (!UNLESS_ZERO || (change->to == 2 && count_in(&state) != 0))
        *nowhere = 1; /* NOLINT: the sin */
    return carry(change, from, to);
}
