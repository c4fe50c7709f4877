/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job - what the release handler has to do, in the order it came.
 */
#ifndef MOULT_JOB_H
#define MOULT_JOB_H

#include "release.h"

enum job_kind { JOB_ASKED, JOB_DROP, JOB_PURGE, JOB_END };

struct job {
    struct job *next;
    enum job_kind kind;
    enum release_verb verb; /* these four of one that was asked for */
    struct terms terms;
    struct release_listener listener;
    json_t *words;
    char path[]; /* of a dropped file */
};

/* `path` is copied.  NULL: no memory. */
struct job *job_create(enum job_kind kind, const char *path);
void job_destroy(struct job *job);

/*
 * Have `job` (taken) done after the others; a file that waits to be looked at already
 * waits once, as does a purge.  0; -EAGAIN (RELEASE_JOBS_MAX wait), never for JOB_END.  [any]
 */
int job_post(struct job *job);

/* The next that is to be done; waits for it.  By the release handler's thread alone. */
struct job *job_take(void);

/*
 * Have `job` (taken), whose file is being written to, given by job_take() again a moment
 * later; once is enough for each file.  By the release handler's thread alone.
 */
void job_put_off(struct job *job);

/* Forget those that are left; nobody takes any more. */
void job_finish(void);

#endif
