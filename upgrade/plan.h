/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - what going from one version of an application to another takes.
 *
 * Derived from the two versions alone, and what an appup says: pure, so that it can be
 * shown, and checked for all that can be known, before anything is touched.
 *
 *   the server's state        moves      what it costs
 *   ------------------------  ---------  ----------------------------------------
 *   same layout and format    pointer    nothing: the memory is handed over
 *   same format               schema     it is written and read again, by field
 *   another format            change     the same, and the newer version's
 *                                        code_change in between, in either direction
 */
#ifndef MOULT_PLAN_H
#define MOULT_PLAN_H

#include <jansson.h>

#include "route.h"

enum plan_move {
    PLAN_POINTER,
    PLAN_SCHEMA,
    PLAN_CODE_CHANGE,
    PLAN_SUPERVISOR, /* it goes on with what the new version says of it */
    PLAN_ADDED,      /* only the new version has that child: it is started */
    PLAN_REMOVED,    /* only the old one has: it is stopped */
    PLAN_ANEW        /* an appup has it stopped and started */
};

#define PLAN_MOVES (PLAN_ANEW + 1u)

struct plan_child {
    const struct code *from,
        *to; /* NULL: added, or removed; of PLAN_ANEW perhaps, too */
    enum plan_move move;
    const struct passage *legs; /* of both; the plan's */
    size_t leg_count;
};

/* All zero is empty.  Its texts and code are the images'. */
struct plan {
    const struct image *from, *to;
    struct journey journey;
    struct passage *passages;    /* of all children */
    bool restarts;               /* it is started anew: then there are no children */
    bool reboots;                /* and so is all of the host */
    struct plan_child *children; /* in the order of `to`, then what is removed */
    size_t count;
};

/* Is any of its children started anew?  [pure] */
bool plan_stops(const struct plan *plan);

/*
 * From `from` to `to`, versions of one application, as its appup says if it has one.  0;
 * -ENOTSUP (a state can't be carried, or there is no way) or -EINVAL (the appup does not
 * cover what changed) with `why` naming the server; -ENOMEM.  [pure]
 */
int plan_make(const struct image *from, const struct image *to, struct plan *out,
              struct fault *why);

/* The same through `count` versions in their order, 2 to ROUTE_LEGS_MAX + 1. */
int plan_make_by(const struct image *const *stops, size_t count, struct plan *out,
                 struct fault *why);

void plan_release(struct plan *plan);

/*
 * How many servers of `code` start with the application; 0 if it is a supervisor, or
 * started at run time only.  [pure]
 */
uint64_t plan_servers_of(const struct image *image, const struct code *code);

/* The entry of the child that `from` is the code of, or that `to` is; NULL: none. */
const struct plan_child *plan_find(const struct plan *plan, const struct code *code);

/* Are messages that wait for such a server read differently on the way?  [pure] */
bool plan_carries_mail(const struct plan_child *child);

/*
 * Are the args that such a server starts with others in the new version?  It is started
 * anew for that only if its spec says so: plan_renews().  [pure]
 */
bool plan_changes_args(const struct plan_child *child);
bool plan_renews(const struct plan_child *child);

/*
 * See to it that `why` says, as its place and in its text, that it is about the server
 * `id`; so far it may only name the child of whose `count` that is one.  [pure]
 */
void plan_blame(struct fault *why, const char *id);

/* "pointer", "schema", "code_change", "supervisor", "added", "removed", "anew". */
const char *plan_move_text(enum plan_move move);

#endif
