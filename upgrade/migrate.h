/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate - move the servers of an application that is at rest to other code.
 *
 *   step    does                                              undone by
 *   ------  ------------------------------------------------  ----------------------
 *   build   a new state beside each old one, on all workers;  dropping these
 *           the same of messages that wait, where these are
 *           read differently
 *   - - - - - - - - - - - - point of no return - - - - - - - - - - - - - - - - - - - -
 *   commit  each process runs the new code on the new state   -
 *   retire  the old states are freed                          -
 *
 * Until the point of no return the old states are only read, so undoing is forgetting;
 * after it nothing can refuse.
 */
#ifndef MOULT_MIGRATE_H
#define MOULT_MIGRATE_H

#include "budget.h"
#include "carry.h"
#include "group.h"
#include "mail.h"
#include "pick.h"
#include "plan.h"
#include "server.h"
#include "stragglers.h"

#define MIGRATE_CALLBACK_MS 5000u /* of a server whose callbacks have no limit */

/* One server on its way. */
struct move {
    struct process *process;
    const struct plan_child *plan;
    moult_pid pid;              /* the same, for when it runs on */
    uint32_t took_us;           /* building its state; 0: its memory is handed over */
    void *state;                /* the new one */
    struct moult_ctx ctx;       /* its memory; after the commit, the old one's */
    struct mail mail;           /* what waits for it, if it reads that differently */
    struct allowance allowance; /* of `ctx`, as the new version limits it */
};

/* All zero is empty. */
struct migration {
    const struct plan *plan;
    struct move *moves;
    size_t count;
    size_t moved[PLAN_MOVES]; /* servers by how they move, come or go */
    size_t renewed;           /* servers that are to be started anew when all is done */
    bool has_mail;            /* one of them reads messages differently */
    struct stragglers_listener listener; /* told who takes long; or all zero */
};

/*
 * List the servers of `group`, which is frozen: those of `pick` alone, if it is not NULL.  0
 * or -ENOMEM; -EPROTO if one runs code that the plan does not know; -ESRCH if of those that
 * were picked none is there any more.
 */
int migration_collect(struct migration *m, const struct plan *plan, struct group *group,
                      const struct pick *pick, struct fault *why);

/* Does moving servers as `plan` says run what plugins bring?  [pure] */
bool migration_runs_callbacks(const struct plan *plan);

/* Room to write states in; all zero is none yet. */
struct room {
    uint64_t began_ns; /* with the state that is written */
    struct carry_room carry;
};

void room_release(struct room *room);

/* Is there something of it to build?  [pure] */
bool move_has_to_build(const struct move *m);

/* Note in `m` how long it has taken so far, which is given, in ns. */
uint64_t move_time(struct move *m, const struct room *room);

/*
 * Build the new state of one.  0; or a negative errno, and `why` names the server and the
 * field or function; -ETIMEDOUT if it took too long, or all did.
 */
int move_build(struct move *m, const struct budget *budget, struct room *room,
               struct fault *why);

/*
 * Build all new states within `budget`.  0; or the error of one that can't be moved, `why`
 * naming the server and the field or function, and all is as it was.  If the pause is too
 * long it stops: see migration_slowest().  Not on a worker.
 */
int migration_build(struct migration *m, const struct budget *budget,
                    struct fault *why);

/* Add those that took longest. */
void migration_slowest(const struct migration *m, struct slowest *slowest);

/* Every process runs the new code from now on; who walks `group` sees one or the other. */
void migration_commit(struct migration *m, struct group *group);

/* It stays as it was; the last thing that happens to it while it rests. */
void migration_abandon(struct migration *m);

/* Free what nobody uses any more: what is old after a commit, else what is new. */
void migration_finish(struct migration *m);

#endif
