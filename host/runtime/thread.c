/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#include <signal.h>
#include <time.h>

static void set_of_others(sigset_t *set)
{
    static const int own[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                              SIGTRAP, SIGABRT, SIGSYS};

    sigfillset(set);
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        sigdelset(set, own[i]);
}

int thread_start(pthread_t *thread, const char *name, void *(*main)(void *context),
                 void *context)
{
    sigset_t others, before;
    int error;

    set_of_others(&others);
    pthread_sigmask(SIG_BLOCK, &others, &before); /* it is inherited */
    error = pthread_create(thread, NULL, main, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error)
        pthread_setname_np(*thread, name);
    return -error;
}

bool thread_ends_within(pthread_t thread, uint64_t seconds)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)seconds;
    return pthread_timedjoin_np(thread, NULL, &end) == 0;
}
