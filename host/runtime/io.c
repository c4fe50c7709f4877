/* SPDX-License-Identifier: Apache-2.0 */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "commons.h"
#include "relation.h"
#include "thread.h"

#define CHUNK  1024u /* entries, made together and kept for good */
#define CHUNKS 4096u
#define EVENTS 64 /* that the thread takes at a time */

#define STOP UINT64_MAX /* what the descriptor that ends the thread is known by */

struct entry {
    pthread_mutex_t lock; /* guards all that follows */
    _Atomic uint64_t
        pid; /* whose it is, or 0; relaxed, without the lock it is a hint */
    struct envelope *message; /* that is sent when it is ready; NULL: nobody waits */
    uint32_t watch;           /* which watch of it that is; others are over */
    uint8_t events;           /* that it is watched for */
    bool polled;              /* epoll knows it, unless it was closed */
    bool owned;
};

static struct {
    pthread_mutex_t lock; /* of who starts and ends it, or makes a chunk */
    pthread_t thread;
    bool is_open;            /* it may be started; with the lock */
    _Atomic bool is_running; /* it is; release, for others' acquire of what follows */
    int epoll, wake;         /* 0: there is none yet; they stay */
} poller = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Set once, with the poller's lock; release, for others' acquire. */
static _Atomic(struct entry *) chunks[CHUNKS];

/* -- entries -- */

static _Atomic(struct entry *) *chunk_of(int fd)
{
    return (unsigned)fd < CHUNK * CHUNKS ? &chunks[(unsigned)fd / CHUNK] : NULL;
}

/* NULL if there is none. */
static struct entry *find(int fd)
{
    _Atomic(struct entry *) *place = chunk_of(fd);
    struct entry *chunk =
        place ? atomic_load_explicit(place, memory_order_acquire) : NULL;

    return chunk ? &chunk[(unsigned)fd % CHUNK] : NULL;
}

static struct entry *make_chunk(void)
{
    struct entry *chunk = calloc(CHUNK, sizeof(*chunk));

    for (unsigned i = 0; chunk && i < CHUNK; i++)
        pthread_mutex_init(&chunk[i].lock, NULL);
    return chunk;
}

/* 0, and the entry of `fd`, which is open; or a negative errno. */
static int get(int fd, struct entry **entry)
{
    _Atomic(struct entry *) *place = chunk_of(fd);

    if (!place || fcntl(fd, F_GETFD) < 0)
        return -EBADF;
    pthread_mutex_lock(&poller.lock);
    if (!atomic_load_explicit(place, memory_order_relaxed))
        atomic_store_explicit(place, make_chunk(), memory_order_release);
    pthread_mutex_unlock(&poller.lock);
    *entry = find(fd);
    return *entry ? 0 : -ENOMEM;
}

static bool is_of(const struct entry *e, const struct process *p)
{
    return atomic_load_explicit(&e->pid, memory_order_relaxed) == process_pid(p).bits;
}

/* With its lock: nobody waits for it; what was to be sent is given. */
static struct envelope *unwatch(int fd, struct entry *e)
{
    struct envelope *message = e->message;

    if (e->polled)
        epoll_ctl(poller.epoll, EPOLL_CTL_DEL, fd, NULL);
    e->message = NULL;
    e->polled = false;
    e->watch++;
    return message;
}

/* With its lock: it is of `p`, and no watch of another's any more. */
static int adopt(struct process *p, int fd, struct entry *e)
{
    int error;

    if (is_of(e, p))
        return 0;
    if (commons_owns(fd))
        return -EPERM;
    error = relation_put(p, RELATION_DESCRIPTORS, (uint64_t)fd + 1, 1);
    if (error)
        return error;
    envelope_destroy(unwatch(fd, e));
    atomic_store_explicit(&e->pid, process_pid(p).bits, memory_order_relaxed);
    return 0;
}

/* -- the thread -- */

