/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orchard - a tree of supervisors whose versions differ below the top.
 *
 *   KIND 0  clerk; pool of x and y; two of hive; grove, whose trees are started when clerk
 *           is told
 *   KIND 1  pool of x and z; four of hive; a new supervisor, barn, of b; trees have
 *           a field more
 *   KIND 2  as 1, but z refuses to start
 *   KIND 3  pool is a server
 *   KIND 4  pool is simple_one_for_one
 *
 *     "sow" starts a tree; {"grow": n} is answered by what the last one has grown to;
 *     "watch" has clerk told of its end, "fell" ends it, "lost" are those clerk was told
 *     of.  x, y, z, b and hive.0 answer {"add": n} by their sum.
 */
#include <moult.h>

struct one {
    int64_t sum;
#if KIND
    int64_t rings;
#endif
};

#if KIND
MOULT_STATE(one_state, struct one, MOULT_FIELD(sum), MOULT_FIELD(rings, .initial = 1));
#else
MOULT_STATE(one_state, struct one, MOULT_FIELD(sum));
#endif

static moult_next one_call(moult_ctx *ctx, void *state, const moult_from *from,
                           moult_in *request, moult_out *reply)
{
    struct one *o = state;
    int64_t n = 0;

    if (!moult_match_int(request, "add", &n))
        return moult_refuse(ctx, -EINVAL, "it takes {\"add\": integer}");
    moult_put_int(reply, o->sum += n);
    return moult_reply();
}

static const moult_server one = {
    .size = sizeof(moult_server), .state = one_state, .handle_call = one_call};

struct clerk {
    moult_pid tree;
    int64_t lost;
};
MOULT_STATE(clerk_state, struct clerk, MOULT_FIELD(tree), MOULT_FIELD(lost));

static moult_next clerk_info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct clerk *c = state;
    moult_ended ended;

    if (moult_match_down(message, &ended)) {
        c->lost++;
        moult_log(ctx, MOULT_INFO, "a tree was felled");
    }
    return moult_noreply();
}

static moult_next failed(moult_ctx *ctx, int error)
{
    return moult_refuse(ctx, error, "%s", moult_call_text(ctx));
}

static moult_next grow(moult_ctx *ctx, struct clerk *c, int64_t n, moult_out *reply)
{
    moult_out *m = moult_draft(ctx);
    moult_in sum;
    int error;

    moult_put_map(m, 1);
    moult_put_int_at(m, "add", n);
    error = moult_call(ctx, c->tree, m, 0, &sum);
    if (error)
        return failed(ctx, error);
    moult_put_int(reply, moult_get_int(&sum));
    return moult_reply();
}

static moult_next clerk_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    struct clerk *c = state;
    moult_pid grove = moult_whereis("grove");
    uint64_t ref;
    int64_t n = 0;
    int error = -EINVAL;

    if (moult_match_int(request, "grow", &n))
        return grow(ctx, c, n, reply);
    if (moult_match(request, "lost")) {
        moult_put_int(reply, c->lost);
        return moult_reply();
    }
    if (moult_match(request, "sow"))
        error = moult_start_child(ctx, grove, NULL, NULL, &c->tree);
    else if (moult_match(request, "fell"))
        error = moult_terminate_pid(ctx, grove, c->tree);
    else if (moult_match(request, "watch"))
        error = moult_monitor(ctx, c->tree, &ref);
    if (error)
        return failed(ctx, error);
    moult_put_int(reply, 0);
    return moult_reply();
}

static const moult_server clerk = {.size = sizeof(moult_server),
                                   .state = clerk_state,
                                   .handle_call = clerk_call,
                                   .handle_info = clerk_info};

#if KIND == 2
static moult_next refuse(moult_ctx *ctx, void *state, moult_in *args)
{
    return moult_stop_because(ctx, -EIO, "no ground for z");
}

static const moult_server last = {.size = sizeof(moult_server), .init = refuse};
#else
#define last one
#endif

#define SIZE .size = sizeof(moult_supervisor)

static const moult_child trees[] = {{.id = "tree", .server = &one}, {.id = NULL}};
static const moult_supervisor grove = {SIZE, .strategy = MOULT_SIMPLE_ONE_FOR_ONE,
                                       .children = trees};

#if KIND == 4
static const moult_supervisor pool = {SIZE, .strategy = MOULT_SIMPLE_ONE_FOR_ONE,
                                      .children = trees};
#elif KIND != 3
static const moult_child pooled[] = {{.id = "x", .server = &one, .name = "x"},
#if KIND
                                     {.id = "z", .server = &last, .name = "z"},
#else
                                     {.id = "y", .server = &one, .name = "y"},
#endif
                                     {.id = NULL}};
static const moult_supervisor pool = {SIZE, .strategy = MOULT_REST_FOR_ONE,
                                      .intensity = 10, .children = pooled};
#endif

#if KIND
static const moult_supervisor barn = {
    SIZE, .children = (const moult_child[]){{.id = "b", .server = &one, .name = "b"},
                                            {.id = NULL}}};
#endif

static const moult_child children[] = {
    {.id = "clerk", .server = &clerk, .name = "clerk"},
#if KIND == 3
    {.id = "pool", .server = &one},
#else
    {.id = "pool", .supervisor = &pool, .name = "pool"},
#endif
    {.id = "hive", .server = &one, .name = "hive", .count = KIND ? 4 : 2},
    {.id = "grove", .supervisor = &grove, .name = "grove"},
#if KIND
    {.id = "barn", .supervisor = &barn},
#endif
    {.id = NULL}};

MOULT_PLUGIN(.children = children);
