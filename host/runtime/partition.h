/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition - a part of a registry: its entries, by key and by owner.
 *
 * Writers hold the lock, and an entry is written by its owner alone; readers hold none
 * (reader_begin) and may see what was removed since they began.  Only registry.c calls
 * this.
 */
#ifndef MOULT_PARTITION_H
#define MOULT_PARTITION_H

#include <pthread.h>

#include "chain.h"
#include "reader.h"
#include "registry.h"
#include "table.h"

struct key {
    struct released released;
    struct chain entries; /* in the order they came */
    size_t len;
    uint8_t bytes[];
};

/* A process, as far as it has entries in one partition. */
struct owner {
    struct released released;
    struct chain entries;
    moult_pid pid;
    struct partition *partition;
    struct heap *heap;          /* its entries are charged to; its own */
    struct owner *next, **link; /* all of the process; its own */
};

struct entry {
    struct released released;
    struct chain in_key, of_owner;
    struct key *key;
    struct owner *owner; /* NULL: nobody's */
    size_t len;
    uint8_t value[];
};

struct partition {
    pthread_mutex_t lock; /* of who writes */
    bool closed;          /* takes no more; guarded by the lock */
    struct table keys, owners;
    _Atomic uint64_t count; /* entries; relaxed, a figure */
    bool unique;            /* a key has one entry at most */
    uint32_t limit;         /* entries; 0: any number */
    struct registry *registry;
    _Atomic uint32_t *users; /* of the registry: one more for each owner that is new */
};

/* Zeroed; `registry` and `users` are the caller's to set. */
void partition_init(struct partition *part, bool unique);

/* Take no more, and forget what is nobody's. */
void partition_close(struct partition *part);

/* It is empty, and nobody writes any more.  Readers may look until they are gone. */
void partition_release(struct partition *part);

uint64_t item_hash(struct item item);
uint64_t pid_hash(moult_pid pid);

static inline struct item key_item(const struct key *k)
{
    return (struct item){k->bytes, k->len};
}

static inline struct item entry_item(const struct entry *e)
{
    return (struct item){e->value, e->len};
}

static inline moult_pid entry_pid(const struct entry *e)
{
    return e->owner ? e->owner->pid : (moult_pid){0};
}

/* -- by readers, or with the lock -- */

struct key *partition_find(const struct partition *part, struct item key);
struct owner *partition_owner(const struct partition *part, moult_pid pid);

/* The first in a ring, and the next; NULL at the end. */
struct entry *key_next(const struct key *k, const struct entry *e);
struct entry *owner_next(const struct owner *o, const struct entry *e);

/* Visit all entries; false if `visit` had enough. */
bool partition_visit(const struct partition *part, registry_visit *visit,
                     void *context);

/* -- by writers -- */

/*
 * Add an entry of `p` (NULL: nobody's), charged to its heap.  0; -ENOMEM; -ESRCH
 * (closed); -ENOSPC (it is full); if keys are unique -EEXIST, and `*holder` (may be NULL)
 * who has it.
 */
int partition_add(struct partition *part, struct process *p, struct item key,
                  struct item value, moult_pid *holder);

/*
 * Remove what `pid` has under `key`: all, or (if it has bytes) what has that `value`.  How
 * many; and whether its owner has no more here and is `*gone`.
 */
unsigned partition_remove(struct partition *part, moult_pid pid, struct item key,
                          struct item value, bool *gone);

/* Remove the oldest entry of `o`; true if that was the last: `o` is gone then. */
bool owner_remove_first(struct owner *o);

/* Another value for the first entry of `pid` under `key`.  0, -ENOENT or -ENOMEM. */
int partition_replace(struct partition *part, moult_pid pid, struct item key,
                      struct item value);

#endif
