/* SPDX-License-Identifier: Apache-2.0 */
#include "name.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>
#include <urcu/rculfhash.h>
#include <xxhash.h>

#include "process.h"
#include "sanitize.h"
#include "worker.h"

struct name {
    struct cds_lfht_node node;
    struct rcu_head rcu;
    moult_pid pid;
    char text[];
};

static struct {
    pthread_mutex_t lock; /* of who writes, and of name_of */
    struct cds_lfht *table;
    pthread_key_t reader; /* unregisters threads of the plugins' own when they end */
    bool reader_made; /* for good: threads that use it may end later than the table */
} names = {.lock = PTHREAD_MUTEX_INITIALIZER};

static __thread bool reader_registered;

static void reader_ends(void *unused)
{
    rcu_unregister_thread();
}

int names_start(void)
{
    names.table =
        cds_lfht_new(1024, 1024, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
    if (!names.table)
        return -ENOMEM;
    if (!names.reader_made && pthread_key_create(&names.reader, reader_ends) != 0) {
        names_stop();
        return -ENOMEM;
    }
    names.reader_made = true;
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
    reader_begin();
    reader_end();
    rcu_barrier();
    if (names.table)
        cds_lfht_destroy(names.table, NULL);
    names.table = NULL;
}

static int matches(struct cds_lfht_node *node, const void *key)
{
    SANITIZER_ACQUIRE(&names); /* liburcu's, when it found the node */
    return strcmp(caa_container_of(node, struct name, node)->text, key) == 0;
}

static unsigned long hash_of(const char *text)
{
    return XXH3_64bits(text, strlen(text));
}

moult_pid name_find(const char *text)
{
    struct cds_lfht_iter iter;
    struct cds_lfht_node *node;
    moult_pid pid = {0};

    if (!text || !names.table)
        return pid;
    reader_begin();
    cds_lfht_lookup(names.table, hash_of(text), matches, text, &iter);
    node = cds_lfht_iter_get_node(&iter);
    if (node)
        pid = caa_container_of(node, struct name, node)->pid;
    SANITIZER_RELEASE(&names.table); /* a grace period orders this before name_free */
    reader_end();
    return pid;
}

int name_register(struct process *p, const char *text, moult_pid *holder)
{
    size_t len = text ? strlen(text) : 0;
    struct cds_lfht_node *there;
    struct name *n;

    if (len == 0 || len > NAME_MAX_LEN || p->name)
        return -EINVAL;
    n = malloc(sizeof(*n) + len + 1);
    if (!n)
        return -ENOMEM;
    cds_lfht_node_init(&n->node);
    n->pid = process_pid(p);
    memcpy(n->text, text, len + 1);
    reader_begin();
    pthread_mutex_lock(&names.lock);
    SANITIZER_RELEASE(&names); /* liburcu's publishing, which TSan does not see */
    there = cds_lfht_add_unique(names.table, hash_of(text), matches, text, &n->node);
    if (there == &n->node)
        p->name = n;
    else if (holder)
        *holder = caa_container_of(there, struct name, node)->pid;
    pthread_mutex_unlock(&names.lock);
    reader_end();
    if (there == &n->node)
        return 0;
    free(n);
    return -EEXIST;
}

static void name_free(struct rcu_head *head)
{
    SANITIZER_ACQUIRE(&names.table);
    free(caa_container_of(head, struct name, rcu));
}

void name_release(struct process *p)
{
    struct name *n = p->name;

    if (!n)
        return;
    reader_begin();
    pthread_mutex_lock(&names.lock);
    p->name = NULL;
    cds_lfht_del(names.table, &n->node);
    pthread_mutex_unlock(&names.lock);
    SANITIZER_RELEASE(&names.table);
    call_rcu(&n->rcu, name_free);
    reader_end();
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
