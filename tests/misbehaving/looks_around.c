/* SPDX-License-Identifier: Apache-2.0 */
/* looks_around - ends where it is loaded if it has more of the machine than a trial has. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "plain.h"

#define JOB_FD 3 /* that it came by */

static bool is_endless(__rlimit_resource_t what)
{
    struct rlimit r;

    return getrlimit(what, &r) < 0 || r.rlim_cur == RLIM_INFINITY;
}

__attribute__((constructor)) static void look(void)
{
    const char *found = is_endless(RLIMIT_CPU)     ? "time without end"
                        : is_endless(RLIMIT_FSIZE) ? "files without end"
                        : is_endless(RLIMIT_AS)    ? "memory without end"
                                                   : NULL;

    for (int fd = JOB_FD + 1; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            found = "a descriptor of the host";
    if (!found)
        return;
    fprintf(stderr, "%s\n", found);
    abort();
}

MOULT_PLUGIN(.children = children);
