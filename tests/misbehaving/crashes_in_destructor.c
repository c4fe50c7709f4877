/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_in_destructor - follows a null pointer when it is unloaded. */
#include "plain.h"

__attribute__((destructor)) static void end(void)
{
    volatile int *volatile nowhere = NULL;

    *nowhere = 1;
}

MOULT_PLUGIN(.children = children);
