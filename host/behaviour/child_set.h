/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_set - children of one supervisor, found by a hash of what they are known by.
 *
 * Open addressing with linear probing and deletion by shifting back, a word a place: the
 * pointer, and in the bits that a user address does not have what tells most others apart
 * without a look at them.  What the hash is of is its user's, and does not change while
 * the child is in the set.
 */
#ifndef MOULT_CHILD_SET_H
#define MOULT_CHILD_SET_H

#include <stdbool.h>
#include <stdint.h>

struct child;

/* All zero is empty, and owns no memory. */
struct child_set {
    uint64_t *at;  /* 0: free */
    uint32_t mask; /* room - 1, or 0 */
    uint32_t count;
};

typedef uint64_t child_hash(const struct child *c);
typedef bool child_matches(const struct child *c, const void *key);

/* Add `c`, which is not there.  0 or -ENOMEM. */
int child_set_add(struct child_set *set, struct child *c, child_hash *hash);

/* Take `c` out, if it is there. */
void child_set_remove(struct child_set *set, const struct child *c, child_hash *hash);

/* The one of that hash that matches `key`, or NULL. */
struct child *child_set_find(const struct child_set *set, uint64_t hash,
                             child_matches *matches, const void *key);

/* Forget all. */
void child_set_finish(struct child_set *set);

#endif
