/* SPDX-License-Identifier: Apache-2.0 */
/*
 * barrier - a plugin's fault ends the process whose callback it was, and nothing else.
 *
 * What makes it safe to leave a callback where it stands is that nobody but the process
 * owns anything there.  So a fault is contained only if all of this holds, and else the
 * host writes a report and dies:
 *
 *   - the thread is a worker, inside a turn of a process;
 *   - the program counter is in a loaded plugin, or in a memory or string routine of
 *     libc that the plugin called, or in a system call's: these take no lock and allocate
 *     nothing half way;
 *   - from there up to the host's own frame there is only plugin: nothing in between
 *     that may hold a lock across the callback which failed.
 *
 * A stack that overflows in anything else that the plugin called is lent some more: that
 * comes to its end, gives back its locks, and fails where it would have returned to.
 *
 * The host calls plugins with no lock held and nothing allocated that only a local
 * variable knows; so from there on it is an exit like any other.  The handler, on a stack
 * of its own, only looks.  If it finds all this, it changes where the worker goes on, and
 * returns; the worker then ends the process and leaves for a fresh loop.  Else it writes
 * the report and returns to the fault, to fail again with the default action: the core
 * shows the fault itself.
 *
 * When nothing fails this costs a store a turn.
 */
#ifndef MOULT_BARRIER_H
#define MOULT_BARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault;
struct origin;
struct process;

/* Whose code a process runs, filled in by its class; NULL: not known. */
struct barrier_whose {
    const char *app, *vsn, *server;
    struct fault *why;    /* gets what failed */
    bool is_private;      /* what it is sent is to be seen by nobody */
    const char *function; /* that runs, for people */
};

/* Ask the class of `p`.  In a handler too. */
struct barrier_whose barrier_whose(struct process *p);

/* Handle the signals, from now on.  Again: after somebody else took them.  [any] */
void barrier_start(void);

/* This thread's stack for handlers, without which an overflow can't be told. */
void barrier_thread_start(void);
void barrier_thread_finish(void);

/* Where a handler has interrupted this thread. */
struct barrier_spot {
    const struct origin *origin; /* the innermost plugin on the stack; NULL: none, or */
    uintptr_t at;                /* the host is at work inside of it */
    uintptr_t from;              /* where it was called, if by that plugin; or 0 */
    bool may_end;                /* the process: all that is said above holds */
};
struct barrier_spot barrier_spot(void *context);

/* In that handler: go on in `function` instead, which does not return. */
void barrier_go_on(void *context, void (*function)(void));

/*
 * The process that runs here has failed, say by what it handed to the host, which holds
 * no lock: it ends.  Outside of a callback this aborts.  `what` is a few words.
 */
_Noreturn void barrier_fail(const char *what);

/* Does the barrier deal with this signal? */
bool barrier_handles(int number);

/* Is `caller`, a return address, a plugin's inside a callback?  Async-signal-safe. */
bool barrier_guards(const void *caller);

/*
 * Plugin code at `caller` asked to end the program, in these words.  Does not return if
 * that ends its process instead.
 */
void barrier_ask_end(const void *caller, const char *what);

/* The same where the runtime of C++ does it, for an exception that nobody caught. */
void barrier_ask_terminate(const void *caller);

#endif
