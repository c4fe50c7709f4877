/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relation - the tables of what a process is tied to, each with an end.
 *
 * By the process itself, or by who makes it.
 */
#ifndef MOULT_RELATION_H
#define MOULT_RELATION_H

#include "process.h"

#define RELATION_MOST 1000000u /* entries of one table; as messages that wait */

enum relation {
    RELATION_LINKS,
    RELATION_MONITORS, /* its own */
    RELATION_MONITORED_BY,
    RELATION_OWED, /* calls that it has not answered */
    RELATION_TIMERS,
    RELATION_DICTIONARY,
    RELATION_DESCRIPTORS,
    RELATION_REQUESTS,
    RELATION_ALIASES
};

/*
 * Make `key` stand for `value` in that table.  0, -ENOMEM, or -ENOSPC (it has
 * RELATION_MOST others: who runs the host is told).
 */
int relation_put(struct process *p, enum relation which, uint64_t key, uint64_t value);

/* What these tables take, in bytes. */
uint64_t relations_size(const struct process *p);

#endif
