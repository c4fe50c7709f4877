/* SPDX-License-Identifier: Apache-2.0 */
/* loops_in_live_load - a counter whose load never returns in a host. */
#define _GNU_SOURCE
#include <moult.h>

#include <unistd.h>

struct counter {
    int64_t count;
};

MOULT_STATE(counter_state, struct counter, MOULT_FIELD(count));

static int save(const void *state, moult_out *out)
{
    const struct counter *c = state;

    moult_put_map(out, 1);
    moult_put_int_at(out, "count", c->count);
    return 0;
}

static int load(moult_ctx *ctx, void *state, moult_in *in)
{
    struct counter *c = state;
    volatile bool for_ever = gettid() != getpid(); /* rehearsals have but one thread */

    c->count = moult_int_at(in, "count");
    while (for_ever)
        ;
    return 0;
}

static const moult_server counter = {
    .size = sizeof(moult_server), .state = counter_state, .save = save, .load = load};

static const moult_child children[] = {
    {.id = "counter", .server = &counter, .name = "counter", .max_callback_ms = 300},
    {.id = NULL}};

MOULT_PLUGIN(.children = children);
