/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - the tables behind abi/moult/registry.h: who is registered under which keys.
 *
 * A registry is a process; what is registered in it stands in tables that every thread
 * reads without a lock (RCU) and that a registering process writes itself, under the lock
 * of a partition.  Nothing here is a message to the registry.
 *
 *   registry    partitions, by the hash of a key or by who registers
 *   partition   key -> its entries, in their order; pid -> its entries
 *   entry       a key, a pid, a value
 *
 * A process's entries are gone before anybody is told that it ended, and while it can
 * still be sent to: so who finds it gone finds no entry of it either.  When a registry
 * ends, who is registered in it is sent an exit signal, as through a link.
 *
 * Keys are equal if they are encoded in the same bytes.  Who visits must not wait.
 */
#ifndef MOULT_REGISTRY_INTERNAL_H
#define MOULT_REGISTRY_INTERNAL_H

#include "process.h"

struct registry;

#define REGISTRY_PARTITIONS_MAX 1024u
#define REGISTRY_META_MAX       1024u

/* One encoded item; borrowed, or lent while it is visited. */
struct item {
    const void *bytes;
    size_t len;
};

struct registry_spec {
    bool duplicate;      /* keys may have several entries */
    bool by_key;         /* and they are in one partition; else in their owners' */
    uint32_t partitions; /* at least 1 */
    moult_in listeners;  /* array of names; borrowed */
};

/* Make `p`, which runs, a registry called what it is registered as.  0 or -ENOMEM. */
int registry_open(struct process *p, const struct registry_spec *spec);

/*
 * Register `p` under `key` with `value`, both copied.  0; -ESRCH (no such registry);
 * -EEXIST and `*holder` (may be NULL) who has it, also if that is `p`; -ENOMEM, also if
 * `p` holds more than it may with it.  On a worker; by `p` itself, or before it runs, as are the next.
 */
int registry_register(struct process *p, moult_pid registry, struct item key,
                      struct item value, moult_pid *holder);

/*
 * Take away the entries of `p` under `key`: all, or those with `value` if it has bytes.
 * 0 also if there is none; -ESRCH.
 */
int registry_unregister(struct process *p, moult_pid registry, struct item key,
                        struct item value);

/* Another value for the entry of `p`.  0, -ESRCH, -ENOENT, -ENOTSUP (duplicate), -ENOMEM. */
int registry_update(struct process *p, moult_pid registry, struct item key,
                    struct item value);

/* `p` ends, or is not to be known any more: its entries go; it is no registry either. */
void registry_leave(struct process *p);

/* Who has `key` of a unique registry, or nobody.  [any] */
moult_pid registry_whereis(moult_pid registry, struct item key);

/* Is it there, and may its keys have one entry only?  [any] */
bool registry_is_unique(moult_pid registry);

/* Told of one entry; false ends the visit. */
typedef bool registry_visit(void *context, struct item key, moult_pid pid,
                            struct item value);

/*
 * Visit the entries under `key`: all, or those of partition `*partition`, which then
 * becomes the next that may have some, or UINT32_MAX.  0 or -ESRCH.  [any]
 */
int registry_visit_key(moult_pid registry, struct item key, uint32_t *partition,
                       registry_visit *visit, void *context);

/* Visit the entries of `owner`, or (nobody) all.  0 or -ESRCH.  [any] */
int registry_visit_owner(moult_pid registry, moult_pid owner, registry_visit *visit,
                         void *context);
int registry_visit_all(moult_pid registry, registry_visit *visit, void *context);

/* How many entries there are; 0 for what is no registry.  [any] */
uint64_t registry_count(moult_pid registry);

/*
 * What is known of the registry itself: 0, -ESRCH, -ENOSPC (more than REGISTRY_META_MAX
 * keys) or -ENOMEM.  [any]
 */
int registry_put_meta(moult_pid registry, struct item key, struct item value);
int registry_delete_meta(moult_pid registry, struct item key);
int registry_visit_meta(moult_pid registry, struct item key, registry_visit *visit,
                        void *context);

/* What there is to say of one. */
struct registry_view {
    moult_pid pid;
    const char *name; /* "" if it has none */
    bool duplicate, by_key;
    uint32_t partitions;
    uint64_t count; /* entries */
};

/* Call `visit` for each registry; as all that visits, it must not wait.  [any] */
void registries_each(void (*visit)(const struct registry_view *view, void *context),
                     void *context);

#endif
