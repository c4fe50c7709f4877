/* SPDX-License-Identifier: Apache-2.0 */
/* throws - handle_call lets an exception out that nobody catches. */
#include "sins_when_asked.h"

void throw_nowhere(void);

static void misbehave(moult_ctx *ctx, char *nothing)
{
    throw_nowhere();
}
