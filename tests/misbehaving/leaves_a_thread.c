/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaves_a_thread - starts a thread when it is loaded, which it never ends.  The thread
 * is in the C library all the time, so that it survives the unloading.
 */
#include <pthread.h>
#include <unistd.h>

#include "plain.h"

__attribute__((constructor)) static void begin(void)
{
    static pthread_t thread;
    void *(*wait)(void *) = (void *(*)(void *))(void (*)(void))pause;

    pthread_create(&thread, NULL, wait, NULL);
}

MOULT_PLUGIN(.children = children);
