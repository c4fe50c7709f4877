/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "group.h"
#include "message.h"
#include "signals.h"

struct question {
    moult_pid to;
    struct envelope *envelope;
    uint64_t timeout_ms;
    ask_done *done;
    void *context;
};

struct group ask_group;

void ask_start(void)
{
    group_init(&ask_group, "kernel");
}

static void finish(struct question *q, int error, const char *text, moult_in *in)
{
    ask_done *done = q->done;

    q->done = NULL;
    if (done)
        done(q->context, error, text, in);
}

static void handle(struct process *p, struct envelope *e)
{
    struct question *q = p->data;
    struct envelope *asked = q->envelope;
    moult_in in;
    int error;

    envelope_destroy(e);
    q->envelope = NULL;
    error = process_call(p, q->to, asked, q->timeout_ms);
    if (error) {
        finish(q, error,
               p->answer && p->answer->out.len ? signal_text(p->answer)
                                               : moult_strerror(error),
               NULL);
    } else {
        in = out_read(&p->answer->out);
        finish(q, 0, "", &in);
    }
    process_exit(p, MOULT_NORMAL, NULL);
}

static void ended(struct process *p)
{
    struct question *q = p->data;

    envelope_destroy(q->envelope);
    finish(q, -EOWNERDEAD, "the host is going down", NULL);
    free(q);
}

static const struct process_class ask_class = {"ask", handle, ended, false};

int ask(moult_pid to, struct envelope *e, uint64_t timeout_ms, ask_done *done,
        void *context)
{
    struct process_options options = {
        .class = &ask_class, .group = &ask_group, .is_hosts = true};
    struct question *q = malloc(sizeof(*q));
    struct envelope *go = envelope_create(ENVELOPE_CAST);
    struct process *p = q && go ? process_create(&options) : NULL;

    if (!p) {
        free(q);
        envelope_destroy(go);
        envelope_destroy(e);
        return -ENOMEM;
    }
    *q = (struct question){to, e, timeout_ms, done, context};
    p->data = q;
    process_launch(p, go);
    return 0;
}

struct waiter {
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t told;
    bool done;
    int error;
    struct moult_out *reply;
    char *text;
    size_t text_size;
};

static void wake_waiter(void *context, int error, const char *text, moult_in *in)
{
    struct waiter *w = context;

    pthread_mutex_lock(&w->lock);
    w->done = true;
    w->error = error;
    if (w->text_size)
        snprintf(w->text, w->text_size, "%s", text);
    if (in && w->reply) {
        moult_put_item(w->reply, in->at, (size_t)(in->end - in->at));
        if (w->reply->error)
            w->error = w->reply->error;
    }
    pthread_cond_signal(&w->told);
    pthread_mutex_unlock(&w->lock);
}

int ask_and_wait(moult_pid to, struct envelope *e, uint64_t timeout_ms,
                 struct moult_out *reply, char *text, size_t text_size)
{
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER,
                       .told = PTHREAD_COND_INITIALIZER,
                       .reply = reply,
                       .text = text,
                       .text_size = text_size};
    int error = ask(to, e, timeout_ms, wake_waiter, &w);

    if (error)
        return error;
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.told, &w.lock);
    pthread_mutex_unlock(&w.lock);
    return w.error;
}
