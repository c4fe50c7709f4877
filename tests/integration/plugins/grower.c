/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grower - its versions have other children.
 *
 *   1.0.0  root, left x 3
 *   1.1.0  root, right x 2: left is removed, right added
 *   1.2.0  root, and with CLASH a child that wants counter's name
 *   1.3.0  root, and a child whose init refuses
 */
#include <moult.h>

struct part {
    int64_t count;
};

MOULT_STATE(part_state, struct part, MOULT_FIELD(count));

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct part *p = state;

    if (moult_match(request, "vsn")) {
        moult_put_text(reply, moult_plugin.vsn);
        return moult_reply();
    }
    moult_put_int(reply, ++p->count);
    return moult_reply();
}

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_trap_exit(ctx, true);
    return moult_noreply();
}

static void terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    moult_log(ctx, MOULT_INFO, "left with count %lld",
              (long long)((struct part *)state)->count);
}

static const moult_server part = {.size = sizeof(moult_server),
                                  .state = part_state,
                                  .init = init,
                                  .handle_call = handle_call,
                                  .terminate = terminate};

#ifdef REFUSES
static moult_next refuse(moult_ctx *ctx, void *state, moult_in *args)
{
    return moult_stop_because(ctx, -ENODEV, "there is no ground");
}

static const moult_server refuses = {.size = sizeof(moult_server), .init = refuse};
#endif

static const moult_child children[] = {
    {.id = "root", .server = &part, .name = "root"},
#if defined(CLASH)
    {.id = "clash", .server = &part, .name = "counter"},
#elif defined(REFUSES)
    {.id = "extra", .server = &part, .name = "extra"},
    {.id = "refuses", .server = &refuses},
#elif defined(RIGHT)
    {.id = "right", .server = &part, .name = "right", .count = 2},
#else
    {.id = "left", .server = &part, .name = "left", .count = 3},
#endif
    {.id = NULL}};

MOULT_PLUGIN(.children = children);
