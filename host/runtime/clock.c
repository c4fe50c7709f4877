/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

#define LEARN_NS \
    10000000u /* a thread may lose its core for some ms between two readings */

#define PACE_BITS 16u

/* Relaxed: a clock orders nothing; timers are fired under the lock of their wheel. */
static _Atomic uint64_t virtual_ns;
static _Atomic bool is_virtual;

uint64_t clock_ns(void)
{
    struct timespec now;

    if (atomic_load_explicit(&is_virtual, memory_order_relaxed))
        return atomic_load_explicit(&virtual_ns, memory_order_acquire);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t ticks;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
}

static uint64_t cached_at(struct clock_cache *cache, uint64_t ticks)
{
    uint64_t ns;

    if (ticks - cache->ticks < cache->ticks_limit &&
        !atomic_load_explicit(&is_virtual, memory_order_relaxed))
        return cache->ns;
    ns = clock_ns();
    /* Learn the counter's pace, over a while and on the cautious side. */
    if (!cache->first_ns) {
        cache->first_ns = ns;
        cache->first_ticks = ticks;
    } else if (ns - cache->first_ns > LEARN_NS) {
        cache->ticks_limit =
            (uint64_t)((double)(ticks - cache->first_ticks) /
                       (double)(ns - cache->first_ns) * CLOCK_STALE_NS / 2);
        if (cache->ticks_limit > 0) /* else the clock is one that was moved */
            cache->pace =
                ((uint64_t)CLOCK_STALE_NS << PACE_BITS) / cache->ticks_limit + 1;
    }
    cache->ns = ns;
    cache->ticks = ticks;
    return ns;
}

uint64_t clock_cached_ns(struct clock_cache *cache)
{
    return cached_at(cache, clock_ticks());
}

uint64_t clock_latest_ns(struct clock_cache *cache)
{
    uint64_t ticks = clock_ticks(), ns = cached_at(cache, ticks);

    return ns + ((ticks - cache->ticks) * cache->pace >> PACE_BITS);
}

void clock_set_virtual(bool on)
{
    atomic_store_explicit(&virtual_ns, 1000000000u, memory_order_relaxed);
    atomic_store_explicit(&is_virtual, on, memory_order_relaxed);
}

bool clock_is_virtual(void)
{
    return atomic_load_explicit(&is_virtual, memory_order_relaxed);
}

void clock_advance(uint64_t ns)
{
    /* Release: what a test did before comes before what it lets happen by this. */
    atomic_fetch_add_explicit(&virtual_ns, ns, memory_order_release);
}
