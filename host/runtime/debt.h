/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debt - the calls that a process has taken and not answered yet.
 *
 * Whoever waits for such an answer is told when the process ends.  By the process itself.
 */
#ifndef MOULT_DEBT_H
#define MOULT_DEBT_H

#include "process.h"

/*
 * Remember `call` (taken unless it fails), to be answered later.  0, -ENOMEM
 * or -ENOSPC (it owes as many as it may).
 */
int debt_add(struct process *p, struct envelope *call);

/* Why debt_add() failed, in words. */
const char *debt_problem(int error);

/* Forget the call `ref` of `caller`, which is given; NULL if there is none. */
struct envelope *debt_take(struct process *p, moult_pid caller, uint64_t ref);

/* Answer them all that `p` ends. */
void debts_answer(struct process *p);

#endif
