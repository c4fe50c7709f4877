/* SPDX-License-Identifier: Apache-2.0 */
/* divides_by_zero - handle_call does. */
#include "sins_when_asked.h"

static void misbehave(moult_ctx *ctx, char *nothing)
{
    volatile int zero = (int)(intptr_t)nothing;

    zero = 100 / zero;
}
