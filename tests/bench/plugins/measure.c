/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t measure_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t measure_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

moult_pid measure_find(const char *prefix, uint64_t index)
{
    char name[64];

    snprintf(name, sizeof(name), "%s.%llu", prefix, (unsigned long long)index);
    return moult_whereis(name);
}

void measure_put_at(moult_out *out, const char *key, uint64_t value)
{
    moult_put_text(out, key);
    moult_put_uint(out, value);
}

int64_t measure_int_or(moult_in *map, const char *key, int64_t otherwise)
{
    moult_in value;

    return moult_find(map, key, &value) ? moult_get_int(&value) : otherwise;
}

int measure_add(moult_ctx *ctx, moult_pid to, int64_t *number)
{
    moult_out *m = moult_draft(ctx);
    moult_in reply;
    int err;

    moult_put_map(m, 1);
    moult_put_int_at(m, "add", 1);
    err = moult_call(ctx, to, m, 0, &reply);
    if (err)
        return err;
    *number = moult_get_int(&reply);
    return reply.error;
}
