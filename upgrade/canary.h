/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary - a part of an application's servers in another version, to see how it does there
 * before the rest follows, or the part comes back.
 *
 * One at a time.  The application is of the version that it was, and so are the record of
 * releases, its configuration and its supervisors: a host that ends begins with that, and
 * children that are new start in it.  A server that is started again keeps the version that
 * it had; one whose supervisor is started again has that of the supervisor.  Crashes and
 * restarts are counted by version, and how long calls take of some servers of each, as
 * `sys` does.
 *
 * On the release handler's thread, but for what says otherwise.
 */
#ifndef MOULT_CANARY_H
#define MOULT_CANARY_H

#include "group.h"
#include "image.h"
#include "release.h"
#include "stock.h"

#define CANARY_TIMED 100u /* servers of each version whose calls are timed */

/* What to do it with; all borrowed. */
struct canary_work {
    struct stock *stock;
    const struct terms *terms;
    const struct release_listener *listener;
};

/*
 * Have servers of the application go to that version: `words` are "APP@VSN" or "APP", and
 * who: see pick_make().  0 and `*report` given, as upgrade_run() has of one, with of: how
 * many there are; or a negative errno and `why`, and nothing has changed.
 */
int canary_begin(const struct canary_work *work, const json_t *words, json_t **report,
                 struct fault *why);

/*
 * Have the rest follow, or the part come back, which ends it.  0 and `*report` given, as
 * upgrade_run() has of one; or with `why` -ENOENT (there is none), or why that was refused:
 * then it goes on.
 */
int canary_promote(const struct canary_work *work, json_t **report, struct fault *why);
int canary_withdraw(const struct canary_work *work, json_t **report, struct fault *why);

/* Is there one?  Is `image` what its part runs?  The first [any]. */
bool canary_is_on(void);
bool canary_runs(const struct image *image);

/* -EBUSY and `why`: another change has to wait for it. */
int canary_busy(struct fault *why);

/* A server fared badly, or an application: count it.  [any] */
void canary_note(struct group *g, enum group_trouble what, const char *vsn);

/* See whose calls are to be timed now, and whether the application still runs. */
void canary_look(void);

/*
 * How it does, given: application, from, to, for_ms, versions (an array of objects: vsn,
 * servers, crashes, restarts, calls, failed, mean_us, p50_us, p99_us, most_us); null: there is
 * none.
 */
json_t *canary_json(void);

/* That there is one, given: an object of application, from, to; or NULL.  [any] */
json_t *canary_listed(void);

void canary_finish(void);

#endif
