/* SPDX-License-Identifier: Apache-2.0 */
/* aborts_in_constructor - an assertion of it fails as soon as it is loaded. */
#undef NDEBUG
#include <assert.h>

#include "plain.h"

__attribute__((constructor)) static void begin(void)
{
    assert(0 && "the moon is full");
}

MOULT_PLUGIN(.children = children);
