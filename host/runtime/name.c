/* SPDX-License-Identifier: Apache-2.0 */
#include "name.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "process.h"
#include "reader.h"
#include "registry.h"
#include "via.h"

/* For a million names, eight in a bucket; what is not used is never touched. */
#define BUCKETS (1u << 17)

struct name {
    struct released released;
    _Atomic(struct name *) next; /* in its bucket; release, for readers' acquire */
    moult_pid pid;
    char text[];
};

static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* of who writes, and name_of */

/*
 * liburcu's own hash table ends the program when there is no memory for it.  This needs
 * none: it is fixed.
 */
static _Atomic(struct name *) buckets[BUCKETS]; /* release, for readers' acquire */

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
    if (via_is(text))
        return via_find(text);
    reader_begin();
    n = find(text);
    if (n)
        pid = n->pid;
    reader_end();
    return pid;
}

int name_register(struct process *p, const char *text, moult_pid *holder)
{
    size_t len = text ? strlen(text) : 0;
    struct name *n, *there;

    if (len == 0 || len > NAME_MAX_LEN)
        return -EINVAL;
    if (via_is(text))
        return via_register(p, text, holder);
    if (p->name)
        return -EINVAL;
    n = malloc(sizeof(*n) + len + 1);
    if (!n)
        return -ENOMEM;
    n->pid = process_pid(p);
    memcpy(n->text, text, len + 1);
    pthread_mutex_lock(&lock);
    there = find(text);
    if (there) {
        if (holder)
            *holder = there->pid;
    } else {
        add(n);
        p->name = n;
    }
    pthread_mutex_unlock(&lock);
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
    pthread_mutex_lock(&lock);
    p->name = NULL;
    take_out(n);
    pthread_mutex_unlock(&lock);
    reader_release(&n->released);
}

void name_of(moult_pid pid, char to[NAME_MAX_LEN + 1])
{
    struct process *p;

    to[0] = 0;
    pthread_mutex_lock(&lock);
    p = process_find(pid);
    if (p && p->name)
        strcpy(to, p->name->text);
    pthread_mutex_unlock(&lock);
}

const char *name_problem(const char *name, int error, moult_pid holder,
                         char text[NAME_PROBLEM])
{
    char pid[PID_TEXT];

    switch (error) {
    case -EEXIST:
        snprintf(text, NAME_PROBLEM, "the name '%s' is taken by %s", name,
                 pid_print(holder, pid));
        return text;
    case -EINVAL:
        snprintf(text, NAME_PROBLEM, "the name '%.64s' is no text of 1 to %u bytes",
                 name, NAME_MAX_LEN);
        return text;
    case -ESRCH:
        snprintf(text, NAME_PROBLEM, "the name '%s' is of a registry that is not there",
                 name);
        return text;
    case -ENOTSUP:
        snprintf(text, NAME_PROBLEM,
                 "the name '%s' is of a registry whose keys are not unique", name);
        return text;
    default:
        return moult_strerror(error);
    }
}
