/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commons - what all code in this process shares, and no plugin may change.
 *
 * Signal handlers and masks, the locale, the umask, the working directory, the host's
 * descriptors, and that there is one process.  A plugin's own calls that would change
 * them are refused (commons_calls.c, commons_threads.c).  What changes all the same, say
 * by a library that a plugin is linked with, is found by commons_check() and put back.
 * Either is told as event `plugin.trespass`: app, vsn, server, what, outcome.
 *
 * Calls are not intercepted under sanitizers, whose own interceptors come first.
 */
#ifndef MOULT_COMMONS_H
#define MOULT_COMMONS_H

#include <stdbool.h>
#include <sys/types.h>

#include "sanitize.h"

#define COMMONS_GUARDED (SANITIZED_MEMORY + SANITIZED_THREADS == 0)

enum trespass {
    TRESPASS_SIGNAL,
    TRESPASS_MASK,
    TRESPASS_LOCALE,
    TRESPASS_UMASK,
    TRESPASS_FOLDER,
    TRESPASS_DESCRIPTOR,
    TRESPASS_FORK,
    TRESPASS_EXIT
};

/* Whose code it is; all NULL: nobody knows. */
struct tenant {
    const char *path; /* of the image; its address is its identity while it is loaded */
    const char *app, *vsn;
};

/* Remember how things are, and that every open descriptor is the host's. */
void commons_start(void);

/* Remember the descriptors that are open now, or this one, as the host's.  [any] */
void commons_own_all(void);
void commons_own(int descriptor);

/* Whether `descriptor` is the host's.  [any] */
bool commons_owns(int descriptor);

/* It was closed by somebody who may.  [any] */
void commons_disown(int descriptor);

/* Put back what was changed since it was remembered, and tell.  [any] */
void commons_check(void);

/* This thread begins, and ends, to run constructors or destructors of `tenant`. */
void commons_enter(const struct tenant *tenant);
void commons_leave(void);

/*
 * Whose call is the one that returns to `caller`: of a plugin, or in this thread of one
 * that is being loaded or unloaded.  False if of none.  Async-signal-safe.
 */
bool commons_tenant(const void *caller, struct tenant *tenant);

/* Is the thread one of the host's, that runs a plugin now?  Async-signal-safe. */
bool commons_is_hosts_thread(void);

/* Does it run constructors or destructors?  Async-signal-safe. */
bool commons_in_constructor(void);

/* The umask that stays. */
mode_t commons_mask(void);

/* `tenant` did `what`, say "umask()", and that was "prevented", "undone", "reported". */
void commons_tell(const struct tenant *tenant, const char *what, const char *outcome);

/*
 * If a plugin's code at `caller` does that, tell that it is prevented, once a plugin and
 * kind, and return true.
 */
bool commons_prevents(const void *caller, enum trespass kind, const char *what);

/* How many threads that the image at `path` has started in callbacks still run. */
unsigned commons_threads(const char *path);

/*
 * `tenant` goes: no destructor of its thread-specific data is called from now on, and
 * what is told of another at the same address is new.
 */
void commons_forget(const struct tenant *tenant);
void commons_forget_keys(const struct tenant *tenant);

#endif
