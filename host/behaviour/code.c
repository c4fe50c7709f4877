/* SPDX-License-Identifier: Apache-2.0 */
#include "code.h"

#include <string.h>

#include "worker.h"

uint32_t child_times(const moult_child *child)
{
    if (child->count == MOULT_ONE_PER_CORE)
        return workers_count();
    return child->count ? child->count : 1;
}

const struct code *code_find(const struct code_table *all, const char *id)
{
    for (size_t i = 0; all && i < all->count; i++)
        if (strcmp(all->codes[i].id, id) == 0)
            return &all->codes[i];
    return NULL;
}

const struct code *code_declared(const struct code_table *all, const void *declared)
{
    for (size_t i = 0; all && i < all->count; i++)
        if (all->codes[i].declared == declared)
            return &all->codes[i];
    return NULL;
}
