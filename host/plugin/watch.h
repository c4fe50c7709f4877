/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch - says when a plugin may have been dropped into a directory.
 *
 * It reports files that may be whole; whether one is, and is new, its content decides
 * (manifest, catalog), so a file may be reported more often than it changed, never
 * less.  A directory that is removed, moved or replaced (also by a link on the way to
 * it) is found again when it is back.  One at a time in a process: libinotifytools has
 * globals.
 */
#ifndef MOULT_WATCH_H
#define MOULT_WATCH_H

#include <stdbool.h>

#include "fault.h"

struct watch;

/*
 * `path` (lent for the call) is a file of such a name (below) that may be whole.  On the watch's own thread.
 */
typedef void watch_hook(void *context, const char *path);

/*
 * Watch `dir` (copied), which need not be there yet.  What is in it already is reported
 * first, from the thread as everything else.  0 and `*out` given, or with `why`:
 * -ENOTDIR, -EBUSY (this process watches already), -EMFILE, -ENOSPC (no more watches),
 * -ENOMEM, or why it can't be watched.
 */
int watch_start(const char *dir, watch_hook *hook, void *context, struct watch **out,
                struct fault *why);

/* Stop: the hook is not called again after this returns.  NULL is fine. */
void watch_stop(struct watch *watch);

/*
 * Is somebody writing to the file at `path` (borrowed)?  Then it is reported when that is
 * over, if it is in the directory.  False where the system won't tell: a file that is not
 * ours.
 */
bool watch_is_being_written(const char *path);

/* Is `name` (no path) that of a plugin, release file or package (.so .rel .pack), and not of one that is still being copied? */
bool watch_is_plugin_name(const char *name);

#endif
