/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_memory - preloaded into a host, fails the allocations that a test asks it to.
 *
 * Not for its children: the variables are gone when it starts them.  With
 * NO_MEMORY_TRACE set each failure says on stderr where it was.
 */
#include "no_memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's own, by the names that it exports for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct no_memory *control;
static bool traces;
static __thread bool is_tracing __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("NO_MEMORY");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *stack[1], *map = MAP_FAILED;

    traces = getenv("NO_MEMORY_TRACE") != NULL;
    backtrace(stack, 1); /* loads what it needs */
    unsetenv("NO_MEMORY");
    unsetenv("NO_MEMORY_TRACE");
    unsetenv("LD_PRELOAD");
    if (fd >= 0)
        map = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        control = map;
    if (fd >= 0)
        close(fd);
}

/*
 * libinotifytools and libconfig do not look whether they got memory: who calls them looks
 * whether there is some, and what fails is that.
 */
static bool is_excused(void)
{
    void *stack[8];
    int depth = backtrace(stack, 8);
    Dl_info info;

    for (int i = 0; i < depth; i++)
        if (dladdr(stack[i], &info) && (strstr(info.dli_fname, "libinotifytools") ||
                                        strstr(info.dli_fname, "libconfig")))
            return true;
    return false;
}

static void trace(void)
{
    void *stack[24];

    if (!traces || is_tracing)
        return;
    is_tracing = true;
    backtrace_symbols_fd(stack, backtrace(stack, 24), STDERR_FILENO);
    (void)!write(STDERR_FILENO, "\n", 1);
    is_tracing = false;
}

static bool fails(void)
{
    uint64_t at = control && !is_tracing ? atomic_load(&control->at) : 0, n;
    bool excused;

    if (!at)
        return false;
    n = atomic_fetch_add(&control->count, 1) + 1;
    if (n < at || n - at >= atomic_load(&control->burst))
        return false;
    is_tracing = true;
    excused = is_excused();
    is_tracing = false;
    if (excused)
        return false;
    atomic_fetch_add(&control->failed, 1);
    trace();
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *got = fails() ? NULL : __libc_memalign(alignment, size);

    if (!got)
        return ENOMEM;
    *memory = got;
    return 0;
}

/* What the host maps itself: stacks. */
void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (control && (flags & MAP_ANONYMOUS) && fails())
        return MAP_FAILED;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): that is what the call gives */
    return (void *)syscall(SYS_mmap, address, len, protection, flags, fd, offset);
}
