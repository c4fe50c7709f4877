/* SPDX-License-Identifier: Apache-2.0 */
#include "loop_memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A pointer a descriptor, and two more; libuv asks for a power of two of them, less two. */
static void *table[LOOP_MEMORY_DESCRIPTORS + 2];
static bool is_taken; /* by the thread of the loop */

/* Of all that a loop needs, the table alone begins as a realloc() of nothing. */
static void *grow(void *memory, size_t size)
{
    void *larger;

    if (!memory && !is_taken && size <= sizeof(table)) {
        is_taken = true;
        return memset(table, 0, sizeof(table));
    }
    if (memory != table)
        return realloc(memory, size);
    if (size <= sizeof(table))
        return table;
    larger = malloc(size);
    if (!larger)
        return NULL;
    is_taken = false;
    return memcpy(larger, table, sizeof(table));
}

static void give_back(void *memory)
{
    if (memory == table)
        is_taken = false;
    else
        free(memory);
}

void loop_memory_use(void)
{
    uv_replace_allocator(malloc, grow, calloc, give_back);
}
