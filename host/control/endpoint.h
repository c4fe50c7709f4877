/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint - the socket file that clients find the host by.
 *
 * One host an endpoint: a lock beside the file (its name and ".lock") is held as long
 * as it is open, so what a dead host left behind can be told from a living one.  The
 * file is readable and writable by its owner only, from the moment it exists.
 */
#ifndef MOULT_ENDPOINT_H
#define MOULT_ENDPOINT_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "fault.h"

struct endpoint {
    int socket; /* bound, not yet listening */
    int lock;
    dev_t device; /* of the socket file, so that only our own is removed */
    ino_t inode;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/*
 * Fill `address` for `path`.  0, -EINVAL (empty) or -ENAMETOOLONG with the limit in
 * `why`.  [any]
 */
int endpoint_address(const char *path, struct sockaddr_un *address, struct fault *why);

/*
 * Bind a stream socket at `path`; a socket file that nobody listens on is replaced.  0,
 * -EADDRINUSE (a host runs there), -EEXIST (the file is no socket), what
 * endpoint_address() gives or the system's error.  [any]
 */
int endpoint_open(const char *path, struct endpoint *out, struct fault *why);

/*
 * Remove the file if it is still ours, and let go of the lock; the socket is closed too
 * unless it was set to -1.  [any]
 */
void endpoint_close(struct endpoint *endpoint);

#endif
