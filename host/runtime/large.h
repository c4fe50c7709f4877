/* SPDX-License-Identifier: Apache-2.0 */
/*
 * large - blocks of many megabytes, say a state's: in huge pages, where the kernel has some.
 */
#ifndef MOULT_LARGE_H
#define MOULT_LARGE_H

#include <stddef.h>

/*
 * Wish for huge pages in the `size` bytes that malloc() gave, if they are many: a page fault
 * each 4 KiB costs more than writing them.  What can't be had is left as it is.  [any]
 */
void large_wish(void *block, size_t size);

#endif
