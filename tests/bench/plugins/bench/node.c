/* SPDX-License-Identifier: Apache-2.0 */
/* node - one of the ring: counts a number down and passes it on. */
#include "bench.h"

struct node {
    moult_pid next;
};

MOULT_STATE(node_state, struct node, MOULT_FIELD(next));

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct node *n = state;
    moult_in next;

    if (!moult_match_map(request, "next", &next))
        return moult_refuse(ctx, -EINVAL, "a node takes {\"next\": pid}");
    n->next = moult_get_pid(&next);
    moult_put_null(reply);
    return moult_reply();
}

/* Zero ends the round: tell the driver where. */
static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct node *n = state;
    int64_t left = moult_get_int(message);
    moult_out *m = moult_draft(ctx);

    if (left > 0) {
        moult_put_int(m, left - 1);
        moult_send(ctx, n->next, m);
        return moult_noreply();
    }
    moult_put_map(m, 1);
    moult_put_text(m, "done");
    moult_put_pid(m, moult_self(ctx));
    moult_cast(ctx, moult_whereis("bench"), m);
    return moult_noreply();
}

const moult_server node_server = {.size = sizeof(moult_server),
                                  .state = node_state,
                                  .handle_call = handle_call,
                                  .handle_info = handle_info};
