/* SPDX-License-Identifier: Apache-2.0 */
/* hangs_in_constructor - waits for ever as soon as it is loaded. */
#include <unistd.h>

#include "plain.h"

__attribute__((constructor)) static void begin(void)
{
    for (;;)
        pause();
}

MOULT_PLUGIN(.children = children);
