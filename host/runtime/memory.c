/* SPDX-License-Identifier: Apache-2.0 */
#include "moult.h"

#include <string.h>

#include "ctx.h"
#include "out.h"

#define FIRST_ITEMS 4u /* room of a list that gets its first item */

/* What MOULT_LIST_OF makes, whatever its items are; moult_text and moult_bytes too. */
struct list {
    void *items;
    uint32_t count, capacity;
};

_Static_assert(sizeof(struct list) == sizeof(moult_text), "one shape");
_Static_assert(sizeof(struct list) == sizeof(moult_bytes), "one shape");

void *moult_alloc(moult_ctx *ctx, size_t size)
{
    return heap_alloc(&ctx->heap, size);
}

void *moult_realloc(moult_ctx *ctx, void *block, size_t size)
{
    return heap_realloc(&ctx->heap, block, size);
}

void moult_free(moult_ctx *ctx, void *block)
{
    heap_free(&ctx->heap, block);
}

/*
 * Make `to`, a text or bytes, hold `len` bytes and `zeroes` after them.  `from` may be
 * a part of it, so its memory is freed last.  It is copied in and out, since it has a
 * type of its own.
 */
static int hold(moult_ctx *ctx, void *to, const void *from, size_t len, size_t zeroes)
{
    struct list l;
    uint8_t *memory;

    memcpy(&l, to, sizeof(l));
    if (len > OUT_LIMIT)
        return -EMSGSIZE;
    if (len == 0 && !l.items)
        return 0; /* all zero, as "" is */
    if (len + zeroes > l.capacity) {
        memory = heap_alloc(&ctx->heap, len + zeroes);
        if (!memory)
            return -ENOMEM;
        memcpy(memory, from, len);
        heap_free(&ctx->heap, l.items);
        l.items = memory;
        l.capacity = (uint32_t)(len + zeroes);
    } else {
        memory = l.items;
        memmove(memory, len > 0 ? from : "", len);
        memset(memory + len, 0, zeroes);
    }
    l.count = (uint32_t)len;
    memcpy(to, &l, sizeof(l));
    return 0;
}

int moult_text_set(moult_ctx *ctx, moult_text *text, const char *from, size_t len)
{
    return hold(ctx, text, from, len, 1);
}

int moult_bytes_set(moult_ctx *ctx, moult_bytes *bytes, const void *from, size_t len)
{
    return hold(ctx, bytes, from, len, 0);
}

static int list_grow(moult_ctx *ctx, struct list *l, size_t size)
{
    uint64_t capacity = l->capacity > 0 ? 2 * (uint64_t)l->capacity : FIRST_ITEMS;
    size_t bytes;
    void *items;

    if (capacity > UINT32_MAX)
        capacity = UINT32_MAX;
    if (l->count >= capacity || __builtin_mul_overflow(capacity, size, &bytes))
        return -ENOMEM;
    items = heap_realloc(&ctx->heap, l->items, bytes);
    if (!items)
        return -ENOMEM;
    l->items = items;
    l->capacity = (uint32_t)capacity;
    return 0;
}

/* Copied in and out, since its own type is one that only its author has. */
void *moult_list_add(moult_ctx *ctx, void *list, size_t size)
{
    struct list l;
    uint8_t *item;

    memcpy(&l, list, sizeof(l));
    if (l.count >= l.capacity && list_grow(ctx, &l, size))
        return NULL;
    item = (uint8_t *)l.items + l.count * size;
    memset(item, 0, size);
    l.count++;
    memcpy(list, &l, sizeof(l));
    return item;
}
