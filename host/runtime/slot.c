/* SPDX-License-Identifier: Apache-2.0 */
#include "slot.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Atomic(struct process *) slot_chunks[SLOT_CHUNKS];

static struct {
    pthread_mutex_t lock;   /* guards all that follows, but for reads of the atomics */
    _Atomic uint32_t used;  /* slots that ever were; release after their chunk */
    _Atomic uint32_t count; /* relaxed: a figure */
    struct process *free;   /* by `run_next` */
    _Atomic uint32_t most;  /* of those that are not the host's; relaxed: set first */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .most = PROCESSES_MOST};

struct process *process_at(uint32_t index)
{
    return index > PID_INDEX_MAX ? NULL : slot_at(index);
}

struct process *process_find(moult_pid pid)
{
    return slot_find(pid);
}

bool process_is_alive(moult_pid pid)
{
    struct process *p = slot_find(pid);

    return p && mailbox_state(atomic_load_explicit(&p->inbox, memory_order_relaxed)) !=
                    MAILBOX_CLOSED;
}

uint32_t process_count(void)
{
    return atomic_load_explicit(&table.count, memory_order_relaxed);
}

void processes_allow(uint32_t most)
{
    atomic_store_explicit(&table.most, most ? most : PROCESSES_MOST,
                          memory_order_relaxed);
}

uint32_t slots_most(void)
{
    return atomic_load_explicit(&table.most, memory_order_relaxed);
}

bool slots_are_used_up(void)
{
    return process_count() >= slots_most();
}

const char *process_shortage(char *text, size_t size)
{
    if (!slots_are_used_up())
        return "no memory for another process";
    snprintf(text, size,
             "the host has as many processes as it may, %" PRIu32
             ": max_processes of its configuration",
             slots_most());
    return text;
}

/* One more slot, never used before; with the lock held. */
static struct process *slot_new(void)
{
    uint32_t index = atomic_load_explicit(&table.used, memory_order_relaxed);
    struct process *chunk;

    if (index > PID_INDEX_MAX)
        return NULL;
    chunk = atomic_load_explicit(&slot_chunks[index >> SLOT_CHUNK_BITS],
                                 memory_order_relaxed);
    if (!chunk) {
        chunk = aligned_alloc(64, sizeof(*chunk) * SLOT_CHUNK);
        if (!chunk)
            return NULL;
        memset(chunk, 0, sizeof(*chunk) * SLOT_CHUNK);
        for (uint32_t i = 0; i < SLOT_CHUNK; i++) {
            atomic_store_explicit(&chunk[i].pid, index + i, memory_order_relaxed);
            atomic_store_explicit(&chunk[i].inbox,
                                  mailbox_word(NULL, 0, MAILBOX_CLOSED),
                                  memory_order_relaxed);
        }
        atomic_store_explicit(&slot_chunks[index >> SLOT_CHUNK_BITS], chunk,
                              memory_order_release);
    }
    atomic_store_explicit(&table.used, index + 1, memory_order_release);
    return &chunk[index & (SLOT_CHUNK - 1)];
}

struct process *slot_get(void)
{
    struct process *p;

    pthread_mutex_lock(&table.lock);
    p = table.free;
    if (p)
        table.free = process_numbered(p->run_next);
    else
        p = slot_new();
    pthread_mutex_unlock(&table.lock);
    if (p)
        atomic_fetch_add_explicit(&table.count, 1, memory_order_relaxed);
    return p;
}

void slot_put(struct process *p)
{
    atomic_fetch_sub_explicit(&table.count, 1, memory_order_relaxed);
    pthread_mutex_lock(&table.lock);
    p->run_next = process_number(table.free);
    table.free = p;
    pthread_mutex_unlock(&table.lock);
}
