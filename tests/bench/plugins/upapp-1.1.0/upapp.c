/* SPDX-License-Identifier: Apache-2.0 */
/* upapp 1.1.0 - `errors` is renamed to `failures`, and `burst` is new. */
#include <moult.h>
#include <string.h>

struct up {
    int64_t id, count, total, failures, last, limit, window, flags, seq, burst;
    uint8_t token[16];
};

MOULT_STATE(up_state, struct up, MOULT_FIELD(id), MOULT_FIELD(count),
            MOULT_FIELD(total), MOULT_FIELD(failures, .was = "errors"),
            MOULT_FIELD(last), MOULT_FIELD(limit, .initial = 1000),
            MOULT_FIELD(window, .initial = 60), MOULT_FIELD(flags, .initial = 3),
            MOULT_FIELD(seq), MOULT_FIELD(burst, .initial = 10), MOULT_FIELD(token));

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct up *u = state;

    u->id = (int64_t)(moult_self(ctx).bits & 0xffffffff);
    u->total = u->id * 7;
    u->failures = u->id % 5;
    u->seq = u->id + 1;
    memcpy(u->token, &u->id, sizeof(u->id));
    return moult_noreply();
}

/* Whether this is the state that init made, but for the count. */
static bool is_whole(const struct up *u, moult_ctx *ctx)
{
    return u->id == (int64_t)(moult_self(ctx).bits & 0xffffffff) &&
           u->total == u->id * 7 && u->failures == u->id % 5 && u->last == 0 &&
           u->limit == 1000 && u->window == 60 && u->flags == 3 &&
           u->seq == u->id + 1 && u->burst == 10 &&
           memcmp(u->token, &u->id, sizeof(u->id)) == 0;
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct up *u = state;
    int64_t n;

    if (moult_match_int(request, "add", &n)) {
        u->count += n;
        moult_put_int(reply, u->count);
    } else if (moult_match(request, "get")) {
        moult_put_int(reply, u->count);
    } else if (moult_match(request, "shape")) {
        moult_put_text(reply, is_whole(u, ctx) ? moult_plugin.vsn : "broken");
    } else {
        return moult_refuse(ctx, -EINVAL,
                            "an up takes \"get\", \"shape\" and {\"add\": n}");
    }
    return moult_reply();
}

static const moult_server up = {.size = sizeof(moult_server),
                                .state = up_state,
                                .init = init,
                                .handle_call = handle_call};

MOULT_PLUGIN(.children = (const moult_child[]){
                 {.id = "up", .server = &up, .name = "up", .count = SERVERS},
                 {.id = NULL}});
