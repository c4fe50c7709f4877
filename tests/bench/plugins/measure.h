/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure - clocks, and what the benchmark's plugins need to tell what they took.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <moult.h>

/* Nanoseconds since some moment. */
uint64_t measure_now_ns(void);

/* CPU time of the whole process, all threads, in nanoseconds. */
uint64_t measure_cpu_ns(void);

/* The process named `prefix`.`index`. */
moult_pid measure_find(const char *prefix, uint64_t index);

/* Append `key` and `value` to a map. */
void measure_put_at(moult_out *out, const char *key, uint64_t value);

/* The integer under `key` of a map, or `otherwise` if there is none. */
int64_t measure_int_or(moult_in *map, const char *key, int64_t otherwise);

/* Ask `to` to add 1; `*number` is the answer.  0 or moult_call's. */
int measure_add(moult_ctx *ctx, moult_pid to, int64_t *number);

#endif
