/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appspec - what a plugin says of its application besides its tree, copied and checked.
 *
 * The descriptor's own comes first; what stands in a NAME.app beside it (appfile.h) is
 * merged in and checked again.  Called by descriptor and image only.
 */
#ifndef MOULT_APPSPEC_H
#define MOULT_APPSPEC_H

#include "fault.h"
#include "resource.h"

#define APPSPEC_LIST_MAX 1024u /* of any list; more is refused: one without its end */
#define APPSPEC_TEXT_MAX 255u  /* bytes of a name or a key */

/*
 * Copy what `plugin` (of our size) says.  0, or -EINVAL (what can't be), -ENOMEM, with
 * `why`; release `out` either way.
 */
int appspec_take(const struct moult_plugin *plugin, struct resource *out,
                 struct fault *why);

/* Take the pointers to what was copied out of `plugin`. */
void appspec_forget(struct moult_plugin *plugin);

/* Does all of it fit together, for the application `name`?  0 or -EINVAL and `why`. */
int appspec_check(const struct resource *r, const char *name, struct fault *why);

/* Free what `r` holds. */
void appspec_release(struct resource *r);

/* Free a list of names.  NULL is fine. */
void appspec_release_list(char **list);

/* The key `key` of `r`, made if need be; NULL: no memory. */
struct env_spec *appspec_key(struct resource *r, const char *key);

#endif
