/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keepers - what keeps old code loaded: processes that run it still, or what it left in the
 * host's process.
 */
#ifndef MOULT_KEEPERS_H
#define MOULT_KEEPERS_H

#include <jansson.h>

/* Give each old version in `versions`, as catalog_json() has them, its `reason`.  [any] */
void keepers_tell(json_t *versions);

/* The processes that run it, for people, given; NULL: none, or no memory.  [any] */
char *keepers_names(const char *app, const char *vsn);

/* Why that version, which does not run, is loaded; given, NULL: it is not.  [any] */
char *keepers_reason(const char *app, const char *vsn);

#endif
