/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response - what comes of calls that nobody waits for.  OTP: gen_server:send_request/2.
 *
 * A reply is queued as a message until it is asked for by its ref, or handled in its
 * turn.  What was given up never comes.  By the process itself.
 */
#ifndef MOULT_RESPONSE_H
#define MOULT_RESPONSE_H

#include "process.h"

/* Is what comes of the call `ref` still to be handled? */
bool response_is_due(const struct process *p, uint64_t ref);

/* Nothing comes of the call `ref` any more. */
void response_forget(struct process *p, uint64_t ref);

/* `e`, a reply that `p` takes, and lent as long; nothing more comes of that call. */
moult_response response_of(struct process *p, const struct envelope *e);

/* `e`, a reply that `p` handles in its turn, as the map of abi/moult/message.h. */
void response_put(struct process *p, const struct envelope *e, moult_out *out);

#endif
