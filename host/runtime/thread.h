/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread - a thread of the host's own.
 *
 * Signals from outside are for the thread that runs the loop: in all others they are
 * blocked, so that no call of a plugin is interrupted by one, and what a plugin does to
 * the mask of its thread changes nothing.  Those that a thread causes itself, such as
 * SIGSEGV, are not blocked.
 */
#ifndef MOULT_THREAD_H
#define MOULT_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Start one, called `name` (15 bytes at most), at `main`.  0 or a negative errno.  [any] */
int thread_start(pthread_t *thread, const char *name, void *(*main)(void *context),
                 void *context);

/* Join it, if it ends within so long. */
bool thread_ends_within(pthread_t thread, uint64_t seconds);

#endif
