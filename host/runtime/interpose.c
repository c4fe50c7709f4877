/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends the program, as plugins see it: asked inside a callback it ends the process
 * that runs there.  Everywhere else libc's own is called.
 *
 * The loader finds libmoult before libc, but takes a definition for a plugin's
 * `abort@GLIBC_2.2.5` only if it has that version or none at all.  The version script
 * gives every symbol one, so these get their names by .symver, with an empty version.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "barrier.h"

_Noreturn void guarded_abort(void);
_Noreturn void guarded_exit(int status);
_Noreturn void guarded_exit_now(int status);
_Noreturn void guarded_exit_iso(int status);
_Noreturn void guarded_exit_quick(int status);
_Noreturn void guarded_assert(const char *words, const char *file, unsigned line,
                              const char *function);

__asm__(".symver guarded_abort, abort@@\n"
        ".symver guarded_exit, exit@@\n"
        ".symver guarded_exit_now, _exit@@\n"
        ".symver guarded_exit_iso, _Exit@@\n"
        ".symver guarded_exit_quick, quick_exit@@\n"
        ".symver guarded_assert, __assert_fail@@\n");

typedef void aborts(void);
typedef void exits(int status);
typedef void asserts(const char *words, const char *file, unsigned line,
                     const char *function);

static struct {
    aborts *abort;
    exits *exit, *exit_now, *exit_iso, *exit_quick;
    asserts *assertion;
} real;

/* Before anybody needs them: abort may be called in a handler, where dlsym may not. */
__attribute__((constructor)) static void find_real(void)
{
    *(void **)&real.abort = dlsym(RTLD_NEXT, "abort");
    *(void **)&real.exit = dlsym(RTLD_NEXT, "exit");
    *(void **)&real.exit_now = dlsym(RTLD_NEXT, "_exit");
    *(void **)&real.exit_iso = dlsym(RTLD_NEXT, "_Exit");
    *(void **)&real.exit_quick = dlsym(RTLD_NEXT, "quick_exit");
    *(void **)&real.assertion = dlsym(RTLD_NEXT, "__assert_fail");
}

static void ask_exit(const void *caller, const char *name, int status)
{
    char what[32];

    if (!barrier_guards(caller))
        return;
    snprintf(what, sizeof(what), "%s(%d)", name, status);
    barrier_ask_end(caller, what);
}

void guarded_abort(void)
{
    barrier_ask_end(__builtin_return_address(0), "abort()");
    real.abort();
    __builtin_unreachable();
}

void guarded_exit(int status)
{
    ask_exit(__builtin_return_address(0), "exit", status);
    real.exit(status);
    __builtin_unreachable();
}

void guarded_exit_now(int status)
{
    ask_exit(__builtin_return_address(0), "_exit", status);
    real.exit_now(status);
    __builtin_unreachable();
}

void guarded_exit_iso(int status)
{
    ask_exit(__builtin_return_address(0), "_Exit", status);
    real.exit_iso(status);
    __builtin_unreachable();
}

void guarded_exit_quick(int status)
{
    ask_exit(__builtin_return_address(0), "quick_exit", status);
    real.exit_quick(status);
    __builtin_unreachable();
}

void guarded_assert(const char *words, const char *file, unsigned line,
                    const char *function)
{
    const void *caller = __builtin_return_address(0);
    char what[256];

    if (barrier_guards(caller)) {
        snprintf(what, sizeof(what), "assertion '%s' failed", words);
        barrier_ask_end(caller, what);
    }
    real.assertion(words, file, line, function);
    __builtin_unreachable();
}
