/* SPDX-License-Identifier: Apache-2.0 */
/* bad_schema - describes a field that lies outside of its struct. */
#include "plain.h"

static const moult_schema *state(void)
{
    static const moult_field fields[] = {
        {.key = "count", .offset = 8, .size = 8, .kind = MOULT_KIND_INT64, .line = 9},
        {.key = NULL}};
    static const moult_schema schema = {8, 8, "bad", "bad_schema.c", fields};

    return &schema;
}

static const moult_server bad = {.size = sizeof(moult_server), .state = state};
static const moult_child more[] = {{.id = "bad", .server = &bad}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
