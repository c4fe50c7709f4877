/* SPDX-License-Identifier: Apache-2.0 */
#include "booting.h"

#include <errno.h>
#include <pthread.h>

#include "application.h"
#include "fault.h"
#include "thread.h"

static void *boot_all(void *context)
{
    struct booting *b = context;

    b->error = release_start(&b->options, &b->why);
    atomic_store(&b->is_done, true);
    uv_async_send(&b->done);
    return NULL;
}

static void on_done(uv_async_t *handle)
{
    struct booting *b = handle->data;

    uv_stop(b->loop);
}

/* False if a callback can't be ended. */
static bool end(struct booting *b, pthread_t booter)
{
    if (atomic_load(&b->is_done))
        return pthread_join(booter, NULL) == 0;
    release_cancel();
    if (thread_ends_within(booter, BOOTING_GRACE_S))
        return true;
    applications_kill();
    return thread_ends_within(booter, BOOTING_GRACE_S);
}

bool booting_run(struct booting *b, uv_loop_t *loop,
                 const struct release_options *options)
{
    int error = uv_async_init(loop, &b->done, on_done);
    pthread_t booter;

    b->options = *options;
    b->loop = loop;
    b->done.data = b;
    if (error || thread_start(&booter, "boot", boot_all, b) < 0) {
        b->error = fault(&b->why, -EAGAIN, "unable to start a thread to boot with");
        return true;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    return end(b, booter);
}
