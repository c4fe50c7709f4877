/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - the private folder of plugin files that are loaded, or may be.
 *
 * A dropped file is never loaded in place: it is copied here first, whole and durable,
 * as <serial>-<name>-<vsn>.so, and so are the files beside it.  A serial is never used again, because the loader goes
 * by name and by file: under a name that it knows it gives back the old code.  Used by
 * the release handler, one call at a time; one host has the folder.
 */
#ifndef MOULT_STORE_H
#define MOULT_STORE_H

#include <stdbool.h>

#include "manifest.h"

struct store;

/*
 * Open the folder `dir`, made if need be, and remove what an earlier host was writing
 * when it ended.  0 and `*out` given, or with `why`: -EBUSY (another host has it),
 * -EACCES (code may not be loaded from there), -ENOMEM, or why it can't be made or
 * read.
 */
int store_open(const char *dir, struct store **out, struct fault *why);

/* Let go of the folder; its files stay.  NULL is fine. */
void store_close(struct store *store);

/*
 * Copy the file at `path`, which `manifest` was read from, into the store.  0 and
 * `*stored` given (a path, for free()), or with `why`: -EAGAIN (the file has changed
 * since: read it again), -ENOMEM, or why it can't be copied (-ENOSPC and so on), and
 * then nothing is left behind.
 */
int store_put(struct store *store, const char *path, const struct manifest *manifest,
              char **stored, struct fault *why);

/*
 * Copy the stored file `stored` (borrowed) under a name never used before, to load it
 * anew while an image of the first may linger.  As store_put().
 */
int store_reissue(struct store *store, const char *stored, char **fresh,
                  struct fault *why);

/*
 * Note, durably, that the file `stored` (borrowed) was found to be good: what has been
 * stored and was not vetted to the end when an earlier host died must not be loaded.  0
 * or a negative errno.
 */
int store_approve(struct store *store, const char *stored);

/* Whether that was noted of the file `stored` (borrowed). */
bool store_is_approved(struct store *store, const char *stored);

/*
 * Remove the file `stored` (borrowed), if it is there; a loaded one goes on as it is.
 */
void store_drop(struct store *store, const char *stored);

/* Remove all files of that version, which may be there more than once. */
void store_drop_version(struct store *store, const char *name, const char *vsn);

/*
 * Call `visit` with the path (lent for the call) of each stored file, lowest serial
 * first; it may drop it.  0 or a negative errno.
 */
int store_each(struct store *store, void (*visit)(void *context, const char *stored),
               void *context);

#endif
