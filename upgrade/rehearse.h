/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rehearse - try an upgrade on copies of live states, in the vet's process.
 *
 * Each server is asked for its state at a turn boundary of its own; nothing is held up.
 * So a code_change that crashes, hangs or refuses on what is really there is found before
 * anything running is touched.  The same of message_change: where messages are read
 * differently, MAIL_COPY_MOST of those that wait for the server then go along.
 */
#ifndef MOULT_REHEARSE_H
#define MOULT_REHEARSE_H

#include "application.h"
#include "plan.h"
#include "vet.h"

#define REHEARSE_SAMPLE   1000u              /* servers, unless it is set otherwise */
#define REHEARSE_ALL      SIZE_MAX           /* servers: as many as there are */
#define REHEARSE_BYTES    ((size_t)64 << 20) /* of states, in one trial */
#define REHEARSE_LIMIT_MS 20000u             /* for one trial */

struct rehearsed {
    size_t states, messages;
};

/*
 * Carry live states of `app` from the plan's old version to its new one, of `most` servers
 * from the first to the last of its group.  0, or a negative errno and `why`, which names
 * the server; and in `*done` how many were tried.  Not on a worker.
 */
int rehearse(struct vet *vet, const struct plan *plan, struct application *app,
             size_t most, struct rehearsed *done, struct fault *why);

#endif
