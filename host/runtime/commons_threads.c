/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libc is to call in a plugin later: threads, destructors of thread-specific data,
 * and handlers of exit.  It is remembered by plugin, so that none of it finds the plugin
 * unloaded.  How the names get here is told in interpose.c.
 */
#include "commons.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <threads.h>

#if COMMONS_GUARDED

#define LAST_ROUND PTHREAD_DESTRUCTOR_ITERATIONS

int guarded_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                           void *(*main)(void *context), void *context);
int guarded_thrd_create(thrd_t *thread, thrd_start_t main, void *context);
int guarded_key_create(pthread_key_t *key, void (*destructor)(void *value));
int guarded_key_delete(pthread_key_t key);
int guarded_tss_create(tss_t *key, tss_dtor_t destructor);
void guarded_tss_delete(tss_t key);
int guarded_on_exit(void (*handler)(int status, void *context), void *context);

__asm__(".symver guarded_pthread_create, pthread_create@@\n"
        ".symver guarded_thrd_create, thrd_create@@\n"
        ".symver guarded_key_create, pthread_key_create@@\n"
        ".symver guarded_key_delete, pthread_key_delete@@\n"
        ".symver guarded_tss_create, tss_create@@\n"
        ".symver guarded_tss_delete, tss_delete@@\n"
        ".symver guarded_on_exit, on_exit@@\n");

static struct {
    __typeof__(guarded_pthread_create) *pthread_create;
    __typeof__(guarded_thrd_create) *thrd_create;
    __typeof__(guarded_key_create) *key_create;
    __typeof__(guarded_key_delete) *key_delete;
    __typeof__(guarded_tss_create) *tss_create;
    __typeof__(guarded_tss_delete) *tss_delete;
    __typeof__(guarded_on_exit) *on_exit;
} real;

/* Libraries that start before this one call some of them in their constructors. */
__attribute__((constructor)) static void find_real(void)
{
    *(void **)&real.pthread_create = dlsym(RTLD_NEXT, "pthread_create");
    *(void **)&real.thrd_create = dlsym(RTLD_NEXT, "thrd_create");
    *(void **)&real.key_create = dlsym(RTLD_NEXT, "pthread_key_create");
    *(void **)&real.key_delete = dlsym(RTLD_NEXT, "pthread_key_delete");
    *(void **)&real.tss_create = dlsym(RTLD_NEXT, "tss_create");
    *(void **)&real.tss_delete = dlsym(RTLD_NEXT, "tss_delete");
    *(void **)&real.on_exit = dlsym(RTLD_NEXT, "on_exit");
}

#define CALLER     __builtin_return_address(0)
#define REAL(name) (real.name ? real.name : (find_real(), real.name))

/* -- threads -- */

/* A thread that a plugin has started. */
struct started {
    LIST_ENTRY(started) link;
    const char *path; /* of the plugin */
    void *(*main)(void *context);
    thrd_start_t c11_main;
    void *context;
    int round; /* of calling destructors at its end */
};

static struct {
    pthread_mutex_t lock; /* guards the list */
    LIST_HEAD(, started) list;
    pthread_once_t once; /* for what follows */
    pthread_key_t key;   /* a thread's own, whose destructor is our news of its end */
    int error;
} threads = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

/* In the last round: destructors of the plugin may run until then. */
static void ended(void *value)
{
    struct started *s = value;

    if (++s->round < LAST_ROUND && pthread_setspecific(threads.key, s) == 0)
        return;
    pthread_mutex_lock(&threads.lock);
    LIST_REMOVE(s, link);
    pthread_mutex_unlock(&threads.lock);
    free(s);
}

static void make_key(void)
{
    threads.error = REAL(key_create)(&threads.key, ended);
}

static void *run(void *context)
{
    struct started *s = context;

    pthread_setspecific(threads.key, s);
    return s->main(s->context);
}

static int run_c11(void *context)
{
    struct started *s = context;

    pthread_setspecific(threads.key, s);
    return s->c11_main(s->context);
}

/*
 * Remember a thread of the plugin at `caller`, or NULL: nobody's.  One that a constructor
 * starts is its destructor's to end: the vet has seen that it does.
 */
