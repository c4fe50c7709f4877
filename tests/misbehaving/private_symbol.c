/* SPDX-License-Identifier: Apache-2.0 */
/* private_symbol - calls a function of the host that is none of its business. */
#include "plain.h"

int fault(void *why, int error, const char *format, ...);

static void stop(moult_ctx *ctx, void *state, int32_t reason)
{
    fault(NULL, -EINVAL, "none");
}

static const moult_server caller = {.size = sizeof(moult_server), .terminate = stop};
static const moult_child more[] = {{.id = "caller", .server = &caller}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
