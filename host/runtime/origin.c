/* SPDX-License-Identifier: Apache-2.0 */
#define UNW_LOCAL_ONLY
#include "origin.h"

#include <dlfcn.h>
#include <errno.h>
#include <libunwind.h>
#include <link.h>
#include <pthread.h>

#include "place.h"

static struct {
    pthread_mutex_t lock; /* for who adds and removes */
    struct origin all[ORIGINS];
    _Atomic uint32_t used; /* slots that ever were; release after the first of them */
} origins = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct origin *find(uintptr_t address)
{
    uint32_t used = atomic_load_explicit(&origins.used, memory_order_acquire);

    for (uint32_t i = 0; i < used; i++)
        if (address < atomic_load_explicit(&origins.all[i].end, memory_order_acquire) &&
            address >= origins.all[i].start)
            return &origins.all[i];
    return NULL;
}

const struct origin *origin_at(uintptr_t address)
{
    return find(address);
}

const struct origin *origin_only(void)
{
    uint32_t used = atomic_load_explicit(&origins.used, memory_order_acquire);
    const struct origin *only = NULL;

    for (uint32_t i = 0; i < used; i++) {
        if (!atomic_load_explicit(&origins.all[i].end, memory_order_acquire))
            continue;
        if (only)
            return NULL;
        only = &origins.all[i];
    }
    return only;
}

/* With the lock held. */
static struct origin *free_slot(void)
{
    uint32_t used = atomic_load_explicit(&origins.used, memory_order_relaxed);

    for (uint32_t i = 0; i < used; i++)
        if (!atomic_load_explicit(&origins.all[i].end, memory_order_relaxed))
            return &origins.all[i];
    if (used == ORIGINS)
        return NULL;
    atomic_store_explicit(&origins.used, used + 1, memory_order_release);
    return &origins.all[used];
}

int origin_add(const void *address, const struct origin *about)
{
    struct dl_find_object object;
    struct origin *o;

    if (_dl_find_object((void *)(uintptr_t)address, &object) != 0)
        return -ENOENT;
    pthread_mutex_lock(&origins.lock);
    o = free_slot();
    if (o) {
        o->start = (uintptr_t)object.dlfo_map_start;
        o->bias = object.dlfo_link_map->l_addr;
        o->path = about->path;
        o->app = about->app;
        o->vsn = about->vsn;
        atomic_store_explicit(&o->end, (uintptr_t)object.dlfo_map_end,
                              memory_order_release);
    }
    pthread_mutex_unlock(&origins.lock);
    return o ? 0 : -ENOSPC;
}

void origin_remove(const void *address)
{
    struct origin *o;

    pthread_mutex_lock(&origins.lock);
    o = find((uintptr_t)address);
    if (o) {
        uintptr_t end = atomic_exchange_explicit(&o->end, 0, memory_order_acq_rel);

        places_forget(o->start, end);
        unw_flush_cache(unw_local_addr_space, o->start, end);
    }
    pthread_mutex_unlock(&origins.lock);
}
