/* SPDX-License-Identifier: Apache-2.0 */
/*
 * die_at - preloaded into a host, ends it as kill -9 does just before the DIE_AT-th time
 * that it changes something on disk.
 *
 * Not for its children: the variables are gone when it starts them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long left; /* calls until the end; 0: never */

__attribute__((constructor)) static void begin(void)
{
    const char *count = getenv("DIE_AT");

    atomic_store(&left, count ? strtol(count, NULL, 10) : 0);
    unsetenv("DIE_AT");
    unsetenv("LD_PRELOAD");
}

static void count_down(void)
{
    if (atomic_load(&left) > 0 && atomic_fetch_sub(&left, 1) == 1)
        kill(getpid(), SIGKILL);
}

/* The function that this one hides. */
static void *hidden(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* NOLINTBEGIN(bugprone-casting-through-void): what dlsym() gives is a function */
#define HIDDEN(name) ((__typeof__(&(name)))(uintptr_t)hidden(#name))

int fsync(int fd)
{
    count_down();
    return HIDDEN(fsync)(fd);
}

int link(const char *from, const char *to)
{
    count_down();
    return HIDDEN(link)(from, to);
}

int rename(const char *from, const char *to)
{
    count_down();
    return HIDDEN(rename)(from, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    count_down();
    return HIDDEN(renameat)(from_fd, from, to_fd, to);
}

int unlink(const char *path)
{
    count_down();
    return HIDDEN(unlink)(path);
}

int unlinkat(int fd, const char *path, int flags)
{
    count_down();
    return HIDDEN(unlinkat)(fd, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
    count_down();
    return HIDDEN(mkdir)(path, mode);
}

int fchmod(int fd, mode_t mode)
{
    count_down();
    return HIDDEN(fchmod)(fd, mode);
}
/* NOLINTEND(bugprone-casting-through-void) */
