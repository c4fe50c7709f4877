/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - what the host ran last, on disk: which version of each application.
 *
 * One JSON file with a checksum, replaced whole: written beside, made durable, renamed.
 * A host that is killed at any instant finds the old record or the new one.
 *
 *   step     does                                   undone by
 *   -------  -------------------------------------  --------------------
 *   prepare  writes the new record beside, durable  removing it
 *   - - - - - - - - the application's commit - - - - - - - - - - - - - -
 *   commit   renames it                             -
 */
#ifndef MOULT_RECORD_H
#define MOULT_RECORD_H

#include <jansson.h>

#include "fault.h"

struct record;

/*
 * Read the record in the folder `data`; none yet is an empty one.  A torn or foreign file
 * is set aside as releases.json.bad, told as event `release.record_bad`, and the record
 * is empty.  0 and `*out` given, or a negative errno and `why`.
 */
int record_open(const char *data, struct record **out, struct fault *why);
void record_close(struct record *record);

/* The vsn and the hash of `app` that should run, lent until the next change; or NULL. */
const char *record_vsn(const struct record *record, const char *app);
const char *record_hash(const struct record *record, const char *app);

/*
 * Call `visit` with the name (lent for the call) of each application that should run.  0 or
 * -ENOMEM: of none.
 */
int record_each(const struct record *record,
                void (*visit)(void *context, const char *app), void *context);

/*
 * Write beside it that `app` runs `vsn` with that hash.  0, or a negative errno and
 * `why` (a full disk, say): then nothing has changed.
 */
int record_prepare(struct record *record, const char *app, const char *vsn,
                   const char *hash, struct fault *why);

/* Make what was prepared the record; or forget it. */
int record_commit(struct record *record, struct fault *why);
void record_forget(struct record *record);

#endif
