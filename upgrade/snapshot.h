/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot - live states of an application in a file, and messages that wait, for its author
 * to try new versions on: moult check NEW.so OLD.so --states FILE.
 *
 *     {"application": "counter", "vsn": "1.1.0",
 *      "states": [{"server": "counter", "name": "counter", "state": {"count": 7},
 *                  "messages": [["cast", "bump"], ...]}, ...]}
 *
 * in CBOR, with `server` the child's id and `name` which of its servers it is, and of
 * messages no more than MAIL_COPY_MOST.
 */
#ifndef MOULT_SNAPSHOT_H
#define MOULT_SNAPSHOT_H

#include "application.h"
#include "manifest.h"
#include "vet.h"

/* How many there are in one. */
struct snapshot_counts {
    size_t states, messages;
};

/*
 * Write the states of all servers of `app`, which runs, to the file `path`, whole or not
 * at all.  0 and how many in `*counts`; or a negative errno and `why`.  One that is busy for
 * a second is left out.  On the release handler's thread.
 */
int snapshot_write(struct application *app, const char *path,
                   struct snapshot_counts *counts, struct fault *why);

/* What was read; all is lent by `bytes`, but for `states` and `names`. */
struct snapshot {
    char *bytes;
    char application[MANIFEST_NAME_MAX + 1], vsn[VERSION_MAX + 1];
    struct vet_state *states;
    char **names; /* of the servers */
    size_t count, messages;
};

/* 0; -EINVAL (it is no snapshot), or why it can't be read, and `why`.  Finish it always. */
int snapshot_read(const char *path, struct snapshot *s, struct fault *why);

void snapshot_finish(struct snapshot *snapshot);

#endif
