/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>

#include "reader.h"

#define ROOM_FIRST 8u

/* Written once, `item` last; then `item` becomes GRAVE. */
struct slot {
    _Atomic(void *) item; /* release by the writer, acquire by readers */
    uint64_t hash;
};

struct slots {
    struct released released;
    size_t mask; /* room - 1 */
    struct slot at[];
};

static char grave;
#define GRAVE ((void *)&grave)

/* -- searching -- */

void *table_find(const struct table *t, uint64_t hash, table_matches *matches,
                 const void *key)
{
    const struct slots *s = atomic_load_explicit(&t->slots, memory_order_acquire);
    void *item;

    for (size_t i = s ? hash & s->mask : 0;
         s && (item = atomic_load_explicit(&s->at[i].item, memory_order_acquire));
         i = (i + 1) & s->mask)
        if (item != GRAVE && s->at[i].hash == hash && matches(item, key))
            return item;
    return NULL;
}

struct table_walk table_begin(const struct table *t)
{
    return (struct table_walk){
        .slots = atomic_load_explicit(&t->slots, memory_order_acquire)};
}

void *table_next(struct table_walk *walk)
{
    const struct slots *s = walk->slots;

    while (s && walk->at <= s->mask) {
        void *item =
            atomic_load_explicit(&s->at[walk->at++].item, memory_order_acquire);

        if (item && item != GRAVE)
            return item;
    }
    return NULL;
}

/* -- changing -- */

static struct slots *slots_of(const struct table *t)
{
    return atomic_load_explicit(&t->slots, memory_order_relaxed);
}

static void put(struct slots *s, uint64_t hash, void *item)
{
    size_t i = hash & s->mask;

    while (atomic_load_explicit(&s->at[i].item, memory_order_relaxed))
        i = (i + 1) & s->mask;
    s->at[i].hash = hash;
    atomic_store_explicit(&s->at[i].item, item, memory_order_release);
}

static void copy(struct slots *to, const struct slots *from)
{
    for (size_t i = 0; i <= from->mask; i++) {
        void *item = atomic_load_explicit(&from->at[i].item, memory_order_relaxed);

        if (item && item != GRAVE)
            put(to, from->at[i].hash, item);
    }
}

/* Another with room for twice as many as there are: larger, smaller, or without graves. */
static int renew(struct table *t)
{
    struct slots *old = slots_of(t), *s;
    size_t room = ROOM_FIRST;

    while (room < 2 * (t->count + 1))
        room *= 2;
    s = calloc(1, sizeof(*s) + room * sizeof(*s->at));
    if (!s)
        return -ENOMEM;
    s->mask = room - 1;
    if (old)
        copy(s, old);
    t->used = t->count;
    atomic_store_explicit(&t->slots, s, memory_order_release);
    if (old)
        reader_release(&old->released);
    return 0;
}

int table_reserve(struct table *t)
{
    const struct slots *s = slots_of(t);

    /* A quarter stays free, so that searches end soon. */
    return s && 4 * (t->used + 1) <= 3 * (s->mask + 1) ? 0 : renew(t);
}

void table_add(struct table *t, uint64_t hash, void *item)
{
    put(slots_of(t), hash, item);
    t->count++;
    t->used++;
}

void table_remove(struct table *t, uint64_t hash, const void *item)
{
    struct slots *s = slots_of(t);
    size_t i = hash & s->mask;

    while (atomic_load_explicit(&s->at[i].item, memory_order_relaxed) != item)
        i = (i + 1) & s->mask;
    atomic_store_explicit(&s->at[i].item, GRAVE, memory_order_release);
    t->count--;
}

void table_release(struct table *t)
{
    struct slots *s = slots_of(t);

    if (s)
        reader_release(&s->released);
}
