/* SPDX-License-Identifier: Apache-2.0 */
/* writes_bad_cbor - its save hook promises two pairs and writes one. */
#include "plain.h"

static int save(const void *state, moult_out *out)
{
    moult_put_map(out, 2);
    moult_put_int_at(out, "one", 1);
    return 0;
}

static int load(moult_ctx *ctx, void *state, moult_in *in)
{
    return 0;
}

static const moult_server bad = {
    .size = sizeof(moult_server), .save = save, .load = load};
static const moult_child more[] = {{.id = "bad", .server = &bad}, {.id = NULL}};

MOULT_PLUGIN(.children = more);
