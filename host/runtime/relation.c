/* SPDX-License-Identifier: Apache-2.0 */
#include "relation.h"

#include <errno.h>

#include "clock.h"
#include "event.h"
#include "group.h"

static const struct {
    const char *name;
    size_t offset;
} tables[] = {
    [RELATION_LINKS] = {"links", offsetof(struct relations, links)},
    [RELATION_MONITORS] = {"monitors", offsetof(struct relations, watched)},
    [RELATION_MONITORED_BY] = {"monitored_by", offsetof(struct relations, watchers)},
    [RELATION_OWED] = {"calls not answered", offsetof(struct relations, owed)},
    [RELATION_TIMERS] = {"timers", offsetof(struct relations, timers)},
    [RELATION_DICTIONARY] = {"dictionary", offsetof(struct relations, dictionary)},
    [RELATION_DESCRIPTORS] = {"descriptors", offsetof(struct relations, descriptors)},
    [RELATION_REQUESTS] = {"requests", offsetof(struct relations, requests)},
    [RELATION_ALIASES] = {"aliases", offsetof(struct relations, aliases)},
};

static const struct map *table_of(const struct relations *r, size_t which)
{
    return (const struct map *)((const char *)r + tables[which].offset);
}

/* Whoever did it has the error; so shall who runs the host, once a second. */
static void tell_full(struct process *p, enum relation which)
{
    uint32_t now_s = (uint32_t)(clock_ns() / 1000000000u) + 1;

    if (p->relations->told_full_s == now_s)
        return;
    p->relations->told_full_s = now_s;
    event_emit(EVENT_WARN, "process.full", "{s:s, s:s, s:s, s:i}", "app",
               p->group->name, "server", process_label(p), "table", tables[which].name,
               "limit", (int)RELATION_MOST);
}

int relation_put(struct process *p, enum relation which, uint64_t key, uint64_t value)
{
    struct relations *r = process_relations(p);
    struct map *map = r ? (struct map *)((char *)r + tables[which].offset) : NULL;

    if (!map)
        return -ENOMEM;
    if (map->count >= RELATION_MOST && !map_find(map, key, NULL)) {
        tell_full(p, which);
        return -ENOSPC;
    }
    return map_put(map, key, value);
}

uint64_t relations_size(const struct process *p)
{
    uint64_t size = 0;

    for (size_t i = 0; p->relations && i < sizeof(tables) / sizeof(*tables); i++) {
        const struct map *map = table_of(p->relations, i);

        if (map->entries)
            size += (map->mask + 1) * sizeof(*map->entries);
    }
    return size;
}
