/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_functions - the functions of abi/moult/io.h.
 */
#include "io.h"

int moult_watch_fd(moult_ctx *ctx, int fd, uint32_t events)
{
    return io_watch(process_of(ctx), fd, events);
}

int moult_unwatch_fd(moult_ctx *ctx, int fd)
{
    return io_unwatch(process_of(ctx), fd);
}

int moult_own_fd(moult_ctx *ctx, int fd)
{
    return io_own(process_of(ctx), fd);
}

int moult_close_fd(moult_ctx *ctx, int fd)
{
    return io_close(process_of(ctx), fd);
}

bool moult_match_ready(moult_ctx *ctx, const moult_in *message, moult_ready *ready)
{
    moult_in in = *message, fd, events, watch;

    if (moult_peek(&in) != MOULT_MAP || !moult_find(&in, "ready", &fd) ||
        !moult_find(&in, "events", &events) || !moult_find(&in, "watch", &watch))
        return false;
    ready->fd = (int32_t)moult_get_int(&fd);
    ready->events = (uint32_t)moult_get_uint(&events);
    if (fd.error || events.error)
        return false;
    if (!io_is_current(process_of(ctx), ready->fd, (uint32_t)moult_get_uint(&watch)))
        ready->events = 0;
    return true;
}
