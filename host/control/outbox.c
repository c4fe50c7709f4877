/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include <pthread.h>
#include <stdlib.h>

struct outbox {
    pthread_mutex_t lock; /* guards all that follows */
    uv_async_t *async;    /* NULL once closed */
    struct letter *first;
    struct letter **end; /* where the next letter is hung */
    unsigned holders;
};

struct outbox *outbox_create(uv_async_t *async)
{
    struct outbox *outbox = calloc(1, sizeof(*outbox));

    if (!outbox)
        return NULL;
    pthread_mutex_init(&outbox->lock, NULL);
    outbox->async = async;
    outbox->end = &outbox->first;
    outbox->holders = 1;
    return outbox;
}

struct outbox *outbox_hold(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->holders++;
    pthread_mutex_unlock(&outbox->lock);
    return outbox;
}

void outbox_release(struct outbox *outbox)
{
    bool gone;

    pthread_mutex_lock(&outbox->lock);
    gone = --outbox->holders == 0;
    pthread_mutex_unlock(&outbox->lock);
    if (!gone)
        return;
    pthread_mutex_destroy(&outbox->lock);
    free(outbox);
}

bool outbox_post(struct outbox *outbox, struct letter *letter)
{
    bool open;

    letter->next = NULL;
    pthread_mutex_lock(&outbox->lock);
    open = outbox->async != NULL;
    if (open) {
        *outbox->end = letter;
        outbox->end = &letter->next;
        uv_async_send(outbox->async);
    }
    pthread_mutex_unlock(&outbox->lock);
    return open;
}

void outbox_wake(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    if (outbox->async)
        uv_async_send(outbox->async);
    pthread_mutex_unlock(&outbox->lock);
}

struct letter *outbox_take(struct outbox *outbox)
{
    struct letter *letters;

    pthread_mutex_lock(&outbox->lock);
    letters = outbox->first;
    outbox->first = NULL;
    outbox->end = &outbox->first;
    pthread_mutex_unlock(&outbox->lock);
    return letters;
}

void outbox_close(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->async = NULL;
    pthread_mutex_unlock(&outbox->lock);
}
