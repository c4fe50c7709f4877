/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application - what is started and stopped as a whole.  OTP: application.
 *
 * One process, the application controller, is the parent of every top supervisor: it
 * starts and stops them one at a time and hears when one gives up.
 */
#ifndef MOULT_APPLICATION_H
#define MOULT_APPLICATION_H

#include "group.h"
#include "supervisor.h"

enum application_status {
    APPLICATION_STOPPED,
    APPLICATION_RUNNING,
    APPLICATION_FAILED
};

/* One version of it.  Lives as long as the image it is part of. */
struct application_spec {
    const char *name, *vsn, *description;
    struct branch top;   /* what its top supervisor does */
    struct image *image; /* of who made this */
};

/* Never freed while the host runs: members of its group may look at it late. */
struct application {
    struct application *next;            /* in the order of their last start */
    const struct application_spec *spec; /* the version it runs; guarded by the list */
    struct group group;
    moult_pid supervisor;                   /* nobody unless running */
    _Atomic enum application_status status; /* written with the list's lock held */
    char name[];
};

/* Start the controller; 0 or -ENOMEM. */
int applications_start(void);

/*
 * The servers of application `name` may have `bytes` of memory together, as each has by
 * its child's max_heap.  For good.  0 or -ENOMEM.  Before any is started.
 */
int application_allow(const char *name, uint64_t bytes);

/*
 * Start the application that `spec` describes, unless it runs already (-EALREADY).  0; or
 * a negative errno and `why`.  Not on a worker.
 */
int application_start(const struct application_spec *spec, struct application **out,
                      struct fault *why);

/* Stop it: its supervisor and children in order, then whatever else is of it. */
void application_stop(struct application *app);

/* Stop all that run, in the reverse of the order they were started in. */
void applications_stop(void);

/* Kill all processes of all applications: those being stopped, whose time is over. */
void applications_kill(void);

/*
 * How long stopping all may take by the children's shutdown times, in milliseconds; one
 * after the other, a minute at most.  MOULT_INFINITY if one may take for ever.  [any]
 */
uint64_t applications_shutdown_ms(void);

/* The one named `name`, or NULL.  [any] */
struct application *application_find(const char *name);

/* Call `visit` for each, with the list's lock held.  [any] */
void application_each(void (*visit)(struct application *app, void *context),
                      void *context);

/* It runs another version now; its processes have been moved.  By the release handler. */
void application_became(struct application *app, const struct application_spec *spec);

#endif
