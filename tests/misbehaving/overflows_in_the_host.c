/* SPDX-License-Identifier: Apache-2.0 */
/* overflows_in_the_host - its stack ends within a function of the host. */
#include "sins_when_asked.h"

/* It needs next to nothing, so that it is there that the stack ends. */
static int64_t deeper(moult_ctx *ctx, int64_t depth)
{
    moult_free(ctx, moult_alloc(ctx, 100000));
    return depth < 0 ? 0 : deeper(ctx, depth + 1) + depth;
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    deeper(ctx, (intptr_t)nothing);
}
