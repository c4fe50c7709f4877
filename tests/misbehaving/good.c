/* SPDX-License-Identifier: Apache-2.0 */
/*
 * good - no sin, for comparison: 1.0.0 counts; 1.1.0 adds a step and a second server;
 * 2.0.0 keeps twice the count, as format 1.
 */
#include <moult.h>

#ifndef GOOD
#define GOOD 100
#endif

struct tally {
#if GOOD < 200
    int64_t count;
#else
    int64_t doubled;
#endif
#if GOOD >= 110
    int32_t step;
#endif
    moult_text label;
};

#if GOOD == 100
MOULT_STATE(tally_state, struct tally, MOULT_FIELD(count),
            MOULT_FIELD(label, .initial_text = "none"));
#elif GOOD == 110
MOULT_STATE(tally_state, struct tally, MOULT_FIELD(count),
            MOULT_FIELD(step, .initial = 1),
            MOULT_FIELD(label, .initial_text = "none"));
#else
MOULT_STATE(tally_state, struct tally, MOULT_FIELD(doubled),
            MOULT_FIELD(step, .initial = 1),
            MOULT_FIELD(label, .initial_text = "none"));
#endif

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    if (!moult_match(request, "get"))
        return moult_refuse(ctx, -EINVAL, "tally takes \"get\"");
    moult_put_int(reply, GOOD);
    return moult_reply();
}

#if GOOD >= 200
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    moult_in label = {0};

    moult_put_map(to, 2);
    if (change->to == 1)
        moult_put_int_at(to, "doubled", 2 * moult_int_at(from, "count"));
    else
        moult_put_int_at(to, "count", moult_int_at(from, "doubled") / 2);
    moult_put_text(to, "label");
    if (moult_find(from, "label", &label)) {
        size_t len = 0;
        const void *item = moult_get_item(&label, &len);

        moult_put_item(to, item, len);
    } else {
        moult_put_text(to, "none");
    }
    return 0;
}
#endif

static const moult_server tally = {.size = sizeof(moult_server),
#if GOOD >= 200
                                   .format = 1,
                                   .code_change = code_change,
#endif
                                   .state = tally_state,
                                   .handle_call = handle_call};

static const moult_child children[] = {
    {.id = "tally", .server = &tally, .name = "tally", .args = "{\"limit\": 5}"},
#if GOOD >= 110
    {.id = "spare", .server = &tally, .count = 3, .restart = MOULT_TRANSIENT},
#endif
    {.id = NULL}};

MOULT_PLUGIN(.children = children, .description = "without sin", .intensity = 3);
