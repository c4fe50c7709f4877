/* SPDX-License-Identifier: Apache-2.0 */
#include "returned.h"

static const char *const makers[] = {[MOULT_NEXT_NOREPLY] = "moult_noreply()",
                                     [MOULT_NEXT_REPLY] = "moult_reply()",
                                     [MOULT_NEXT_REFUSE] = "moult_refuse()",
                                     [MOULT_NEXT_STOP] = "moult_stop()",
                                     [MOULT_NEXT_STOP_REPLY] = "moult_stop_reply()",
                                     [MOULT_NEXT_IGNORE] = "moult_ignore()"};

#define MAKERS (sizeof(makers) / sizeof(*makers))

moult_next returned_badly(moult_ctx *ctx, const char *callback, moult_next next)
{
    uint32_t verdict = (uint32_t)next.verdict & MOULT_NEXT_VERDICT;
    const char *after =
        next.verdict & ~MOULT_NEXT_VERDICT ? " with something to come after it" : "";

    if (verdict >= MAKERS)
        return moult_stop_because(ctx, -EPROTO,
                                  "%s returned what no function makes: verdict %d",
                                  callback, (int)next.verdict);
    return moult_stop_because(ctx, -EPROTO, "%s returned %s%s, which it may not",
                              callback, makers[verdict], after);
}
