/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot - where processes are: a table by the index of their pids.
 *
 * Chunks of slots are made as they are needed and never given back, so that a reader with
 * a stale pid finds a process, if another one.  Readers take no lock.
 */
#ifndef MOULT_SLOT_H
#define MOULT_SLOT_H

#include "process.h"

#define SLOT_CHUNK_BITS 10u
#define SLOT_CHUNK      (1u << SLOT_CHUNK_BITS) /* slots */
#define SLOT_CHUNKS     ((PID_INDEX_MAX + 1u) >> SLOT_CHUNK_BITS)

/* Release when a chunk is ready; pairs with the acquire in slot_at(). */
extern _Atomic(struct process *) slot_chunks[SLOT_CHUNKS];

/* The one at `index`, at most PID_INDEX_MAX; NULL: there never was any.  [any] */
static inline struct process *slot_at(uint32_t index)
{
    struct process *chunk = atomic_load_explicit(&slot_chunks[index >> SLOT_CHUNK_BITS],
                                                 memory_order_acquire);

    return chunk ? &chunk[index & (SLOT_CHUNK - 1)] : NULL;
}

/* As process_find(), in line.  [any] */
static inline struct process *slot_find(moult_pid pid)
{
    struct process *p = slot_at(pid_index(pid));

    /* Acquire: pairs with the release in process_create, for `limit`. */
    if (!p || atomic_load_explicit(&p->pid, memory_order_acquire) != pid.bits)
        return NULL;
    return p;
}

/* One that is free, given, or NULL: no memory; and back.  [any] */
struct process *slot_get(void);
void slot_put(struct process *p);

/* Are as many processes there as may be?  How many that is.  [any] */
bool slots_are_used_up(void);
uint32_t slots_most(void);

#endif
