/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_in_strlen - handle_call asks for the length of nothing, by way of strdup. */
#define _GNU_SOURCE
#include "sins_when_asked.h"

#include <stdlib.h>
#include <string.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    free(strdup(nothing));
}
