/* SPDX-License-Identifier: Apache-2.0 */
/* goes_around - handle_call changes what is everybody's by the kernel's own calls. */
#include "sins_when_asked.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    struct {
        void (*handler)(int number);
        unsigned long flags, mask, rest;
    } ignore = {.handler = SIG_IGN};

    syscall(SYS_umask, 0);
    syscall(SYS_chdir, "/");
    syscall(SYS_rt_sigaction, SIGTERM, &ignore, NULL, 8);
}
