/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fiber - stacks and the switch between them.
 *
 * A worker's loop runs callbacks right on its own stack.  A callback that must wait
 * keeps that stack, and the worker goes on in a loop on another one; so a callback that
 * does not wait costs no switch, and an idle process owns no stack.
 */
#ifndef MOULT_FIBER_H
#define MOULT_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIBER_STACK ((size_t)256 * 1024) /* bytes; touched as used, not when made */

struct fiber {
    struct fiber *next;   /* in a worker's cache */
    void *sp;             /* while it does not run */
    char *base;           /* of the mapping: the guard, then the stack */
    size_t size;          /* bytes of the mapping */
    void (*entry)(void);  /* never returns */
    void *sanitizer[2];   /* ASan's fake stack, TSan's fiber */
    const void *asan_low; /* the stack as ASan is told */
    size_t asan_size;
    uintptr_t returns_to; /* whoever uses the reserve; 0: nobody does */
};

/* A fiber that will run `entry` on a stack of `size` bytes; given; NULL: no memory. */
struct fiber *fiber_create(size_t size, void (*entry)(void));

/* Give back the memory below the top of its stack; nobody runs there, or will return. */
void fiber_trim(struct fiber *f);

/* Make an abandoned fiber as new: whatever was on its stack is forgotten. */
void fiber_rewind(struct fiber *f);

/* Free one that does not run. */
void fiber_destroy(struct fiber *f);

/* Is `address` in its stack?  In the guard below, where what overflows it ends up? */
static inline bool fiber_has(const struct fiber *f, const void *address)
{
    return (const char *)address >= f->base + (f->size - f->asan_size) &&
           (const char *)address < f->base + f->size;
}

static inline bool fiber_guards(const struct fiber *f, const void *address)
{
    return (const char *)address >= f->base && !fiber_has(f, address) &&
           (const char *)address < f->base + f->size;
}

/*
 * Make the guard below its stack, but for the last page, part of the stack until it is
 * rewound.  0 or a negative errno.  Async-signal-safe.
 */
int fiber_open_reserve(struct fiber *f);

/* Fill `f` for the stack that this thread runs on anyway. */
void fiber_adopt_thread(struct fiber *f);

/* Leave `from`, the one that runs here, for `to`; returns when something comes back. */
void fiber_switch(struct fiber *from, struct fiber *to);

/* The same where nothing will come back to `from` before it is rewound or destroyed. */
_Noreturn void fiber_leave(struct fiber *from, struct fiber *to);

#endif
