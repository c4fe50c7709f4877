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

#include "server.h"

/* All zero is empty. */
struct mail {
    struct process *process; /* whose timers are stopped; or NULL */
    struct letter *letters;
    size_t count, room;
};

/* Do they read messages differently?  [pure] */
static inline bool mail_differs(const struct code *from, const struct code *to)
{
    return from->server.message_format != to->server.message_format;
}

/* The version whose message_change translates between the two. */
static inline const struct code *mail_translator(const struct code *a,
                                                 const struct code *b)
{
    return a->server.message_format > b->server.message_format ? a : b;
}

/* Can what waits for the one be carried to the other?  0, or -ENOTSUP and `why`.  [pure] */
int mail_check(const struct code *a, const struct code *b, struct fault *why);

/*
 * Make what `to` reads of all that waits for `p`, which runs `from`.  0; or a negative
 * errno and `why` names the function.  Nobody but this looks at `p` meanwhile.
 */
int mail_build(struct mail *m, struct process *p, const struct code *from,
               const struct code *to, struct fault *why);

/* Exchange the contents; `p` runs the new version already, and still rests. */
void mail_commit(struct mail *m);

/* Let its timers go on, with what they had.  While it still rests; empty is fine. */
void mail_abandon(struct mail *m);

/* Free what nobody reads: after a commit the old contents, else the new. */
void mail_finish(struct mail *m);

#endif
