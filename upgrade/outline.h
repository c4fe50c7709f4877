/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline - what a plan says to people: each step, each server and how it moves, and why.
 */
#ifndef MOULT_OUTLINE_H
#define MOULT_OUTLINE_H

#include "application.h"
#include "pace.h"
#include "plan.h"
#include "upgrade.h"

/* All is borrowed. */
struct outline {
    const struct upgrade *whole;     /* that it is a part of */
    const struct upgrade_move *move; /* which of it */
    const struct plan *plan;
    const struct env *env; /* what it will have */
    size_t rehearse;       /* states at most; 0: none */
};

/*
 * It, given: an object with application, from, to, via, by (who says how), steps, servers, env,
 * pause_us, pause_by.  NULL: no memory.
 */
json_t *outline_json(const struct outline *o);

#endif
