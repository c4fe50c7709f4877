/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes what is everybody's, as plugins see it: refused.  Everyone else gets
 * libc's own.  How the names get here is told in interpose.c.
 */
#include "commons.h"

#if COMMONS_GUARDED

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

int guarded_sigaction(int number, const struct sigaction *now, struct sigaction *old);
sighandler_t guarded_signal(int number, sighandler_t handler);
int guarded_sigaltstack(const stack_t *now, stack_t *old);
int guarded_sigprocmask(int how, const sigset_t *now, sigset_t *old);
int guarded_pthread_sigmask(int how, const sigset_t *now, sigset_t *old);
char *guarded_setlocale(int category, const char *name);
locale_t guarded_uselocale(locale_t locale);
mode_t guarded_umask(mode_t mask);
int guarded_chdir(const char *path);
int guarded_fchdir(int descriptor);
int guarded_close(int descriptor);
int guarded_close_range(unsigned first, unsigned last, int flags);
void guarded_closefrom(int first);
int guarded_dup2(int from, int to);
int guarded_dup3(int from, int to, int flags);
pid_t guarded_fork(void);
pid_t guarded_vfork(void);
int guarded_daemon(int nochdir, int noclose);

__asm__(".symver guarded_sigaction, sigaction@@\n"
        ".symver guarded_signal, signal@@\n"
        ".symver guarded_sigaltstack, sigaltstack@@\n"
        ".symver guarded_sigprocmask, sigprocmask@@\n"
        ".symver guarded_pthread_sigmask, pthread_sigmask@@\n"
        ".symver guarded_setlocale, setlocale@@\n"
        ".symver guarded_uselocale, uselocale@@\n"
        ".symver guarded_umask, umask@@\n"
        ".symver guarded_chdir, chdir@@\n"
        ".symver guarded_fchdir, fchdir@@\n"
        ".symver guarded_close, close@@\n"
        ".symver guarded_close_range, close_range@@\n"
        ".symver guarded_closefrom, closefrom@@\n"
        ".symver guarded_dup2, dup2@@\n"
        ".symver guarded_dup3, dup3@@\n"
        ".symver guarded_fork, fork@@\n"
        ".symver guarded_vfork, vfork@@\n"
        ".symver guarded_daemon, daemon@@\n");

static struct {
    __typeof__(guarded_sigaction) *sigaction;
    __typeof__(guarded_signal) *signal;
    __typeof__(guarded_sigaltstack) *sigaltstack;
    __typeof__(guarded_sigprocmask) *sigprocmask;
    __typeof__(guarded_pthread_sigmask) *pthread_sigmask;
    __typeof__(guarded_setlocale) *setlocale;
    __typeof__(guarded_uselocale) *uselocale;
    __typeof__(guarded_umask) *umask;
    __typeof__(guarded_chdir) *chdir;
    __typeof__(guarded_fchdir) *fchdir;
    __typeof__(guarded_close) *close;
    __typeof__(guarded_close_range) *close_range;
    __typeof__(guarded_closefrom) *closefrom;
    __typeof__(guarded_dup2) *dup2;
    __typeof__(guarded_dup3) *dup3;
    __typeof__(guarded_fork) *fork;
    __typeof__(guarded_daemon) *daemon;
} real;

/* Libraries that start before this one call some of them in their constructors. */
__attribute__((constructor)) static void find_real(void)
{
    *(void **)&real.sigaction = dlsym(RTLD_NEXT, "sigaction");
    *(void **)&real.signal = dlsym(RTLD_NEXT, "signal");
    *(void **)&real.sigaltstack = dlsym(RTLD_NEXT, "sigaltstack");
    *(void **)&real.sigprocmask = dlsym(RTLD_NEXT, "sigprocmask");
    *(void **)&real.pthread_sigmask = dlsym(RTLD_NEXT, "pthread_sigmask");
    *(void **)&real.setlocale = dlsym(RTLD_NEXT, "setlocale");
    *(void **)&real.uselocale = dlsym(RTLD_NEXT, "uselocale");
    *(void **)&real.umask = dlsym(RTLD_NEXT, "umask");
    *(void **)&real.chdir = dlsym(RTLD_NEXT, "chdir");
    *(void **)&real.fchdir = dlsym(RTLD_NEXT, "fchdir");
    *(void **)&real.close = dlsym(RTLD_NEXT, "close");
    *(void **)&real.close_range = dlsym(RTLD_NEXT, "close_range");
    *(void **)&real.closefrom = dlsym(RTLD_NEXT, "closefrom");
    *(void **)&real.dup2 = dlsym(RTLD_NEXT, "dup2");
    *(void **)&real.dup3 = dlsym(RTLD_NEXT, "dup3");
    *(void **)&real.fork = dlsym(RTLD_NEXT, "fork");
    *(void **)&real.daemon = dlsym(RTLD_NEXT, "daemon");
}

#define CALLER     __builtin_return_address(0)
#define REAL(name) (real.name ? real.name : (find_real(), real.name))

