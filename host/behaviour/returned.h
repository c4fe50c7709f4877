/* SPDX-License-Identifier: Apache-2.0 */
/*
 * returned - what a callback may return, and what is said of one that returned else.
 */
#ifndef MOULT_RETURNED_H
#define MOULT_RETURNED_H

#include "moult.h"

/* Sets of verdicts. */
#define RETURNED(verdict) (1u << (verdict))
#define RETURNED_STOPS    (RETURNED(MOULT_NEXT_STOP) | RETURNED(MOULT_NEXT_STOP_REPLY))
#define RETURNED_BY_CALL                                         \
    (RETURNED(MOULT_NEXT_NOREPLY) | RETURNED(MOULT_NEXT_REPLY) | \
     RETURNED(MOULT_NEXT_REFUSE) | RETURNED_STOPS)
#define RETURNED_BY_OTHERS (RETURNED(MOULT_NEXT_NOREPLY) | RETURNED(MOULT_NEXT_STOP))
#define RETURNED_BY_INIT \
    (RETURNED_BY_OTHERS | RETURNED(MOULT_NEXT_IGNORE) | RETURNED(MOULT_NEXT_REFUSE))

/* Does `next` stop the server? */
static inline bool returned_stop(moult_next next)
{
    return RETURNED_STOPS >> (next.verdict & MOULT_NEXT_VERDICT & 31) & 1;
}

/*
 * Is `next` one of `verdicts`, and what is to come after it one thing at most: a timeout,
 * hibernation or a continue, and nothing after an end?  [pure]
 */
static inline bool returned_one_of(moult_next next, uint32_t verdicts)
{
    const uint32_t ends = RETURNED_STOPS | RETURNED(MOULT_NEXT_IGNORE);
    int32_t then = next.verdict & ~MOULT_NEXT_VERDICT;
    uint32_t verdict = (uint32_t)next.verdict & MOULT_NEXT_VERDICT;

    if (verdict > MOULT_NEXT_IGNORE || !(verdicts & RETURNED(verdict)))
        return false;
    return !then || (!(ends & RETURNED(verdict)) &&
                     (then == MOULT_NEXT_TIMEOUT || then == MOULT_NEXT_HIBERNATE ||
                      then == MOULT_NEXT_CONTINUE));
}

/* `callback` returned `next`, which it may not: a stop that says so.  [server] */
moult_next returned_badly(moult_ctx *ctx, const char *callback, moult_next next);

#endif
