/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bells - a manager of handlers, some of which fail, and a clerk who adds and removes them.
 *
 * The manager `bells` is told of words.  Its handlers:
 *
 *   "log", "late"   count them; answer "count"; one is a log from the start
 *   "frail"         do what the word says: "crash", "loop"; when they are removed or put
 *                   in a place, what their args say
 *
 * The clerk does [verb, handler] or ["swap", from, to], with args ["add", handler, args],
 * and answers 0 or what came of it; "gone" is how it was told of the last that went.
 *
 * KIND 0: format 0; 1: handlers count in hundreds, by code_change, which refuses 99; 2: has
 * no "late".
 */
#include <stdlib.h>
#include <string.h>

#include <moult.h>

struct tally {
    int64_t count;
#if KIND == 1
    int64_t added;
#endif
};

#if KIND == 1
MOULT_STATE(tally_state, struct tally, MOULT_FIELD(count),
            MOULT_FIELD(added, .initial = 7));
#else
MOULT_STATE(tally_state, struct tally, MOULT_FIELD(count));
#endif

/* -- handlers that count -- */

static moult_next count_event(moult_ctx *ctx, void *state, moult_in *event)
{
    struct tally *t = state;

    t->count += KIND == 1 ? 100 : 1;
    return moult_noreply();
}

static moult_next count_call(moult_ctx *ctx, void *state, moult_in *request,
                             moult_out *reply)
{
    const struct tally *t = state;

    moult_put_int(reply, t->count);
    return moult_reply();
}

#if KIND == 1
static int change(const moult_change *change, moult_in *from, moult_out *to)
{
    int64_t count = moult_int_at(from, "count");

    if (count == 99)
        return -EINVAL;
    moult_put_map(to, 1);
    moult_put_int_at(to, "count",
                     change->from < change->to ? count * 100 : count / 100);
    return 0;
}
#endif

#define COUNTS                                                                        \
    .size = sizeof(moult_handler), .state = tally_state, .handle_event = count_event, \
    .handle_call = count_call

static const moult_handler logs = {COUNTS, .name = "log", .at_start = 1,
#if KIND == 1
                                   .format = 1, .code_change = change
#endif
};
#if KIND != 2
static const moult_handler lates = {COUNTS, .name = "late"};
#endif

/* -- handlers that fail -- */

static int *volatile nowhere;

static void do_as_told(moult_in *in)
{
    if (moult_match(in, "crash"))
        *nowhere = 1;
    else if (moult_match(in, "abort"))
        abort();
    else if (moult_match(in, "loop"))
        for (volatile int i = 0;; i = i + 1)
            ;
}

static moult_next frail_init(moult_ctx *ctx, void *state, moult_in *args,
                             moult_in *swapped)
{
    moult_alloc(ctx, 100000);
    do_as_told(args);
    return moult_noreply();
}

static moult_next frail_event(moult_ctx *ctx, void *state, moult_in *event)
{
    do_as_told(event);
    return moult_noreply();
}

static moult_next frail_call(moult_ctx *ctx, void *state, moult_in *request,
                             moult_out *reply)
{
    do_as_told(request);
    moult_put_int(reply, 0);
    return moult_reply();
}

/* It can't let go of what it has, unless it is told to. */
static void frail_terminate(moult_ctx *ctx, void *state, const moult_removal *why,
                            moult_out *result)
{
    if (!moult_match(why->args, "well"))
        *nowhere = 1;
    moult_put_text(result, "well");
}

static const moult_handler frails = {.size = sizeof(moult_handler),
                                     .name = "frail",
                                     .init = frail_init,
                                     .handle_event = frail_event,
                                     .handle_call = frail_call,
                                     .handle_info = frail_event,
                                     .terminate = frail_terminate};

static const moult_manager manager = {.size = sizeof(moult_manager),
                                      .handlers =
                                          (const moult_handler *const[]){&logs, &frails,
#if KIND != 2
                                                                         &lates,
#endif
                                                                         NULL}};
static const moult_server bells = {.size = sizeof(moult_server), .manager = &manager};

/* -- the clerk -- */

struct clerk {
    char gone[64];
    int64_t reason;
};

MOULT_STATE(clerk_state, struct clerk, MOULT_FIELD(gone), MOULT_FIELD(reason));

/* The next item of a list, if there is one, as a text or as a draft. */
static const char *next_text(moult_in *list, char *text, size_t size)
{
    size_t len;
    const char *from = moult_get_text(list, &len);

    if (len >= size)
        len = size - 1;
    memcpy(text, from, len);
    text[len] = 0;
    return text;
}

static moult_out *next_draft(moult_ctx *ctx, moult_in *list, bool there)
{
    moult_out *m = there ? moult_draft(ctx) : NULL;
    size_t len;
    const void *item = there ? moult_get_item(list, &len) : NULL;

    if (m)
        moult_put_item(m, item, len);
    return m;
}

static int do_verb(moult_ctx *ctx, moult_in *list, size_t count)
{
    moult_pid to = moult_whereis("bells");
    char verb[16], handler[32], other[32];

    next_text(list, verb, sizeof(verb));
    next_text(list, handler, sizeof(handler));
    if (strcmp(verb, "add") == 0)
        return moult_add_sup_handler(ctx, to, handler,
                                     next_draft(ctx, list, count > 2));
    if (strcmp(verb, "swap") == 0) {
        moult_swap swap = {.from = handler, .to = other};

        next_text(list, other, sizeof(other));
        return moult_swap_handler(ctx, to, &swap);
    }
    return moult_delete_handler(ctx, to, handler, next_draft(ctx, list, count > 2),
                                NULL);
}

static moult_next clerk_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    const struct clerk *c = state;
    int error;

    if (moult_match(request, "gone")) {
        moult_put_text(reply, c->gone);
        return moult_reply();
    }
    error = do_verb(ctx, request, moult_get_array(request));
    if (error)
        return moult_refuse(ctx, error, "%s", moult_call_text(ctx));
    moult_put_int(reply, 0);
    return moult_reply();
}

static moult_next clerk_info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct clerk *c = state;
    moult_handler_gone gone;
    size_t len;

    if (!moult_match_handler_gone(message, &gone))
        return moult_noreply();
    len = gone.handler_len < sizeof(c->gone) ? gone.handler_len : sizeof(c->gone) - 1;
    memcpy(c->gone, gone.handler, len);
    c->gone[len] = 0;
    c->reason = gone.reason;
    return moult_noreply();
}

static moult_next clerk_stop(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop(-EIO);
}

static const moult_server clerk = {.size = sizeof(moult_server),
                                   .state = clerk_state,
                                   .handle_call = clerk_call,
                                   .handle_cast = clerk_stop,
                                   .handle_info = clerk_info};

MOULT_PLUGIN(
        .intensity = 1000000, .period_s = 1,
        .children = (const moult_child[]){
            {.id = "bells", .server = &bells, .name = "bells", .max_callback_ms = 300},
            {.id = "clerk", .server = &clerk, .name = "clerk"},
            {.id = NULL}});
