/* SPDX-License-Identifier: Apache-2.0 */
/* exits_its_thread - which is the host's. */
#include "sins_when_asked.h"

#include <pthread.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    pthread_exit(nothing);
}
