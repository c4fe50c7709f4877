/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_in_constructor - follows a null pointer as soon as it is loaded. */
#include "plain.h"

__attribute__((constructor)) static void begin(void)
{
    volatile int *volatile nowhere = NULL;

    *nowhere = 1;
}

MOULT_PLUGIN(.children = children);
