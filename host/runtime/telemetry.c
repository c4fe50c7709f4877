/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "clock.h"
#include "reader.h"

#define BUCKETS 256u

/* From an event to a handler. */
struct route {
    struct released released;
    _Atomic(struct route *) next; /* in its bucket; release, for readers' acquire */
    moult_pid pid;
    _Atomic uint64_t dropped; /* events that it had no room for; relaxed, a figure */
    char event[];
};

struct handler {
    struct handler *next;
    char *id, *app, *function;
    moult_pid pid;
    size_t count;
    struct route *routes[];
};

_Atomic uint32_t telemetry_handlers, telemetry_traffic;

static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER;                   /* of who writes, and `first` */
static _Atomic(struct route *) buckets[BUCKETS]; /* release, for readers' acquire */
static struct handler *first;

/* -- emitting -- */

static _Atomic(struct route *) *bucket_of(const char *event)
{
    return &buckets[XXH3_64bits(event, strlen(event)) % BUCKETS];
}

/* The next from `r` on to a handler of `event`.  By a reader. */
static struct route *find(struct route *r, const char *event)
{
    while (r && strcmp(r->event, event) != 0)
        r = atomic_load_explicit(&r->next, memory_order_acquire);
    return r;
}

bool telemetry_wants(const char *event)
{
    bool wanted;

    if (!telemetry_is_on() || !event)
        return false;
    reader_begin();
    wanted = find(atomic_load_explicit(bucket_of(event), memory_order_acquire),
                  event) != NULL;
    reader_end();
    return wanted;
}

static void put_map(moult_out *out, const moult_out *map)
{
    if (map && map->len)
        moult_put_item(out, map->bytes, map->len);
    else
        moult_put_map(out, 0);
}

static struct envelope *message(const char *event, moult_pid emitter,
                                const moult_out *measurements,
                                const moult_out *metadata)
{
    struct envelope *e = envelope_create(ENVELOPE_INFO);

    if (!e)
        return NULL;
    e->code = TELEMETRY_EVENT;
    moult_put_array(&e->out, 5);
    moult_put_text(&e->out, event);
    moult_put_pid(&e->out, emitter);
    moult_put_int(&e->out, telemetry_monotonic_time());
    put_map(&e->out, measurements);
    put_map(&e->out, metadata);
    if (!e->out.error)
        return e;
    envelope_destroy(e);
    return NULL;
}

void telemetry_emit(const char *event, moult_pid emitter, const moult_out *measurements,
                    const moult_out *metadata)
{
    struct route *r;

    if (!telemetry_is_on())
        return;
    reader_begin();
    r = find(atomic_load_explicit(bucket_of(event), memory_order_acquire), event);
    while (r) {
        struct envelope *e = message(event, emitter, measurements, metadata);

        if (!e || process_send(NULL, r->pid, e) == -EAGAIN)
            atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed);
        r = find(atomic_load_explicit(&r->next, memory_order_acquire), event);
    }
    reader_end();
}

int64_t telemetry_monotonic_time(void)
{
    return (int64_t)clock_ns();
}

int64_t telemetry_system_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* -- handlers; with the lock held -- */

static bool is_traffic(const char *event)
{
    return strncmp(event, "moult.call.", strlen("moult.call.")) == 0 ||
           strcmp(event, "moult.cast") == 0;
}

static struct handler **find_handler(const char *id)
{
    struct handler **link = &first;

    while (*link && strcmp((*link)->id, id) != 0)
        link = &(*link)->next;
    return link;
}

static void route_add(struct route *r)
{
    _Atomic(struct route *) *bucket = bucket_of(r->event);

    atomic_store_explicit(&r->next, atomic_load_explicit(bucket, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(bucket, r, memory_order_release);
    if (is_traffic(r->event))
        atomic_fetch_add_explicit(&telemetry_traffic, 1, memory_order_relaxed);
}

static void route_take_out(struct route *r)
{
    _Atomic(struct route *) *link = bucket_of(r->event);
    struct route *at;

    while ((at = atomic_load_explicit(link, memory_order_relaxed)) != r)
        link = &at->next;
    atomic_store_explicit(link, atomic_load_explicit(&r->next, memory_order_relaxed),
                          memory_order_release);
    if (is_traffic(r->event))
        atomic_fetch_sub_explicit(&telemetry_traffic, 1, memory_order_relaxed);
}

static void handler_destroy(struct handler *h)
{
    free(h->id);
    free(h->app);
    free(h->function);
    free(h);
}

static struct route *route_create(const char *event, moult_pid pid)
{
    size_t size = strlen(event) + 1;
    struct route *r = calloc(1, sizeof(*r) + size);

    if (!r)
        return NULL;
    r->pid = pid;
    memcpy(r->event, event, size);
    return r;
}

static bool is_listed(const struct handler *h, const char *event)
{
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->routes[i]->event, event) == 0)
            return true;
    return false;
}

