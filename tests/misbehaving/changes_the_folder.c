/* SPDX-License-Identifier: Apache-2.0 */
/* changes_the_folder - handle_call changes the working directory. */
#include "sins_when_asked.h"

#include <stdlib.h>
#include <unistd.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    if (chdir("/") == 0)
        abort();
}
