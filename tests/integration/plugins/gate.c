/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate - holds its callers until it is opened: so a test decides how long others are
 * inside a callback.
 *
 *     {"wait": "name"}  is answered when it is opened; told as plugin.log "name waits"
 *     "open"            answers all who wait, with their number
 */
#include <moult.h>

struct gate {
    MOULT_LIST_OF(moult_from) waiting;
};

MOULT_STATE(gate_state, struct gate, MOULT_LIST_FIELD(waiting));

static void open_it(moult_ctx *ctx, struct gate *g)
{
    for (uint32_t i = 0; i < g->waiting.count; i++) {
        moult_out *answer = moult_draft(ctx);

        moult_put_bool(answer, true);
        moult_reply_to(ctx, &g->waiting.items[i], answer);
    }
    g->waiting.count = 0;
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct gate *g = state;
    moult_in name;
    moult_from *waiting;
    const char *text;
    size_t len;

    if (moult_match(request, "open")) {
        moult_put_int(reply, g->waiting.count);
        open_it(ctx, g);
        return moult_reply();
    }
    if (!moult_match_map(request, "wait", &name))
        return moult_refuse(ctx, -EINVAL, "gate takes \"open\" and {\"wait\": name}");
    waiting = moult_list_add(ctx, &g->waiting, sizeof(*waiting));
    if (!waiting)
        return moult_refuse(ctx, -ENOMEM, "no memory to wait");
    *waiting = *from;
    text = moult_get_text(&name, &len);
    moult_log(ctx, MOULT_INFO, "%.*s waits", (int)len, text);
    return moult_noreply();
}

static const moult_server gate = {
    .size = sizeof(moult_server), .state = gate_state, .handle_call = handle_call};

MOULT_PLUGIN(.children = (const moult_child[]){
                 {.id = "gate", .server = &gate, .name = "gate"}, {.id = NULL}});
