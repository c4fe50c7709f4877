/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap - the memory of one process, freed whole when it ends.
 *
 * A list of malloc'ed blocks with a count of their bytes.  Nothing points at the struct
 * itself, so it may be moved by assignment.  All zero is an empty heap without a limit.
 * Used by its process alone, or by whoever holds that process still.
 */
#ifndef MOULT_HEAP_H
#define MOULT_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct block;

struct heap {
    struct block *first;
    uint64_t used;  /* bytes of all blocks, with their headers */
    uint64_t limit; /* bytes that `used` may reach; 0: none */
};

/* Empty, for at most `limit` bytes (0: any number).  [any] */
void heap_init(struct heap *heap, uint64_t limit);

/*
 * `size` bytes (0 too), zeroed, aligned to 16; NULL when out of memory or over the
 * limit.  [any]
 */
void *heap_alloc(struct heap *heap, size_t size);

/*
 * Give `memory` (from here, or NULL) `size` bytes; what is new is zeroed.  NULL when
 * out of memory or over the limit: it is as it was.  [any]
 */
void *heap_realloc(struct heap *heap, void *memory, size_t size);

/*
 * Free `memory` (from here, or NULL).  What is no block, or freed already, aborts.
 * [any]
 */
void heap_free(struct heap *heap, void *memory);

/* Free every block; the heap is empty, its limit stays.  [any] */
void heap_finish(struct heap *heap);

/* `to`, which must be empty, becomes `from` with its limit; `from` is empty.  [any] */
void heap_take(struct heap *to, struct heap *from);

#endif
