/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via - names that are keys of a registry: "via:rooms:lobby" is the text "lobby" in the
 * unique registry that is registered as "rooms".  OTP: {via, Registry, {rooms, lobby}}.
 */
#ifndef MOULT_VIA_H
#define MOULT_VIA_H

#include <string.h>

#include "process.h"

#define VIA "via:"

static inline bool via_is(const char *name)
{
    return name[0] == VIA[0] && strncmp(name, VIA, sizeof(VIA) - 1) == 0;
}

/* Is `name`, which begins with VIA, whole?  [pure] */
bool via_valid(const char *name);

/* Who is registered as `name`, or nobody.  [any] */
moult_pid via_find(const char *name);

/*
 * Register `p` as `name`.  0; -EEXIST and `*holder` (may be NULL); -EINVAL (not whole, or
 * no UTF-8); -ESRCH (no such registry); -ENOTSUP (its keys are not unique); -ENOMEM.  On a
 * worker, by `p` itself or before it runs.
 */
int via_register(struct process *p, const char *name, moult_pid *holder);

#endif
