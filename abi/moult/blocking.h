/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocking - work that takes long, or waits for something outside.
 *
 *     struct job job = {.path = s->path};
 *
 *     error = moult_blocking(ctx, read_file, &job);
 *
 * A callback that reads a slow disk, waits for a lock or computes for a second keeps
 * others from running.  Declared, it does so on a thread beside theirs.
 */
#ifndef MOULT_BLOCKING_H
#define MOULT_BLOCKING_H

#include "base.h"

MOULT_BEGIN

/*
 * Run `function` with `arg` on one of 16 threads kept for that, and wait for it as in
 * moult_call(): other servers run meanwhile.  If all 16 are busy it waits for one.  It is
 * part of this server's callback: it uses its stack and its memory, what fails in it ends
 * this server, and a kill ends it.  But there is no limit on its time, and it calls no
 * function of moult.
 *
 * 0, or -ENOMEM: it was not run.  OTP: dirty schedulers.  [server]
 */
MOULT_EXPORT int moult_blocking(moult_ctx *ctx, void (*function)(void *arg), void *arg);

MOULT_END

#endif