static void tell(int fd, struct envelope *message, uint32_t watch, uint32_t events,
                 moult_pid to)
{
    moult_put_map(&message->out, 3);
    moult_put_int_at(&message->out, "ready", fd);
    moult_put_int_at(&message->out, "events", events);
    moult_put_int_at(&message->out, "watch", watch);
    process_send(NULL, to, message);
}

/* What happened, of what it is watched for. */
static uint32_t events_of(const struct entry *e, uint32_t happened)
{
    uint32_t events = 0;

    if (happened & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        events |= MOULT_READABLE;
    if (happened & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        events |= MOULT_WRITABLE;
    return events & e->events;
}

static void is_ready(int fd, uint32_t watch, uint32_t happened)
{
    struct entry *e = find(fd);
    struct envelope *message = NULL;
    moult_pid to = {0};
    uint32_t events = 0;

    pthread_mutex_lock(&e->lock);
    if (e->watch == watch) {
        message = e->message;
        e->message = NULL;
        events = events_of(e, happened);
        to.bits = atomic_load_explicit(&e->pid, memory_order_relaxed);
    }
    pthread_mutex_unlock(&e->lock);
    if (message)
        tell(fd, message, watch, events, to);
}

static void *poll_all(void *unused)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        int count = epoll_wait(poller.epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            uint64_t data = events[i].data.u64;

            if (data == STOP)
                return NULL;
            is_ready((int)(data >> 32), (uint32_t)data, events[i].events);
        }
    }
}

/* With the lock: what it waits for. */
static int open_poller(void)
{
    struct epoll_event stop = {.events = EPOLLIN, .data.u64 = STOP};
    int epoll = epoll_create1(EPOLL_CLOEXEC), error;
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (epoll >= 0 && wake >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &stop) == 0) {
        poller.epoll = epoll;
        poller.wake = wake;
        commons_own(epoll);
        commons_own(wake);
        return 0;
    }
    error = -errno;
    if (epoll >= 0)
        close(epoll);
    if (wake >= 0)
        close(wake);
    return error;
}

static int start(void)
{
    int error = 0;

    if (atomic_load_explicit(&poller.is_running, memory_order_acquire))
        return 0;
    pthread_mutex_lock(&poller.lock);
    if (!poller.is_open)
        error = -ESHUTDOWN;
    else if (!poller.epoll)
        error = open_poller();
    if (!error && !atomic_load_explicit(&poller.is_running, memory_order_relaxed)) {
        error = thread_start(&poller.thread, "io", poll_all, NULL);
        atomic_store_explicit(&poller.is_running, !error, memory_order_release);
    }
    pthread_mutex_unlock(&poller.lock);
    return error;
}

void io_start(void)
{
    pthread_mutex_lock(&poller.lock);
    poller.is_open = true;
    pthread_mutex_unlock(&poller.lock);
}

void io_stop(void)
{
    eventfd_t unused;
    bool was_running;

    pthread_mutex_lock(&poller.lock);
    poller.is_open = false;
    was_running = atomic_load_explicit(&poller.is_running, memory_order_relaxed);
    atomic_store_explicit(&poller.is_running, false, memory_order_relaxed);
    pthread_mutex_unlock(&poller.lock);
    if (!was_running)
        return;
    eventfd_write(poller.wake, 1);
    pthread_join(poller.thread, NULL);
    eventfd_read(poller.wake, &unused);
}

/* -- watching -- */

/* Have epoll tell once; it forgets what was closed by itself. */
static int arm(int fd, struct entry *e, uint32_t events)
{
    struct epoll_event event = {
        .events = EPOLLONESHOT |
                  (events & MOULT_READABLE ? (uint32_t)EPOLLIN | EPOLLRDHUP : 0u) |
                  (events & MOULT_WRITABLE ? (uint32_t)EPOLLOUT : 0u),
        .data.u64 = (uint64_t)fd << 32 | (e->watch + 1)};
    int error = e->polled ? epoll_ctl(poller.epoll, EPOLL_CTL_MOD, fd, &event) : -1;

    if (error && (!e->polled || errno == ENOENT))
        error = epoll_ctl(poller.epoll, EPOLL_CTL_ADD, fd, &event);
    if (error)
        return -errno;
    e->polled = true;
    e->watch++;
    e->events = (uint8_t)events;
    return 0;
}

