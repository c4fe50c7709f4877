/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - calls from outside: from the control loop, the release handler, tests.
 *
 * A short-lived process asks for the caller's sake, so that a call from outside has all
 * that a call has: a timeout, the news of the callee's death, no late replies.
 */
#ifndef MOULT_ASK_H
#define MOULT_ASK_H

#include "process.h"

/*
 * What came of it: `error` 0 and the reply's items in `in`; or a negative errno as of
 * moult_call() and words.  Both are lent for the call.  On a worker; must not block.
 */
typedef void ask_done(void *context, int error, const char *text, moult_in *in);

/*
 * Send `e` (taken) of kind ENVELOPE_CALL or ENVELOPE_SYSTEM to `to` and call `done`, once,
 * also when it fails at once.  Not if this returns -ENOMEM.  [any]
 */
int ask(moult_pid to, struct envelope *e, uint64_t timeout_ms, ask_done *done,
        void *context);

/*
 * The same, waiting for it: the reply goes to `*reply` (out_init'ed; may be NULL), the
 * words of a failure to `text`.  Not on a worker.
 */
int ask_and_wait(moult_pid to, struct envelope *e, uint64_t timeout_ms,
                 struct moult_out *reply, char *text, size_t text_size);

/* The group that they are in; the host's own. */
extern struct group ask_group;
void ask_start(void);

#endif
