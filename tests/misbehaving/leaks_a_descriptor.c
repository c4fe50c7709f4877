/* SPDX-License-Identifier: Apache-2.0 */
/* leaks_a_descriptor - opens a file when it is loaded and never closes it. */
#include <fcntl.h>

#include "plain.h"

__attribute__((constructor)) static void begin(void)
{
    if (open("/dev/null", O_RDONLY) < 0)
        return;
}

MOULT_PLUGIN(.children = children);
