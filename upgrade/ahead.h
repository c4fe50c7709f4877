/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ahead - the steps of an upgrade before the pause: all that takes time, or may refuse.
 *
 * Each is taken for all its applications.  0, or a negative errno and `why` with the step;
 * ahead_take_back() and part_undo() undo what was done.
 */
#ifndef MOULT_AHEAD_H
#define MOULT_AHEAD_H

#include "attempt.h"

int ahead_plan(struct attempt *a, struct fault *why);
int ahead_rehearse(struct attempt *a, struct fault *why);
int ahead_check(struct attempt *a, struct fault *why);
int ahead_prepare(struct attempt *a, struct fault *why);
int ahead_start(struct attempt *a, struct fault *why);
int ahead_add(struct attempt *a, struct fault *why);
int ahead_apply(struct attempt *a, struct fault *why);
int ahead_restart(struct attempt *a, struct fault *why);
int ahead_stop(struct attempt *a, struct fault *why);

/* ahead_plan(), of which nobody is told. */
int ahead_plan_quietly(struct attempt *a, struct fault *why);

/* Stop the applications that were started. */
void ahead_take_back(struct attempt *a);

#endif
