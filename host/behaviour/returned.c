/* SPDX-License-Identifier: Apache-2.0 */
#include "returned.h"

#define ENDS (RETURNED_STOPS | RETURNED(MOULT_NEXT_IGNORE))

static const char *const makers[] = {[MOULT_NEXT_NOREPLY] = "moult_noreply()",
                                     [MOULT_NEXT_REPLY] = "moult_reply()",
                                     [MOULT_NEXT_REFUSE] = "moult_refuse()",
                                     [MOULT_NEXT_STOP] = "moult_stop()",
                                     [MOULT_NEXT_STOP_REPLY] = "moult_stop_reply()",
                                     [MOULT_NEXT_IGNORE] = "moult_ignore()"};

#define MAKERS (sizeof(makers) / sizeof(*makers))

static uint32_t verdict_of(moult_next next)
{
    return (uint32_t)next.verdict & MOULT_NEXT_VERDICT;
}

bool returned_one_of(moult_next next, uint32_t verdicts)
{
    int32_t then = next.verdict & ~MOULT_NEXT_VERDICT;
    uint32_t verdict = verdict_of(next);

    if (verdict >= MAKERS || !(verdicts & RETURNED(verdict)))
        return false;
    return !then || (!(ENDS & RETURNED(verdict)) &&
                     (then == MOULT_NEXT_TIMEOUT || then == MOULT_NEXT_HIBERNATE ||
                      then == MOULT_NEXT_CONTINUE));
}

moult_next returned_badly(moult_ctx *ctx, const char *callback, moult_next next)
{
    uint32_t verdict = verdict_of(next);
    const char *after =
        next.verdict & ~MOULT_NEXT_VERDICT ? " with something to come after it" : "";

    if (verdict >= MAKERS)
        return moult_stop_because(ctx, -EPROTO,
                                  "%s returned what no function makes: verdict %d",
                                  callback, (int)next.verdict);
    return moult_stop_because(ctx, -EPROTO, "%s returned %s%s, which it may not",
                              callback, makers[verdict], after);
}
