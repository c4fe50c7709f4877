/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - monotonic time for timers and timeouts; virtual in tests.
 */
#ifndef MOULT_CLOCK_H
#define MOULT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds since some moment, never backward.  [any] */
uint64_t clock_ns(void);

#define CLOCK_STALE_NS 500000u /* half of the timers' grain */

/*
 * The same, perhaps CLOCK_STALE_NS old, never ahead: reads the processor's counter, and the
 * clock only if that has moved.  A thread's own `struct clock_cache`, zeroed at first.
 */
struct clock_cache {
    uint64_t ns;
    uint64_t ticks;
    uint64_t ticks_limit; /* ticks that it is good for; 0: not known yet */
    uint64_t pace; /* no tick takes longer, in 65536ths of a ns; 0: not known yet */
    uint64_t first_ns;
    uint64_t first_ticks;
};
uint64_t clock_cached_ns(struct clock_cache *cache);

/* The same, but perhaps CLOCK_STALE_NS ahead, and never old. */
uint64_t clock_latest_ns(struct clock_cache *cache);

/* The processor's counter: for telling long from short, in ticks of no known length. */
uint64_t clock_ticks(void);

/* Before the runtime starts: time stands still until clock_advance(). */
void clock_set_virtual(bool on);
bool clock_is_virtual(void);

/* Let virtual time pass.  Wake the workers after it (worker_wake_all). */
void clock_advance(uint64_t ns);

#endif
