/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause - the steps of an upgrade while all that it is about rest.
 */
#ifndef MOULT_PAUSE_H
#define MOULT_PAUSE_H

#include "attempt.h"

/* What may refuse: 0, or a negative errno and `why` with the step. */
int pause_drain(struct attempt *a, struct fault *why);
int pause_migrate(struct attempt *a, struct fault *why);

/* What can't. */
void pause_commit(struct attempt *a);
void pause_resume(struct attempt *a);

/* What nobody was told of while all rested; and what the next plan is measured by. */
void pause_tell(const struct attempt *a);
void pause_note(const struct attempt *a);

#endif
