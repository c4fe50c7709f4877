/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stand - servers that know what args they were started with, which KIND 2 has others of.
 *
 *     {"add": n}, "get"   {"shelf", "count"}
 *     "fall"              a cast: it ends
 *
 *   kept    goes on with an upgrade
 *   anew    is started anew for it
 *   below   the same, below a supervisor
 *   same    has no args, and goes on
 *
 * They do not start while the env `open` is false.
 */
#include <errno.h>

#include <moult.h>

struct stand {
    int64_t shelf, count;
};

MOULT_STATE(stand_state, struct stand, MOULT_FIELD(shelf), MOULT_FIELD(count));

static const moult_env env[] = {
    {.key = "open", .type = MOULT_ENV_BOOL, .value = "true"}, {.key = NULL}};

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    ((struct stand *)state)->shelf = moult_int_at(args, "shelf");
    return moult_env_bool(ctx, "open", true)
               ? moult_noreply()
               : moult_stop_because(ctx, -EBUSY, "it is shut");
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct stand *s = state;
    int64_t n;

    if (moult_match_int(request, "add", &n))
        s->count += n;
    moult_put_map(reply, 2);
    moult_put_int_at(reply, "shelf", s->shelf);
    moult_put_int_at(reply, "count", s->count);
    return moult_reply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop_because(ctx, -EIO, "it falls");
}

static const moult_server stand = {.size = sizeof(moult_server),
                                   .state = stand_state,
                                   .init = init,
                                   .handle_call = handle_call,
                                   .handle_cast = handle_cast};

#define ARGS (KIND == 1 ? "{\"shelf\": 1}" : "{\"shelf\": 2}")

static const moult_supervisor row = {
    .size = sizeof(moult_supervisor),
    .children = (const moult_child[]){{.id = "below",
                                       .server = &stand,
                                       .name = "below",
                                       .args = ARGS,
                                       .renew = 1,
                                       .backoff_ms = 1000},
                                      {.id = "same", .server = &stand, .name = "same"},
                                      {.id = NULL}}};

MOULT_PLUGIN(.description = "stands", .env = env,
             .children = (const moult_child[]){
                 {.id = "kept", .server = &stand, .name = "kept", .args = ARGS},
                 {.id = "anew",
                  .server = &stand,
                  .name = "anew",
                  .args = ARGS,
                  .renew = 1,
                  .backoff_ms = 1000},
                 {.id = "row", .supervisor = &row},
                 {.id = NULL}});
