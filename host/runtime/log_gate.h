/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_gate - how much of what an application says is recorded.
 *
 * By its level, and by how much it said this second: one that floods the log would push
 * out what others have to say.  All functions are [any] and never block; they may err by
 * a few when many threads say something at once.
 */
#ifndef MOULT_LOG_GATE_H
#define MOULT_LOG_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "event.h"

#define LOG_GATE_MOST (EVENT_RING / 2) /* in a second */

/* All zero lets pass what the host's level does.  Relaxed: figures, and a filter. */
struct log_gate {
    _Atomic int32_t level;   /* an event_level, plus one; 0: the host's */
    _Atomic uint32_t second; /* by the clock, since it began */
    _Atomic uint32_t passed, dropped;
};

/* Is what is said at `level` recorded at all? */
bool log_gate_allows(const struct log_gate *gate, enum event_level level);

/*
 * May one more pass?  `*dropped` is how many may not have, in an earlier second, and
 * were not told of yet.
 */
bool log_gate_pass(struct log_gate *gate, uint32_t *dropped);

/* From now on it is `level`; or the host's again. */
void log_gate_set(struct log_gate *gate, enum event_level level);
void log_gate_clear(struct log_gate *gate);

/* Its level, be it its own or the host's. */
enum event_level log_gate_level(const struct log_gate *gate);

#endif
