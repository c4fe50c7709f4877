/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group - the processes of one application, and how an upgrade brings them to rest.
 *
 * Every process that a member starts is a member.  A hold asks each member to rest at
 * its next turn boundary, where no callback of it is on any stack:
 *
 *   - one that is idle is taken at once, by a compare-and-swap, without running it;
 *   - one that runs rests by itself when its callback has returned;
 *   - one that waits inside a callback gets what it waits for: messages from members
 *     that are not at rest, and what others send on their behalf, are urgent, and a
 *     member at rest wakes for them.  So two members that call each other, in whatever
 *     order and through whomever, come to rest without a declared order.
 *
 * What was called before the hold began, by others that a member waits for, bears no mark.
 * So a hold that is not through after HOLD_HURRY_MS has all members at rest serve what
 * waits for them by then, in order, and again after twice as long: each time whatever
 * holds it up gets on by at least one call.
 *
 * Processes whose class is free of it (see spawn) are members and are not asked.
 *
 * When the last member rests the hold freezes: from then on none wakes, and whoever asked
 * for it owns all members until it releases them.  OTP: the group leader; sys:suspend/1.
 */
#ifndef MOULT_GROUP_H
#define MOULT_GROUP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "log_gate.h"
#include "process.h"

#define HOLD_HURRY_MS      1u
#define HOLD_HURRY_MS_MOST 16u /* what is served then is as much as came meanwhile */

/*
 * One attempt to bring groups to rest.  Lives for ever: who looks at it late finds it.
 */
struct hold {
    pthread_mutex_t lock; /* guards all that follows, and every process's `hold` */
    pthread_cond_t rested;
    uint32_t busy;        /* members not at rest */
    bool frozen;          /* none wakes any more */
    struct group *groups; /* that are held; by `next_held` */
};

struct application;

struct group {
    pthread_mutex_t lock; /* guards all that follows */
    struct process *members;
    uint32_t count;
    uint32_t free;           /* of them, that are not asked to rest */
    struct hold *hold;       /* what new members are held by, or NULL */
    struct group *next_held; /* guarded by the hold's lock */
    const char *name;        /* of the application; lives as long as the group */
    struct application *app; /* whose group it is, or NULL: the host's own */
    struct log_gate log;     /* for what its members say */
    struct quota quota;      /* of memory, for its servers; without a limit at first */
    _Atomic uint32_t
        restarts; /* of its servers by their supervisors; relaxed, a figure */
};

/* `name` is borrowed for the group's life. */
void group_init(struct group *g, const char *name);
void group_finish(struct group *g);

/* How many members there are.  [any] */
uint32_t group_count(struct group *g);

/*
 * For those that are free to come at any time.  Make `p`, which is to be launched, a
 * member, so that nothing of what it runs changes until it rests; or have `p`, a free
 * member, be of another class and `data` from now on, by itself.  False: all are
 * frozen; ask again when that is over.
 */
bool group_enter(struct group *g, struct process *p);
bool group_settle(struct process *p, const struct process_class *class, void *data);

/* Called by process_launch and process_finish. */
void group_add(struct group *g, struct process *p);
void group_remove(struct group *g, struct process *p);

/* Call `visit` for each member, with the lock held: it must not start or end any. [any] */
void group_each(struct group *g, void (*visit)(struct process *p, void *context),
                void *context);

enum group_trouble {
    GROUP_CRASH,   /* a server ended in no good order */
    GROUP_RESTART, /* it was started again, with others perhaps, or that failed */
    GROUP_END      /* the application has ended by itself */
};

/*
 * `hook` is told of that in `g`, of code of `vsn` (lent; NULL: any); NULL: nobody is.  It
 * must not block.  [any]
 */
void group_on_trouble(void (*hook)(struct group *g, enum group_trouble what,
                                   const char *vsn));

/* Tell it. */
void group_tell_trouble(struct group *g, enum group_trouble what, const char *vsn);

void hold_init(struct hold *hold);

/* Ask all members, and all that are started from now on, to rest.  Not twice at once. */
void group_hold(struct group *g, struct hold *hold);

/*
 * Wait until all that were asked rest, and freeze them.  0; -ETIMEDOUT when `timeout_ms`
 * is over: then release.  Not on a worker.
 */
int hold_freeze(struct hold *hold, uint64_t timeout_ms);

/* Let all members go on.  The number of messages that waited for it. */
uint64_t group_release(struct group *g, struct hold *hold);

/* -- for the loop -- */

/* True if `p` rests now: leave it alone.  False: it goes on. */
bool hold_rest(struct process *p, struct hold *hold);

/* `p` went idle while it was asked to rest: take it, unless somebody woke it. */
void hold_late(struct process *p, struct hold *hold);

/* `p` has been sent something urgent: wake it if it rests and nothing is frozen. */
void hold_wake(struct process *p);

#endif
