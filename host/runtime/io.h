/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io - the descriptors that processes watch and own; see abi/moult/io.h.
 *
 * Each descriptor has an entry, which says whose it is and keeps the message that is sent
 * when it is ready: made when it was asked for, so that there is memory for it.  A thread
 * waits for all of them (epoll); it starts when the first is watched.
 */
#ifndef MOULT_IO_INTERNAL_H
#define MOULT_IO_INTERNAL_H

#include "process.h"

/* From now on it may be asked for; and no more, before the workers stop. */
void io_start(void);
void io_stop(void);

/* See moult_watch_fd() and the others.  By `p` itself. */
int io_watch(struct process *p, int fd, uint32_t events);
int io_unwatch(struct process *p, int fd);
int io_own(struct process *p, int fd);
int io_close(struct process *p, int fd);

/* Is `watch` the last that `p` asked for `fd`?  By `p` itself. */
bool io_is_current(const struct process *p, int fd, uint32_t watch);

/* `fd` is about to be closed: it is nobody's.  [any] */
void io_forget(int fd);

/* `p` ends: its descriptors are watched no more, and those that it owns are closed. */
void io_finish(struct process *p);

#endif
