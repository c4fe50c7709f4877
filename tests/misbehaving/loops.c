/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loops - a counter that never comes back from what it is told to loop in: "call", "cast",
 * "terminate", "save", "strlen", "malloc", "sleep", "read" or "blocking".  As INIT, one that begins so.
 */
#define _GNU_SOURCE
#include <moult.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct looper {
    int64_t count;
    int32_t in_terminate, in_save;
};

MOULT_STATE(looper_state, struct looper, MOULT_FIELD(count), MOULT_FIELD(in_terminate),
            MOULT_FIELD(in_save));

static volatile uint64_t rounds;
static void *volatile block;
static char *volatile text;

static void spin(void *unused)
{
    for (;;)
        rounds++;
}

static void spin_in_strlen(moult_ctx *ctx)
{
    text = moult_alloc(ctx, 10000000);
    memset(text, 'x', 9999999);
    for (;;)
        rounds += strlen(text);
}

static void spin_in_malloc(void)
{
    for (;;) {
        block = malloc(100);
        free(block);
    }
}

static void sleep_for_ever(void)
{
    for (;;)
        sleep(1000000);
}

static void read_for_ever(void)
{
    int ends[2];
    char byte;

    if (pipe(ends) == 0)
        rounds += (uint64_t)read(ends[0], &byte, 1);
}

#if defined(INIT)
static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    if (gettid() != getpid()) /* in a host */
        spin(NULL);
    return moult_noreply();
}
#endif

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct looper *l = state;

    if (moult_match(request, "call"))
        spin(NULL);
    else if (moult_match(request, "strlen"))
        spin_in_strlen(ctx);
    else if (moult_match(request, "malloc"))
        spin_in_malloc();
    else if (moult_match(request, "sleep"))
        sleep_for_ever();
    else if (moult_match(request, "read"))
        read_for_ever();
    else if (moult_match(request, "blocking"))
        moult_blocking(ctx, spin, NULL);
    else if (moult_match(request, "terminate"))
        l->in_terminate = 1;
    else if (moult_match(request, "save"))
        l->in_save = 1;
    else if (moult_match(request, "stop"))
        return moult_stop(MOULT_NORMAL);
    else
        l->count++;
    moult_put_int(reply, l->count);
    return moult_reply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    spin(NULL);
    return moult_noreply();
}

static void terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    const struct looper *l = state;

    if (l->in_terminate)
        spin(NULL);
}

static int save(const void *state, moult_out *out)
{
    const struct looper *l = state;

    if (l->in_save && gettid() != getpid())
        spin(NULL);
    moult_put_map(out, 1);
    moult_put_int_at(out, "count", l->count);
    return 0;
}

static int load(moult_ctx *ctx, void *state, moult_in *in)
{
    struct looper *l = state;

    l->count = moult_int_at(in, "count");
    return 0;
}

static const moult_server looper = {.size = sizeof(moult_server),
                                    .state = looper_state,
#if defined(INIT)
                                    .init = init,
#endif
                                    .handle_call = handle_call,
                                    .handle_cast = handle_cast,
                                    .terminate = terminate,
                                    .save = save,
                                    .load = load};

#ifndef LIMIT_MS
#define LIMIT_MS 300
#endif

static const moult_child children[] = {
    {.id = "limited",
     .server = &looper,
     .name = "limited",
     .max_callback_ms = LIMIT_MS},
    {.id = "endless", .server = &looper, .name = "endless", .shutdown_ms = 200},
    {.id = "brutal",
     .server = &looper,
     .name = "brutal",
     .shutdown_ms = MOULT_BRUTAL_KILL},
    {.id = NULL}};

MOULT_PLUGIN(.children = children, .intensity = 1000);
