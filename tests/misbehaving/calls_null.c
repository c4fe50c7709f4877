/* SPDX-License-Identifier: Apache-2.0 */
/* calls_null - handle_call calls a function through a null pointer. */
#include "sins_when_asked.h"

static void misbehave(moult_ctx *ctx, char *nothing)
{
    void (*function)(void) = (void (*)(void))(intptr_t)nothing;

    function();
    *nothing = 0; /* so that it is no tail call */
}
