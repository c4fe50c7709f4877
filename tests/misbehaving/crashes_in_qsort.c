/* SPDX-License-Identifier: Apache-2.0 */
/* crashes_in_qsort - what qsort compares by follows a null pointer. */
#include "sins_when_asked.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    return *(volatile char *)nowhere;
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    int numbers[] = {3, 1, 2};

    qsort(numbers, 3, sizeof(numbers[0]), compare);
}
