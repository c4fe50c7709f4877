/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look - what a process is at, told by itself.  OTP: process_info/1.
 *
 * It is asked by a signal, so one that waits inside a callback answers, too; one that
 * computes does when it comes to wait.
 */
#ifndef MOULT_LOOK_H
#define MOULT_LOOK_H

#include "process.h"

/* Answer `e` (taken), of ENVELOPE_LOOK, which `p` has fetched. */
void look_answer(struct process *p, struct envelope *e);

/* Write what `p` is at as a map; see moult_process_info().  By `p`. */
void look_put(struct process *p, moult_out *out);

#endif
