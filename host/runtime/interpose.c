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
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "barrier.h"

_Noreturn void guarded_abort(void);
_Noreturn void guarded_exit(int status);
_Noreturn void guarded_exit_now(int status);
_Noreturn void guarded_exit_iso(int status);
_Noreturn void guarded_exit_quick(int status);
_Noreturn void guarded_assert(const char *words, const char *file, unsigned line,
                              const char *function);
_Noreturn void guarded_smash(void);
_Noreturn void guarded_err(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void guarded_errx(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void guarded_verr(int status, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
_Noreturn void guarded_verrx(int status, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
_Noreturn void guarded_thread_exit(void *result);
_Noreturn void guarded_thrd_exit(int result);
int guarded_raise(int number);
int guarded_kill(pid_t pid, int number);
int guarded_thread_kill(pthread_t thread, int number);

__asm__(".symver guarded_abort, abort@@\n"
        ".symver guarded_exit, exit@@\n"
        ".symver guarded_exit_now, _exit@@\n"
        ".symver guarded_exit_iso, _Exit@@\n"
        ".symver guarded_exit_quick, quick_exit@@\n"
        ".symver guarded_assert, __assert_fail@@\n"
        ".symver guarded_smash, __stack_chk_fail@@\n"
        ".symver guarded_err, err@@\n"
        ".symver guarded_errx, errx@@\n"
        ".symver guarded_verr, verr@@\n"
        ".symver guarded_verrx, verrx@@\n"
        ".symver guarded_thread_exit, pthread_exit@@\n"
        ".symver guarded_thrd_exit, thrd_exit@@\n"
        ".symver guarded_raise, raise@@\n"
        ".symver guarded_kill, kill@@\n"
        ".symver guarded_thread_kill, pthread_kill@@\n");

typedef void aborts(void);
typedef void exits(int status);
typedef void asserts(const char *words, const char *file, unsigned line,
                     const char *function);

typedef void complains(int status, const char *format, va_list args);
typedef void ends_thread(void *result);
typedef int raises(int number);
typedef int kills(pid_t pid, int number);
typedef int kills_thread(pthread_t thread, int number);

static struct {
    aborts *abort, *smash;
    exits *exit, *exit_now, *exit_iso, *exit_quick;
    asserts *assertion;
    complains *verr, *verrx;
    ends_thread *thread_exit;
    exits *thrd_exit;
    raises *raise;
    kills *kill;
    kills_thread *thread_kill;
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
    *(void **)&real.smash = dlsym(RTLD_NEXT, "__stack_chk_fail");
    *(void **)&real.verr = dlsym(RTLD_NEXT, "verr");
    *(void **)&real.verrx = dlsym(RTLD_NEXT, "verrx");
    *(void **)&real.thread_exit = dlsym(RTLD_NEXT, "pthread_exit");
    *(void **)&real.thrd_exit = dlsym(RTLD_NEXT, "thrd_exit");
    *(void **)&real.raise = dlsym(RTLD_NEXT, "raise");
    *(void **)&real.kill = dlsym(RTLD_NEXT, "kill");
    *(void **)&real.thread_kill = dlsym(RTLD_NEXT, "pthread_kill");
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
    barrier_ask_terminate(__builtin_return_address(0));
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

void guarded_smash(void)
{
    barrier_ask_end(__builtin_return_address(0), "stack smashing");
    real.smash();
    __builtin_unreachable();
}

/* -- err() and its like: they exit as well -- */

struct complaint {
    const void *caller;
    const char *name, *format;
    int status, error; /* an errno to tell, or 0 */
};

static void ask_complaint(const struct complaint *c, va_list args)
{
    char words[160], what[256];

    if (!barrier_guards(c->caller))
        return;
    words[0] = 0;
    if (c->format)
        vsnprintf(words, sizeof(words), c->format, args); /* NOLINT: the plugin's */
    snprintf(what, sizeof(what), "%s(%d, '%s%s%s')", c->name, c->status, words,
             c->error ? ": " : "", c->error ? strerror(c->error) : "");
    barrier_ask_end(c->caller, what);
}

void guarded_verr(int status, const char *format, va_list args)
{
    struct complaint c = {__builtin_return_address(0), "verr", format, status, errno};

    ask_complaint(&c, args);
    errno = c.error;
    real.verr(status, format, args);
    __builtin_unreachable();
}

void guarded_verrx(int status, const char *format, va_list args)
{
    struct complaint c = {__builtin_return_address(0), "verrx", format, status, 0};

    ask_complaint(&c, args);
    real.verrx(status, format, args);
    __builtin_unreachable();
}

void guarded_err(int status, const char *format, ...)
{
    struct complaint c = {__builtin_return_address(0), "err", format, status, errno};
    va_list args;

    va_start(args, format);
    ask_complaint(&c, args);
    va_end(args);
    va_start(args, format);
    errno = c.error;
    real.verr(status, format, args);
    __builtin_unreachable();
}

void guarded_errx(int status, const char *format, ...)
{
    struct complaint c = {__builtin_return_address(0), "errx", format, status, 0};
    va_list args;

    va_start(args, format);
    ask_complaint(&c, args);
    va_end(args);
    va_start(args, format);
    real.verrx(status, format, args);
    __builtin_unreachable();
}

/* -- the end of the thread, which is the host's -- */

void guarded_thread_exit(void *result)
{
    barrier_ask_end(__builtin_return_address(0), "pthread_exit()");
    real.thread_exit(result);
    __builtin_unreachable();
}

void guarded_thrd_exit(int result)
{
    barrier_ask_end(__builtin_return_address(0), "thrd_exit()");
    real.thrd_exit(result);
    __builtin_unreachable();
}

/* -- signals to oneself that end the program, or that the barrier deals with -- */

static bool is_deadly(int number)
{
    static const int harmless[] = {SIGCHLD, SIGCONT, SIGURG,  SIGWINCH,
                                   SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    struct sigaction now;

    if (number <= 0 || sigaction(number, NULL, &now) != 0)
        return false;
    for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
        if (number == harmless[i])
            return false;
    return now.sa_handler == SIG_DFL || barrier_handles(number);
}

static void ask_raise(const void *caller, const char *name, int number)
{
    const char *abbreviation = sigabbrev_np(number);
    char what[48];

    if (!barrier_guards(caller) || !is_deadly(number))
        return;
    snprintf(what, sizeof(what), "%s(SIG%s)", name, abbreviation ? abbreviation : "?");
    barrier_ask_end(caller, what);
}

int guarded_raise(int number)
{
    ask_raise(__builtin_return_address(0), "raise", number);
    return real.raise(number);
}

int guarded_kill(pid_t pid, int number)
{
    if (pid == getpid())
        ask_raise(__builtin_return_address(0), "kill", number);
    return real.kill(pid, number);
}

int guarded_thread_kill(pthread_t thread, int number)
{
    if (pthread_equal(thread, pthread_self()))
        ask_raise(__builtin_return_address(0), "pthread_kill", number);
    return real.thread_kill(thread, number);
}
