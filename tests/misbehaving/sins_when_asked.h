/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sins_when_asked - a counter that answers "get" and "bump", and sins when told "sin".
 *
 * For plugins that fail inside a callback: they include this and define misbehave().  A
 * second server of theirs goes on.  With SECRET its state and messages are nobody's.
 */
#ifndef MOULT_SINS_WHEN_ASKED_H
#define MOULT_SINS_WHEN_ASKED_H

#include <moult.h>

struct sinner {
    int64_t count;
};

MOULT_STATE(sinner_state, struct sinner, MOULT_FIELD(count));

/* The sin; `nothing` is NULL, and no compiler knows. */
static void misbehave(moult_ctx *ctx, char *nothing);

static char *volatile nowhere;

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct sinner *s = state;

    if (moult_match(request, "sin")) {
        moult_alloc(ctx, 4096);      /* goes with the process */
        moult_put_text(reply, "so"); /* and so does a reply half written */
        misbehave(ctx, nowhere);
    } else if (moult_match(request, "bump")) {
        s->count++;
    }
    moult_put_int(reply, s->count);
    return moult_reply();
}

#ifdef SECRET
static int show_nothing(int32_t what, moult_in *value, moult_out *out)
{
    moult_put_text(out, "nobody's business");
    return 0;
}
#else
#define show_nothing NULL
#endif

static const moult_server sinner = {.size = sizeof(moult_server),
                                    .state = sinner_state,
                                    .handle_call = handle_call,
                                    .format_status = show_nothing};

static const moult_child children[] = {
    {.id = "sinner", .server = &sinner, .name = "sinner"},
    {.id = "bystander", .server = &sinner, .name = "bystander"},
    {.id = NULL}};

MOULT_PLUGIN(.children = children, .intensity = 1000000);

#endif
