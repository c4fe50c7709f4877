/* SPDX-License-Identifier: Apache-2.0 */
#include "child_set.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_FIRST   8u
#define ADDRESS_BITS 48u
#define ADDRESS_MASK ((UINT64_C(1) << ADDRESS_BITS) - 1)

static uint32_t home(const struct child_set *set, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & set->mask;
}

static struct child *child_of(uint64_t word)
{
    return (struct child *)(uintptr_t)(word & ADDRESS_MASK);
}

/* What stands for `c`, of `hash`; for NULL the same without a pointer. */
static uint64_t word_of(const struct child *c, uint64_t hash)
{
    return hash << ADDRESS_BITS | (uintptr_t)c;
}

static void put(struct child_set *set, uint64_t word, uint64_t hash)
{
    uint32_t i = home(set, hash);

    while (set->at[i])
        i = (i + 1) & set->mask;
    set->at[i] = word;
}

static int grow(struct child_set *set, child_hash *hash)
{
    uint32_t room = set->at ? (set->mask + 1) * 2 : ROOM_FIRST;
    struct child_set other = {.mask = room - 1, .count = set->count};

    other.at = room ? calloc(room, sizeof(*other.at)) : NULL;
    if (!other.at)
        return -ENOMEM;
    for (uint32_t i = 0; set->at && i <= set->mask; i++)
        if (set->at[i])
            put(&other, set->at[i], hash(child_of(set->at[i])));
    free(set->at);
    *set = other;
    return 0;
}

int child_set_add(struct child_set *set, struct child *c, child_hash *hash)
{
    uint64_t h = hash(c);

    if ((!set->at || set->count >= (set->mask + 1) / 8 * 7) && grow(set, hash) < 0)
        return -ENOMEM;
    put(set, word_of(c, h), h);
    set->count++;
    return 0;
}

void child_set_remove(struct child_set *set, const struct child *c, child_hash *hash)
{
    uint64_t h = hash(c), word = word_of(c, h);
    uint32_t hole, i;

    if (!set->at)
        return;
    for (hole = home(set, h); set->at[hole] && set->at[hole] != word;)
        hole = (hole + 1) & set->mask;
    if (!set->at[hole])
        return;
    for (i = hole; set->at[i = (i + 1) & set->mask];) {
        uint32_t wanted = home(set, hash(child_of(set->at[i])));

        /* Move it back if its home is not between the hole and where it stands. */
        if (((i - wanted) & set->mask) >= ((i - hole) & set->mask)) {
            set->at[hole] = set->at[i];
            hole = i;
        }
    }
    set->at[hole] = 0;
    set->count--;
}

struct child *child_set_find(const struct child_set *set, uint64_t hash,
                             child_matches *matches, const void *key)
{
    uint64_t word;

    if (!set->at)
        return NULL;
    for (uint32_t i = home(set, hash); (word = set->at[i]); i = (i + 1) & set->mask)
        if ((word & ~ADDRESS_MASK) == word_of(NULL, hash) &&
            matches(child_of(word), key))
            return child_of(word);
    return NULL;
}

void child_set_finish(struct child_set *set)
{
    free(set->at);
    *set = (struct child_set){0};
}
