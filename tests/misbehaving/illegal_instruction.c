/* SPDX-License-Identifier: Apache-2.0 */
/* illegal_instruction - handle_call comes to one. */
#include "sins_when_asked.h"

static void misbehave(moult_ctx *ctx, char *nothing)
{
    __builtin_trap();
}
