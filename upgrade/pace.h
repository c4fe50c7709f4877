/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace - how long a pause will be, from how long those before were.
 *
 * A server costs what its move does; the last upgrade in this host that moved many is the
 * measure, and until there was one, figures that were measured elsewhere.  On the release
 * handler's thread.
 */
#ifndef MOULT_PACE_H
#define MOULT_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

/* How many servers move in each way. */
struct pace_counts {
    size_t moved[PLAN_MOVES];
};

/* An upgrade of these took `pause_ns`. */
void pace_note(const struct pace_counts *counts, uint64_t pause_ns);

/* What it would take; `*measured`: by what was noted. */
uint64_t pace_estimate_ns(const struct pace_counts *counts, bool *measured);

/* Forget what was noted. */
void pace_forget(void);

#endif
