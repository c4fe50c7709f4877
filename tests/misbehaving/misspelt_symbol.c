/* SPDX-License-Identifier: Apache-2.0 */
/* misspelt_symbol - calls a function of moult's that moult does not have. */
#include "plain.h"

void moult_replay(moult_ctx *ctx);

static void stop(moult_ctx *ctx, void *state, int32_t reason)
{
    moult_replay(ctx);
}

static const moult_server caller = {.size = sizeof(moult_server), .terminate = stop};
static const moult_child more[] = {{.id = "caller", .server = &caller}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
