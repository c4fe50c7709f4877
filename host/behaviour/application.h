/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application - what is started and stopped as a whole.  OTP: application.
 *
 * One process, the application controller, is the parent of every top supervisor: it
 * starts and stops them one at a time and hears when one gives up.
 *
 *   application  the list of them, and what is known of each
 *   controller   the process: starts, stops, hears of ends
 *   master       runs their callbacks
 *   resource     what a version says of itself besides its tree
 */
#ifndef MOULT_APPLICATION_INTERNAL_H
#define MOULT_APPLICATION_INTERNAL_H

#include "env.h"
#include "event.h"
#include "group.h"
#include "resource.h"
#include "supervisor.h"

enum application_status {
    APPLICATION_STOPPED,
    APPLICATION_RUNNING,
    APPLICATION_FAILED
};

/*
 * What it means for the host when one ends by itself, or can't be started.  One that is
 * asked to stop never means anything.  OTP: restart type.
 */
enum application_type {
    APPLICATION_TEMPORARY, /* it is told of */
    APPLICATION_TRANSIENT, /* the host stops, unless it ended as normal */
    APPLICATION_PERMANENT  /* the host stops */
};

/* One version of it.  Lives as long as the image it is part of. */
struct application_spec {
    const char *name, *vsn, *description;
    struct branch top;               /* what its top supervisor does */
    struct image *image;             /* of who made this */
    const struct resource *resource; /* NULL: it says nothing more */
    _Atomic uint32_t *uses;          /* of its image; or NULL */
};

/* Never freed while the host runs: members of its group may look at it late. */
struct application {
    struct application *next;            /* in the order of their last start */
    const struct application_spec *spec; /* the version it runs; guarded by the list */
    struct group group;
    moult_pid supervisor;                   /* nobody unless running */
    _Atomic enum application_status status; /* written with the list's lock held */
    _Atomic enum application_type type;     /* relaxed: it may be configured anew */
    _Atomic uint64_t started_ns; /* first, on the monotonic clock; relaxed, a figure */
    struct application *owner; /* that it runs as part of, or NULL.  The controller's */
    struct moult_out state;    /* of its callbacks.  The controller's */
    bool is_hidden;            /* it was never more than tried; guarded by the list */
    bool is_ending;  /* by itself, and its stop callback may run; guarded by the list */
    struct env *env; /* see env.h, whose lock guards this; NULL: never started */
    char name[];
};

/* Start the controller; 0 or -ENOMEM. */
int applications_start(void);

/*
 * `hook` is told, on a worker or the release handler's thread, that the host is to stop,
 * because of `app` and why.  It must not block.  Before any is started.
 */
void applications_on_fatal(void (*hook)(void *context, const char *app,
                                        const char *reason),
                           void *context);

/*
 * `hook` is asked to start `name` and all it needs, and to call applications_ensured()
 * with `whom` when that is over: 0, or a negative errno if it can't begin.  On a worker; it
 * must not block.  NULL: nobody can.  Before any is started.
 */
void applications_on_ensure(int (*hook)(const char *name, void *whom));

/* That was done, or failed with `error` for a reason; `whom` is taken.  [any] */
void applications_ensured(void *whom, int error, const char *reason);

/* "temporary", "transient", "permanent". */
const char *application_type_text(enum application_type type);

/*
 * The entry of what `spec` describes, as the version that will run, unless one runs; NULL:
 * no memory.  What another includes must be known by this before that is started.
 */
struct application *application_load(const struct application_spec *spec);

/*
 * Start the application that `spec` describes, with those that it includes.  0; or with
 * `why` -EALREADY (it runs), -ENOENT (one that it needs does not run, or one that it
 * includes is not known), or why it can't.  Not on a worker.
 */
int application_start(const struct application_spec *spec, struct application **out,
                      struct fault *why);

/*
 * Its status, or -1: it is not known.  And for one that was started, or failed to, and is
 * not to have been: be as it was.  By the release handler.
 */
int application_status(const char *name);
void application_take_back(const char *name, int status);

/* It could not be started, for `reason`: stop the host, if its type says so. */
void application_start_failed(const char *name, const char *reason);

/* Stop it: its supervisor and children in order, then whatever else is of it. */
void application_stop(struct application *app);

/*
 * Stop all that run, in the reverse of the order they were started in, but each before
 * those that it needs.
 */
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

/* Is `all` the code of the version that runs of it?  Also if there is none.  [any] */
bool application_has(const char *name, const struct code_table *all);

/* Does one of that name run?  "kernel" is the host itself, and always does.  [any] */
bool application_runs(const char *name);

/* Call `visit` for each that is known, with the list's lock held.  [any] */
void application_each(void (*visit)(struct application *app, void *context),
                      void *context);

/*
 * It runs another version now, configured as `env` (taken); its processes have been moved.
 * The former env, given.  By the release handler.
 */
struct env *application_became(struct application *app,
                               const struct application_spec *spec, struct env *env);

/*
 * Call a function of a version of it, by a process of its own.  0, or a negative errno and
 * `why`: it refused, or failed.  Not on a worker.
 */
struct apply;
int application_apply(struct application *app, const struct apply *what,
                      struct fault *why);

/* Its version is unloaded: it has none.  By the release handler. */
void application_unload(struct application *app);

/*
 * Does the config_check of `spec`, which it may become, allow that it has `env`?  0 if it
 * says nothing against it, or `env` is no other; or a negative errno and `why`.  Not on a
 * worker.
 */
int application_config_check(struct application *app,
                             const struct application_spec *spec, const struct env *env,
                             struct fault *why);

/*
 * Call its config_change if what it has is another than `former`; what fails is told as
 * event `application.config_change_failed`.  Not on a worker.
 */
void application_config_changed(struct application *app, const struct env *former);

/* What `spec` says besides its tree; never NULL. */
const struct resource *application_resource(const struct application_spec *spec);

/* -- for the controller -- */

/* The one whose top supervisor is `supervisor`, or NULL. */
struct application *application_of(moult_pid supervisor);

/*
 * It ends by itself, or has done so.  Meanwhile whoever wants to start it, as another
 * version say, waits.
 */
void application_ending(struct application *app, bool is_ending);

/* It is so from now on; `supervisor` is nobody unless it runs. */
void application_set(struct application *app, enum application_status status,
                     moult_pid supervisor);

/* Tell the hook, if there is one. */
void application_fatal(const struct application *app, const char *reason);

/* Kill what is left of its processes. */
void application_kill(struct application *app);

#endif
