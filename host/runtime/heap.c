/* SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#include "barrier.h"
#include "large.h"

#define SIZE_BITS 48u
#define SIZE_MASK ((UINT64_C(1) << SIZE_BITS) - 1)
#define SIZE_TOP  (SIZE_MASK / 2) /* so that sums can't wrap */

struct block {
    struct block *next, *prev; /* prev of the first is NULL: the heap may move */
    uint64_t size : SIZE_BITS; /* bytes that follow */
    uint64_t part : 16;        /* of the heap */
    uintptr_t mark;            /* of a live block at this address */
    unsigned char memory[];
};

_Static_assert(sizeof(struct block) == 32, "keeps memory aligned to 16, and is small");

#define MARK  ((uintptr_t)0x6d6f756c74u)
#define SMALL 1024u /* bytes; below, malloc and memset beat calloc in glibc */

static struct block *block_of(void *memory)
{
    struct block *b = (struct block *)((unsigned char *)memory - sizeof(*b));

    /* A plugin's mistake, which ends the one server that made it. */
    if (b->mark != ((uintptr_t)b ^ MARK))
        barrier_fail("moult_free of what is no block");
    return b;
}

/* Volatile, or the compiler leaves out what is written just before it is freed. */
static void unmark(struct block *b)
{
    *(volatile uintptr_t *)&b->mark = 0;
}

static uint32_t shares_for(uint64_t bytes)
{
    uint64_t shares = bytes / HEAP_SHARE + (bytes % HEAP_SHARE > 0);

    return shares < UINT32_MAX ? (uint32_t)shares : UINT32_MAX;
}

static struct allowance *allowance_of(const struct heap *heap)
{
    return atomic_load_explicit(&heap->allowance, memory_order_relaxed);
}

/* Hold `shares` of the quota, more or fewer than so far; false if there are too few. */
static bool hold(struct allowance *allowance, uint32_t shares)
{
    struct quota *quota = allowance->quota;
    uint64_t limit = atomic_load_explicit(&quota->limit, memory_order_relaxed);
    uint64_t change = ((uint64_t)shares - allowance->held) * HEAP_SHARE; /* may wrap */
    uint64_t held =
        atomic_fetch_add_explicit(&quota->held, change, memory_order_relaxed) + change;

    if (shares > allowance->held && limit && held > limit) {
        atomic_fetch_sub_explicit(&quota->held, change, memory_order_relaxed);
        return false;
    }
    allowance->held = shares;
    return true;
}

/* Hold as much as `bytes` need: an eighth more if there is as much. */
static bool hold_for(struct allowance *allowance, uint64_t bytes)
{
    return !allowance->quota || shares_for(bytes) <= allowance->held ||
           hold(allowance, shares_for(bytes + bytes / 8)) ||
           hold(allowance, shares_for(bytes));
}

/* All that a heap of `allowance` is charged with. */
static uint64_t charged(const struct heap *heap, const struct allowance *allowance)
{
    return heap->used + heap->queued + allowance->waiting;
}

/* Give back what is not needed, if that is more than half. */
static void hold_less(struct heap *heap)
{
    struct allowance *allowance = heap->is_limited ? allowance_of(heap) : NULL;
    uint64_t bytes = allowance ? charged(heap, allowance) : 0;

    if (allowance && allowance->quota && shares_for(bytes) < allowance->held / 2)
        hold(allowance, shares_for(bytes + bytes / 8));
}

/* The same for a heap that is limited. */
static bool fits_allowance(struct heap *heap, size_t more)
{
    struct allowance *allowance = allowance_of(heap);
    uint64_t bytes = charged(heap, allowance) + more;

    if (allowance->limit && bytes > allowance->limit)
        heap->over = HEAP_OVER_LIMIT;
    else if (!hold_for(allowance, bytes))
        heap->over = HEAP_OVER_QUOTA;
    else
        return true;
    return false;
}

/* May it have `more` bytes? */
static bool fits(struct heap *heap, size_t more)
{
    return more <= SIZE_TOP && (!heap->is_limited || fits_allowance(heap, more));
}

static void link_first(struct heap *heap, struct block *b)
{
    b->prev = NULL;
    b->next = heap->first;
    if (b->next)
        b->next->prev = b;
    heap->first = b;
}

