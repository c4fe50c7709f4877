/* SPDX-License-Identifier: Apache-2.0 */
/* loses_a_field - its save and load hooks do not agree. */
#include "plain.h"

struct memory {
    int64_t age;
};

MOULT_STATE(memory_state, struct memory, MOULT_FIELD(age, .initial = 7));

static int save(const void *state, moult_out *out)
{
    const struct memory *m = state;

    moult_put_map(out, 1);
    moult_put_int_at(out, "age", m->age);
    return 0;
}

static int load(moult_ctx *ctx, void *state, moult_in *in)
{
    struct memory *m = state;

    m->age = 0;
    moult_skip(in);
    return 0;
}

static const moult_server forgetful = {
    .size = sizeof(moult_server), .state = memory_state, .save = save, .load = load};
static const moult_child more[] = {{.id = "forgetful", .server = &forgetful},
                                   {.id = NULL}};

MOULT_PLUGIN(.children = more);
