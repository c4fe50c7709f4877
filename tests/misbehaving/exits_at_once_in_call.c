/* SPDX-License-Identifier: Apache-2.0 */
/* exits_at_once_in_call - handle_call calls _exit(). */
#include "sins_when_asked.h"

#include <unistd.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    _exit(4);
}
