/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release - the release handler: which versions and releases there are, which run, and
 * changing that.
 *
 * One thread does all of it, a job at a time, in the order they came: a dropped file, an
 * upgrade, a release to install.  OTP: release_handler.
 */
#ifndef MOULT_RELEASE_H
#define MOULT_RELEASE_H

#include <jansson.h>
#include <stdbool.h>

#include "fault.h"
#include "terms.h"

#define RELEASE_JOBS_MAX 1024u /* that wait; others are refused */

struct release_options {
    const char *plugins, *data; /* folders; made if need be; copied */
    bool stage_only;            /* a dropped file is taken in and not upgraded to */
    size_t rehearse;            /* states of servers that are tried before; 0: none */
    struct terms terms; /* of what is dropped, and of what is asked for without any */
    bool manual; /* nothing but RELEASE_PERMANENT makes permanent what is upgraded to */
    /*
     * Read the configuration anew and go by it, all or nothing: 0 and `*report` given, or a
     * negative errno and `why`.  On the release handler's thread.
     */
    int (*reload)(void *context, json_t **report, struct fault *why);
    /* Have the host end, and begin anew.  On the same thread, when who asked was told. */
    void (*reboot)(void *context);
    void *context; /* for both */
};

/*
 * Take in what is in the plugin folder, start the applications of the permanent release,
 * or else each at its highest version, then watch the folder.  An application that does
 * not start is told as an event and does not keep the others.  0, or a negative errno and
 * `why`.  Workers running.
 */
int release_start(const struct release_options *options, struct fault *why);

/*
 * Does it begin with a release that is begun with once?  If that fails the host should begin
 * anew, with the permanent one.  [any]
 */
bool release_is_tried(void);

/* Have that start no more, and fail with -ECANCELED.  [any] */
void release_cancel(void);

/* Stop watching, finish the job at hand, stop the applications, unload all. */
void release_stop(void);

/* What may be asked, and with which words; a PLAN says what would be, and does nothing. */
enum release_verb {
    RELEASE_UPGRADE,   /* "APP" or "APP@VSN", one or more */
    RELEASE_DOWNGRADE, /* "APP@VSN", one or more */
    RELEASE_PLAN_UPGRADE,
    RELEASE_PLAN_DOWNGRADE,
    RELEASE_REHEARSE, /* "APP" or "APP@VSN", one or more, up or down */
    RELEASE_SNAPSHOT, /* "APP" and the path of a file to write */
    RELEASE_UNPACK,   /* paths of files to take in without going to them */
    RELEASE_INSTALL,  /* a release, by "NAME@VSN", its vsn or its name */
    RELEASE_PLAN_INSTALL,
    RELEASE_PERMANENT,  /* a release, or none: what runs */
    RELEASE_REMOVE,     /* a release */
    RELEASE_CONFIRM,    /* what awaits it stays */
    RELEASE_WITHDRAW,   /* it, or a canary, goes back now */
    RELEASE_CANARY,     /* "APP" or "APP@VSN", then a share or names of servers */
    RELEASE_PROMOTE,    /* the rest follows the canary */
    RELEASE_HOW_CANARY, /* how it does */
    RELEASE_REBOOT_OLD, /* a release: it is permanent, and the host begins anew */
    RELEASE_START,      /* "APP": unless it runs, with what it needs */
    RELEASE_RELOAD,     /* the configuration; no words */
    RELEASE_PURGE       /* "APP@VSN", which does not run: unload it */
};

/* How a job goes on and ends, on the release handler's thread. */
struct release_listener {
    /* `more`, an object or NULL, is lent: whom the step waits for, as `upgrade.waits`. */
    void (*progress)(void *context, const char *step, const json_t *more);
    /* `report` is given, or NULL and `why` (lent) says what was refused. */
    void (*done)(void *context, json_t *report, const struct fault *why);
    void *context;
};

/*
 * Ask for it with `words` (borrowed), an array of texts, on `terms` (copied; NULL: as
 * configured).  0, and the listener (copied) is told; or -ENOMEM, -EAGAIN
 * (RELEASE_JOBS_MAX wait).  [any]
 */
int release_ask(enum release_verb verb, const json_t *words, const struct terms *terms,
                const struct release_listener *listener);

/* From now on it is as these say, but for the folders; by release_options.reload alone. */
void release_configure(const struct release_options *options);

/*
 * What `moult releases` shows, given: an object of releases, an array of objects (name,
 * vsn, status, made, applications: an array of texts), versions: see catalog_json(), awaits:
 * see confirm_json(), and canary: see canary_listed().  NULL: no memory.  [any]
 */
json_t *release_list(void);

#endif
