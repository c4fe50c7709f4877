/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io - descriptors that tell their server when they can be read or written.
 *
 * A server does not wait for a socket: it asks to be told, and is told by a message.
 *
 *     moult_watch_fd(ctx, s->fd, MOULT_READABLE);
 *     ...
 *     static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
 *     {
 *         moult_ready ready;
 *
 *         if (moult_match_ready(ctx, message, &ready)) {
 *             ... read until there is nothing more, and watch it again ...
 *
 * It is told once, and again when it asks again: so what it can't take yet waits in the
 * kernel, and not in its mailbox.  That a descriptor was ready does not say that it still
 * is: it must not block (SOCK_NONBLOCK, O_NONBLOCK).
 *
 * A descriptor has one server, the last that watched or owned it.  When that ends, in
 * whichever way, nobody is told any more, and one that it owned is closed.
 *
 * In a state a descriptor is an integer.  An upgrade changes nothing about it, by pointer,
 * by schema or by code_change: it stays open, watched and owned, and what arrives meanwhile
 * is told of afterwards.  In a rehearsal, and wherever else a state is only a copy, it is
 * a number that means nothing.  OTP: enif_select, and {active, once} of a socket.
 */
#ifndef MOULT_IO_H
#define MOULT_IO_H

#include "cbor.h"

MOULT_BEGIN

/* What a descriptor is watched for, and is ready for. */
#define MOULT_READABLE 1u /* also: the other side has ended */
#define MOULT_WRITABLE 2u

/* What a message about a descriptor says. */
typedef struct {
    int32_t fd;
    uint32_t
        events; /* MOULT_READABLE, MOULT_WRITABLE; 0: it is not watched so any more */
} moult_ready;

/*
 * Send this server one message, limit or not, when `fd` is ready for any of `events`;
 * after an error it is ready for all.  What it was watched for before counts no more.
 * 0, -EINVAL (other events), -EBADF (no descriptor), -EPERM (one that is always ready, a
 * file, or the host's own), -ENOMEM, -ENOSPC (fs.epoll.max_user_watches) or -ESHUTDOWN
 * (the host ends).  [server]
 */
MOULT_EXPORT int moult_watch_fd(moult_ctx *ctx, int fd, uint32_t events);

/* Watch `fd` no more.  0, or -ENOENT (this server does not).  [server] */
MOULT_EXPORT int moult_unwatch_fd(moult_ctx *ctx, int fd);

/*
 * Own `fd`, also if another server did: it is closed when this server ends.  0, -EBADF,
 * -EPERM (the host's own) or -ENOMEM.  OTP: controlling_process/2, by the new one.
 * [server]
 */
MOULT_EXPORT int moult_own_fd(moult_ctx *ctx, int fd);

/*
 * Close `fd`, which this server watches or owns.  0, or -ENOENT (it does neither).  To
 * close it in another way is the same, but in a library that the plugin brings.  [server]
 */
MOULT_EXPORT int moult_close_fd(moult_ctx *ctx, int fd);

/*
 * True, and `*ready`, if `message` tells of a descriptor.  It is the map {"ready": fd,
 * "events", "watch"}.  [server]
 */
MOULT_EXPORT bool moult_match_ready(moult_ctx *ctx, const moult_in *message,
                                    moult_ready *ready);

MOULT_END

#endif
