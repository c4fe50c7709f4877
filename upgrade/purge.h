/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purge - have old code go that processes still run.
 *
 * An upgrade moves servers; what was spawned goes on in the version that it began in, which
 * stays loaded as long.  On the release handler's thread.  OTP: code:purge/1 and
 * code:soft_purge/1, the post-purge methods of a release.
 */
#ifndef MOULT_PURGE_H
#define MOULT_PURGE_H

#include "stock.h"

struct application;

/*
 * Kill all processes of `app` that run another version of it than `vsn` (NULL: any), or, if
 * `only`, that one alone, and wait for their end.  How many there were.
 */
size_t purge_kill(struct application *app, const char *vsn, bool only);

/* The same of those that run neither of two versions. */
size_t purge_kill_older(struct application *app, const char *vsn, const char *other);

/*
 * Unload the version named "APP@VSN", which does not run.  If processes run it still, they
 * are killed if `brutal`, else it is refused.  0 and `*report` given, an object:
 * application, vsn, killed (how many), unloaded, reason (why it is not, if so); also if it
 * was not loaded at all.  -ENOENT, -EPERM (it runs), -EBUSY and `why`, with who runs it.
 */
int purge_version(struct stock *stock, const char *word, bool brutal, json_t **report,
                  struct fault *why);

#endif
