/* SPDX-License-Identifier: Apache-2.0 */
/* counter 1.1.0 - counts, by a step of one's own. */
#include <moult.h>

struct counter {
    int64_t count;
    int64_t step;
};

MOULT_STATE(counter_state, struct counter, MOULT_FIELD(count),
            MOULT_FIELD(step, .initial = 1));

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct counter *c = state;
    int64_t n = 0, sum;

    if (moult_match(request, "bump"))
        n = c->step;
    else if (!moult_match(request, "get") && !moult_match_int(request, "add", &n) &&
             !moult_match_int(request, "step", &c->step))
        return moult_refuse(ctx, -EINVAL,
                            "counter takes \"get\", \"bump\", {\"add\": integer} and "
                            "{\"step\": integer}");
    if (__builtin_add_overflow(c->count, n, &sum))
        return moult_refuse(ctx, -EOVERFLOW, "the count would not fit 64 bits");
    c->count = sum;
    moult_put_int(reply, c->count);
    return moult_reply();
}

static const moult_server counter = {
    .size = sizeof(moult_server), .state = counter_state, .handle_call = handle_call};

static const moult_child children[] = {
    {.id = "counter", .server = &counter, .name = "counter"}, {.id = NULL}};

MOULT_PLUGIN(.description = "counts, by a step of one's own", .children = children);
