/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order - what applications are to do together, gathered and then done or planned.
 *
 * On the release handler's thread.
 */
#ifndef MOULT_ORDER_H
#define MOULT_ORDER_H

#include "release.h"
#include "stock.h"
#include "upgrade.h"

/* Begin with the first four, the rest zero. */
struct order {
    struct stock *stock;
    const struct release_listener *listener; /* or NULL */
    struct terms terms;
    enum upgrade_mode mode;
    bool lasts;              /* confirmed, it is permanent if what ran before is */
    const struct pick *pick; /* only these servers; NULL: all */
    bool unasked;            /* what was dropped: nobody said that it is to be done */
    uint64_t vet_ns;         /* spent on the files so far */
    struct upgrade_move *moves;
    const struct application_spec **starts;
    struct application **stops;
    size_t move_count, start_count, stop_count;
};

/*
 * Has `to` been tried with the version that runs?  When it was taken in, another may have.
 * 0, or why not.
 */
int order_vet(struct order *order, const struct catalog_entry *to, struct fault *why);

/*
 * `app`, which runs, goes to what `to` lists, with what its appup says of others; what
 * `entry` lists starts; `app` stops.  Once each.  0, or a negative errno and `why`.
 */
int order_move(struct order *order, struct application *app,
               const struct catalog_entry *to, struct fault *why);
int order_start(struct order *order, const struct catalog_entry *entry,
                struct fault *why);
int order_stop(struct order *order, struct application *app, struct fault *why);

/*
 * Do it, all or nothing, and have the ledger of releases be `next` (borrowed) then; or only
 * plan or rehearse it.  0 and `*report` given, as upgrade_run() has it; or a negative
 * errno and `why`.  What came of it is told and listed.
 */
int order_run(struct order *order, json_t *next, json_t **report, struct fault *why);

/* What `name` is to be started for does not hold any more; nor what it was to stop for. */
void order_skip(struct order *order, const char *name);
void order_keep(struct order *order, const char *name);

/*
 * Make `apps`, name -> {vsn, hash}, what runs besides what moves: with what starts, and
 * without what stops.  0 or -ENOMEM.
 */
int order_applications(const struct order *order, json_t *apps);

void order_finish(struct order *order);

#endif
