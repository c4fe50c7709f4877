/* SPDX-License-Identifier: Apache-2.0 */
/* has_a_unique_symbol - as C++ makes it of a static member of a template. */
#include "sins_when_asked.h"

int count_uniquely(void);

static void misbehave(moult_ctx *ctx, char *nothing)
{
    moult_log(ctx, MOULT_INFO, "unique=%d", count_uniquely());
}
