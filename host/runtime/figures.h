/* SPDX-License-Identifier: Apache-2.0 */
/*
 * figures - how many calls there were, how many failed and how long they took, counted by
 * many at once.
 *
 * All zero is none.  Writers never wait; who reads meanwhile may see a call in one number
 * and not yet in another.
 */
#ifndef MOULT_FIGURES_H
#define MOULT_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

#define FIGURES_STEPS 512u /* of a time, each an eighth longer at most than the last */

/* All relaxed: figures. */
struct figures {
    _Atomic uint64_t calls, failed, total_ns, most_ns;
    _Atomic uint32_t steps[FIGURES_STEPS]; /* calls, by their time */
};

/* One took so long.  [any] */
void figures_add(struct figures *f, uint64_t ns);

/* One, which was added, was answered by an error.  [any] */
void figures_fail(struct figures *f);

/* Forget all.  [any] */
void figures_reset(struct figures *f);

/*
 * The time that `percent` of all calls were not longer than, or an eighth above; 0 if there
 * were none.  [any]
 */
uint64_t figures_quantile(const struct figures *f, unsigned percent);

/* Their mean and the longest; how many there were, and of them failed.  [any] */
uint64_t figures_mean(const struct figures *f);
uint64_t figures_most(const struct figures *f);
uint64_t figures_calls(const struct figures *f);
uint64_t figures_failed(const struct figures *f);

#endif
