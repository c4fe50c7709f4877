/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job - what the release handler has to do, in the order it came.
 */
#ifndef MOULT_JOB_H
#define MOULT_JOB_H

#include "release.h"

enum job_kind { JOB_ASKED, JOB_DROP, JOB_PURGE, JOB_LOOK, JOB_END };

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
 * waits once, as do a purge and a look.  0; -EAGAIN (RELEASE_JOBS_MAX wait), never for JOB_END.  [any]
 */
int job_post(struct job *job);

/* The next that is to be done; waits for it.  By the release handler's thread alone. */
struct job *job_take(void);

/*
 * Have `job` (taken), whose file is being written to, given by job_take() again a moment
 * later; once is enough for each file.  By the release handler's thread alone.
 */
void job_put_off(struct job *job);

/*
 * Have `job` (taken) done when it is `at_ns` on the monotonic clock; it takes the place of
 * another of that kind.  By the release handler's thread alone, as is the next.
 */
void job_post_at(struct job *job, uint64_t at_ns);

/* Forget that one, if it is still to come. */
void job_recall(void);

/* Forget those that are left; nobody takes any more. */
void job_finish(void);

#endif
