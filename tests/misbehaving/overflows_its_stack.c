/* SPDX-License-Identifier: Apache-2.0 */
/* overflows_its_stack - handle_call calls itself for ever. */
#include "sins_when_asked.h"

static int64_t deeper(volatile int64_t *above)
{
    volatile int64_t here[32] = {*above};

    return *above < 0 ? 0 : deeper(here) + here[1];
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    volatile int64_t top = (intptr_t)nothing;

    deeper(&top);
}
