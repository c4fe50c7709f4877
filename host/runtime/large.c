/* SPDX-License-Identifier: Apache-2.0 */
#include "large.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)
#define LARGE     (4 * HUGE_PAGE) /* then what the last page wastes is little */

void large_wish(void *block, size_t size)
{
    uintptr_t from = ((uintptr_t)block + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1),
              to = ((uintptr_t)block + size) & ~(HUGE_PAGE - 1);

    if (block && size >= LARGE)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}
