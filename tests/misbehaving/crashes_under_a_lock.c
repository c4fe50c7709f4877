/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_under_a_lock - it fails where the loader, which holds its lock, calls it. */
#define _GNU_SOURCE
#include "sins_when_asked.h"

#include <link.h>

/* Far from where the lock was taken. */
static int64_t deep(volatile int64_t *above, char *nothing)
{
    volatile int64_t here[2] = {*above - 1};

    if (here[0] == 0)
        *(volatile char *)nothing = 1;
    return here[0] < 0 ? 0 : deep(here, nothing) + here[1];
}

static int visit(struct dl_phdr_info *info, size_t size, void *nothing)
{
    volatile int64_t depth = 1000;

    return deep(&depth, nothing) != 0;
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    dl_iterate_phdr(visit, nothing);
}
