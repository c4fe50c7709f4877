/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routine - what of libc a callback may fail in, or through, without leaving a trace.
 */
#ifndef MOULT_ROUTINE_H
#define MOULT_ROUTINE_H

#include <stdbool.h>
#include <stdint.h>

/* Find them, once; before the others. */
void routines_find(void);

/* Is `address` in a memory or string routine, or one that only waits in the kernel?  Async-signal-safe. */
bool routine_is_string(uintptr_t address);

/*
 * Is it in what a sanitizer has put before libc's routines?  What calls one of them there
 * holds nothing.  It is made of parts that have no name, so it is told by its library.
 * Async-signal-safe.
 */
bool routine_is_interceptor(uintptr_t address);

/* Is it in one that only calls back, as qsort does?  Async-signal-safe. */
bool routine_calls_back(uintptr_t address);

/*
 * Is it in the runtime of C++, or in the unwinder below it?  They hold nothing while
 * they give up on an exception.  Async-signal-safe.
 */
bool routine_is_cxx(uintptr_t address);

#endif
