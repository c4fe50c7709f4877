/* SPDX-License-Identifier: Apache-2.0 */
#include "json_memory.h"

#include <jansson.h>
#include <stdlib.h>

static __thread bool is_watched, lacked;

static void *allocate(size_t size)
{
    void *memory = malloc(size);

    if (!memory && size > 0)
        lacked = true;
    return memory;
}

/* Before anything of jansson's is used. */
__attribute__((constructor)) static void begin(void)
{
    json_set_alloc_funcs(allocate, free);
}

void json_memory_note(void)
{
    lacked = true;
}

void json_memory_watch(void)
{
    is_watched = true;
    lacked = false;
}

bool json_memory_lacked(void)
{
    return is_watched && lacked;
}

bool json_memory_done(void)
{
    is_watched = false;
    return lacked;
}
