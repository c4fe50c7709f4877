/* SPDX-License-Identifier: Apache-2.0 */
#include "large.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE \
    ((size_t)8 << 20) /* bytes; then what the last huge page wastes is little */

/*
 * All pages of the block, and not only those that may be huge: a mapping of which parts are
 * wished for otherwise can't be moved by mremap(), and realloc() copies it.
 */
void large_wish(void *block, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;

    if (!block || size < LARGE)
        return;
    from = (uintptr_t)block & ~(page - 1);
    to = ((uintptr_t)block + malloc_usable_size(block) + page - 1) & ~(page - 1);
    (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}
