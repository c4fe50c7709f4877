/* SPDX-License-Identifier: Apache-2.0 */
/* closes_descriptors - handle_call closes all that is open, as if it were a daemon. */
#include "sins_when_asked.h"

#include <fcntl.h>
#include <unistd.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    int own = open("/dev/null", O_RDONLY | O_CLOEXEC);

    for (int d = 0; d < 256; d++)
        if (d != own)
            close(d);
    dup2(own, 0);
    closefrom(3);
    if (close(own) < 0) /* may be closed, and was not yet */
        *nothing = 1;
}
