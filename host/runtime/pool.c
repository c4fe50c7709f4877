/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "barrier.h"
#include "thread.h"
#include "watchdog.h"

struct pool pool = {.extras = PTHREAD_MUTEX_INITIALIZER,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .quiet = PTHREAD_COND_INITIALIZER};

unsigned workers_count(void)
{
    return pool.count;
}

void worker_figures(unsigned index, struct worker_figures *out)
{
    *out = pool.workers[index].figures;
    out->turns = atomic_load_explicit(&pool.workers[index].turns, memory_order_relaxed);
}

/* A hint: what is injected is read without its lock. */
void workers_load(struct workers_load *out)
{
    *out = (struct workers_load){
        .workers = pool.count,
        .run_queue = atomic_load_explicit(&pool.injected, memory_order_relaxed)};
    for (unsigned i = 0; i < pool_used(); i++) {
        struct worker *w = &pool.workers[i];

        out->busy += running(w) != NULL;
        out->run_queue += run_queue_count(&w->queue) + (next(w) != NULL);
        out->turns += atomic_load_explicit(&w->turns, memory_order_relaxed);
    }
}

void workers_prepare(void)
{
    pool.fences =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
}

static void *worker_main(void *argument)
{
    struct worker *w = argument;
    struct fiber *f;

    worker_set_current(w);
    atomic_store_explicit(&w->thread_id, gettid(), memory_order_relaxed);
    rcu_register_thread();
    barrier_thread_start();
    watchdog_thread_start();
    fiber_adopt_thread(&w->thread);
    fiber_switch(&w->thread, w->fiber);
    fiber_destroy(w->fiber);
    while ((f = w->spare)) {
        w->spare = f->next;
        fiber_destroy(f);
    }
    atomic_store_explicit(&w->thread_id, 0, memory_order_relaxed);
    envelope_cache_finish(&w->envelopes);
    barrier_thread_finish();
    rcu_unregister_thread();
    worker_set_current(NULL);
    return NULL;
}

int worker_thread_start(struct worker *w)
{
    char name[24];
    int error;

    w->fiber = fiber_create(FIBER_STACK, worker_loop);
    if (!w->fiber)
        return -ENOMEM;
    snprintf(name, sizeof(name), w->index < pool.count ? "worker %u" : "extra %u",
             w->index);
    error = thread_start(&w->id, name, worker_main, w);
    if (error)
        fiber_destroy(w->fiber);
    return error;
}

/* Memory for extras is written when they are made. */
void worker_init(struct worker *w, unsigned index)
{
    memset(w, 0, sizeof(*w));
    w->index = index;
    wheel_init(&w->wheel, clock_ns() / 1000000u);
}

int workers_start(unsigned count)
{
    int error = 0;

    if (count == 0 || count > WORKERS_MAX)
        return -EINVAL;
    pool.workers = aligned_alloc(64, sizeof(*pool.workers) * (count + WORKERS_EXTRA));
    if (!pool.workers)
        return -ENOMEM;
    workers_prepare();
    atomic_store_explicit(&pool.stopping, false, memory_order_relaxed);
    atomic_store_explicit(&pool.asleep, 0, memory_order_relaxed);
    atomic_store_explicit(&pool.nap_ns, 0, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++)
        worker_init(&pool.workers[i], i);
    pool.count = count;
    pool.blocking = 0;
    atomic_store_explicit(&pool.active, count, memory_order_relaxed);
    atomic_store_explicit(&pool.used, count, memory_order_relaxed);
    for (unsigned i = 0; i < count && !error; i++) {
        error = worker_thread_start(&pool.workers[i]);
        if (error) {
            pool.count = i;
            atomic_store_explicit(&pool.used, i, memory_order_relaxed);
        }
    }
    if (error)
        workers_stop();
    return error;
}

/* Nothing runs any more: let go of what is left, without telling anybody. */
static void discard_processes(void)
{
    struct process *p;

    for (uint32_t i = 0; (p = process_at(i)); i++) {
        struct fiber *f = p->fiber;

        if (mailbox_state(atomic_load_explicit(&p->inbox, memory_order_acquire)) ==
            MAILBOX_CLOSED)
            continue;
        process_finish(p);
        fiber_destroy(f);
    }
}

void workers_stop(void)
{
    atomic_store_explicit(&pool.stopping, true, memory_order_seq_cst);
    workers_wake();
    extras_wake();
    /* One that still runs may add another behind it. */
    for (unsigned i = 0; i < pool_used(); i++)
        pthread_join(pool.workers[i].id, NULL);
    watchdog_stop();               /* it ends what does not come back until here */
    pool.first = pool.last = NULL; /* what links them links free slots now */
    pool.first_blocking = pool.last_blocking = NULL;
    discard_processes();
    atomic_store_explicit(&pool.injected, 0, memory_order_relaxed);
    free(pool.workers);
    pool.workers = NULL;
    pool.count = 0;
    atomic_store_explicit(&pool.used, 0, memory_order_relaxed);
}

static bool is_quiet(void)
{
    return workers_rest() && !pool_has_work() && pool_sleep_ns() != 0;
}

void workers_settle(void)
{
    pthread_mutex_lock(&pool.lock);
    while (!is_quiet())
        pthread_cond_wait(&pool.quiet, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}
bool worker_look(unsigned index, struct worker_look *out)
{
    struct worker *w = &pool.workers[index];
    struct process *p;

    if (index >= pool_used())
        return false;
    p = running(w);
    *out = (struct worker_look){
        .running = p,
        .turn = atomic_load_explicit(&w->turns, memory_order_relaxed),
        .blocking = atomic_load_explicit(&w->blocking, memory_order_relaxed),
        .keeps = next(w) != NULL};
    if (p)
        out->handled = atomic_load_explicit(&p->handled, memory_order_relaxed);
    return true;
}

void worker_interrupt(unsigned index, int signal)
{
    pid_t thread =
        atomic_load_explicit(&pool.workers[index].thread_id, memory_order_relaxed);

    if (thread)
        syscall(SYS_tgkill, getpid(), thread, signal);
}

void worker_give_next(void)
{
    struct worker *w = worker_current();
    struct process *p = next(w);

    if (p && run_queue_push(&w->queue, p)) {
        set_next(w, NULL);
        pool_share();
    }
    if (!atomic_load_explicit(&w->blocking, memory_order_relaxed))
        rcu_quiescent_state();
}

bool workers_stopping(void)
{
    return atomic_load_explicit(&pool.stopping, memory_order_relaxed);
}
