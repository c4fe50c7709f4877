/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_in_call - handle_call writes through a null pointer. */
#include "sins_when_asked.h"

static void misbehave(moult_ctx *ctx, char *nothing)
{
    *(volatile char *)nothing = 1;
}
