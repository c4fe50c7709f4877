/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt - an upgrade while it is tried: what it has come to, and what is said of that.
 *
 * The steps themselves are in ahead.h, which has those before the pause, and in pause.h.
 * On the release handler's thread.
 */
#ifndef MOULT_ATTEMPT_H
#define MOULT_ATTEMPT_H

#include "part.h"

struct attempt {
    const struct upgrade *u;
    struct part *parts;  /* as many as there are moves */
    size_t held, starts; /* groups; applications that were started, or failed to */
    int *statuses;       /* what these were before; see application_status() */
    bool runs;           /* it is not only planned or rehearsed */
    bool prepared;
    struct budget budget;
    uint64_t began_ns, drain_ns, rested_ns, moved_ns, resumed_ns;
    uint64_t rehearse_ns, record_ns; /* they took */
};

/* 0 or -ENOMEM and `why`; finish it unless that failed. */
int attempt_begin(struct attempt *a, const struct upgrade *u, struct fault *why);
void attempt_finish(struct attempt *a);

/* The one application that this is about, or NULL. */
const char *attempt_app(const struct attempt *a);

/* Is it by the host's end, and beginning anew?  Once it is planned. */
bool attempt_reboots(const struct attempt *a);

/* Who asked is told that it is at `step`, with `more` (lent, or NULL). */
void attempt_progress(const struct attempt *a, const char *step, const json_t *more);

/* The step `name` begins.  Or it is over, and took `us`: nothing is told while all rest. */
void attempt_step(const struct attempt *a, const char *name);
void attempt_took(const struct attempt *a, const char *name, json_int_t us);

/* To who listens: that it begins; and how it ended, in a failure if there is `why`. */
void attempt_told_start(const struct attempt *a);
void attempt_told(const struct attempt *a, const struct fault *why);

/* What came of it, as upgrade_run() says; given. */
json_t *attempt_report(const struct attempt *a);

/* What `tell` says of each part, and of the whole.  0, or -ENOMEM and `why`. */
int attempt_tell(const struct attempt *a, json_t *(*tell)(const struct part *part),
                 json_t **report, struct fault *why);

#endif
