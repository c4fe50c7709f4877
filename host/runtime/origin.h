/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin - the plugin that an address in memory is of.
 *
 * Looked up in a signal handler, without a lock, while others load and unload plugins;
 * nobody asks for an address of one that is being unloaded, since nobody runs it.
 */
#ifndef MOULT_ORIGIN_H
#define MOULT_ORIGIN_H

#include <stdatomic.h>
#include <stdint.h>

#define ORIGINS 1024u /* plugins loaded at once; what fails in more is fatal */

struct origin {
    /* Release when the rest is there, 0 when it goes; acquire by who looks for it. */
    _Atomic uintptr_t end;
    uintptr_t start;
    uintptr_t bias; /* of its addresses to those in the file */
    /* Lent until it is removed. */
    const char *path, *app, *vsn;
};

/* The plugin around `address` is loaded; fill in the strings alone.  0 or -ENOSPC. */
int origin_add(const void *address, const struct origin *about);

/* It is about to be unloaded. */
void origin_remove(const void *address);

/* The plugin that is loaded, if it is the only one; else NULL. */
const struct origin *origin_only(void);

/* The plugin around `address`, or NULL.  Async-signal-safe. */
const struct origin *origin_at(uintptr_t address);

#endif
