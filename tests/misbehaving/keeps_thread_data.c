/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_thread_data - handle_call gives its thread data whose destructor is in the
 * plugin, and never deletes the key.
 */
#include "sins_when_asked.h"

#include <pthread.h>

static void destroy(void *value)
{
}

static void misbehave(moult_ctx *ctx, char *nothing)
{
    pthread_key_t key;

    if (pthread_key_create(&key, destroy) == 0)
        pthread_setspecific(key, ctx);
}
