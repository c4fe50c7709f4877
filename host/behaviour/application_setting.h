/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application_setting - what the host's configuration says of an application besides its
 * env, be it there yet or not.
 *
 * Said before any is started, and again, on the release handler's thread, when the
 * configuration is read anew.
 */
#ifndef MOULT_APPLICATION_SETTING_H
#define MOULT_APPLICATION_SETTING_H

#include "application.h"

struct application_setting {
    uint64_t max_heap; /* bytes that its servers may have together; 0: any number */
    enum application_type type;
    int log_level; /* an event_level that it says nothing below, or -1: the host's */
};

/* Have room for what will be said of `name`: from then on that can't fail.  0 or -ENOMEM. */
int application_setting_reserve(const char *name);

/* That is said of `name`, which has room, from now on. */
void application_setting_put(const char *name,
                             const struct application_setting *setting);

/* What it means for the host when `name` can't be started. */
enum application_type application_setting_type(const char *name);

/* `app` is as was said, if anything was. */
void application_setting_apply(struct application *app);

#endif
