/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayhem - tallies that are upgraded while they count, some of which fail when asked to.
 *
 *   1.0.0  count, mark                    format 0
 *   1.0.1  the same
 *   1.1.0  `mark` is renamed to `sign`    format 0
 *   2.0.0  `twice` in place of `count`    format 1
 *   3.0.0  crashes in code_change         format 2: refused by the vet
 *   3.1.0  the same, in a host alone      format 2: rolled back
 *
 *     "get" is answered by the count, {"add": n} by the sum and may be cast as well,
 *     {"fail": how} by the end of the server
 */
#include <stdlib.h>
#include <unistd.h>

#include <moult.h>

#define MARK 7 /* it stays what it is at first */

struct tally {
#if KIND < 2
    int64_t count;
#else
    int64_t twice;
#endif
#if KIND == 0
    int64_t mark;
#else
    int64_t sign;
#endif
};

#if KIND == 0
MOULT_STATE(tally_state, struct tally, MOULT_FIELD(count),
            MOULT_FIELD(mark, .initial = MARK));
#elif KIND == 1
MOULT_STATE(tally_state, struct tally, MOULT_FIELD(count),
            MOULT_FIELD(sign, .was = "mark", .initial = MARK));
#else
MOULT_STATE(tally_state, struct tally, MOULT_FIELD(twice),
            MOULT_FIELD(sign, .initial = MARK));
#endif

static char *volatile nowhere;
static volatile int zero;

static int64_t overflow(volatile char *above)
{
    volatile char here[4096];

    here[0] = *above;
    return zero ? here[0] : overflow(here) + here[0];
}

static void fail(int64_t how)
{
    char first = 0;

    if (how == 0)
        *nowhere = 1;
    else if (how == 1)
        abort();
    else if (how == 2)
        exit((int)how);
    else if (how == 3)
        zero = 1000 / zero;
    else
        overflow(&first);
}

static int64_t add(struct tally *t, int64_t n)
{
#if KIND < 2
    return t->count += n;
#else
    return (t->twice += 2 * n) / 2;
#endif
}

static bool is_whole(const struct tally *t)
{
#if KIND == 0
    return t->mark == MARK;
#else
    return t->sign == MARK;
#endif
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct tally *t = state;
    int64_t n = 0;

    if (moult_match_int(request, "fail", &n)) {
        fail(n);
    } else if (!is_whole(t)) {
        return moult_refuse(ctx, -EBADMSG, "its state is not whole");
    } else if (!moult_match(request, "get") && !moult_match_int(request, "add", &n)) {
        return moult_refuse(ctx, -EINVAL, "a tally takes \"get\" and {\"add\": n}");
    }
    moult_put_int(reply, add(t, n));
    return moult_reply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    int64_t n = 0;

    if (moult_match_int(message, "add", &n))
        add(state, n);
    return moult_noreply();
}

#if KIND >= 2
static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    bool was_twice = change->from > 0, is_twice = change->to > 0;
    int64_t n = moult_int_at(from, was_twice ? "twice" : "count");

    if (KIND == 3 ||
        (KIND == 4 && gettid() != getpid())) /* rehearsals have one thread */
        *nowhere = 1;
    moult_put_map(to, 1);
    moult_put_int_at(to, is_twice ? "twice" : "count",
                     was_twice == is_twice ? n
                     : is_twice            ? 2 * n
                                           : n / 2);
    return 0;
}
#endif

static const moult_server tally = {.size = sizeof(moult_server),
#if KIND >= 2
                                   .format = KIND == 2 ? 1 : 2,
                                   .code_change = code_change,
#endif
                                   .state = tally_state,
                                   .handle_call = handle_call,
                                   .handle_cast = handle_cast};

static const moult_child children[] = {
    {.id = "steady", .server = &tally, .name = "steady", .count = 4},
    {.id = "lossy", .server = &tally, .name = "lossy", .count = 2},
    {.id = "frail", .server = &tally, .name = "frail", .count = 2},
    {.id = NULL}};

MOULT_PLUGIN(.children = children, .intensity = 1000000);
