/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - the ledger of releases on disk.
 *
 * One JSON file, releases.json, with a format and a checksum, replaced whole: written
 * beside, made durable, renamed; the one before is kept as releases.json.old.  A host that
 * is killed at any instant finds the old record or the new one.
 *
 *   step     does                                   undone by
 *   -------  -------------------------------------  --------------------
 *   prepare  writes the new record beside, durable  removing it
 *   - - - - - - - - the applications' commit - - - - - - - - - - - - - -
 *   commit   renames it                             -
 *
 * What is current is so in memory alone.  Changed by one thread; read by any.
 */
#ifndef MOULT_RECORD_H
#define MOULT_RECORD_H

#include <jansson.h>

#include "fault.h"

struct record;

/*
 * Read the record in the folder `data`; none yet is an empty one, and one of an earlier
 * format is the release that it would boot.  A torn or foreign file is set aside as
 * releases.json.bad, told as event `release.record_bad`, and the one before is used, or
 * the record is empty.  0 and `*out` given, or a negative errno and `why`.
 */
int record_open(const char *data, struct record **out, struct fault *why);
void record_close(struct record *record);

/* The ledger (see ledger.h), lent until the next commit.  For who changes it. */
const json_t *record_ledger(const struct record *record);

/* The same, given; NULL when out of memory.  [any] */
json_t *record_copy(struct record *record);

/*
 * Write beside it the ledger `next` (borrowed; NULL: there was no memory for it), unless
 * that says the same.  0, or a negative errno and `why` (a full disk, say): then nothing
 * has changed.
 */
int record_prepare(struct record *record, json_t *next, struct fault *why);

/*
 * Make what was prepared the ledger, and the record.  0; or a negative errno and `why`, and
 * it is the ledger, but the record still says what it did.
 */
int record_commit(struct record *record, struct fault *why);

/* Forget what was prepared. */
void record_forget(struct record *record);

/* Both at once, for what no commit comes between. */
int record_replace(struct record *record, json_t *next, struct fault *why);

#endif
