/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap - the memory of one process, freed whole when it ends.
 *
 * A list of malloc'ed blocks with a count of their bytes.  Nothing points at the struct
 * itself, so it may be moved by assignment.  All zero is an empty heap without a limit.
 * Used by its process alone, or by whoever holds that process still.
 *
 * What waits in the process's mailbox is charged to its heap as well.  A heap has a limit
 * of its own and may share a quota with others: of that it holds a little more than it
 * uses, so that most allocations don't touch what is shared.
 */
#ifndef MOULT_HEAP_H
#define MOULT_HEAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block;

/* What the heaps of one application share. */
struct quota {
    _Atomic uint64_t limit; /* bytes; 0: none.  Relaxed: set before it is shared */
    _Atomic uint64_t held;  /* bytes, by all heaps; relaxed: a sum */
};

/* What only a heap has that is limited. */
struct allowance {
    uint64_t
        waiting; /* bytes of messages that wait themselves, and of tables; see charge.h */
    uint64_t limit;      /* bytes that all together may reach; 0: none */
    struct quota *quota; /* that it has a share of, or NULL */
    uint32_t held;       /* of the quota, in units of HEAP_SHARE bytes */
};

struct heap {
    struct block *first;
    uint64_t used;   /* bytes of all blocks, with their headers */
    uint64_t queued; /* bytes of what is charged, and outside of messages that wait */
    /* Or NULL: then it is not limited.  Release when made; acquire by who is not the
     * owner, see process.h. */
    _Atomic(struct allowance *) allowance;
    uint16_t part;   /* of the heap, that is allocated in; see heap_free_part() */
    uint8_t over;    /* enum heap_over */
    bool is_limited; /* by the allowance's limit or its quota */
};

#define HEAP_SHARE 64u

/* What has been asked for was more than it may have: which limit that was. */
enum heap_over { HEAP_OVER_NOTHING, HEAP_OVER_LIMIT, HEAP_OVER_QUOTA };

/* Empty; `allowance`, which outlives it, says how much it may have.  NULL: any number.  [any] */
void heap_init(struct heap *heap, struct allowance *allowance);

/*
 * From now on it shares `quota` (or NULL: none), which outlives it; with what it has
 * already.  One without a allowance can share none.  [any]
 */
void heap_share(struct heap *heap, struct quota *quota);

/* It has another limit of its own now; 0, none, if it has no allowance.  [any] */
void heap_set_limit(struct heap *heap, uint64_t limit);

/*
 * Charge `size` bytes for what the process has elsewhere; who frees that takes them off
 * `queued`.  False, and nothing is charged, if that is over the limit.  [any]
 */
bool heap_charge(struct heap *heap, uint64_t size);

/* Note in `over` whether it has more than it may, now that messages have come.  [any] */
void heap_check(struct heap *heap);

/*
 * Each gets the blocks of the other; what waits, the limit and the share of the quota
 * stay where they are.  [any]
 */
void heap_swap(struct heap *heap, struct heap *other);

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

/* Free every block that was allocated while `heap->part` was `part`.  [any] */
void heap_free_part(struct heap *heap, uint16_t part);

/* Free every block; the heap is empty, its limit and its quota stay.  [any] */
void heap_finish(struct heap *heap);

#endif
