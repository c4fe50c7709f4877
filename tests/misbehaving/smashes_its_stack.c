/* SPDX-License-Identifier: Apache-2.0 */
/* smashes_its_stack - it writes beyond an array, over where it would return to. */
#include "sins_when_asked.h"

#include <string.h>

__attribute__((noinline)) static void smash(size_t len)
{
    char small[16];

    memset(small, 'x', len);
    __asm__ volatile("" : : "r"(small) : "memory");
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    smash(nothing ? 1 : 64);
}
