/* SPDX-License-Identifier: Apache-2.0 */
/* kills_itself - handle_call sends its own process a signal that nothing survives. */
#define _GNU_SOURCE
#include "sins_when_asked.h"

#include <signal.h>
#include <unistd.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    kill(getpid(), SIGKILL);
}
