/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade - take applications from one version to another, all of them or none.
 *
 *   step      does                                           undone by
 *   --------  ---------------------------------------------  -------------------------
 *   plan      says how each server moves                     forgetting it
 *   rehearse  carries copies of live states, elsewhere       -
 *   check     asks each config_check about its new env       -
 *   prepare   writes the new release record beside the old   removing it
 *   start     starts the applications that are new           stopping them
 *   add       starts the children that are new               ending them
 *   apply     calls what an appup has called before          -
 *   restart   stops those that are to be started anew, and   starting them as they were,
 *             starts them as the new version                 but for their states
 *   stop      stops the servers that are to be started anew  starting them as they were,
 *                                                            but for their states
 *   drain     brings every process to rest                   letting them go on
 *   migrate   builds new states beside the old               dropping them
 *   - - - - - - - - - - - - - point of no return - - - - - - - - - - - - - - - - - - -
 *   commit    new code on new states                         -
 *   resume    lets all go on, and starts what was stopped    -
 *   retire    the record is renamed; frees old states, ends  -
 *             removed children, starts those anew whose spec
 *             wants it, stops removed applications
 *
 * Each step is taken for all applications before the next, so there is one pause for all
 * of them.  Until the point of no return the old states are only read, so undoing is
 * forgetting; after it nothing can refuse.
 */
#ifndef MOULT_UPGRADE_H
#define MOULT_UPGRADE_H

#include "application.h"
#include "image.h"
#include "pick.h"
#include "record.h"
#include "route.h"
#include "terms.h"
#include "vet.h"

#define UPGRADE_DRAIN_MS 5000u /* as OTP's suspend timeout */

/* One application that goes to another version. */
struct upgrade_move {
    struct application *app;
    const struct image *from, *to;
    const struct application_spec *spec; /* of `to`; lives as long as it */
    bool has_canary;                     /* servers of it run `to` already */
    const struct image **stops; /* `from`, those it goes by way of, `to`; NULL: none */
    size_t stop_count;
    struct purges purges; /* that an appup asks for */
};

/* What to do, and with what.  All is borrowed. */
struct upgrade {
    const struct upgrade_move *moves;
    size_t move_count;
    const struct application_spec *const *starts; /* that do not run yet, in order */
    size_t start_count;
    struct application *const *stops; /* that are no more, in order */
    size_t stop_count;
    struct vet *vet;
    struct record *record;
    json_t *next; /* what the record says afterwards */
    /* Only these servers go: nothing else changes, nor the record.  NULL: all. */
    const struct pick *pick;
    size_t rehearse; /* states of servers, of each application; 0: none */
    uint64_t vet_ns; /* that was spent on vetting files before; for the report */
    struct terms terms;
    bool lists;   /* the report has each server */
    bool unasked; /* nobody said that it is to be done */
    /* Told each step as it begins, and whom it waits for in `more`; may be NULL. */
    void (*progress)(void *context, const char *step, const json_t *more);
    void *context;
};

/*
 * Do it.  0 and `*report` given, an object: upgraded, an array of objects (application,
 * from, to, servers, moved, list, rehearsed, rehearsed_messages, waited, and for all of them pause_us,
 * total_us, vet_us); started and stopped, arrays of objects (application, vsn).  Or a
 * negative errno, `why` with step, application, server and field, and everything is as it
 * was.  On the release handler's thread.
 *
 * If an appup says so the host has to end now, and begin anew with it (see reboot.h): then
 * `*report` has restart, true, and of upgraded only application, from and to.
 */
int upgrade_run(const struct upgrade *u, json_t **report, struct fault *why);

/* What is asked for. */
enum upgrade_mode { UPGRADE_RUN, UPGRADE_PLAN, UPGRADE_REHEARSE };

/*
 * Rehearse it and do no more: as upgrade_run(), but for upgraded: objects with
 * application, from, to, rehearsed, rehearsed_messages.
 */
int upgrade_rehearse(const struct upgrade *u, json_t **report, struct fault *why);

/*
 * Say what would be done: as upgrade_run(), but for upgraded: objects with application,
 * from, to, steps, servers.  Nothing is touched.
 */
int upgrade_plan(const struct upgrade *u, json_t **report, struct fault *why);

#endif
