/* SPDX-License-Identifier: Apache-2.0 */
/* undefined_symbol - calls a function that no library has. */
#include "plain.h"

void a_function_that_nobody_has(void);

static void stop(moult_ctx *ctx, void *state, int32_t reason)
{
    a_function_that_nobody_has();
}

static const moult_server caller = {.size = sizeof(moult_server), .terminate = stop};
static const moult_child more[] = {{.id = "caller", .server = &caller}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
