/* SPDX-License-Identifier: Apache-2.0 */
#include "figures.h"

#define EIGHTHS 8u

/* Below 16 each its own; then eight to a power of two. */
static unsigned step_of(uint64_t ns)
{
    unsigned power;

    if (ns < 2 * EIGHTHS)
        return (unsigned)ns;
    power = 63u - (unsigned)__builtin_clzll(ns);
    return (power - 2) * EIGHTHS + (unsigned)(ns >> (power - 3)) % EIGHTHS;
}

/* The longest time of that step. */
static uint64_t end_of(unsigned step)
{
    unsigned power = step / EIGHTHS + 2;

    if (step < 2 * EIGHTHS)
        return step;
    return ((uint64_t)(step % EIGHTHS + EIGHTHS + 1) << (power - 3)) - 1;
}

void figures_add(struct figures *f, uint64_t ns)
{
    uint64_t most = atomic_load_explicit(&f->most_ns, memory_order_relaxed);

    atomic_fetch_add_explicit(&f->calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&f->total_ns, ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&f->steps[step_of(ns)], 1, memory_order_relaxed);
    while (ns > most && !atomic_compare_exchange_weak_explicit(&f->most_ns, &most, ns,
                                                               memory_order_relaxed,
                                                               memory_order_relaxed))
        ;
}

void figures_fail(struct figures *f)
{
    atomic_fetch_add_explicit(&f->failed, 1, memory_order_relaxed);
}

void figures_reset(struct figures *f)
{
    atomic_store_explicit(&f->failed, 0, memory_order_relaxed);
    atomic_store_explicit(&f->calls, 0, memory_order_relaxed);
    atomic_store_explicit(&f->total_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&f->most_ns, 0, memory_order_relaxed);
    for (unsigned i = 0; i < FIGURES_STEPS; i++)
        atomic_store_explicit(&f->steps[i], 0, memory_order_relaxed);
}

uint64_t figures_quantile(const struct figures *f, unsigned percent)
{
    uint64_t all = 0, so_far = 0, most = figures_most(f);

    for (unsigned i = 0; i < FIGURES_STEPS; i++)
        all += atomic_load_explicit(&f->steps[i], memory_order_relaxed);
    for (unsigned i = 0; i < FIGURES_STEPS; i++) {
        so_far += atomic_load_explicit(&f->steps[i], memory_order_relaxed);
        if (all && so_far * 100 >= all * percent)
            return end_of(i) < most ? end_of(i) : most;
    }
    return 0;
}

uint64_t figures_calls(const struct figures *f)
{
    return atomic_load_explicit(&f->calls, memory_order_relaxed);
}

uint64_t figures_failed(const struct figures *f)
{
    return atomic_load_explicit(&f->failed, memory_order_relaxed);
}

uint64_t figures_mean(const struct figures *f)
{
    uint64_t calls = figures_calls(f);

    return calls ? atomic_load_explicit(&f->total_ns, memory_order_relaxed) / calls : 0;
}

uint64_t figures_most(const struct figures *f)
{
    return atomic_load_explicit(&f->most_ns, memory_order_relaxed);
}
