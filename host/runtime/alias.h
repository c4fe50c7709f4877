/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias - addresses of a process that it can give up.  OTP: alias/1.
 *
 * What is sent there is a signal, which becomes a message when it has arrived, if the
 * alias has not been given up by then.  By the process itself.
 */
#ifndef MOULT_ALIAS_INTERNAL_H
#define MOULT_ALIAS_INTERNAL_H

#include "process.h"

/* Set in the `ref` of all of them: no other number has it, but SIGNAL_REF_ASYNC's. */
#define ALIAS_REF (1ull << 62)

static inline bool alias_is_ref(uint64_t ref)
{
    return (ref & (ALIAS_REF | 1ull << 63)) == ALIAS_REF;
}

/* `e` (taken) came by an alias, as a message or as an answer. */
void alias_act(struct process *p, struct envelope *e);

/* The monitor `ref` has told, or was taken back. */
void alias_demonitored(struct process *p, uint64_t ref);

#endif
