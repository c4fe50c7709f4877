/* SPDX-License-Identifier: Apache-2.0 */
/* no_way - a version of good with another format, and no code_change to get there. */
#include "plain.h"

struct tally {
    int64_t tripled;
};

MOULT_STATE(tally_state, struct tally, MOULT_FIELD(tripled));

static const moult_server tally = {
    .size = sizeof(moult_server), .format = 7, .state = tally_state};
static const moult_child more[] = {{.id = "tally", .server = &tally}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
