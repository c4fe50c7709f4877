/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#define NAP_MIN_NS 50000u
#define NAP_MAX_NS 4000000u
#define WORTH_NS   20000u  /* a theft that kept the thief busy for less was none */
#define JUDGE_NS   100000u /* after that it is known whether it helped */
#define REMOTE_NS  1000u   /* each of them should bring that much work along */

void pool_inject(struct process *p)
{
    if (atomic_load_explicit(&pool.stopping, memory_order_relaxed))
        return; /* it is thrown away, wherever it is */
    p->run_next = 0;
    pthread_mutex_lock(&pool.lock);
    if (pool.last)
        pool.last->run_next = process_number(p);
    else
        pool.first = p;
    pool.last = p;
    atomic_fetch_add_explicit(&pool.injected, 1, memory_order_seq_cst);
    pthread_mutex_unlock(&pool.lock);
}

struct process *pool_take_injected(void)
{
    struct process *p;

    if (!atomic_load_explicit(&pool.injected, memory_order_relaxed))
        return NULL;
    pthread_mutex_lock(&pool.lock);
    p = pool.first;
    if (p) {
        pool.first = process_numbered(p->run_next);
        if (!pool.first)
            pool.last = NULL;
        atomic_fetch_sub_explicit(&pool.injected, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&pool.lock);
    return p;
}

/* Where others find it: there is no queue here, or no room in it. */
static __attribute__((noinline)) void schedule_elsewhere(struct worker *w,
                                                         struct process *p)
{
    pool_inject(p);
    if (!w)
        pool_wake_one(true);
    else
        pool_share();
}

__attribute__((noinline)) void worker_schedule(struct process *p)
{
    struct worker *w = pool_own;

    if (__builtin_expect(w && run_queue_push(&w->queue, p), 1))
        pool_share();
    else
        schedule_elsewhere(w, p);
}

__attribute__((noinline)) void worker_schedule_next(struct process *p)
{
    struct worker *w = pool_own;
    struct process *other;

    if (!w) {
        worker_schedule(p);
        return;
    }
    other = next(w);
    set_next(w, p);
    if (other)
        worker_schedule(other);
}

uint64_t worker_ticks(const struct worker *w, uint64_t ns)
{
    return w->clock.ticks_limit ? w->clock.ticks_limit * ns / 250000u : ns * 3;
}

/* Give all that waits here to the others. */
void pool_hand_over(struct worker *w)
{
    struct process *p;

    while ((p = run_queue_pop(&w->queue)))
        pool_inject(p);
    if (next(w))
        pool_inject(next(w));
    set_next(w, NULL);
}

static void theft_helped(void)
{
    atomic_store_explicit(&pool.nap_ns, 0, memory_order_relaxed);
}

static void theft_hurt(void)
{
    uint64_t ns = atomic_load_explicit(&pool.nap_ns, memory_order_relaxed);

    ns = ns ? ns * 2 : NAP_MIN_NS;
    atomic_store_explicit(&pool.nap_ns, ns > NAP_MAX_NS ? NAP_MAX_NS : ns,
                          memory_order_relaxed);
}

/*
 * Was the last theft any good?  Not if what was stolen ran dry at once, if it talks to
 * processes elsewhere all the time (then it goes back), or if it was all that its victim
 * had to do, and has only moved.
 */
void pool_judge_theft(struct worker *w, bool dry)
{
    uint64_t took = clock_ticks() - w->stole_at;
    bool talks = w->remote >= (dry ? 1 : REMOTE_ENOUGH) &&
                 took / w->remote < worker_ticks(w, REMOTE_NS);

    if (!dry && !talks && took < worker_ticks(w, JUDGE_NS))
        return;
    if (talks || (dry && took < worker_ticks(w, WORTH_NS)) ||
        atomic_load_explicit(&w->stole_from->state, memory_order_relaxed) != AWAKE)
        theft_hurt();
    else
        theft_helped();
    w->stole_from = NULL;
    if (talks)
        pool_hand_over(w);
}

struct process *pool_steal(struct worker *w)
{
    unsigned count = pool_used();

    for (unsigned i = 1; i < count; i++) {
        struct worker *from = &pool.workers[(w->index + i) % count];
        struct process *p = run_queue_steal(&from->queue, &w->queue);

        if (p) {
            w->figures.stolen++;
            w->stole_from = from;
            w->remote = 0;
            w->stole_at = clock_ticks();
            return p;
        }
    }
    return NULL;
}

void worker_count_remote(uint32_t messages)
{
    struct worker *w = worker_current();

    if (w)
        w->remote += messages;
}
