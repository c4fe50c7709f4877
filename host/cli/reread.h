/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reread - have a running host go by its configuration as it stands now: `moult reload`.
 *
 * All of it or nothing.  What can't change while a host runs is refused by name.
 */
#ifndef MOULT_REREAD_H
#define MOULT_REREAD_H

#include <stdatomic.h>

#include "config.h"

/* Begin with the first two, which are borrowed. */
struct reread {
    const struct config_options *options;
    struct config *config; /* its texts stay; the rest is the release handler's */
    atomic_bool log_json;  /* of it; for the loop */
};

/*
 * Do it; told as event `config.reload` or `config.refused`.  0 and `*report` given, an
 * object: file, and changed, an array of objects: setting, from, to; or a negative errno
 * and `why`, and all is as it was.  On the release handler's thread.
 */
int reread(void *context, json_t **report, struct fault *why);

/* What the configuration says of `a`, said to the applications.  0 or -ENOMEM. */
int reread_reserve(const struct config *config);
void reread_put(const struct config_application *a);

#endif