static int watch_locked(struct process *p, int fd, struct entry *e, uint32_t events)
{
    int error = adopt(p, fd, e);

    if (error)
        return error;
    if (!e->message)
        e->message = envelope_create(ENVELOPE_READY);
    if (!e->message)
        return -ENOMEM;
    error = arm(fd, e, events);
    if (error) {
        envelope_destroy(e->message);
        e->message = NULL;
    }
    return error;
}

int io_watch(struct process *p, int fd, uint32_t events)
{
    struct entry *e;
    int error = start();

    if (!events || events & ~(MOULT_READABLE | MOULT_WRITABLE))
        return -EINVAL;
    if (!error)
        error = get(fd, &e);
    if (error)
        return error;
    pthread_mutex_lock(&e->lock);
    error = watch_locked(p, fd, e, events);
    pthread_mutex_unlock(&e->lock);
    return error;
}

int io_unwatch(struct process *p, int fd)
{
    struct entry *e = find(fd);
    struct envelope *message = NULL;
    bool watched = false;

    if (!e)
        return -ENOENT;
    pthread_mutex_lock(&e->lock);
    watched = is_of(e, p) && e->polled;
    if (watched)
        message = unwatch(fd, e);
    pthread_mutex_unlock(&e->lock);
    envelope_destroy(message);
    return watched ? 0 : -ENOENT;
}

bool io_is_current(const struct process *p, int fd, uint32_t watch)
{
    struct entry *e = find(fd);
    bool current;

    if (!e)
        return false;
    pthread_mutex_lock(&e->lock);
    current = is_of(e, p) && e->watch == watch;
    pthread_mutex_unlock(&e->lock);
    return current;
}

/* -- owning -- */

int io_own(struct process *p, int fd)
{
    struct entry *e;
    int error = get(fd, &e);

    if (error)
        return error;
    pthread_mutex_lock(&e->lock);
    error = adopt(p, fd, e);
    if (!error)
        e->owned = true;
    pthread_mutex_unlock(&e->lock);
    return error;
}

/* True if it was of `pid`, and nobody's now; and whether that `*owned` it. */
static bool let_go(int fd, struct entry *e, uint64_t pid, bool *owned)
{
    struct envelope *message = NULL;
    bool held;

    pthread_mutex_lock(&e->lock);
    held = atomic_load_explicit(&e->pid, memory_order_relaxed) == pid;
    if (owned)
        *owned = held && e->owned;
    if (held) {
        message = unwatch(fd, e);
        e->owned = false;
        atomic_store_explicit(&e->pid, 0, memory_order_relaxed);
    }
    pthread_mutex_unlock(&e->lock);
    envelope_destroy(message);
    return held;
}

void io_forget(int fd)
{
    struct entry *e = find(fd);
    uint64_t pid = e ? atomic_load_explicit(&e->pid, memory_order_relaxed) : 0;

    if (pid)
        let_go(fd, e, pid, NULL);
}

int io_close(struct process *p, int fd)
{
    struct entry *e = find(fd);

    if (!e || !let_go(fd, e, process_pid(p).bits, NULL))
        return -ENOENT;
    map_remove(&p->relations->descriptors, (uint64_t)fd + 1, NULL);
    close(fd);
    return 0;
}

void io_finish(struct process *p)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    while (p->relations && (entry = map_next(&p->relations->descriptors, &at))) {
        int fd = (int)(entry->key - 1);
        bool owned;

        let_go(fd, find(fd), process_pid(p).bits, &owned);
        if (owned)
            close(fd);
    }
}
