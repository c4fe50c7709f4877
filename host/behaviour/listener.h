/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener - a process that runs one handler of telemetry; see abi/moult/telemetry.h.
 *
 * It is a member of the application whose function that is, counts as a user of its code,
 * and is taken to the function of that name by an upgrade, while it rests.  However it ends,
 * its handler is attached to nothing any more.
 */
#ifndef MOULT_LISTENER_H
#define MOULT_LISTENER_H

#include "application.h"
#include "fault.h"

/* Texts are copied. */
struct listener_spec {
    struct group *group;     /* of the application */
    const struct code *code; /* of the version whose function that is */
    moult_telemetry_function *run;
    const char *id, *function;
    struct envelope *config; /* taken, also on failure; NULL: null */
};

/* One, not launched; NULL: no memory. */
struct process *listener_create(const struct listener_spec *spec);

/*
 * Have all functions that the listeners in `group`, which rest, run a counterpart in `to`, a
 * version?  0, or -ENOENT and `why`.
 */
int listeners_check(struct group *group, const struct application_spec *to,
                    struct fault *why);

/* They run that from now on. */
void listeners_become(struct group *group, const struct application_spec *to);

/* Kill those of `group` that run `to`, which is not to run after all.  [any] */
void listeners_kill(struct group *group, const struct application_spec *to);

#endif
