/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings - what the files of the configuration syntax (libconfig) say, as JSON.
 */
#ifndef MOULT_SETTINGS_H
#define MOULT_SETTINGS_H

#include <jansson.h>
#include <libconfig.h>
#include <stdio.h>

#include "fault.h"

/*
 * `setting` as JSON, given: a group is an object, an array or list an array.  NULL when
 * out of memory.  [pure]
 */
json_t *settings_json(const config_setting_t *setting);

/*
 * Refuse integers that need more than 32 bits and have no L at their end: libconfig would
 * cut them, and not say so.  0, or -ERANGE and `why` with `label` and the line.  [pure]
 */
int settings_check_integers(const char *text, const char *label, struct fault *why);

/*
 * Is the file `in` not too long, and is there as much memory as libconfig may need for it?
 * It does not look by itself whether it got any.  0, -EFBIG or -ENOMEM, and `why` with
 * `label`.
 */
int settings_reserve(FILE *in, const char *label, struct fault *why);

/* All of the file at `path`, ended by a zero, for free(); NULL, and `why`. */
char *settings_text(const char *path, const char *label, struct fault *why);

/*
 * Parse `text`, checked, into `out`, which is initialised.  0, or -EINVAL, -ERANGE and
 * `why`, which begins with `label` and the line; or -ENOMEM.
 */
int settings_parse(const char *text, const char *label, config_t *out,
                   struct fault *why);

#endif
