/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name - the names that processes are registered under.
 *
 * Look-ups are lock-free (RCU, see reader.h); registering takes a lock.  A name is
 * free again before anybody is told that its process ended.  OTP: register/2.  A name
 * "via:rooms:lobby" is the key "lobby" of the unique registry that is named "rooms"; see
 * via.h.
 */
#ifndef MOULT_NAME_H
#define MOULT_NAME_H

#include "moult.h"

struct process;

#define NAME_MAX_LEN 255u /* bytes */
#define NAME_PROBLEM 384u /* bytes that hold a name and what is wrong with it */

/*
 * Register `p`, which has no name yet, as `text` (copied).  0; -EEXIST, and `*holder`
 * (may be NULL) who has it; -EINVAL (empty, too long); -ENOMEM; or what via_register()
 * gives.  By `p` itself, or before it runs.
 */
int name_register(struct process *p, const char *text, moult_pid *holder);

/* Why name_register() gave `error` and `holder`, in words: `text`, or lent for ever. */
const char *name_problem(const char *name, int error, moult_pid holder,
                         char text[NAME_PROBLEM]);

/* Who is registered as `text`, or nobody.  [any] */
moult_pid name_find(const char *text);

/* Give the name of `p` back, if it has one.  By `p` itself. */
void name_release(struct process *p);

/* Copy the name of the process at `pid` to `to`; "" if it has none.  [any] */
void name_of(moult_pid pid, char to[NAME_MAX_LEN + 1]);

#endif
