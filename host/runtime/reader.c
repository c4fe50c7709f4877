/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <urcu-qsbr.h>

#include "sanitize.h"
#include "thread.h"
#include "worker.h"

#define GATHER_NS 1000000

static struct {
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t work;  /* for the sweeper */
    pthread_t sweeper;
    bool is_open, is_ending;
    pthread_key_t key; /* unregisters threads of the plugins' own when they end */
    bool key_made;     /* for good: threads that use it may end later than all else */
} readers = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* Release by who adds; the sweeper takes all of it, with acquire. */
static _Atomic(struct released *) released;

static __thread bool registered;

static void reader_ends(void *unused)
{
    rcu_unregister_thread();
}

static void free_all(struct released *r)
{
    while (r) {
        struct released *next = r->next;

        free(r);
        r = next;
    }
}

/* Until GATHER_NS from now, or until all is to end. */
static void gather(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GATHER_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!readers.is_ending && pthread_cond_clockwait(&readers.work, &readers.lock,
                                                        CLOCK_MONOTONIC, &until) == 0)
        continue;
}

/*
 * Wait until something is released, and for more of it: a wake-up costs who releases ten
 * times as much as what it released.  False if all is to end.
 */
static bool wait_for_work(void)
{
    bool goes_on;

    pthread_mutex_lock(&readers.lock);
    while (!atomic_load_explicit(&released, memory_order_relaxed) && !readers.is_ending)
        pthread_cond_wait(&readers.work, &readers.lock);
    gather();
    goes_on = !readers.is_ending;
    pthread_mutex_unlock(&readers.lock);
    return goes_on;
}

static void *sweep(void *unused)
{
    bool goes_on = true;

    while (goes_on) {
        struct released *all;

        goes_on = wait_for_work();
        all = atomic_exchange_explicit(&released, NULL, memory_order_acquire);
        synchronize_rcu();
        SANITIZER_ACQUIRE(&released);
        free_all(all);
    }
    return NULL;
}

int readers_start(void)
{
    if (!readers.key_made && pthread_key_create(&readers.key, reader_ends) != 0)
        return -ENOMEM;
    readers.key_made = true;
    readers.is_ending = false;
    if (thread_start(&readers.sweeper, "sweeper", sweep, NULL) < 0)
        return -ENOMEM;
    readers.is_open = true;
    return 0;
}

void readers_stop(void)
{
    if (!readers.is_open)
        return;
    pthread_mutex_lock(&readers.lock);
    readers.is_ending = true;
    readers.is_open = false;
    pthread_cond_signal(&readers.work);
    pthread_mutex_unlock(&readers.lock);
    pthread_join(readers.sweeper, NULL);
}

void reader_begin(void)
{
    if (worker_current())
        return;
    if (!registered) {
        rcu_register_thread();
        registered = true;
        pthread_setspecific(readers.key, &readers);
    } else {
        rcu_thread_online();
    }
}

void reader_end(void)
{
    SANITIZER_RELEASE(&released); /* a grace period orders this before free() */
    if (!worker_current())
        rcu_thread_offline();
}

void reader_rest(void)
{
    if (worker_current())
        rcu_quiescent_state();
}

void reader_release(struct released *r)
{
    struct released *first = atomic_load_explicit(&released, memory_order_relaxed);

    if (!r)
        return;
    SANITIZER_RELEASE(&released);
    do
        r->next = first;
    while (!atomic_compare_exchange_weak_explicit(
        &released, &first, r, memory_order_release, memory_order_relaxed));
    if (first)
        return; /* the sweeper knows */
    pthread_mutex_lock(&readers.lock);
    pthread_cond_signal(&readers.work);
    pthread_mutex_unlock(&readers.lock);
}
