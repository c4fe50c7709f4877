/* SPDX-License-Identifier: Apache-2.0 */
/* bench - traffic among servers, timed by the driver; `moult call bench {...}`. */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

moult_pid bench_find(const char *prefix, uint64_t index)
{
    char name[64];

    snprintf(name, sizeof(name), "%s.%llu", prefix, (unsigned long long)index);
    return moult_whereis(name);
}

static int ask(moult_ctx *ctx, moult_pid to, moult_out *request, int64_t *number)
{
    moult_in reply;
    int err = moult_call(ctx, to, request, 0, &reply);

    if (err)
        return err;
    *number = moult_get_int(&reply);
    return reply.error;
}

int bench_add(moult_ctx *ctx, moult_pid to, int64_t *number)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, 1);
    moult_put_int_at(m, "add", 1);
    return ask(ctx, to, m, number);
}

int bench_get(moult_ctx *ctx, moult_pid to, int64_t *number)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, "get");
    return ask(ctx, to, m, number);
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
