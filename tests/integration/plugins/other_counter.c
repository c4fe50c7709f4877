/* SPDX-License-Identifier: Apache-2.0 */
/* other_counter - calls itself counter 1.0.0, and is another. */
#include <moult.h>

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_put_text(reply, "other");
    return moult_reply();
}

static const moult_server counter = {.size = sizeof(moult_server),
                                     .handle_call = handle_call};

MOULT_PLUGIN(.children = (const moult_child[]){
                 {.id = "counter", .server = &counter, .name = "counter"},
                 {.id = NULL}});
