/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sanitize.h"

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

/*
 * Of this thread, if it is a worker.  Only the two functions below may read it: they are
 * not inlined and leave for no other stack, so the address of what is the thread's is not
 * kept until a fiber goes on on another thread.
 */
static __thread struct envelope_cache *own;

void envelope_cache_use(struct envelope_cache *cache)
{
    own = cache;
}

static inline struct envelope *fill_in(struct envelope *e, enum envelope_kind kind)
{
    e->next = NULL; /* field by field: the second cache line is left alone */
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

/* Not from a cache, or from one that is empty. */
static __attribute__((noinline)) struct envelope *
create_slowly(enum envelope_kind kind, struct envelope_cache *cache)
{
    struct envelope *e;
    uint32_t count = 0;

    if (SANITIZED_MEMORY)
        e = aligned_alloc(128, sizeof(*e));
    else
        e = pool_take(cache ? BATCH : 1, &count);
    if (e && cache && !SANITIZED_MEMORY) {
        cache->free = e->next;
        cache->count = count - 1;
    }
    if (!e && kind >= ENVELOPE_SIGNAL && !SANITIZED_MEMORY)
        e = reserve_take();
    return e ? fill_in(e, kind) : NULL;
}

__attribute__((noinline)) struct envelope *envelope_create(enum envelope_kind kind)
{
    struct envelope_cache *cache = own;
    struct envelope *e = cache ? cache->free : NULL;

    if (__builtin_expect(!e, 0))
        return create_slowly(kind, cache);
    cache->free = e->next;
    cache->count--;
    return fill_in(e, kind);
}

/* Give half of a cache that is full to the pool. */
static __attribute__((noinline)) void cache_trim(struct envelope_cache *cache)
{
    struct envelope *first = cache->free, *last = first;

    for (uint32_t i = 1; i < BATCH; i++)
        last = last->next;
    cache->free = last->next;
    cache->count -= BATCH;
    pool_put(first, last, BATCH);
}

static __attribute__((noinline)) void destroy_slowly(struct envelope *e)
{
    out_release(&e->out);
    if (SANITIZED_MEMORY)
        free(e);
    else if (own)
        envelope_destroy(e);
    else
        pool_put(e, e, 1);
}

__attribute__((noinline)) void envelope_destroy(struct envelope *e)
{
    struct envelope_cache *cache = own;

    if (!e)
        return;
    if (__builtin_expect(!cache || e->out.owned || SANITIZED_MEMORY, 0)) {
        destroy_slowly(e);
        return;
    }
    e->next = cache->free;
    cache->free = e;
    if (__builtin_expect(++cache->count >= 2 * BATCH, 0))
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
