/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define OWNER_ONLY 0600

/* "<path>.lock", also where the path itself fills the address. */
struct lock_name {
    char text[sizeof(((struct endpoint *)0)->path) + sizeof(".lock")];
};

static struct lock_name lock_name(const char *path)
{
    struct lock_name name;

    snprintf(name.text, sizeof(name.text), "%s.lock", path);
    return name;
}

int endpoint_address(const char *path, struct sockaddr_un *address, struct fault *why)
{
    size_t len = strlen(path), limit = sizeof(address->sun_path) - 1;

    if (len == 0)
        return fault(why, -EINVAL, "the path of the socket is empty");
    if (len > limit)
        return fault(
            why, -ENAMETOOLONG,
            "the socket's path '%s' has %zu bytes, and the system takes at most "
            "%zu: choose a shorter one with --socket",
            path, len, limit);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, len);
    return 0;
}

static int already_runs(const char *path, int pid, struct fault *why)
{
    char by[32] = "";

    if (pid > 0)
        snprintf(by, sizeof(by), " (pid %d)", pid);
    return fault(why, -EADDRINUSE,
                 "a host already runs at '%s'%s: end it with 'moult stop', or choose "
                 "another socket with --socket",
                 path, by);
}

/* Whether the file at the end of a locked descriptor still has the name. */
static int same_file(int fd, const char *name)
{
    struct stat held, named;

    return fstat(fd, &held) == 0 && stat(name, &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/*
 * Who opens the lock's file just before its holder removes it gets a lock on a file
 * without a name, which guards nothing: such a one is tried again.
 */
static int take_lock(const char *path, int *lock, struct fault *why)
{
    struct lock_name name = lock_name(path);

    for (;;) {
        int fd = open(name.text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, OWNER_ONLY);

        if (fd < 0 && errno == ENOENT)
            return fault(
                why, -ENOENT,
                "unable to listen at '%s': its directory does not exist: create "
                "it, or choose another socket with --socket",
                path);
        if (fd < 0)
            return fault(why, -errno, "unable to create '%s': %s", name.text,
                         strerror(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int error = errno;

            close(fd);
            if (error == EWOULDBLOCK)
                return already_runs(path, 0, why);
            return fault(why, -error, "unable to lock '%s': %s", name.text,
                         strerror(error));
        }
        if (same_file(fd, name.text)) {
            *lock = fd;
            return 0;
        }
        close(fd);
    }
}

static void drop_lock(const char *path, int lock)
{
    struct lock_name name = lock_name(path);

    if (lock < 0)
        return;
    unlink(name.text);
    close(lock);
}

/* -EADDRINUSE if somebody answers at the socket file, 0 if nobody does. */
static int ask_who_is_there(const struct sockaddr_un *address, struct fault *why)
{
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);
    int error, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return fault(why, -errno, "unable to make a socket: %s", strerror(errno));
    error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
    if (error == 0)
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    close(fd);
    if (error == ECONNREFUSED || error == ENOENT)
        return 0;
    if (error == 0 || error == EAGAIN)
        return already_runs(address->sun_path, peer.pid, why);
    return fault(why, -error, "unable to tell whether a host runs at '%s': %s",
                 address->sun_path, strerror(error));
}

/* With the lock in hand: make sure that nothing has the name. */
static int clear_the_name(const struct sockaddr_un *address, struct fault *why)
{
    const char *path = address->sun_path;
    struct stat found;
    int error;

    if (lstat(path, &found) != 0)
        return errno == ENOENT ? 0
                               : fault(why, -errno, "unable to look at '%s': %s", path,
                                       strerror(errno));
    if (!S_ISSOCK(found.st_mode))
        return fault(
            why, -EEXIST,
            "'%s' exists and is no socket: remove it, or choose another socket "
            "with --socket",
            path);
    error = ask_who_is_there(address, why);
    if (error)
        return error;
    if (unlink(path) != 0 && errno != ENOENT)
        return fault(why, -errno, "unable to remove '%s', which no host listens on: %s",
                     path, strerror(errno));
    return 0;
}

static int bind_socket(const struct sockaddr_un *address, struct endpoint *e,
                       struct fault *why)
{
    const char *path = address->sun_path;
    struct stat made = {0};

    e->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The file is made with the mode of the unbound socket, less the umask: so there
     * is no moment at which others may connect, and the umask need not be touched. */
    if (e->socket < 0 || fchmod(e->socket, OWNER_ONLY) != 0 ||
        bind(e->socket, (const struct sockaddr *)address, sizeof(*address)) != 0)
        return fault(why, -errno, "unable to listen at '%s': %s", path,
                     strerror(errno));
    /* A umask may have taken the owner's own rights away. */
    if (chmod(path, OWNER_ONLY) != 0 || lstat(path, &made) != 0) {
        int error = -errno;

        unlink(path);
        return fault(why, error, "unable to listen at '%s': %s", path,
                     strerror(-error));
    }
    e->device = made.st_dev;
    e->inode = made.st_ino;
    return 0;
}

int endpoint_open(const char *path, struct endpoint *out, struct fault *why)
{
    struct endpoint e = {.socket = -1, .lock = -1};
    struct sockaddr_un address;
    int error = endpoint_address(path, &address, why);

    if (error)
        return error;
    memcpy(e.path, address.sun_path, sizeof(e.path));
    error = take_lock(path, &e.lock, why);
    if (!error)
        error = clear_the_name(&address, why);
    if (!error)
        error = bind_socket(&address, &e, why);
    if (error) {
        if (e.socket >= 0)
            close(e.socket);
        drop_lock(path, e.lock);
        return error;
    }
    *out = e;
    return 0;
}

void endpoint_close(struct endpoint *endpoint)
{
    struct stat found;

    if (lstat(endpoint->path, &found) == 0 && found.st_dev == endpoint->device &&
        found.st_ino == endpoint->inode)
        unlink(endpoint->path);
    if (endpoint->socket >= 0)
        close(endpoint->socket);
    endpoint->socket = -1;
    drop_lock(endpoint->path, endpoint->lock);
    endpoint->lock = -1;
}
