/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench - what the servers of the benchmark say to one another.
 *
 *   who asks         message                                            answer
 *   ---------------  -------------------------------------------------  ------------
 *   driver, client   "get", {"add": n} to an adder                      its number
 *   driver           {"next": pid} to a node of the ring                null
 *   driver           {"job": kind, "servers": prefix, ...} to a client  a cast, once:
 *   client, node     {"done": ...} to the driver                        -
 */
#ifndef BENCH_H
#define BENCH_H

#include "measure.h"

#define BENCH_CLIENTS 8u
#define BENCH_ADDERS  8u
#define BENCH_NODES   1000u

extern const moult_server adder_server, client_server, driver_server, node_server;

/* Ask `to` for its number.  0 or moult_call's. */
int bench_get(moult_ctx *ctx, moult_pid to, int64_t *number);

/* The text at the cursor `in` as a C string in `name` (cut to `size`). */
void bench_copy_text(moult_in *in, char *name, size_t size);

#endif
