/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory - what belongs to a server and goes when it goes.
 *
 * Memory from here is freed when the server ends, however it ends.  Memory from plain
 * malloc() leaks when a server crashes.  OTP: the heap of a process.
 */
#ifndef MOULT_MEMORY_H
#define MOULT_MEMORY_H

#include "base.h"

MOULT_BEGIN

/*
 * `size` bytes, zeroed, 16-byte aligned; NULL when out of memory.  NULL also beyond the
 * child's max_heap: then the server ends when its callback returns.  [server]
 */
MOULT_EXPORT void *moult_alloc(moult_ctx *ctx, size_t size);

/*
 * Grow or shrink `block` (from here, or NULL) to `size` bytes; what is new is zeroed.
 * NULL when out of memory, and `block` is as it was.  [server]
 */
MOULT_EXPORT void *moult_realloc(moult_ctx *ctx, void *block, size_t size);

/* Give `block` (from here, or NULL) back early.  [server] */
MOULT_EXPORT void moult_free(moult_ctx *ctx, void *block);

/* Text of any length, owned by the state it is in.  All zero is "". */
typedef struct {
    char *text; /* ended by a zero, or NULL for "" */
    uint32_t len;
    uint32_t capacity;
} moult_text;

/* Bytes of any length, owned by the state they are in. */
typedef struct {
    uint8_t *bytes;
    uint32_t len;
    uint32_t capacity;
} moult_bytes;

/*
 * Make `text` hold a copy of `len` bytes at `from`.  0 or -ENOMEM, -EMSGSIZE (over
 * 1 GiB): it is as it was.  [server]
 */
MOULT_EXPORT int moult_text_set(moult_ctx *ctx, moult_text *text, const char *from,
                                size_t len);

/* The same for bytes.  [server] */
MOULT_EXPORT int moult_bytes_set(moult_ctx *ctx, moult_bytes *bytes, const void *from,
                                 size_t len);

/*
 * An array that grows: a member `MOULT_LIST_OF(int32_t) scores;` has `items`, `count`
 * and `capacity`.  A type of its own for each member, as C has it.
 */
#define MOULT_LIST_OF(type) \
    struct {                \
        type *items;        \
        uint32_t count;     \
        uint32_t capacity;  \
    }

/*
 * The address of a new last item of `*list` (a MOULT_LIST_OF whose items are `size`
 * bytes), zeroed; NULL when out of memory.  [server]
 */
MOULT_EXPORT void *moult_list_add(moult_ctx *ctx, void *list, size_t size);

MOULT_END

#endif
