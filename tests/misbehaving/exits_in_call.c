/* SPDX-License-Identifier: Apache-2.0 */
/* exits_in_call - handle_call calls exit(). */
#include "sins_when_asked.h"

#include <stdlib.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    exit(3);
}
