/* SPDX-License-Identifier: Apache-2.0 */
/* leaves_a_running_thread - handle_call starts a thread that runs on in the plugin. */
#include "sins_when_asked.h"

#include <pthread.h>
#include <time.h>

static volatile bool end;

static void *run(void *unused)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    while (!end)
        nanosleep(&moment, NULL);
    return NULL;
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, NULL) == 0)
        pthread_detach(thread);
}
