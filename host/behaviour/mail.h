/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail - the messages that wait for a server on its way to a version that reads them
 * differently.
 *
 * The new contents are made beside the old ones, and exchanged with them at the commit.
 * The server rests, frozen by a hold; its own timers are stopped meanwhile, since what they
 * send is among the messages.  Others may go on sending: what comes after the build is
 * left as it is.
 */
#ifndef MOULT_MAIL_H
#define MOULT_MAIL_H

#include "message_carry.h"

#define MAIL_COPY_MOST  100u                /* messages of one server that are copied */
#define MAIL_COPY_BYTES ((size_t)256 << 10) /* of these */

/* All zero is empty. */
struct mail {
    struct process *process; /* whose timers are stopped; or NULL */
    struct letter *letters;
    size_t count, room;
};

/*
 * Make what is read at the end of `count` legs of all that waits for `p`, which runs the
 * code that they begin at; see message_carry().  0; or a negative errno and `why` names the
 * function.  Nobody but this looks at `p` meanwhile.
 */
int mail_build(struct mail *m, struct process *p, const struct passage *legs,
               size_t count, struct fault *why);

/* Exchange the contents; `p` runs the new version already, and still rests. */
void mail_commit(struct mail *m);

/* Let its timers go on, with what they had.  While it still rests; empty is fine. */
void mail_abandon(struct mail *m);

/*
 * Write to `out` an array of [kind, message] with copies of what waits for `p`, a server: of
 * `most` from the first to the last, or fewer, if these are MAIL_COPY_BYTES.  `kind` is
 * "call", "cast" or "info".  0 or -ENOMEM.  By `p`.
 */
int mail_copy(struct process *p, size_t most, moult_out *out);

/* Free what nobody reads: after a commit the old contents, else the new. */
void mail_finish(struct mail *m);

#endif
