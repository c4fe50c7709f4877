/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_in_malloc - handle_call spoils malloc's lists and then has it use them. */
#include "sins_when_asked.h"

#include <stdlib.h>
#include <string.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    char *volatile blocks[3];

    for (int i = 0; i < 3; i++)
        blocks[i] = malloc(100);
    for (int i = 0; i < 3; i++)
        free(blocks[i]);
    memset(blocks[2], 0x50, 16); /* NOLINT: the next free one, it now says, is there */
    for (int i = 0; i < 3; i++)
        blocks[i] = malloc(100);
}
