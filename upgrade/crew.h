/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew - build new states where callbacks may run: on the workers, several at a time.
 *
 * A worker that sleeps takes longer to wake than most upgrades take: so one is called
 * before the pause, and waits for a moment.  All of this by the release handler's thread.
 */
#ifndef MOULT_CREW_H
#define MOULT_CREW_H

#include "migrate.h"

/* Have a worker at hand for crew_build(); without memory for that it is done without. */
void crew_call(void);

/*
 * Build the states of `m` within `budget`.  0; or the error of the first that can't be,
 * and `why`; -ENOMEM.
 */
int crew_build(struct migration *m, const struct budget *budget, struct fault *why);

/* Whoever was called is not needed any more. */
void crew_dismiss(void);

#endif
