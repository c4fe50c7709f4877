/* SPDX-License-Identifier: Apache-2.0 */
/* idle - servers that do nothing but be there: what they cost. */
#include <moult.h>

struct idle {
    int64_t number;
};

MOULT_STATE(idle_state, struct idle, MOULT_FIELD(number));

/* A start has to run it. */
static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct idle *i = state;

    i->number = 1;
    return moult_noreply();
}

static const moult_server idle = {
    .size = sizeof(moult_server), .state = idle_state, .init = init};

MOULT_PLUGIN(.children = (const moult_child[]){
                 {.id = "idle", .server = &idle, .count = SERVERS}, {.id = NULL}});
