/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods - what a host does when it is asked over its control socket.
 *
 * Each is told in protocol.c.  They run on the loop; what takes time goes to a process
 * (ask.h) or to the release handler, and answers from there.
 */
#ifndef MOULT_METHODS_H
#define MOULT_METHODS_H

#include <stdint.h>
#include <uv.h>

#include "request.h"

/* The `context` that control_open() is to be given along with the table.  All borrowed. */
struct host_view {
    const char *plugins, *data, *socket;
    uv_loop_t *loop;             /* that they run on */
    uint64_t started_ns;         /* by clock_ns() */
    void (*stop)(void *context); /* ask the host to end; on the loop */
    void *context;
};

extern const struct method host_methods[];

#endif
