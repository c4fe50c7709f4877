/* SPDX-License-Identifier: Apache-2.0 */
/*
 * birds - ten servers in two versions, whose way up and down can be slow or barred.
 *
 *   1.0.0         count   format 0
 *   2.0.0, 2.0.1  twice   format 1; 2.0.1 gives up when the first one falls
 *
 *     "get" is answered by the count, {"add": n} by the sum, "vsn" by the vsn;
 *     {"slow": ms} is how long a code_change of its state takes then, {"stays": n} whether
 *     it refuses to go down, {"works": ms} works for so long; "fall" ends it by a fault
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <moult.h>

struct bird {
#if KIND == 2
    int64_t twice;
#else
    int64_t count;
#endif
    int64_t slow, stays;
};

#if KIND == 2
MOULT_STATE(bird_state, struct bird, MOULT_FIELD(twice), MOULT_FIELD(slow),
            MOULT_FIELD(stays));
#else
MOULT_STATE(bird_state, struct bird, MOULT_FIELD(count), MOULT_FIELD(slow),
            MOULT_FIELD(stays));
#endif

/* By system calls of its own: whatever stands before libc's is none to end a callback in. */
static void work(int64_t ms)
{
    struct timespec end;

    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += ms % 1000 * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    while (syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) < 0)
        ;
}

static void fall(void)
{
    static int *volatile nowhere;

    *nowhere = 1;
}

static int64_t add(struct bird *b, int64_t n)
{
#if KIND == 2
    return (b->twice += 2 * n) / 2;
#else
    return b->count += n;
#endif
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct bird *b = state;
    int64_t n = 0, ms = 0;

    if (moult_match(request, "vsn")) {
        moult_put_text(reply, moult_plugin.vsn);
        return moult_reply();
    }
    if (moult_match(request, "fall"))
        fall();
    if (moult_match_int(request, "works", &ms))
        work(ms);
    else if (!moult_match(request, "get") && !moult_match_int(request, "add", &n) &&
             !moult_match_int(request, "slow", &b->slow) &&
             !moult_match_int(request, "stays", &b->stays))
        return moult_refuse(ctx, -EINVAL, "a bird knows no such word");
    moult_put_int(reply, add(b, n));
    return moult_reply();
}

#if KIND == 2
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    bool up = change->to == 1;
    int64_t count = up ? moult_int_at(from, "count") : moult_int_at(from, "twice") / 2,
            stays = moult_int_at(from, "stays");

    work(moult_int_at(from, "slow"));
    if (!up && stays) {
        snprintf(change->why, change->why_size, "it likes it up there");
        return -EPERM;
    }
    moult_put_map(to, 3);
    moult_put_int_at(to, up ? "twice" : "count", up ? 2 * count : count);
    moult_put_int_at(to, "slow", moult_int_at(from, "slow"));
    moult_put_int_at(to, "stays", stays);
    return 0;
}
#endif

static const moult_server bird = {.size = sizeof(moult_server),
#if KIND == 2
                                  .format = 1,
                                  .code_change = code_change,
#endif
                                  .state = bird_state,
                                  .handle_call = handle_call};

#ifndef INTENSITY
#define INTENSITY 1000
#endif

MOULT_PLUGIN(.intensity = INTENSITY,
             .children = (const moult_child[]){
                 {.id = "bird", .server = &bird, .name = "bird", .count = 10},
                 {.id = NULL}});
