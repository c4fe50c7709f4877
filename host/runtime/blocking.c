/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocking - the function of abi/moult/blocking.h.
 *
 * The process moves, with its stack, to a worker that has nothing else to do, and back.
 * So what runs there is a callback like any other, for the barrier and for a kill.
 */
#include "moult.h"

#include "process.h"
#include "worker.h"

int moult_blocking(moult_ctx *ctx, void (*function)(void *arg), void *arg)
{
    struct process *p = process_of(ctx);
    int error = worker_move(p, true);

    if (error)
        return error;
    process_obey(p);
    worker_block(true);
    function(arg);
    worker_block(false);
    worker_move(p, false); /* without a stack to leave behind it goes on here */
    process_obey(p);
    return 0;
}
