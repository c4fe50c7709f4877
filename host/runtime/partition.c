/* SPDX-License-Identifier: Apache-2.0 */
#include "partition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* NOLINTNEXTLINE(readability-identifier-naming): used as a function is */
#define of_chain(chain, member) \
    ((struct entry *)(void *)((char *)(chain)-offsetof(struct entry, member)))

/* -- rings -- */

struct entry *key_next(const struct key *k, const struct entry *e)
{
    struct chain *next = chain_next(e ? &e->in_key : &k->entries);

    return next == &k->entries ? NULL : of_chain(next, in_key);
}

struct entry *owner_next(const struct owner *o, const struct entry *e)
{
    struct chain *next = chain_next(e ? &e->of_owner : &o->entries);

    return next == &o->entries ? NULL : of_chain(next, of_owner);
}

/* -- keys and owners -- */

uint64_t item_hash(struct item item)
{
    return XXH3_64bits(item.bytes, item.len);
}

uint64_t pid_hash(moult_pid pid)
{
    return XXH3_64bits(&pid, sizeof(pid));
}

static bool same(struct item a, struct item b)
{
    return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

static bool key_matches(const void *k, const void *item)
{
    return same(key_item(k), *(const struct item *)item);
}

static bool owner_matches(const void *owner, const void *pid)
{
    return moult_pid_equal(((const struct owner *)owner)->pid, *(const moult_pid *)pid);
}

struct key *partition_find(const struct partition *part, struct item key)
{
    return table_find(&part->keys, item_hash(key), key_matches, &key);
}

struct owner *partition_owner(const struct partition *part, moult_pid pid)
{
    return table_find(&part->owners, pid_hash(pid), owner_matches, &pid);
}

bool partition_visit(const struct partition *part, registry_visit *visit, void *context)
{
    struct table_walk walk = table_begin(&part->keys);
    const struct key *k;

    while ((k = table_next(&walk)))
        for (struct entry *e = key_next(k, NULL); e; e = key_next(k, e))
            if (!visit(context, key_item(k), entry_pid(e), entry_item(e)))
                return false;
    return true;
}

/* -- writing -- */

static struct entry *entry_create(struct item value)
{
    struct entry *e = malloc(sizeof(*e) + value.len);

    if (!e)
        return NULL;
    *e = (struct entry){.len = value.len};
    if (value.len)
        memcpy(e->value, value.bytes, value.len);
    return e;
}

/* What it is charged for: as if its key were its own alone. */
static uint64_t cost_of(size_t key_len, size_t value_len)
{
    return sizeof(struct entry) + value_len + sizeof(struct key) + key_len;
}

/* The one that there is, or one that stands nowhere yet. */
static struct key *key_get(struct partition *part, struct item key)
{
    struct key *k = partition_find(part, key);

    if (k)
        return k;
    k = table_reserve(&part->keys) == 0 ? malloc(sizeof(*k) + key.len) : NULL;
    if (!k)
        return NULL;
    chain_init(&k->entries);
    k->len = key.len;
    memcpy(k->bytes, key.bytes, key.len);
    return k;
}

static struct owner *owner_get(struct partition *part, struct process *p)
{
    moult_pid pid = process_pid(p);
    struct owner *o = partition_owner(part, pid);

    if (o)
        return o;
    if (process_relations(p) && table_reserve(&part->owners) == 0)
        o = malloc(sizeof(*o));
    if (!o)
        return NULL;
    chain_init(&o->entries);
    o->pid = pid;
    o->partition = part;
    o->heap = &p->ctx.heap;
    return o;
}

/* `o` stands in the partition, and in what its process has. */
static void owner_enter(struct owner *o, struct process *p)
{
    table_add(&o->partition->owners, pid_hash(o->pid), o);
    o->next = p->relations->registered;
    if (o->next)
        o->next->link = &o->next;
    o->link = &p->relations->registered;
    *o->link = o;
    atomic_fetch_add_explicit(o->partition->users, 1, memory_order_relaxed);
}

static void owner_leave(struct owner *o)
{
    table_remove(&o->partition->owners, pid_hash(o->pid), o);
    *o->link = o->next;
    if (o->next)
        o->next->link = o->link;
    reader_release(&o->released);
}

/* All that is needed is there: nothing can fail. */
static void enter(struct partition *part, struct process *p, struct key *k,
                  struct owner *o, struct entry *e)
{
    bool new_key = chain_empty(&k->entries), new_owner = o && chain_empty(&o->entries);

    e->key = k;
    e->owner = o;
    if (o)
        chain_add(&o->entries, &e->of_owner);
    chain_add(&k->entries, &e->in_key);
    if (new_owner)
        owner_enter(o, p);
    if (new_key)
        table_add(&part->keys, item_hash(key_item(k)), k);
    atomic_fetch_add_explicit(&part->count, 1, memory_order_relaxed);
}

static bool is_full(const struct partition *part)
{
    return part->limit &&
           atomic_load_explicit(&part->count, memory_order_relaxed) >= part->limit;
}

static int add_locked(struct partition *part, struct process *p, struct item key,
                      struct entry *e, moult_pid *holder)
{
    struct key *k = part->closed ? NULL : key_get(part, key);
    bool is_new = k && chain_empty(&k->entries);
    struct owner *o;

    if (!k)
        return part->closed ? -ESRCH : -ENOMEM;
    if (part->unique && !is_new) {
        if (holder)
            *holder = entry_pid(key_next(k, NULL));
        return -EEXIST;
    }
    o = p ? owner_get(part, p) : NULL;
    if ((p && !o) || is_full(part)) {
        if (is_new)
            free(k);
        return p && !o ? -ENOMEM : -ENOSPC;
    }
    enter(part, p, k, o, e);
    return 0;
}

int partition_add(struct partition *part, struct process *p, struct item key,
                  struct item value, moult_pid *holder)
{
    uint64_t cost = cost_of(key.len, value.len);
    struct entry *e;
    int error;

    if (p && !heap_charge(&p->ctx.heap, cost))
        return -ENOMEM;
    e = entry_create(value);
    if (e) {
        pthread_mutex_lock(&part->lock);
        error = add_locked(part, p, key, e, holder);
        pthread_mutex_unlock(&part->lock);
        if (!error)
            return 0;
    } else {
        error = -ENOMEM;
    }
    if (p)
        p->ctx.heap.queued -= cost;
    free(e);
    return error;
}

/* With the lock; true if its owner has no more and is gone. */
static bool entry_remove(struct partition *part, struct entry *e)
{
    struct key *k = e->key;
    struct owner *o = e->owner;
    bool last;

    chain_remove(&e->in_key);
    if (chain_empty(&k->entries)) {
        table_remove(&part->keys, item_hash(key_item(k)), k);
        reader_release(&k->released);
    }
    if (o) {
        chain_remove(&e->of_owner);
        o->heap->queued -= cost_of(k->len, e->len);
    }
    last = o && chain_empty(&o->entries);
    if (last)
        owner_leave(o);
    reader_release(&e->released);
    atomic_fetch_sub_explicit(&part->count, 1, memory_order_relaxed);
    return last;
}

/*
 * Is it shorter to look for what `o` has under `k` among all that `o` has?  Takes no
 * longer than that: the busiest room is left as quickly as the owner of all rooms leaves
 * an empty one.
 */
static bool owner_is_shorter(const struct key *k, const struct owner *o)
{
    struct entry *a = key_next(k, NULL), *b = owner_next(o, NULL);

    while (a && b) {
        a = key_next(k, a);
        b = owner_next(o, b);
    }
    return !b;
}

static unsigned remove_all(struct partition *part, struct key *k, struct owner *o,
                           struct item value, bool *gone)
{
    bool by_owner = owner_is_shorter(k, o);
    struct entry *e = by_owner ? owner_next(o, NULL) : key_next(k, NULL), *next;
    unsigned count = 0;

    for (; e && !*gone; e = next) {
        next = by_owner ? owner_next(o, e) : key_next(k, e);
        if (e->key != k || e->owner != o ||
            (value.bytes && !same(entry_item(e), value)))
            continue;
        *gone = entry_remove(part, e);
        count++;
    }
    return count;
}

unsigned partition_remove(struct partition *part, moult_pid pid, struct item key,
                          struct item value, bool *gone)
{
    struct owner *o;
    struct key *k;
    unsigned count = 0;

    *gone = false;
    pthread_mutex_lock(&part->lock);
    k = partition_find(part, key);
    o = partition_owner(part, pid);
    if (k && (o || !pid.bits))
        count = o ? remove_all(part, k, o, value, gone)
                  : (entry_remove(part, key_next(k, NULL)), 1u);
    pthread_mutex_unlock(&part->lock);
    return count;
}

bool owner_remove_first(struct owner *o)
{
    struct partition *part = o->partition;
    bool last;

    pthread_mutex_lock(&part->lock);
    last = entry_remove(part, owner_next(o, NULL));
    pthread_mutex_unlock(&part->lock);
    return last;
}

static struct entry *first_of(const struct key *k, moult_pid pid)
{
    struct entry *e = k ? key_next(k, NULL) : NULL;

    while (e && !moult_pid_equal(entry_pid(e), pid))
        e = key_next(k, e);
    return e;
}

int partition_replace(struct partition *part, moult_pid pid, struct item key,
                      struct item value)
{
    struct entry *e = entry_create(value), *old;

    if (!e)
        return -ENOMEM;
    pthread_mutex_lock(&part->lock);
    old = first_of(partition_find(part, key), pid);
    if (old) {
        e->key = old->key;
        e->owner = old->owner;
        if (old->owner) {
            chain_replace(&old->of_owner, &e->of_owner);
            old->owner->heap->queued += value.len - old->len;
        }
        chain_replace(&old->in_key, &e->in_key);
        reader_release(&old->released);
    }
    pthread_mutex_unlock(&part->lock);
    if (old)
        return 0;
    free(e);
    return -ENOENT;
}

/* -- beginning and end -- */

void partition_init(struct partition *part, bool unique)
{
    pthread_mutex_init(&part->lock, NULL);
    part->unique = unique;
}

void partition_close(struct partition *part)
{
    struct table_walk walk;
    const struct key *k;

    pthread_mutex_lock(&part->lock);
    part->closed = true;
    walk = table_begin(&part->keys);
    while ((k = table_next(&walk)))
        if (!key_next(k, NULL)->owner)
            entry_remove(part, key_next(k, NULL));
    pthread_mutex_unlock(&part->lock);
}

/* The lock owns nothing, and readers may still try it. */
void partition_release(struct partition *part)
{
    table_release(&part->keys);
    table_release(&part->owners);
}
