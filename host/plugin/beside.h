/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beside - the files beside a plugin that say more of it: its .app and its .appup.
 *
 * Each is FILE.app beside FILE.so; else NAME.app in its folder, unless its `vsn` is another
 * than the plugin's.  They are known, vetted and stored with the plugin as one.
 */
#ifndef MOULT_BESIDE_H
#define MOULT_BESIDE_H

#include <libconfig.h>

#include "fault.h"

/* Each a file's end. */
enum beside_kind { BESIDE_APP, BESIDE_APPUP, BESIDE_COUNT };

/* All zero is none. */
struct beside {
    char *path, *text;
};

/* ".app", ".appup" */
const char *beside_end(enum beside_kind kind);

/*
 * The one beside the plugin at `path`, which is `name` of `vsn`: `out` is given, or empty
 * if there is none.  0, or a negative errno and `why`: it can't be read.  [any]
 */
/* NOLINTNEXTLINE(readability-function-size): what it is and what it is of */
int beside_find(enum beside_kind kind, const char *path, const char *name,
                const char *vsn, struct beside *out, struct fault *why);

void beside_release(struct beside *b);

/* FILE.app of FILE.so, given; NULL: no memory. */
char *beside_path(enum beside_kind kind, const char *plugin);

#define BESIDE_LABEL  300 /* bytes of "web.app" */
#define BESIDE_ORIGIN 400 /* bytes of "web.app:3: 'env.port'" */

/* What people know it as: a stored one, <serial>-NAME-VSN.app, as NAME.app. */
void beside_label(enum beside_kind kind, const char *path, const char *name,
                  char label[BESIDE_LABEL]);

/* Where in the file called `label` that is, for the beginning of a text. */
void beside_origin(const char *label, const config_setting_t *s,
                   char text[BESIDE_ORIGIN]);

#endif
