/* SPDX-License-Identifier: Apache-2.0 */
/* saves_only - has a save hook and no load hook. */
#include "plain.h"

static int save(const void *state, moult_out *out)
{
    moult_put_map(out, 0);
    return 0;
}

static const moult_server half = {.size = sizeof(moult_server), .save = save};
static const moult_child more[] = {{.id = "half", .server = &half}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
