/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost - the servers of an application that is started anew, as a plan lists them.
 */
#ifndef MOULT_LOST_H
#define MOULT_LOST_H

#include <jansson.h>

#include "group.h"
#include "plan.h"

/* An array of objects (server, count, moved, why), given: of what `group` runs now. */
json_t *lost_json(const struct plan *plan, struct group *group);

#endif
