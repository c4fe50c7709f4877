/* SPDX-License-Identifier: Apache-2.0 */
/* frees_twice - handle_call gives moult_free what it gave it before. */
#include "sins_when_asked.h"

static void misbehave(moult_ctx *ctx, char *nothing)
{
    void *block = moult_alloc(ctx, 100);

    moult_free(ctx, block);
    moult_free(ctx, block);
}
