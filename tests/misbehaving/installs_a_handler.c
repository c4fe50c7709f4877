/* SPDX-License-Identifier: Apache-2.0 */
/* installs_a_handler - handle_call takes SIGSEGV and SIGTERM from the host. */
#include "sins_when_asked.h"

#include <signal.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    struct sigaction action = {.sa_handler = SIG_IGN};

    sigaction(SIGSEGV, &action, NULL);
    signal(SIGTERM, SIG_IGN);
    *nothing = 1;
}
