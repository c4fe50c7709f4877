/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - calls and drafts, for the behaviours; the ABI's own are in moult/message.h.
 */
#ifndef MOULT_MESSAGE_INTERNAL_H
#define MOULT_MESSAGE_INTERNAL_H

#include "process.h"

/*
 * Send `e` (taken; its kind is set) as a call and wait for the reply, which is in
 * `p->answer` then, as are the words of a failure.  Errors: see moult_call().  By `p`.
 */
int process_call(struct process *p, moult_pid to, struct envelope *e,
                 uint64_t timeout_ms);

/* The same, and no event of telemetry: what that tells of. */
int process_call_untold(struct process *p, moult_pid to, struct envelope *e,
                        uint64_t timeout_ms);

/*
 * Launch `p`, which `parent` created, with `e` (taken, of kind ENVELOPE_START), and
 * wait for its answer as process_call() does.  By `parent`.
 */
int process_start(struct process *parent, struct process *p, struct envelope *e,
                  uint64_t timeout_ms);

/*
 * Wait for the reply to what was sent as `a->ref`, unless it is in `a` already; then as
 * process_call().  `p->answer` is NULL.  By `p`.
 */
int process_answered(struct process *p, struct await *a, uint64_t timeout_ms);

/* Leave `text` as the words of a failed call; returns `error`.  By `p`. */
int process_fail(struct process *p, int error, const char *text);

/*
 * `out`, a draft of `p` (NULL: of nobody's), as an envelope, given; it is no draft any more.  0; or the error
 * that it was written with, and it is gone.
 */
int draft_take(struct process *p, moult_out *out, struct envelope **e);

/* `e` is no draft of `p` any more, but the caller's. */
void draft_forget(struct process *p, const struct envelope *e);

/* Put `e` (taken) among the drafts, to be freed with them. */
void draft_keep(struct process *p, struct envelope *e);

/*
 * A reply to be written, NULL: no memory; and, as an envelope again, given, to be sent.
 * Until then it is a draft: that is what goes if the callback never comes back.  By `p`.
 */
struct envelope *reply_draft(struct process *p);
void reply_take(struct process *p, struct envelope *reply);

/* Free what was received with moult_receive() and its like; calls are owed from now on. */
void received_drop(struct process *p);

/* Free `out`, a draft of `p` that was taken and not sent. */
void draft_drop(struct process *p, moult_out *out);

/*
 * Answer the call at hand with an error, and `text` (borrowed) in words.  The request
 * becomes the answer, so no memory is needed.  By `p`.
 */
void process_refuse(struct process *p, int error, const char *text);

/* Free what was drafted and not sent: the callback is over. */
void drafts_drop(struct process *p);

#endif