static void judge_limited(struct heap *heap)
{
    const struct allowance *allowance = allowance_of(heap);

    heap->is_limited = allowance && (allowance->limit || allowance->quota);
}

void heap_init(struct heap *heap, struct allowance *allowance)
{
    heap->first = NULL;
    heap->used = heap->queued = 0;
    heap->part = 0;
    heap->over = HEAP_OVER_NOTHING;
    atomic_store_explicit(&heap->allowance, allowance, memory_order_release);
    judge_limited(heap);
}

void heap_share(struct heap *heap, struct quota *quota)
{
    struct allowance *allowance = allowance_of(heap);

    if (!allowance)
        return;
    if (allowance->quota)
        hold(allowance, 0);
    allowance->quota = quota;
    judge_limited(heap);
    heap_check(heap);
}

void heap_set_limit(struct heap *heap, uint64_t limit)
{
    struct allowance *allowance = allowance_of(heap);

    if (!allowance)
        return;
    allowance->limit = limit;
    judge_limited(heap);
}

bool heap_charge(struct heap *heap, uint64_t size)
{
    if (!fits(heap, size))
        return false;
    heap->queued += size;
    return true;
}

void heap_check(struct heap *heap)
{
    fits(heap, 0);
    hold_less(heap);
}

void heap_swap(struct heap *heap, struct heap *other)
{
    struct block *first = heap->first;
    uint64_t used = heap->used;

    heap->first = other->first;
    heap->used = other->used;
    other->first = first;
    other->used = used;
    heap->over = HEAP_OVER_NOTHING;
    heap_check(heap);
}

void *heap_alloc(struct heap *heap, size_t size)
{
    size_t whole = sizeof(struct block) + size;
    struct block *b;

    if (size > SIZE_TOP || !fits(heap, whole))
        return NULL;
    b = size <= SMALL ? malloc(whole) : calloc(1, whole);
    if (!b)
        return NULL;
    if (size <= SMALL)
        memset(b->memory, 0, size);
    else
        large_wish(b, whole);
    b->size = size & SIZE_MASK;
    b->part = heap->part;
    b->mark = (uintptr_t)b ^ MARK;
    link_first(heap, b);
    heap->used += whole;
    return b->memory;
}

/* Tell the neighbours where `b` is now. */
static void relink(struct heap *heap, struct block *b)
{
    if (b->next)
        b->next->prev = b;
    if (b->prev)
        b->prev->next = b;
    else
        heap->first = b;
}

void *heap_realloc(struct heap *heap, void *memory, size_t size)
{
    struct block *b, *moved;
    size_t old;

    if (!memory)
        return heap_alloc(heap, size);
    b = block_of(memory);
    old = b->size;
    if (size > SIZE_TOP || (size > old && !fits(heap, size - old)))
        return NULL;
    moved = realloc(b, sizeof(*b) + size);
    if (!moved)
        return NULL;
    large_wish(moved, sizeof(*b) + size);
    if (size > old)
        memset(moved->memory + old, 0, size - old);
    moved->size = size & SIZE_MASK;
    moved->mark = (uintptr_t)moved ^ MARK;
    relink(heap, moved);
    heap->used = heap->used - old + size;
    hold_less(heap);
    return moved->memory;
}

void heap_free(struct heap *heap, void *memory)
{
    struct block *b;

    if (!memory)
        return;
    b = block_of(memory);
    if (b->next)
        b->next->prev = b->prev;
    if (b->prev)
        b->prev->next = b->next;
    else
        heap->first = b->next;
    heap->used -= sizeof(*b) + b->size;
    unmark(b);
    free(b);
    hold_less(heap);
}

void heap_free_part(struct heap *heap, uint16_t part)
{
    struct block *b = heap->first;

    while (b) {
        struct block *next = b->next;

        if (b->part == part)
            heap_free(heap, b->memory);
        b = next;
    }
}

/* All of its share of the quota. */
static void give_back(struct allowance *allowance)
{
    if (!allowance)
        return;
    allowance->waiting = 0;
    if (allowance->quota)
        hold(allowance, 0);
}

void heap_finish(struct heap *heap)
{
    struct block *b = heap->first;

    while (b) {
        struct block *next = b->next;

        unmark(b);
        free(b);
        b = next;
    }
    heap->first = NULL;
    heap->used = heap->queued = 0;
    heap->over = HEAP_OVER_NOTHING;
    give_back(allowance_of(heap));
}
