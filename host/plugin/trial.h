/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial - what is done to a plugin in the child of the vet's helper.
 *
 * Before it calls into the plugin it notes in shared memory what it is about to do, so
 * that the helper can tell where a child ended.  The process is not to be used for
 * anything else afterwards.
 */
#ifndef MOULT_TRIAL_H
#define MOULT_TRIAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "trial_spot.h"
#include "vet.h"

/* What a trial is doing; in memory shared with the helper.  Texts are cut to fit. */
struct trial_progress {
    char doing[96]; /* "its constructor", "code_change ... from format 0 to 1" */
    char server[128];
    struct trial_spot spot;
    int64_t state; /* index of the state being carried, or -1 */
    bool with;     /* it is the version that runs now, not the new one */
    bool done;     /* all was said in the report */
};

/*
 * Try what `job` says.  0, and texts appended to the array `lints`; or a negative errno
 * and `why`, and `progress->state` if it was about a state.
 */
int trial_run(const struct vet_job *job, struct trial_progress *progress, json_t *lints,
              struct fault *why);

#endif
