/* SPDX-License-Identifier: Apache-2.0 */
/*
 * saying - what a callback says besides what it returns: why, and what comes next.
 *
 * It is kept until the callback is over.  By the process, inside a turn.
 */
#ifndef MOULT_SAYING_H
#define MOULT_SAYING_H

#include "process.h"

/* What it put in moult_continuation(), a plain draft from now on; NULL: nothing. */
struct envelope *saying_continuation(struct process *p);

#endif
