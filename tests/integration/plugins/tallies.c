/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tallies - five counts; as format 1 (SIN), a version whose code_change refuses or
 * crashes where the count is above 100.
 */
#include <stdio.h>

#include <moult.h>

struct tally {
    int64_t count;
};

MOULT_STATE(tally_state, struct tally, MOULT_FIELD(count));

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct tally *t = state;
    int64_t n = 0;

    if (!moult_match(request, "get") && !moult_match_int(request, "add", &n))
        return moult_refuse(ctx, -EINVAL, "tally takes \"get\" and {\"add\": n}");
    moult_put_int(reply, t->count += n);
    return moult_reply();
}

#ifdef SIN
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    int64_t count = moult_int_at(from, "count");
    volatile int *volatile nowhere = NULL;

    if (count > 100 && SIN == 1) {
        snprintf(change->why, change->why_size, "%lld is too many", (long long)count);
        return -ERANGE;
    }
    if (count > 100)
        *nowhere = 1; /* NOLINT: the sin */
    moult_put_map(to, 1);
    moult_put_int_at(to, "count", count);
    return 0;
}
#endif

static const moult_server tally = {.size = sizeof(moult_server),
#ifdef SIN
                                   .format = 1,
                                   .code_change = code_change,
#endif
                                   .state = tally_state,
                                   .handle_call = handle_call};

MOULT_PLUGIN(.children = (const moult_child[]){
                 {.id = "tally", .server = &tally, .name = "tally", .count = 5},
                 {.id = NULL}});
