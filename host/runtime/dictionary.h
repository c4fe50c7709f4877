/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dictionary - what a process keeps under keys, beside its state.  OTP: put/2, get/1.
 *
 * By the process itself; the functions are those of abi/moult/process.h.
 */
#ifndef MOULT_DICTIONARY_H
#define MOULT_DICTIONARY_H

#include "process.h"

/* Free all that `p`, which ends, has there. */
void dictionary_finish(struct process *p);

#endif
