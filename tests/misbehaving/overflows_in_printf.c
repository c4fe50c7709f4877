/* SPDX-License-Identifier: Apache-2.0 */
/* overflows_in_printf - its stack ends within libc, which has locked stdout. */
#include "sins_when_asked.h"

#include <stdio.h>

/* It needs less than printf() does, so that it is there that the stack ends. */
static int64_t deeper(volatile int64_t *above)
{
    volatile int64_t here[32] = {*above};

    printf("%s", "");
    return *above < 0 ? 0 : deeper(here) + here[1];
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    volatile int64_t top = (intptr_t)nothing;

    deeper(&top);
}
