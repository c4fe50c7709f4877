/* SPDX-License-Identifier: Apache-2.0 */
/* greeter 1.0.0 - greets whom it is told to, and remembers whom it greeted last. */
#include <moult.h>

struct greeter {
    uint64_t greeted;
    moult_text last;
};

MOULT_STATE(greeter_state, struct greeter, MOULT_FIELD(greeted), MOULT_FIELD(last));

/* Answer {"greet": "you"} with {"hello": "you", "after": "whoever came before"}. */
static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct greeter *g = state;
    moult_in name = {0};
    const char *text;
    size_t len;
    int err;

    if (!moult_match_map(request, "greet", &name) || moult_peek(&name) != MOULT_TEXT)
        return moult_refuse(ctx, -EINVAL, "greeter takes {\"greet\": text}");
    text = moult_get_text(&name, &len);

    moult_put_map(reply, 2);
    moult_put_text(reply, "hello");
    moult_put_text_len(reply, text, len);
    moult_put_text(reply, "after");
    moult_put_text_len(reply, g->last.text ? g->last.text : "", g->last.len);

    err = moult_text_set(ctx, &g->last, text, len);
    if (err)
        return moult_refuse(ctx, err, "no memory for a name of %zu bytes", len);
    g->greeted++;
    return moult_reply();
}

static const moult_server greeter = {
    .size = sizeof(moult_server), .state = greeter_state, .handle_call = handle_call};

static const moult_child children[] = {
    {.id = "greeter", .server = &greeter, .name = "greeter"}, {.id = NULL}};

MOULT_PLUGIN(.description = "greets whom it is told to", .children = children);
