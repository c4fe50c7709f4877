/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crashes_elsewhere - another callback than handle_call writes through a null pointer, as
 * INIT, CONTINUE, CAST, INFO, TERMINATE or SAVE says; in a host, that is, where it runs
 * on a thread of its own.
 */
#define _GNU_SOURCE
#include <moult.h>

#include <unistd.h>

struct sinner {
    int64_t count;
};

MOULT_STATE(sinner_state, struct sinner, MOULT_FIELD(count));

static char *volatile nowhere;

static inline void sin_in_a_host(void)
{
    if (gettid() != getpid())
        *(volatile char *)nowhere = 1;
}

#if defined(INIT)
static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    sin_in_a_host();
    return moult_noreply();
}
#elif defined(CONTINUE)
static moult_next handle_continue(moult_ctx *ctx, void *state, moult_in *term)
{
    sin_in_a_host();
    return moult_noreply();
}
#elif defined(CAST)
static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    sin_in_a_host();
    return moult_noreply();
}
#elif defined(INFO)
static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
{
    sin_in_a_host();
    return moult_noreply();
}
#elif defined(TERMINATE)
static void terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    sin_in_a_host();
}
#else
static int save(const void *state, moult_out *out)
{
    const struct sinner *s = state;

    moult_put_map(out, 1);
    moult_put_int_at(out, "count", s->count);
    sin_in_a_host();
    return 0;
}

static int load(moult_ctx *ctx, void *state, moult_in *in)
{
    struct sinner *s = state;

    s->count = moult_int_at(in, "count");
    return 0;
}
#endif

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    if (moult_match(request, "stop"))
        return moult_stop(MOULT_NORMAL);
    moult_put_null(reply);
    if (moult_match(request, "continue")) {
        moult_put_null(moult_continuation(ctx));
        return moult_with_continue(moult_reply());
    }
    if (moult_match(request, "send")) {
        moult_out *message = moult_draft(ctx);

        moult_put_null(message);
        moult_send(ctx, moult_self(ctx), message);
    }
    return moult_reply();
}

static const moult_server sinner = {.size = sizeof(moult_server),
                                    .state = sinner_state,
#if defined(INIT)
                                    .init = init,
#elif defined(CONTINUE)
                                    .handle_continue = handle_continue,
#elif defined(CAST)
                                    .handle_cast = handle_cast,
#elif defined(INFO)
                                    .handle_info = handle_info,
#elif defined(TERMINATE)
                                    .terminate = terminate,
#else
                                    .save = save,
                                    .load = load,
#endif
                                    .handle_call = handle_call};

static const moult_child children[] = {
    {.id = "sinner", .server = &sinner, .name = "sinner"}, {.id = NULL}};

MOULT_PLUGIN(.children = children, .intensity = 1000);
