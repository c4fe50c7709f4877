/* SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#include "barrier.h"

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

/* Hold `shares` of the quota, more or fewer than so far; false if there are too few. */
static bool hold(struct heap *heap, uint32_t shares)
{
    uint64_t limit = atomic_load_explicit(&heap->quota->limit, memory_order_relaxed);
    uint64_t change = ((uint64_t)shares - heap->held) * HEAP_SHARE; /* may wrap */
    uint64_t held =
        atomic_fetch_add_explicit(&heap->quota->held, change, memory_order_relaxed) +
        change;

    if (shares > heap->held && limit && held > limit) {
        atomic_fetch_sub_explicit(&heap->quota->held, change, memory_order_relaxed);
        return false;
    }
    heap->held = shares;
    return true;
}

/* Hold as much as `bytes` need: an eighth more if there is as much. */
static bool hold_for(struct heap *heap, uint64_t bytes)
{
    return !heap->quota || shares_for(bytes) <= heap->held ||
           hold(heap, shares_for(bytes + bytes / 8)) || hold(heap, shares_for(bytes));
}

/* Give back what is not needed, if that is more than half. */
static void hold_less(struct heap *heap)
{
    uint64_t bytes = heap->used + heap->queued + heap->waiting;

    if (heap->quota && shares_for(bytes) < heap->held / 2)
        hold(heap, shares_for(bytes + bytes / 8));
}

static bool is_within(const struct heap *heap, uint64_t bytes)
{
    return heap->limit == 0 || bytes <= heap->limit;
}

static bool fits(struct heap *heap, size_t more)
{
    uint64_t bytes = heap->used + heap->queued + heap->waiting + more;

    if (more > SIZE_TOP)
        return false;
    if (!is_within(heap, bytes))
        heap->over = HEAP_OVER_LIMIT;
    else if (!hold_for(heap, bytes))
        heap->over = HEAP_OVER_QUOTA;
    else
        return true;
    return false;
}

static void link_first(struct heap *heap, struct block *b)
{
    b->prev = NULL;
    b->next = heap->first;
    if (b->next)
        b->next->prev = b;
    heap->first = b;
}

void heap_init(struct heap *heap, uint64_t limit)
{
    *heap = (struct heap){.limit = limit, .is_limited = limit > 0};
}

void heap_share(struct heap *heap, struct quota *quota)
{
    heap->quota = quota;
    heap->is_limited |= quota != NULL;
    heap_check(heap);
}

void heap_set_limit(struct heap *heap, uint64_t limit)
{
    heap->limit = limit;
    heap->is_limited = limit || heap->quota;
}

bool heap_charge(struct heap *heap, uint64_t size)
{
    if (heap->is_limited && !fits(heap, size))
        return false;
    heap->queued += size;
    return true;
}

void heap_check(struct heap *heap)
{
    fits(heap, 0);
    hold_less(heap);
}

void heap_succeed(struct heap *to, struct heap *heap)
{
    to->queued = heap->queued;
    to->waiting = heap->waiting;
    to->quota = heap->quota;
    to->held = heap->held;
    heap->queued = heap->waiting = 0;
    heap->quota = NULL;
    heap->held = 0;
    heap_set_limit(to, to->limit);
    heap_check(to);
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
    heap->used = 0;
    heap->queued = heap->waiting = 0;
    heap->over = HEAP_OVER_NOTHING;
    if (heap->quota)
        hold(heap, 0);
}
