/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map - from a number that is not 0 to a word; one owner.
 *
 * Open addressing with linear probing and deletion by shifting back, so it never fills
 * with graves.  An empty map owns no memory.
 */
#ifndef MOULT_MAP_H
#define MOULT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    uint64_t key; /* 0: free */
    uint64_t value;
};

/* All zero is an empty map. */
struct map {
    struct map_entry *entries;
    uint32_t mask; /* room - 1, or 0 */
    uint32_t count;
};

/* Make `key` stand for `value`.  0 or -ENOMEM. */
int map_put(struct map *map, uint64_t key, uint64_t value);

/* True, and `*value` (may be NULL) what `key` stands for, if it is there. */
bool map_find(const struct map *map, uint64_t key, uint64_t *value);

/* Take `key` out; true, and `*value` (may be NULL) what it stood for, if it was there. */
bool map_remove(struct map *map, uint64_t key, uint64_t *value);

/* The entry at or after place `*at`, and `*at` past it; NULL at the end.  No changes
 * meanwhile. */
const struct map_entry *map_next(const struct map *map, uint32_t *at);

/* Have no more room than what is in it needs; without memory it stays as it is. */
void map_shrink(struct map *map);

/* Free the entries; the map is empty then. */
void map_finish(struct map *map);

#endif
