/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inn - a number of guests; who goes to another version of it begins anew, host and all.
 *
 *   1.0.0     has no appup
 *   RESTARTS  0: comes up; 1: its init fails; 2: its init ends the host
 *
 *     "get" is answered by the number, {"add": n} by the sum; of more than 100 guests none
 *     goes: its appup asks before
 */
#define _GNU_SOURCE
#include <moult.h>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

struct inn {
    int64_t guests;
};

MOULT_STATE(inn_state, struct inn, MOULT_FIELD(guests));

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct inn *inn = state;
    int64_t n = 0;

    if (!moult_match(request, "get") && !moult_match_int(request, "add", &n))
        return moult_refuse(ctx, -EINVAL, "inn takes \"get\", {\"add\": n}");
    moult_put_int(reply, inn->guests += n);
    return moult_reply();
}

#ifdef RESTARTS
static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
#if RESTARTS == 1
    return moult_stop_because(ctx, -EIO, "the cellar is under water");
#elif RESTARTS == 2
    syscall(SYS_kill, getpid(), SIGKILL); /* which nobody contains */
#endif
    return moult_noreply();
}

static moult_next ask(moult_ctx *ctx, moult_in *args)
{
    moult_out *request = moult_draft(ctx);
    moult_in reply;

    moult_put_text(request, "get");
    if (moult_call(ctx, moult_whereis("inn"), request, 0, &reply) < 0)
        return moult_stop(-EIO);
    return moult_get_int(&reply) > 100
               ? moult_stop_because(ctx, -EBUSY, "there are guests")
               : moult_noreply();
}

static const moult_instruction change[] = {
    {MOULT_UPDATE, "inn"}, {MOULT_RESTART}, {MOULT_APPLY, "ask"}, {0}};
static const moult_way ways[] = {{.vsn = "1.0.0", .instructions = change}, {0}};
static const moult_appup appup =
    MOULT_APPUP(.up = ways, .down = ways,
                .functions = (const moult_applied[]){{"ask", ask}, {NULL}});
#define HOW &appup
#else
#define HOW NULL
#endif

static const moult_server inn = {.size = sizeof(moult_server),
                                 .state = inn_state,
#ifdef RESTARTS
                                 .init = init,
#endif
                                 .handle_call = handle_call};

MOULT_PLUGIN(.children =
                 (const moult_child[]){{.id = "inn", .server = &inn, .name = "inn"},
                                       {.id = NULL}},
             .appup = HOW);
