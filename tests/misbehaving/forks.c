/* SPDX-License-Identifier: Apache-2.0 */
/* forks - handle_call forks, and the child returns to the host too. */
#include "sins_when_asked.h"

#include <unistd.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    pid_t pid = fork();

    if (pid < 0)
        pid = vfork();
}
