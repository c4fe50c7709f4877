/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing - the servers of a migration, one by one, for its report.
 */
#ifndef MOULT_LISTING_H
#define MOULT_LISTING_H

#include <jansson.h>

#include "group.h"
#include "migrate.h"

#define LISTING_MOST 100000u /* servers that a report names one by one */

/*
 * An array of objects: server, pid, moved, took_us; given.  When they go on already: one
 * of `group` that has ended meanwhile is called as its child is.  NULL: no memory.
 */
json_t *listing_make(const struct migration *m, struct group *group);

#endif