static bool prevents(const void *caller, enum trespass kind, const char *call)
{
    if (!commons_prevents(caller, kind, call))
        return false;
    errno = EPERM;
    return true;
}

/* -- signals -- */

int guarded_sigaction(int number, const struct sigaction *now, struct sigaction *old)
{
    return now && prevents(CALLER, TRESPASS_SIGNAL, "sigaction")
               ? -1
               : REAL(sigaction)(number, now, old);
}

sighandler_t guarded_signal(int number, sighandler_t handler)
{
    return prevents(CALLER, TRESPASS_SIGNAL, "signal") ? SIG_ERR
                                                       : REAL(signal)(number, handler);
}

/* A thread of the plugin's own has a stack and a mask of its own. */
int guarded_sigaltstack(const stack_t *now, stack_t *old)
{
    return now && commons_is_hosts_thread() &&
                   prevents(CALLER, TRESPASS_MASK, "sigaltstack")
               ? -1
               : REAL(sigaltstack)(now, old);
}

int guarded_sigprocmask(int how, const sigset_t *now, sigset_t *old)
{
    return now && commons_is_hosts_thread() &&
                   prevents(CALLER, TRESPASS_MASK, "sigprocmask")
               ? -1
               : REAL(sigprocmask)(how, now, old);
}

int guarded_pthread_sigmask(int how, const sigset_t *now, sigset_t *old)
{
    return now && commons_is_hosts_thread() &&
                   commons_prevents(CALLER, TRESPASS_MASK, "pthread_sigmask")
               ? EPERM
               : REAL(pthread_sigmask)(how, now, old);
}

/* -- locale, umask, working directory -- */

char *guarded_setlocale(int category, const char *name)
{
    return name && prevents(CALLER, TRESPASS_LOCALE, "setlocale")
               ? NULL
               : REAL(setlocale)(category, name);
}

locale_t guarded_uselocale(locale_t locale)
{
    return locale && commons_is_hosts_thread() &&
                   prevents(CALLER, TRESPASS_LOCALE, "uselocale")
               ? (locale_t)0
               : REAL(uselocale)(locale);
}

/* It can't fail: told of the mask that stays. */
mode_t guarded_umask(mode_t mask)
{
    return commons_prevents(CALLER, TRESPASS_UMASK, "umask") ? commons_mask()
                                                             : REAL(umask)(mask);
}

int guarded_chdir(const char *path)
{
    return prevents(CALLER, TRESPASS_FOLDER, "chdir") ? -1 : REAL(chdir)(path);
}

int guarded_fchdir(int descriptor)
{
    return prevents(CALLER, TRESPASS_FOLDER, "fchdir") ? -1 : REAL(fchdir)(descriptor);
}

/* -- descriptors -- */

/* Is `descriptor` the host's, and the caller a plugin?  Others may give theirs up. */
static bool takes(const void *caller, int descriptor, const char *function)
{
    struct tenant tenant;
    char call[32];

    if (!commons_tenant(caller, &tenant)) {
        commons_disown(descriptor);
        return false;
    }
    if (!commons_owns(descriptor))
        return false;
    snprintf(call, sizeof(call), "%s(%d)", function, descriptor);
    return prevents(caller, TRESPASS_DESCRIPTOR, call);
}

int guarded_close(int descriptor)
{
    if (takes(CALLER, descriptor, "close"))
        return -1;
    io_forget(descriptor); /* before it can be another */
    return REAL(close)(descriptor);
}

int guarded_close_range(unsigned first, unsigned last, int flags)
{
    return prevents(CALLER, TRESPASS_DESCRIPTOR, "close_range")
               ? -1
               : REAL(close_range)(first, last, flags);
}

void guarded_closefrom(int first)
{
    if (!commons_prevents(CALLER, TRESPASS_DESCRIPTOR, "closefrom"))
        REAL(closefrom)(first);
}

int guarded_dup2(int from, int to)
{
    if (from != to && takes(CALLER, to, "dup2"))
        return -1;
    if (from != to)
        io_forget(to);
    return REAL(dup2)(from, to);
}

int guarded_dup3(int from, int to, int flags)
{
    if (from != to && takes(CALLER, to, "dup3"))
        return -1;
    if (from != to)
        io_forget(to);
    return REAL(dup3)(from, to, flags);
}

/* -- processes -- */

/* The child would have the host's sockets and locks, and none of its threads. */
pid_t guarded_fork(void)
{
    return prevents(CALLER, TRESPASS_FORK, "fork") ? -1 : REAL(fork)();
}

/* A function that returned twice would spoil this frame. */
pid_t guarded_vfork(void)
{
    return prevents(CALLER, TRESPASS_FORK, "vfork") ? -1 : REAL(fork)();
}

int guarded_daemon(int nochdir, int noclose)
{
    return prevents(CALLER, TRESPASS_FORK, "daemon") ? -1
                                                     : REAL(daemon)(nochdir, noclose);
}

#endif
