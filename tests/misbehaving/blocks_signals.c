/* SPDX-License-Identifier: Apache-2.0 */
/* blocks_signals - handle_call blocks all signals in its thread, and faults. */
#include "sins_when_asked.h"

#include <pthread.h>
#include <signal.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    sigprocmask(SIG_BLOCK, &all, NULL);
    *nothing = 1;
}
