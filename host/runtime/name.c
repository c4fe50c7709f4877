/* SPDX-License-Identifier: Apache-2.0 */
#include "name.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>
#include <xxhash.h>

#include "process.h"
#include "sanitize.h"
#include "thread.h"
#include "worker.h"

/* For a million names, eight in a bucket; what is not used is never touched. */
#define BUCKETS (1u << 17)

struct name {
    _Atomic(struct name *) next; /* in its bucket; release, for readers' acquire */
    struct name *released;       /* before it */
    moult_pid pid;
    char text[];
};

/*
 * liburcu's own hash table and call_rcu() end the program when there is no memory for
 * them.  This needs none: the table is fixed, and a thread frees what was released.
 */
static struct {
    pthread_mutex_t lock; /* of who writes, and of name_of; guards all that follows */
    pthread_cond_t work;  /* for the thread */
    struct name *released;
    pthread_t sweeper;
    bool is_open, is_ending;
    pthread_key_t reader; /* unregisters threads of the plugins' own when they end */
    bool reader_made; /* for good: threads that use it may end later than the table */
} names = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

static _Atomic(struct name *) buckets[BUCKETS]; /* release, for readers' acquire */

static __thread bool reader_registered;

static void reader_ends(void *unused)
{
    rcu_unregister_thread();
}

static void free_all(struct name *n)
{
    while (n) {
        struct name *next = n->released;

        free(n);
        n = next;
    }
}

/* Free what is released, a grace period later. */
static void *sweep(void *unused)
{
    bool goes_on = true;

    while (goes_on) {
        struct name *released;

        pthread_mutex_lock(&names.lock);
        while (!names.released && !names.is_ending)
            pthread_cond_wait(&names.work, &names.lock);
        released = names.released;
        names.released = NULL;
        goes_on = !names.is_ending;
        pthread_mutex_unlock(&names.lock);
        synchronize_rcu();
        SANITIZER_ACQUIRE(&names.released);
        free_all(released);
    }
    return NULL;
}

int names_start(void)
{
    if (!names.reader_made && pthread_key_create(&names.reader, reader_ends) != 0)
        return -ENOMEM;
    names.reader_made = true;
    names.is_ending = false;
    if (thread_start(&names.sweeper, "names", sweep, NULL) < 0)
        return -ENOMEM;
    names.is_open = true;
    return 0;
}

/*
 * Workers are readers all the time and say when they hold nothing.  Other threads are
 * readers only inside a look-up.
 */
static void reader_begin(void)
{
    if (worker_current())
        return;
    if (!reader_registered) {
        rcu_register_thread();
        reader_registered = true;
        pthread_setspecific(names.reader, &names);
    } else {
        rcu_thread_online();
    }
}

static void reader_end(void)
{
    if (!worker_current())
        rcu_thread_offline();
}

void names_stop(void)
{
    if (!names.is_open)
        return;
    pthread_mutex_lock(&names.lock);
    names.is_ending = true;
    names.is_open = false;
    pthread_cond_signal(&names.work);
    pthread_mutex_unlock(&names.lock);
    pthread_join(names.sweeper, NULL);
}

static _Atomic(struct name *) *bucket_of(const char *text)
{
    return &buckets[XXH3_64bits(text, strlen(text)) % BUCKETS];
}

/* By a reader, or with the lock held. */
static struct name *find(const char *text)
{
    struct name *n = atomic_load_explicit(bucket_of(text), memory_order_acquire);

    while (n && strcmp(n->text, text) != 0)
        n = atomic_load_explicit(&n->next, memory_order_acquire);
    return n;
}

/* With the lock held. */
static void add(struct name *n)
{
    _Atomic(struct name *) *bucket = bucket_of(n->text);

    atomic_store_explicit(&n->next, atomic_load_explicit(bucket, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(bucket, n, memory_order_release);
}

static void take_out(struct name *n)
{
    _Atomic(struct name *) *link = bucket_of(n->text);
    struct name *at;

    while ((at = atomic_load_explicit(link, memory_order_relaxed)) != n)
        link = &at->next;
    atomic_store_explicit(link, atomic_load_explicit(&n->next, memory_order_relaxed),
                          memory_order_release);
}

moult_pid name_find(const char *text)
{
    moult_pid pid = {0};
    struct name *n;

    if (!text)
        return pid;
    reader_begin();
    n = find(text);
    if (n)
        pid = n->pid;
    SANITIZER_RELEASE(&names.released); /* a grace period orders this before free() */
    reader_end();
    return pid;
}

int name_register(struct process *p, const char *text, moult_pid *holder)
{
    size_t len = text ? strlen(text) : 0;
    struct name *n, *there;

    if (len == 0 || len > NAME_MAX_LEN || p->name)
        return -EINVAL;
    n = malloc(sizeof(*n) + len + 1);
    if (!n)
        return -ENOMEM;
    n->pid = process_pid(p);
    memcpy(n->text, text, len + 1);
    pthread_mutex_lock(&names.lock);
    there = find(text);
    if (there) {
        if (holder)
            *holder = there->pid;
    } else {
        add(n);
        p->name = n;
    }
    pthread_mutex_unlock(&names.lock);
    if (!there)
        return 0;
    free(n);
    return -EEXIST;
}

void name_release(struct process *p)
{
    struct name *n = p->name;

    if (!n)
        return;
    pthread_mutex_lock(&names.lock);
    p->name = NULL;
    take_out(n);
    n->released = names.released;
    names.released = n;
    SANITIZER_RELEASE(&names.released);
    pthread_cond_signal(&names.work);
    pthread_mutex_unlock(&names.lock);
}

void name_of(moult_pid pid, char to[NAME_MAX_LEN + 1])
{
    struct process *p;

    to[0] = 0;
    pthread_mutex_lock(&names.lock);
    p = process_find(pid);
    if (p && p->name)
        strcpy(to, p->name->text);
    pthread_mutex_unlock(&names.lock);
}
