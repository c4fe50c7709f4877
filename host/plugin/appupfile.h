/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appupfile - the .appup beside a plugin (beside.h), which takes the place of the appup in
 * its descriptor.  OTP: the application upgrade file.
 */
#ifndef MOULT_APPUPFILE_H
#define MOULT_APPUPFILE_H

#include "appup.h"

/*
 * Read the .appup of the plugin at `path`, which is `name` of `vsn`, into `appup` in place
 * of what that has, if it is there.  0; -EINVAL and `why` with file and line; -ENOMEM.
 */
int appupfile_take(const char *path, const char *name, const char *vsn,
                   struct appup *appup, struct fault *why);

#endif
