/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervision - the supervisors of an application on their way to another version.
 *
 *   step     does                                               undone by
 *   -------  -------------------------------------------------  ----------------------
 *   add      each starts the children that are new below it     ending those
 *   pause    each stops the children that are started anew      starting them again
 *   check    no supervisor was started again meanwhile          -
 *   - - - - - - - - - - - - - point of no return - - - - - - - - - - - - - - - - - - -
 *   become   each supervises what the new version says          -
 *   unpause  each starts what was stopped                       -
 *   remove   each ends the children that are no more            -
 *   renew    each starts those anew whose spec wants that       -
 *
 * Add, pause, unpause, remove and renew talk to running supervisors; check and become need
 * them at rest.  On the release handler's thread.
 */
#ifndef MOULT_SUPERVISION_H
#define MOULT_SUPERVISION_H

#include "application.h"
#include "pick.h"
#include "plan.h"

/* Children that one supervisor was asked to start. */
struct addition {
    struct addition *next;
    moult_pid supervisor;
    const struct code *below; /* the supervisor's, of the old version; NULL: the top */
    size_t count;
    const struct code *codes[];
};

/* All borrowed but `additions`; begin with the first three. */
struct supervision {
    struct application *app;
    const struct plan *plan;
    const struct branch *top; /* of the new version */
    struct addition *additions;
    struct pausing *pausing; /* the supervisors of what is paused */
    size_t pausing_count;
    size_t paused; /* servers */
};

/* One that has paused children, and what has it start them again. */
struct pausing {
    moult_pid supervisor;
    struct envelope *unpause; /* NULL: it is sent */
};

/* Is there anything to add?  Of a count that has grown the rest is.  [pure] */
bool supervision_adds(const struct supervision *s);

/* 0; or a negative errno, `why`, and what was started has ended. */
int supervision_add(struct supervision *s, struct fault *why);

/* End what was added. */
void supervision_undo(struct supervision *s);

/*
 * 0; -EAGAIN: there is a supervisor that has not what was added, because it was started
 * again; -ESRCH: the application has ended.
 */
int supervision_check(struct supervision *s, struct fault *why);

void supervision_become(struct supervision *s);

/*
 * No supervisor changes, but those of their children that `pick` has will be started from
 * the new version's code, too.
 */
void supervision_place(struct supervision *s, const struct pick *pick);

void supervision_remove(struct supervision *s);
void supervision_renew(struct supervision *s);

/*
 * What is started anew is stopped; 0 or -ENOMEM and `why`, to be unpaused either way.  Then it is started, in the
 * version that its supervisor has by then; who does not start is tried again as who fell.
 */
int supervision_pause(struct supervision *s, struct fault *why);
void supervision_unpause(struct supervision *s);

/* Forget what was noted. */
void supervision_finish(struct supervision *s);

#endif
