/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu-qsbr.h>

/*
 * What this extra, which is not OFF, is to run; NULL: then it is OFF, or at the end one
 * like all others, and nobody who comes later will find that it is still there.
 */
static struct process *given_or_off(struct worker *w)
{
    bool blocks, stops;
    struct process *p;

    pthread_mutex_lock(&pool.extras);
    stops = atomic_load_explicit(&pool.stopping, memory_order_relaxed);
    blocks = atomic_load_explicit(&w->duty, memory_order_relaxed) == BLOCKS;
    p = w->given;
    w->given = NULL;
    if (!p && blocks && !stops && (p = pool.first_blocking))
        pool.first_blocking = process_numbered(p->run_next);
    if (!p) {
        pool.blocking -= blocks;
        atomic_store_explicit(&w->duty, stops ? WORKS : OFF, memory_order_relaxed);
        if (!stops)
            atomic_fetch_sub_explicit(&pool.active, 1, memory_order_seq_cst);
    }
    pthread_mutex_unlock(&pool.extras);
    return p;
}

/* What an extra is to run; NULL if it is one like the others now. */
struct process *extra_on_duty(struct worker *w)
{
    struct process *p;
    uint32_t duty;

    while ((duty = atomic_load_explicit(&w->duty, memory_order_acquire)) != WORKS) {
        if (duty == OFF) {
            pool_futex_wait(&w->duty, OFF);
            continue;
        }
        pool_hand_over(w);
        p = given_or_off(w);
        if (p)
            return p;
        pool_wake_one(true); /* for what was handed over */
        pool_tell_quiet();
    }
    return NULL;
}

/* Another one, if there may be more.  With the extras' lock held. */
static struct worker *new_extra(void)
{
    unsigned count = pool_used();
    struct worker *w = &pool.workers[count];

    if (count == pool.count + WORKERS_EXTRA)
        return NULL;
    worker_init(w, count);
    atomic_store_explicit(&w->duty, OFF, memory_order_relaxed);
    if (worker_thread_start(w) < 0)
        return NULL;
    atomic_store_explicit(&pool.used, count + 1, memory_order_release);
    return w;
}

/* Have an extra do this.  False if there is none.  With the extras' lock held. */
static bool add_extra(enum duty duty, struct process *p)
{
    struct worker *w = NULL;

    for (unsigned i = pool.count; i < pool_used() && !w; i++)
        if (atomic_load_explicit(&pool.workers[i].duty, memory_order_relaxed) == OFF)
            w = &pool.workers[i];
    if (!w)
        w = new_extra();
    if (!w)
        return false;
    w->given = p;
    atomic_fetch_add_explicit(&pool.active, 1, memory_order_seq_cst);
    pool.blocking += duty == BLOCKS;
    atomic_store_explicit(&w->duty, duty, memory_order_release);
    pool_futex_wake(&w->duty);
    return true;
}

/* With the extras' lock held. */
static void queue_blocking(struct process *p)
{
    p->run_next = 0;
    if (pool.first_blocking)
        pool.last_blocking->run_next = process_number(p);
    else
        pool.first_blocking = p;
    pool.last_blocking = p;
}

/* Have `p`, which has left its stack, go on where it may block; else where it was. */
void extra_block(struct process *p)
{
    bool found = true;

    pthread_mutex_lock(&pool.extras);
    if (pool.blocking == WORKERS_BLOCKING || !add_extra(BLOCKS, p)) {
        found = pool.blocking > 0;
        if (found)
            queue_blocking(p);
    }
    pthread_mutex_unlock(&pool.extras);
    if (!found)
        worker_schedule(p);
}

void workers_help(unsigned held)
{
    unsigned helping = 0;

    if (held > WORKERS_HELPING)
        held = WORKERS_HELPING;
    pthread_mutex_lock(&pool.extras);
    for (unsigned i = pool.count; i < pool_used(); i++) {
        struct worker *w = &pool.workers[i];
        uint32_t duty = atomic_load_explicit(&w->duty, memory_order_relaxed);

        if (duty != WORKS && duty != LEAVES)
            continue;
        duty = ++helping > held ? LEAVES : WORKS;
        atomic_store_explicit(&w->duty, duty, memory_order_relaxed);
        if (duty == LEAVES && !pool_wake(w, ASLEEP))
            pool_wake(w, NAPPING);
    }
    while (helping < held && add_extra(WORKS, NULL))
        helping++;
    pthread_mutex_unlock(&pool.extras);
}

/* Those that are off wait for something to do; that is to end. */
void extras_wake(void)
{
    pthread_mutex_lock(&pool.extras);
    for (unsigned i = pool.count; i < pool_used(); i++) {
        struct worker *w = &pool.workers[i];

        if (atomic_load_explicit(&w->duty, memory_order_relaxed) != OFF)
            continue;
        atomic_store_explicit(&w->duty, WORKS, memory_order_release);
        pool_futex_wake(&w->duty);
    }
    pthread_mutex_unlock(&pool.extras);
}
