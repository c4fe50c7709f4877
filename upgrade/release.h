/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release - the release handler: which versions there are, which run, and changing that.
 *
 * One thread does all of it, a job at a time, in the order they came: a dropped file, an
 * upgrade, a downgrade.  OTP: release_handler.
 */
#ifndef MOULT_RELEASE_H
#define MOULT_RELEASE_H

#include <jansson.h>
#include <stdbool.h>

#include "fault.h"

#define RELEASE_JOBS_MAX 1024u /* that wait; others are refused */

struct release_options {
    const char *plugins, *data; /* folders; made if need be; copied */
    bool stage_only;            /* a dropped file is taken in and not upgraded to */
};

/*
 * Take in what is in the plugin folder, start the applications, each at the version of
 * the release record or else at its highest, then watch the folder.  An application that
 * does not start is told as an event and does not keep the others.  0, or a negative
 * errno and `why`.  On the program's main thread, workers running.
 */
int release_start(const struct release_options *options, struct fault *why);

/* Stop watching, finish the job at hand, stop the applications, unload all. */
void release_stop(void);

enum release_verb {
    RELEASE_UPGRADE,
    RELEASE_DOWNGRADE,
    RELEASE_PLAN_UPGRADE, /* say what it would do, and do nothing */
    RELEASE_PLAN_DOWNGRADE
};

/* How a job goes on and ends, on the release handler's thread. */
struct release_listener {
    void (*progress)(void *context, const char *step);
    /* `report` is given, or NULL and `why` (lent) says what was refused. */
    void (*done)(void *context, json_t *report, const struct fault *why);
    void *context;
};

/*
 * Bring application `app` to `vsn` (NULL: the highest there is).  0, and the listener
 * (copied) is told; or -ENOMEM, -EAGAIN (RELEASE_JOBS_MAX wait).  [any]
 */
int release_change(enum release_verb verb, const char *app, const char *vsn,
                   const struct release_listener *listener);

/*
 * Take in the file at `path`, without upgrading to it; the report has application and
 * vsn.  Otherwise as release_change().  OTP: release_handler:unpack_release/1.  [any]
 */
int release_unpack(const char *path, const struct release_listener *listener);

/* What `moult releases` shows, given: see catalog_json().  NULL: no memory.  [any] */
json_t *release_list(void);

#endif
