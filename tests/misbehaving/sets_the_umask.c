/* SPDX-License-Identifier: Apache-2.0 */
/* sets_the_umask - handle_call sets the umask. */
#include "sins_when_asked.h"

#include <sys/stat.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    umask(0);
}
