/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog - sees callbacks that take too long, and ends those that are to end.
 *
 * Workers count what they do; a thread looks at the counts every WATCHDOG_LOOK_MS, unless
 * all rest, and that is all that it costs them.  A worker at which nothing has changed is
 * held by one callback.  Then
 *
 *   - another worker helps out for it (workers_help);
 *   - after the server's warn_callback_ms, server.slow says where it is;
 *   - after its max_callback_ms, or once it was sent a kill, or if the workers are to
 *     stop, the process is ended.
 *
 * For that the worker's thread is sent a signal.  Its handler runs on that thread, on top
 * of whatever it interrupts: so it sees for certain whether it is still that callback and
 * where, and may do what else only the worker itself may.  It ends the process only where
 * the barrier would contain a fault (barrier.h); if it is elsewhere, in malloc or
 * waiting for a lock, it is asked again at the next look.  server.killed tells when it is done,
 * server.stuck if that takes long.
 *
 * A signal ends some system calls of a plugin early, with EINTR.
 */
#ifndef MOULT_WATCHDOG_H
#define MOULT_WATCHDOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pid.h"

#define WATCHDOG_LOOK_MS  20u
#define WATCHDOG_WARN_MS  100u  /* of a server that says 0 */
#define WATCHDOG_AGAIN_MS 1000u /* between signals that are not to end anything */

/* Start it, or only handle the signal for tests that look by themselves. */
int watchdog_start(void);
void watchdog_prepare(void);

/* Let it interrupt this thread, a worker's. */
void watchdog_thread_start(void);

/* End it; again does nothing.  By workers_stop(). */
void watchdog_stop(void);

/* Look once, at the time that clock_ns() says. */
void watchdog_look(void);

/*
 * Where that process was seen last in the callback that it is in, for which it takes
 * longer than it should: "spin (spins.c:12) of spins 1.0.0", cut to fit.  False: it is in
 * no such callback.  [any]
 */
bool watchdog_slow(moult_pid pid, char *where, size_t size);

/*
 * Futex: 1 while the watchdog sleeps because all rest.  Sequential: it sets it and then
 * asks whether all rest; who wakes one first counts that one and then reads it.
 */
extern _Atomic uint32_t watchdog_dozes;
void watchdog_wake(void);

static inline void watchdog_rouse(void)
{
    if (atomic_load_explicit(&watchdog_dozes, memory_order_seq_cst))
        watchdog_wake();
}

#endif
