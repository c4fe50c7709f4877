/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade - take one application from one version to another, whole or not at all.
 *
 *   step      does                                           undone by
 *   --------  ---------------------------------------------  -------------------------
 *   plan      says how each server moves                     forgetting it
 *   rehearse  carries copies of live states, elsewhere       -
 *   prepare   writes the new release record beside the old   removing it
 *   add       starts the children that are new               ending them
 *   drain     brings every process to rest                   letting them go on
 *   migrate   builds new states beside the old               dropping them
 *   - - - - - - - - - - - - - point of no return - - - - - - - - - - - - - - - - - - -
 *   commit    new code on new states; the record is renamed  -
 *   resume    lets all go on                                 -
 *   retire    frees old states, ends removed children        -
 *
 * Until the point of no return the old states are only read, so undoing is forgetting;
 * after it nothing can refuse.
 */
#ifndef MOULT_UPGRADE_H
#define MOULT_UPGRADE_H

#include "application.h"
#include "image.h"
#include "record.h"
#include "vet.h"

#define UPGRADE_DRAIN_MS 5000u /* as OTP's suspend timeout */

/* What to do, and with what.  All is borrowed. */
struct upgrade {
    struct application *app;
    const struct image *from;
    const struct image *to;
    const struct application_spec *spec; /* of `to`; lives as long as it */
    struct vet *vet;
    struct record *record;
    uint64_t vet_ns; /* that was spent on vetting the file before; for the report */
    /* Told each step as it begins; may be NULL. */
    void (*progress)(void *context, const char *step);
    void *context;
};

/*
 * Do it.  0 and `*report` given, an object: application, from, to, servers, moved, list,
 * pause_us, total_us, rehearsed, waited.  Or a negative errno, `why` with step, server
 * and field, and everything is as it was.  On the release handler's thread.
 */
int upgrade_run(const struct upgrade *u, json_t **report, struct fault *why);

/* Say what would be done: application, from, to, steps, servers.  Nothing is touched. */
int upgrade_plan(const struct upgrade *u, json_t **report, struct fault *why);

#endif
