/* SPDX-License-Identifier: Apache-2.0 */
/* exits_in_constructor - ends the whole process, and says that all is well. */
#include <stdlib.h>

#include "plain.h"

__attribute__((constructor)) static void begin(void)
{
    exit(0);
}

MOULT_PLUGIN(.children = children);
