/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receive - take messages out of the mailbox by what they are, and wait for them.  By the
 * process itself, inside a callback.
 */
#ifndef MOULT_RECEIVE_H
#define MOULT_RECEIVE_H

#include "process.h"

/* Is `e`, which waits, one to take? */
typedef bool receive_wanted(struct process *p, struct envelope *e, void *context);

/*
 * Take the oldest that is wanted, and wait for one up to `timeout_ms`, 0 not at all.  0 and
 * `*found`, given; -ETIMEDOUT, -ENOMEM.  Does not return if the process ends.
 */
int receive(struct process *p, receive_wanted *wanted, void *context,
            uint64_t timeout_ms, struct envelope **found);

/* Keep `e` (taken) until received_forget(), the end of the callback at the latest. */
void received_keep(struct process *p, struct envelope *e);
void received_forget(struct process *p);

#endif
