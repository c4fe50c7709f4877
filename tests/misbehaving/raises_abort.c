/* SPDX-License-Identifier: Apache-2.0 */
/* raises_abort - handle_call sends itself the signal that abort() would. */
#include "sins_when_asked.h"

#include <signal.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    raise(SIGABRT);
}
