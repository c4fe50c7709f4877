/* SPDX-License-Identifier: Apache-2.0 */
/* bad_args - gives a child args that are not JSON. */
#include "plain.h"

static const moult_child more[] = {
    {.id = "a", .server = &nothing, .args = "{limit: 5}"}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
