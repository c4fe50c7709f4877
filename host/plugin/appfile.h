/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appfile - the .app beside a plugin (beside.h), which says more of its application.  OTP:
 * the application resource file.
 */
#ifndef MOULT_APPFILE_H
#define MOULT_APPFILE_H

#include "fault.h"
#include "resource.h"

/*
 * Merge what the .app of the plugin at `path`, which is `name` of `vsn`, says into `r`, if
 * it is there: it has the last word.  0; -EINVAL and `why` with file, line and key;
 * -ENOMEM.
 */
int appfile_merge(const char *path, const char *name, const char *vsn,
                  struct resource *r, struct fault *why);

#endif
