/* SPDX-License-Identifier: Apache-2.0 */
/* asks_to_be_called_at_exit - handle_call does, by atexit() and by on_exit(). */
#include "sins_when_asked.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void leave_a_trace(void)
{
    close(open("called_at_exit", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void leave_another(int status, void *unused)
{
    abort();
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    atexit(leave_a_trace);
    on_exit(leave_another, NULL);
}
