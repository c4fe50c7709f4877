/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appfile - the file beside a plugin that says more of its application.  OTP: NAME.app.
 *
 * It is FILE.app beside FILE.so; else NAME.app in its folder, unless its `vsn` is another
 * than the plugin's.  The two are known, vetted and stored as one.
 */
#ifndef MOULT_APPFILE_H
#define MOULT_APPFILE_H

#include "fault.h"
#include "resource.h"

/* All zero is none. */
struct appfile {
    char *path, *text;
};

/*
 * The one beside the plugin at `path`, which is `name` of `vsn`: `out` is given, or empty
 * if there is none.  0, or a negative errno and `why`: it can't be read.  [any]
 */
int appfile_find(const char *path, const char *name, const char *vsn,
                 struct appfile *out, struct fault *why);

void appfile_release(struct appfile *a);

/*
 * Merge what it says, if it is there, into `r`: it has the last word.  0; -EINVAL and
 * `why` with file, line and key; -ENOMEM.
 */
int appfile_merge(const char *path, const char *name, const char *vsn,
                  struct resource *r, struct fault *why);

/* FILE.app of FILE.so, given; NULL: no memory. */
char *appfile_path(const char *plugin);

#endif
