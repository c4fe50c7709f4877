/* SPDX-License-Identifier: Apache-2.0 */
/* aborts_in_call - handle_call calls abort(). */
#include "sins_when_asked.h"

#include <stdlib.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    abort();
}
