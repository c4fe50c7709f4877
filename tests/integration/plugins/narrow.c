/* SPDX-License-Identifier: Apache-2.0 */
/*
 * narrow - a server with little room: two messages, and a megabyte; "wait" has it wait for
 * "sink", which says if somebody does and answers when it is told "release".  {"take": n} takes memory,
 * and "crash" ends it.
 */
#include <string.h>

#include <moult.h>

static moult_next narrow_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_in answer = {0};
    int64_t n = 0;

    if (moult_match(request, "wait")) {
        moult_out *m = moult_draft(ctx);

        moult_put_text(m, "wait");
        moult_call(ctx, moult_whereis("sink"), m, MOULT_INFINITY, &answer);
    } else if (moult_match(request, "crash")) {
        return moult_stop_because(ctx, -EIO, "asked to");
    } else if (moult_match_int(request, "take", &n)) {
        char *memory = moult_alloc(ctx, (size_t)n);

        if (memory)
            memset(memory, 1, (size_t)n);
    }
    moult_put_int(reply, n);
    return moult_reply();
}

static moult_next narrow_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_noreply();
}

static const moult_server narrow = {.size = sizeof(moult_server),
                                    .handle_call = narrow_call,
                                    .handle_cast = narrow_cast};

struct sink {
    moult_from asker;
};

MOULT_STATE(sink_state, struct sink, MOULT_FIELD(asker));

static moult_next sink_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *request, moult_out *reply)
{
    struct sink *s = state;

    if (moult_match(request, "wait")) {
        s->asker = *from;
        return moult_noreply();
    }
    moult_put_bool(reply, !moult_pid_is_none(s->asker.caller));
    if (moult_match(request, "release"))
        moult_reply_to(ctx, &s->asker, moult_draft(ctx));
    return moult_reply();
}

static const moult_server sink = {
    .size = sizeof(moult_server), .state = sink_state, .handle_call = sink_call};

MOULT_PLUGIN(.intensity = 1000000, .period_s = 1,
             .children = (const moult_child[]){
                 {.id = "sink", .server = &sink, .name = "sink"},
                 {.id = "narrow",
                  .server = &narrow,
                  .name = "narrow",
                  .mailbox_limit = 2,
                  .max_heap = 1 << 20},
                 {.id = "other", .server = &narrow, .name = "other"},
                 {.id = NULL}});
