/* SPDX-License-Identifier: Apache-2.0 */
/* duplicate_ids - two children with one id. */
#include "plain.h"

static const moult_child twins[] = {{.id = "twin", .server = &nothing},
                                    {.id = "twin", .server = &nothing},
                                    {.id = NULL}};

MOULT_PLUGIN(.children = twins);
