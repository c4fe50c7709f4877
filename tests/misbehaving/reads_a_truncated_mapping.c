/* SPDX-License-Identifier: Apache-2.0 */
/* reads_a_truncated_mapping - handle_call reads a file that has become shorter. */
#define _GNU_SOURCE
#include "sins_when_asked.h"

#include <sys/mman.h>
#include <unistd.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    int fd = memfd_create("short", MFD_CLOEXEC);
    volatile char *bytes = mmap(nothing, 4096, PROT_READ, MAP_SHARED, fd, 0);

    close(fd);
    nowhere = nothing + bytes[0];
}