static struct started *remember(const void *caller, int *error)
{
    struct tenant tenant;
    struct started *s;

    if (commons_in_constructor() || !commons_tenant(caller, &tenant))
        return NULL;
    pthread_once(&threads.once, make_key);
    s = threads.error ? NULL : calloc(1, sizeof(*s));
    if (!s) {
        *error = EAGAIN;
        return NULL;
    }
    s->path = tenant.path;
    pthread_mutex_lock(&threads.lock);
    LIST_INSERT_HEAD(&threads.list, s, link);
    pthread_mutex_unlock(&threads.lock);
    return s;
}

static void never_started(struct started *s)
{
    pthread_mutex_lock(&threads.lock);
    LIST_REMOVE(s, link);
    pthread_mutex_unlock(&threads.lock);
    free(s);
}

int guarded_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                           void *(*main)(void *context), void *context)
{
    int error = 0;
    struct started *s = remember(CALLER, &error);

    if (!s)
        return error ? error : REAL(pthread_create)(thread, attributes, main, context);
    s->main = main;
    s->context = context;
    error = REAL(pthread_create)(thread, attributes, run, s);
    if (error)
        never_started(s);
    return error;
}

int guarded_thrd_create(thrd_t *thread, thrd_start_t main, void *context)
{
    int error = 0;
    struct started *s = remember(CALLER, &error);

    if (!s)
        return error ? thrd_nomem : REAL(thrd_create)(thread, main, context);
    s->c11_main = main;
    s->context = context;
    error = REAL(thrd_create)(thread, run_c11, s);
    if (error != thrd_success)
        never_started(s);
    return error;
}

unsigned commons_threads(const char *path)
{
    const struct started *s;
    unsigned count = 0;

    pthread_mutex_lock(&threads.lock);
    LIST_FOREACH(s, &threads.list, link)
    count += s->path == path;
    pthread_mutex_unlock(&threads.lock);
    return count;
}

/* -- destructors of thread-specific data -- */

static _Atomic(const char *)
    key_owners[PTHREAD_KEYS_MAX]; /* paths; relaxed: who deletes
                                                              one knows who made it */

static void own_key(const void *caller, unsigned key)
{
    struct tenant tenant;

    if (key < PTHREAD_KEYS_MAX && commons_tenant(caller, &tenant))
        atomic_store_explicit(&key_owners[key], tenant.path, memory_order_relaxed);
}

static void disown_key(unsigned key)
{
    if (key < PTHREAD_KEYS_MAX)
        atomic_store_explicit(&key_owners[key], NULL, memory_order_relaxed);
}

int guarded_key_create(pthread_key_t *key, void (*destructor)(void *value))
{
    int error = REAL(key_create)(key, destructor);

    if (!error)
        own_key(CALLER, *key);
    return error;
}

int guarded_key_delete(pthread_key_t key)
{
    disown_key(key);
    return REAL(key_delete)(key);
}

int guarded_tss_create(tss_t *key, tss_dtor_t destructor)
{
    int error = REAL(tss_create)(key, destructor);

    if (error == thrd_success)
        own_key(CALLER, *key);
    return error;
}

void guarded_tss_delete(tss_t key)
{
    disown_key(key);
    REAL(tss_delete)(key);
}

void commons_forget_keys(const struct tenant *tenant)
{
    bool any = false;

    for (unsigned key = 0; key < PTHREAD_KEYS_MAX; key++) {
        if (atomic_load_explicit(&key_owners[key], memory_order_relaxed) !=
            tenant->path)
            continue;
        disown_key(key);
        REAL(key_delete)(key);
        any = true;
    }
    if (any)
        commons_tell(tenant, "thread-specific data with no pthread_key_delete",
                     "undone");
}

/* -- handlers of exit -- */

/* Unlike those of atexit(), it would be called when the plugin is unloaded. */
int guarded_on_exit(void (*handler)(int status, void *context), void *context)
{
    return commons_prevents(CALLER, TRESPASS_EXIT, "on_exit")
               ? -1
               : REAL(on_exit)(handler, context);
}

#else

unsigned commons_threads(const char *path)
{
    return 0;
}

void commons_forget_keys(const struct tenant *tenant)
{
}

#endif
