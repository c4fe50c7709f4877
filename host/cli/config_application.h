/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_application - what the configuration file says of single applications.
 */
#ifndef MOULT_CONFIG_APPLICATION_H
#define MOULT_CONFIG_APPLICATION_H

#include <libconfig.h>

#include "config.h"

/* The file that it is in. */
struct config_source {
    const char *file; /* as people know it */
    const char *path; /* where it is */
};

/*
 * Read the group `applications` of `source` into `config`.  0; -EINVAL,
 * -ERANGE or -ENOMEM, and `why` with file, line and key.
 */
int config_take_applications(struct config *config, const config_setting_t *setting,
                             const struct config_source *source, struct fault *why);

/* A level of the log: 0 and `*to` an event_level; or -EINVAL and `why`. */
int config_take_level(const config_setting_t *setting, const char *file, int *to,
                      struct fault *why);

/* Free what it holds. */
void config_application_finish(struct config_application *a);

#endif
