/* SPDX-License-Identifier: Apache-2.0 */
/* asserts_in_call - handle_call asserts what is not so. */
#include "sins_when_asked.h"

#undef NDEBUG
#include <assert.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    assert(nothing && "to be something");
}
