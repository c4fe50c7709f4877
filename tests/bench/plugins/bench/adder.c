/* SPDX-License-Identifier: Apache-2.0 */
/* adder - a number that can be added to: the server that the traffic goes to. */
#include "bench.h"

struct adder {
    int64_t number;
};

MOULT_STATE(adder_state, struct adder, MOULT_FIELD(number));

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct adder *a = state;
    int64_t n;

    if (moult_match_int(request, "add", &n))
        a->number += n;
    else if (!moult_match(request, "get"))
        return moult_refuse(ctx, -EINVAL, "an adder takes \"get\" and {\"add\": n}");
    moult_put_int(reply, a->number);
    return moult_reply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct adder *a = state;
    int64_t n;

    if (moult_match_int(message, "add", &n))
        a->number += n;
    return moult_noreply();
}

const moult_server adder_server = {.size = sizeof(moult_server),
                                   .state = adder_state,
                                   .handle_call = handle_call,
                                   .handle_cast = handle_cast};
