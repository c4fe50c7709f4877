/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sanitize.h"
#include "worker.h"

/*
 * Envelopes are made in slabs and never given back to the system: the next burst wants
 * them again.  Workers trade them with the common pool by the batch, so that a producer
 * on one core and a consumer on another both stay off the lock.
 */
#define BATCH 256u

static struct {
    pthread_mutex_t lock; /* guards all that follows */
    struct envelope *free;
    uint32_t count;
    void *
        *slabs; /* keeps them reachable for leak checkers: each begins with the next */
    struct envelope *reserve; /* by `next` */
    uint32_t reserved, laid;  /* in it; of `first_reserve`, taken into use so far */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * A message can be refused when there is no memory.  Whoever waits for a signal (that a
 * process has ended, or the reply to its call) would wait for ever; so there is a reserve
 * for those, which is filled up first of what comes back.
 */
#define RESERVE 1024u

static struct envelope first_reserve[RESERVE];

_Static_assert(sizeof(struct envelope) == 128, "two cache lines");

static bool pool_grow(void)
{
    struct envelope *slab = aligned_alloc(128, sizeof(*slab) * BATCH);

    if (!slab)
        return false;
    *(void **)slab = pool.slabs; /* the first is not handed out */
    pool.slabs = (void **)slab;
    for (uint32_t i = 1; i < BATCH; i++) {
        slab[i].next = pool.free;
        pool.free = &slab[i];
    }
    pool.count += BATCH - 1;
    return true;
}

static struct envelope *reserve_take(void)
{
    struct envelope *e = NULL;

    pthread_mutex_lock(&pool.lock);
    if (pool.laid < RESERVE) {
        e = &first_reserve[pool.laid++];
    } else if (pool.reserve) {
        e = pool.reserve;
        pool.reserve = e->next;
        pool.reserved--;
    }
    pthread_mutex_unlock(&pool.lock);
    return e;
}

static struct envelope *pool_take(uint32_t most, uint32_t *taken)
{
    struct envelope *first = NULL;

    pthread_mutex_lock(&pool.lock);
    if (pool.free || pool_grow()) {
        struct envelope *last = first = pool.free;

        *taken = 1;
        while (*taken < most && last->next) {
            last = last->next;
            ++*taken;
        }
        pool.free = last->next;
        pool.count -= *taken;
        last->next = NULL;
    }
    pthread_mutex_unlock(&pool.lock);
    return first;
}

static void pool_put(struct envelope *first, struct envelope *last, uint32_t count)
{
    pthread_mutex_lock(&pool.lock);
    if (pool.reserved < pool.laid) { /* a batch too many does no harm */
        last->next = pool.reserve;
        pool.reserve = first;
        pool.reserved += count;
    } else {
        last->next = pool.free;
        pool.free = first;
        pool.count += count;
    }
    pthread_mutex_unlock(&pool.lock);
}

void envelope_reset(struct envelope *e, enum envelope_kind kind)
{
    out_release(&e->out);
    out_init(&e->out, e->space, sizeof(e->space));
    e->kind = (uint8_t)kind;
    e->flags = 0;
    e->urgency = 0;
    e->code = 0;
}

struct envelope *envelope_create(enum envelope_kind kind)
{
    struct envelope_cache *cache = worker_envelopes();
    struct envelope *e;
    uint32_t count = 0;

    if (SANITIZED_MEMORY) {
        e = aligned_alloc(128, sizeof(*e));
    } else if (!cache) {
        e = pool_take(1, &count);
    } else {
        if (!cache->free) {
            cache->free = pool_take(BATCH, &count);
            cache->count = count;
        }
        e = cache->free;
        if (e) {
            cache->free = e->next;
            cache->count--;
        }
    }
    if (!e && kind >= ENVELOPE_SIGNAL && !SANITIZED_MEMORY)
        e = reserve_take();
    if (!e)
        return NULL;
    e->next = NULL;
    e->from.bits = 0;
    e->ref = 0;
    e->to_generation = 0;
    e->code = 0;
    e->kind = (uint8_t)kind;
    e->flags = 0;
    e->worker = 0;
    e->urgency = 0;
    out_init(&e->out, e->space, sizeof(e->space));
    return e;
}

/* Give half of a cache that is full to the pool. */
static void cache_trim(struct envelope_cache *cache)
{
    struct envelope *first = cache->free, *last = first;

    for (uint32_t i = 1; i < BATCH; i++)
        last = last->next;
    cache->free = last->next;
    cache->count -= BATCH;
    pool_put(first, last, BATCH);
}

void envelope_destroy(struct envelope *e)
{
    struct envelope_cache *cache;

    if (!e)
        return;
    if (e->out.owned)
        out_release(&e->out);
    if (SANITIZED_MEMORY) {
        free(e);
        return;
    }
    cache = worker_envelopes();
    if (!cache) {
        pool_put(e, e, 1);
        return;
    }
    e->next = cache->free;
    cache->free = e;
    if (++cache->count >= 2 * BATCH)
        cache_trim(cache);
}

void envelope_cache_finish(struct envelope_cache *cache)
{
    struct envelope *last = cache->free;

    if (!last)
        return;
    while (last->next)
        last = last->next;
    pool_put(cache->free, last, cache->count);
    *cache = (struct envelope_cache){0};
}
