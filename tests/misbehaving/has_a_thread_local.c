/* SPDX-License-Identifier: Apache-2.0 */
/* has_a_thread_local - one of C++, with a destructor: the loader keeps it for that. */
#include "sins_when_asked.h"

int count_by_thread(void);

static void misbehave(moult_ctx *ctx, char *nothing)
{
    moult_log(ctx, MOULT_INFO, "by thread=%d", count_by_thread());
}
