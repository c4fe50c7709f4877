/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog - every plugin file that the host knows, by what is in it.
 *
 * Of one name and vsn there is at most one content that is not refused.  What was
 * refused stays here by its content's hash, so that it is not tried again until it
 * changes; of these the last CATALOG_REFUSED_MAX are kept.  All functions are [any]:
 * one lock.
 */
#ifndef MOULT_CATALOG_H
#define MOULT_CATALOG_H

#include <jansson.h>

#include "manifest.h"

#define CATALOG_REFUSED_MAX  256u
#define CATALOG_VERSIONS_MAX 1000u /* that are not refused */

enum catalog_status {
    CATALOG_STAGED, /* vetted and stored; does not run */
    CATALOG_RUNNING,
    CATALOG_OLD, /* ran before */
    CATALOG_REFUSED
};

/* One file; a copy, given: catalog_entry_release() it. */
struct catalog_entry {
    struct manifest manifest; /* of a refused one perhaps only hash and size */
    enum catalog_status status;
    char *stored;     /* path in the store, or NULL if it never got there */
    char *dropped;    /* where it was dropped last */
    char *reason;     /* of a refused one, else NULL */
    json_t *lints;    /* array of texts that came after the manifest's, or NULL */
    int64_t since_ms; /* of the status; Unix time */
};

struct catalog;

/* An empty one, or NULL when out of memory. */
struct catalog *catalog_create(void);
void catalog_destroy(struct catalog *catalog);

/*
 * What to do with a file that was shown to us and reads as `m`.  0: it is new, go on.
 * With `why`: -EALREADY (this very content is here, and good: nothing to do),
 * -ECANCELED (this very content was refused; `why` says what for), -EEXIST (its name
 * and vsn are taken by another content; to be refused), -EDQUOT (there are
 * CATALOG_VERSIONS_MAX already), -ENOMEM.
 */
int catalog_consider(struct catalog *catalog, const struct manifest *m,
                     const char *dropped, struct fault *why);

/*
 * Take in a file that passed; `stored`, `dropped` and `lints` (an array of texts, or
 * NULL) are copied.  It is CATALOG_STAGED.  0, -EEXIST (its name and vsn are taken by
 * another content) or -ENOMEM.
 */
int catalog_add(struct catalog *catalog, const struct manifest *m, const char *stored,
                const char *dropped, const json_t *lints);

/*
 * The content of `m` is refused for `reason` (copied), also if it was taken in before.
 * One whose hash is "" could not be read and is not remembered.  0 or -ENOMEM.
 */
int catalog_refuse(struct catalog *catalog, const struct manifest *m,
                   const char *dropped, const char *reason);

/* The status of a file that is not refused changes.  0 or -ENOENT. */
int catalog_set_status(struct catalog *catalog, const char *name, const char *vsn,
                       enum catalog_status status);

/* Its file in the store is another now (copied).  0, -ENOENT or -ENOMEM. */
int catalog_set_stored(struct catalog *catalog, const char *name, const char *vsn,
                       const char *stored);

/* Forget the content with this hash: shown again, it is new.  0 or -ENOENT. */
int catalog_forget(struct catalog *catalog, const char *hash);

/* The file of this name and vsn that is not refused.  0, -ENOENT or -ENOMEM. */
int catalog_find(struct catalog *catalog, const char *name, const char *vsn,
                 struct catalog_entry *out);

/* The one of this name with the highest vsn that is not refused.  As catalog_find(). */
int catalog_find_highest(struct catalog *catalog, const char *name,
                         struct catalog_entry *out);

/* The one of this name that runs.  As catalog_find(). */
int catalog_find_running(struct catalog *catalog, const char *name,
                         struct catalog_entry *out);

/* Free what `entry` holds.  All zero is fine. */
void catalog_entry_release(struct catalog_entry *entry);

/* "staged", "running", "old" or "refused". */
const char *catalog_status_text(enum catalog_status status);

/*
 * All of it, given, by name and vsn: an array of objects with name and vsn (null where
 * they could not be read), status, file, hash, size, build_id, since, lints, and of
 * refused ones reason.  NULL when out of memory.
 */
json_t *catalog_json(struct catalog *catalog);

#endif
