/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_in_memcpy - handle_call has memcpy copy to nowhere. */
#include "sins_when_asked.h"

#include <string.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    char from[300] = "from";

    memcpy(nothing, from, sizeof(from) + (size_t)(intptr_t)nothing);
}
