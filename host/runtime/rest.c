/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "watchdog.h"

void pool_futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void pool_futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    rcu_thread_offline();
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    rcu_thread_online();
}

/* Wake `w` if it is in `state`.  Acquire and release order nothing: queues do. */
bool pool_wake(struct worker *w, uint32_t state)
{
    if (!atomic_compare_exchange_strong_explicit(
            &w->state, &state, AWAKE, memory_order_seq_cst, memory_order_relaxed))
        return false;
    if (state == ASLEEP) {
        atomic_fetch_sub_explicit(&pool.asleep, 1, memory_order_seq_cst);
        watchdog_rouse();
    }
    pool_futex_wake(&w->state);
    return true;
}

bool pool_wake_one(bool nappers)
{
    for (unsigned i = 0; i < pool_used(); i++)
        if (pool_wake(&pool.workers[i], ASLEEP))
            return true;
    for (unsigned i = 0; nappers && i < pool_used(); i++)
        if (pool_wake(&pool.workers[i], NAPPING))
            return true;
    return false;
}

void workers_wake(void)
{
    for (unsigned i = 0; i < pool_used(); i++)
        if (!pool_wake(&pool.workers[i], ASLEEP))
            pool_wake(&pool.workers[i], NAPPING);
}

void pool_share_slowly(void)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&pool.asleep, memory_order_relaxed))
        pool_wake_one(false);
}

static void barrier(void)
{
    if (pool.fences)
        atomic_thread_fence(memory_order_seq_cst);
    else
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

bool pool_has_work(void)
{
    if (atomic_load_explicit(&pool.injected, memory_order_relaxed) ||
        atomic_load_explicit(&pool.stopping, memory_order_relaxed))
        return true;
    for (unsigned i = 0; i < pool_used(); i++)
        if (!run_queue_is_empty(&pool.workers[i].queue))
            return true;
    return false;
}

/* When the first timer of all workers is due: who sleeps fires those of who is busy. */
static uint64_t next_due_ms(void)
{
    uint64_t next = TIMER_NEVER;

    for (unsigned i = 0; i < pool_used(); i++) {
        uint64_t due =
            atomic_load_explicit(&pool.workers[i].wheel.next_ms, memory_order_relaxed);

        if (due < next)
            next = due;
    }
    return next;
}

uint64_t pool_sleep_ns(void)
{
    uint64_t due = next_due_ms(), now = clock_ns();

    if (due > UINT64_MAX / 1000000u) /* TIMER_NEVER, or as good as never */
        return UINT64_MAX;
    if (due * 1000000u <= now)
        return 0;
    return clock_is_virtual() ? UINT64_MAX : due * 1000000u - now;
}

bool workers_rest(void)
{
    return atomic_load_explicit(&pool.asleep, memory_order_seq_cst) ==
           atomic_load_explicit(&pool.active, memory_order_seq_cst);
}

void pool_tell_quiet(void)
{
    pthread_mutex_lock(&pool.lock);
    pthread_cond_broadcast(&pool.quiet);
    pthread_mutex_unlock(&pool.lock);
}

static void wait_on(struct worker *w, uint32_t state, uint64_t ns)
{
    struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    rcu_thread_offline();
    syscall(SYS_futex, &w->state, FUTEX_WAIT_PRIVATE, state,
            ns == UINT64_MAX ? NULL : &left, NULL, 0);
    rcu_thread_online();
}

/* Sleep until there is work or a timer is due. */
void pool_rest(struct worker *w)
{
    uint64_t ns;

    atomic_store_explicit(&w->state, ASLEEP, memory_order_seq_cst);
    if (atomic_fetch_add_explicit(&pool.asleep, 1, memory_order_seq_cst) + 1 ==
        atomic_load_explicit(&pool.active, memory_order_seq_cst))
        pool_tell_quiet();
    barrier();
    ns = pool_has_work() ? 0 : pool_sleep_ns();
    if (ns) {
        w->figures.slept++;
        wait_on(w, ASLEEP, ns);
    }
    pool_wake(w, ASLEEP); /* unless somebody did */
}

/* Leave the others alone for a while, but wake for work from outside. */
void pool_nap(struct worker *w, uint64_t ns)
{
    atomic_store_explicit(&w->state, NAPPING, memory_order_seq_cst);
    barrier();
    if (!atomic_load_explicit(&pool.injected, memory_order_relaxed) &&
        !atomic_load_explicit(&pool.stopping, memory_order_relaxed))
        wait_on(w, NAPPING, ns);
    atomic_store_explicit(&w->state, AWAKE, memory_order_seq_cst);
}
