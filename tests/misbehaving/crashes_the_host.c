/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_the_host - handle_call hands the host a text that is nowhere. */
#include "sins_when_asked.h"

static void misbehave(moult_ctx *ctx, char *nothing)
{
    moult_out *draft = moult_draft(ctx);

    moult_put_text(draft, nothing);
}
