/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keepers - the processes that keep old code loaded: those that run it still.
 */
#ifndef MOULT_KEEPERS_H
#define MOULT_KEEPERS_H

#include <jansson.h>

/* Give each old version in `versions`, as catalog_json() has them, its `reason`.  [any] */
void keepers_tell(json_t *versions);

#endif
