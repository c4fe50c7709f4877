/* SPDX-License-Identifier: Apache-2.0 */
/* bench - traffic among servers, timed by the driver; `moult call bench {...}`. */
#include "bench.h"

#include <string.h>

int bench_get(moult_ctx *ctx, moult_pid to, int64_t *number)
{
    moult_out *m = moult_draft(ctx);
    moult_in reply;
    int err;

    moult_put_text(m, "get");
    err = moult_call(ctx, to, m, 0, &reply);
    if (err)
        return err;
    *number = moult_get_int(&reply);
    return reply.error;
}

void bench_copy_text(moult_in *in, char *name, size_t size)
{
    size_t len;
    const char *text = moult_get_text(in, &len);

    if (len >= size)
        len = size - 1;
    memcpy(name, text, len);
    name[len] = '\0';
}

MOULT_PLUGIN(.description = "traffic among servers, timed",
             .children = (const moult_child[]){
                 {.id = "adder",
                  .server = &adder_server,
                  .name = "adder",
                  .count = BENCH_ADDERS},
                 {.id = "node",
                  .server = &node_server,
                  .name = "node",
                  .count = BENCH_NODES},
                 {.id = "client",
                  .server = &client_server,
                  .name = "client",
                  .count = BENCH_CLIENTS},
                 {.id = "bench", .server = &driver_server, .name = "bench"},
                 {.id = NULL}});
