/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <errno.h>
#include <stdlib.h>

#define MAP_FIRST 8u /* entries; most processes have a link or two */

/* Fibonacci hashing: pids and refs count upward, and this spreads them. */
static uint32_t home(const struct map *map, uint64_t key)
{
    return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) & map->mask;
}

static struct map_entry *place(const struct map *map, uint64_t key)
{
    uint32_t i = home(map, key);

    while (map->entries[i].key && map->entries[i].key != key)
        i = (i + 1) & map->mask;
    return &map->entries[i];
}

/* Have room for `room` entries, a power of two. */
static int move(struct map *map, uint32_t room)
{
    struct map other = {.mask = room - 1, .count = map->count};

    other.entries = calloc(room, sizeof(*other.entries));
    if (!other.entries)
        return -ENOMEM;
    for (uint32_t i = 0; map->entries && i <= map->mask; i++)
        if (map->entries[i].key)
            *place(&other, map->entries[i].key) = map->entries[i];
    free(map->entries);
    *map = other;
    return 0;
}

static int grow(struct map *map)
{
    uint32_t room = map->entries ? (map->mask + 1) * 2 : MAP_FIRST;

    return room ? move(map, room) : -ENOMEM;
}

int map_put(struct map *map, uint64_t key, uint64_t value)
{
    struct map_entry *e;

    if ((!map->entries || map->count >= (map->mask + 1) / 8 * 7) && grow(map) < 0)
        return -ENOMEM;
    e = place(map, key);
    if (!e->key)
        map->count++;
    *e = (struct map_entry){key, value};
    return 0;
}

bool map_find(const struct map *map, uint64_t key, uint64_t *value)
{
    const struct map_entry *e;

    if (!map->count)
        return false;
    e = place(map, key);
    if (!e->key)
        return false;
    if (value)
        *value = e->value;
    return true;
}

bool map_remove(struct map *map, uint64_t key, uint64_t *value)
{
    struct map_entry *e;
    uint32_t hole, i;

    if (!map->count)
        return false;
    e = place(map, key);
    if (!e->key)
        return false;
    if (value)
        *value = e->value;
    hole = i = (uint32_t)(e - map->entries);
    while (map->entries[i = (i + 1) & map->mask].key) {
        uint32_t wanted = home(map, map->entries[i].key);

        /* Move it back if its home is not between the hole and where it stands. */
        if (((i - wanted) & map->mask) >= ((i - hole) & map->mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole].key = 0;
    map->count--;
    return true;
}

const struct map_entry *map_next(const struct map *map, uint32_t *at)
{
    while (map->entries && *at <= map->mask) {
        const struct map_entry *e = &map->entries[(*at)++];

        if (e->key)
            return e;
    }
    return NULL;
}

void map_shrink(struct map *map)
{
    uint32_t room = MAP_FIRST;

    while (map->count >= room / 8 * 7)
        room *= 2;
    if (map->count && room <= map->mask)
        move(map, room);
    else if (!map->count)
        map_finish(map);
}

void map_finish(struct map *map)
{
    free(map->entries);
    *map = (struct map){0};
}