/* One that nobody knows of yet; NULL: no memory. */
static struct handler *handler_create(const struct telemetry_handler *from)
{
    size_t count = 0;
    struct handler *h;
    bool failed;

    while (from->events[count])
        count++;
    h = calloc(1, sizeof(*h) + count * sizeof(*h->routes));
    if (!h)
        return NULL;
    h->pid = from->pid;
    h->id = strdup(from->id);
    h->app = strdup(from->app);
    h->function = strdup(from->function);
    failed = !h->id || !h->app || !h->function;
    for (size_t i = 0; i < count && !failed; i++) {
        if (is_listed(h, from->events[i]))
            continue;
        h->routes[h->count] = route_create(from->events[i], from->pid);
        failed = !h->routes[h->count];
        h->count += !failed;
    }
    if (!failed)
        return h;
    for (size_t i = 0; i < h->count; i++)
        free(h->routes[i]);
    handler_destroy(h);
    return NULL;
}

static int add(const struct telemetry_handler *from)
{
    struct handler **end = find_handler(from->id);

    if (*end)
        return -EEXIST;
    if (atomic_load_explicit(&telemetry_handlers, memory_order_relaxed) ==
        TELEMETRY_MOST)
        return -ENOSPC;
    *end = handler_create(from);
    if (!*end)
        return -ENOMEM;
    for (size_t i = 0; i < (*end)->count; i++)
        route_add((*end)->routes[i]);
    atomic_fetch_add_explicit(&telemetry_handlers, 1, memory_order_relaxed);
    return 0;
}

int telemetry_attach(const struct telemetry_handler *h)
{
    int error;

    pthread_mutex_lock(&lock);
    error = add(h);
    pthread_mutex_unlock(&lock);
    return error;
}

static void take_out(struct handler **link)
{
    struct handler *h = *link;

    *link = h->next;
    atomic_fetch_sub_explicit(&telemetry_handlers, 1, memory_order_relaxed);
    for (size_t i = 0; i < h->count; i++) {
        route_take_out(h->routes[i]);
        reader_release(&h->routes[i]->released);
    }
    handler_destroy(h);
}

int telemetry_detach(const char *id, moult_pid pid, moult_pid *was)
{
    int error = -ENOENT;
    struct handler **link;

    pthread_mutex_lock(&lock);
    link = find_handler(id);
    if (*link && (!pid.bits || moult_pid_equal((*link)->pid, pid))) {
        if (was)
            *was = (*link)->pid;
        take_out(link);
        error = 0;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

/* -- listing -- */

/* Does `event` begin with the words of `prefix`? */
static bool is_below(const char *event, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(event, prefix, len) == 0 &&
           (!len || !event[len] || event[len] == '.');
}

static void put_route(moult_out *out, const struct handler *h, const struct route *r)
{
    moult_put_map(out, 6);
    moult_put_text_at(out, "id", h->id);
    moult_put_text_at(out, "event", r->event);
    moult_put_text_at(out, "app", h->app);
    moult_put_text_at(out, "handler", h->function);
    moult_put_text(out, "pid");
    moult_put_pid(out, h->pid);
    moult_put_text(out, "dropped");
    moult_put_uint(out, atomic_load_explicit(&r->dropped, memory_order_relaxed));
}

/* Those below `prefix` to `out`, if that is not NULL; how many. */
static size_t put_routes(const char *prefix, moult_out *out)
{
    size_t count = 0;

    for (const struct handler *h = first; h; h = h->next)
        for (size_t i = 0; i < h->count; i++) {
            if (!is_below(h->routes[i]->event, prefix))
                continue;
            count++;
            if (out)
                put_route(out, h, h->routes[i]);
        }
    return count;
}

void telemetry_list(const char *prefix, moult_out *out)
{
    pthread_mutex_lock(&lock);
    moult_put_array(out, put_routes(prefix, NULL));
    put_routes(prefix, out);
    pthread_mutex_unlock(&lock);
}
