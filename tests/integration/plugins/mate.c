/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mate - servers that do what they are told inside one callback, so that a test meets
 * them there.
 *
 *     "vsn", "count"        are answered at once; a cast "bump" adds one to the count
 *     "stop"                makes it end for an error
 *     {"do": [step, ...]}   is answered by the count when all is done, or refused with
 *                           what failed
 *
 *   step             does
 *   ---------------  ----------------------------------------------------------------
 *   "gate"           waits at the gate
 *   ["b", message]   calls b with that message
 *   "read"           reads a byte from the pipe named `pipe`: blocks the whole thread
 *   "bump"           adds one to the count
 *
 * Application crew has a, b and c; relay has one of that name, lingers one that is given
 * a short time to end.  With EXTRA the state has a field more, with HALTS its code_change
 * reads from the pipe named `halt` if there is one.
 */
#define _GNU_SOURCE /* NOLINT: O_CLOEXEC */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <moult.h>

struct mate {
    int64_t count;
#ifdef EXTRA
    int64_t extra;
#endif
};

#ifdef EXTRA
MOULT_STATE(mate_state, struct mate, MOULT_FIELD(count),
            MOULT_FIELD(extra, .initial = 9));
#else
MOULT_STATE(mate_state, struct mate, MOULT_FIELD(count));
#endif

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_trap_exit(ctx, true);
    moult_log(ctx, MOULT_INFO, "here");
    return moult_noreply();
}

static void terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    moult_log(ctx, MOULT_INFO, "gone");
}

static int wait_at_gate(moult_ctx *ctx)
{
    moult_out *m = moult_draft(ctx);
    moult_in reply;

    moult_put_map(m, 1);
    moult_put_text_at(m, "wait", "someone");
    return moult_call(ctx, moult_whereis("gate"), m, MOULT_INFINITY, &reply);
}

static int call(moult_ctx *ctx, moult_in *step)
{
    moult_out *m = moult_draft(ctx);
    char name[32] = "";
    const void *item;
    const char *text;
    moult_in reply;
    size_t len;

    moult_get_array(step);
    text = moult_get_text(step, &len);
    memcpy(name, text, len < sizeof(name) ? len : 0);
    item = moult_get_item(step, &len);
    moult_put_item(m, item, len);
    return moult_call(ctx, moult_whereis(name), m, MOULT_INFINITY, &reply);
}

static int read_pipe(const char *name)
{
    char byte;
    int fd = open(name, O_RDONLY | O_CLOEXEC), error = 0;

    if (fd < 0 || read(fd, &byte, 1) != 1)
        error = -EIO;
    if (fd >= 0)
        close(fd);
    return error;
}

static int act(moult_ctx *ctx, struct mate *mate, moult_in *step)
{
    if (moult_match(step, "gate"))
        return wait_at_gate(ctx);
    if (moult_match(step, "read"))
        return read_pipe("pipe");
    if (moult_match(step, "bump")) {
        mate->count++;
        return 0;
    }
    return call(ctx, step);
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct mate *mate = state;
    moult_in steps;
    int error = 0;
    size_t left;

    if (moult_match(request, "vsn")) {
        moult_put_text(reply, moult_plugin.vsn);
        return moult_reply();
    }
    if (moult_match(request, "stop"))
        return moult_stop_because(ctx, -EIO, "it was told to");
    if (moult_match_map(request, "do", &steps)) {
        for (left = moult_get_array(&steps); left > 0 && !error; left--)
            error = act(ctx, mate, &steps);
        if (error)
            return moult_refuse(ctx, error, "%s", moult_call_text(ctx));
    }
    moult_put_int(reply, mate->count);
    return moult_reply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct mate *mate = state;

    mate->count++;
    return moult_noreply();
}

#ifdef HALTS
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    read_pipe("halt"); /* it fails if there is none */
    moult_put_map(to, 1);
    moult_put_int_at(to, "count", moult_int_at(from, "count"));
    return 0;
}
#endif

static const moult_server mate = {.size = sizeof(moult_server),
                                  .state = mate_state,
#ifdef HALTS
                                  .format = 1,
                                  .code_change = code_change,
#endif
                                  .init = init,
                                  .handle_call = handle_call,
                                  .handle_cast = handle_cast,
                                  .terminate = terminate};

static const moult_child children[] = {
#if defined(RELAY)
    {.id = "relay", .server = &mate, .name = "relay"},
#elif defined(LINGERS)
    {.id = "lingers", .server = &mate, .name = "lingers", .shutdown_ms = 200},
#else
    {.id = "a", .server = &mate, .name = "a"},
    {.id = "b", .server = &mate, .name = "b"},
    {.id = "c", .server = &mate, .name = "c", .shutdown_ms = MOULT_BRUTAL_KILL},
#endif
    {.id = NULL}};

MOULT_PLUGIN(.children = children);
