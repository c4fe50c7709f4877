/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - a hash table that readers search without a lock (see reader.h), while one writer
 * at a time changes it.
 *
 * It holds pointers to what its owner made, and its owner releases that after taking it
 * out.  Open addressing with linear probing; what is taken out leaves a grave until the
 * table is made anew.  All zero is an empty table, which owns no memory.
 */
#ifndef MOULT_TABLE_H
#define MOULT_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slots;

struct table {
    _Atomic(struct slots *) slots; /* release by the writer, acquire by readers */
    size_t count;                  /* the writer's; without graves */
    size_t used;                   /* the writer's; with them */
};

/* Is `item` what `key` asks for? */
typedef bool table_matches(const void *item, const void *key);

/* -- by readers, or the writer -- */

/* What has `hash` and matches, or NULL. */
void *table_find(const struct table *t, uint64_t hash, table_matches *matches,
                 const void *key);

/* A walk over all that is there throughout; what comes or goes meanwhile may be met. */
struct table_walk {
    const struct slots *slots;
    size_t at;
};

struct table_walk table_begin(const struct table *t);

/* The next one, or NULL at the end. */
void *table_next(struct table_walk *walk);

/* -- by the writer -- */

/* Have room for one more.  0 or -ENOMEM. */
int table_reserve(struct table *t);

/* Add `item`, for which room is reserved and which is not there. */
void table_add(struct table *t, uint64_t hash, void *item);

/* Take `item` out, which is there. */
void table_remove(struct table *t, uint64_t hash, const void *item);

/* Release what the table itself owns; readers may search it until they are gone. */
void table_release(struct table *t);

#endif
