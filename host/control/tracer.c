/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "asking.h"
#include "group.h"
#include "json.h"
#include "message.h"
#include "params.h"
#include "signals.h"
#include "sys.h"

#define NOTES_WAIT 1024u /* for the tracer to send them on */

struct tracing {
    struct request *request; /* NULL once it is answered */
    moult_pid pid;
    uint64_t missed; /* notes that the client was not told of yet */
    char whom[];
};

/* Answer the request, and end. */
static void answer(struct process *p, struct tracing *t, int error, const char *text)
{
    if (error)
        asking_failed(t->request, error, t->whom, text);
    else
        request_reply(t->request, json_pack("{s:s}", "ended", text));
    t->request = NULL;
    process_exit(p, MOULT_NORMAL, NULL);
}

static void begin(struct process *p, struct tracing *t)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    uint64_t ref;
    int error;

    if (!e) {
        answer(p, t, -ENOMEM, "no memory for a trace");
        return;
    }
    e->code = SYS_TRACE;
    moult_put_array(&e->out, 2);
    moult_put_pid(&e->out, process_pid(p));
    moult_put_bool(&e->out, true);
    error = process_call(p, t->pid, e, ASKING_MS);
    if (!error)
        error = signal_monitor(p, t->pid, &ref);
    if (error == -EUSERS)
        answer(p, t, error, "it is traced by as many as there may be already");
    else if (error)
        answer(p, t, error, moult_call_text(&p->ctx));
    else if (!request_notify(t->request, "trace.begin", json_object(), &t->missed))
        process_exit(p, MOULT_NORMAL, NULL);
}

/* What was dropped on the way here is told with what comes next. */
static void count_dropped(struct tracing *t, const moult_in *note)
{
    moult_in in = *note;

    t->missed += (uint64_t)moult_int_at(&in, "count");
}

static void pass_on(struct process *p, struct tracing *t, const struct envelope *e)
{
    moult_in in = out_read(&e->out), way;
    json_t *json;

    if (!moult_find(&in, "event", &way))
        return;
    if (moult_match(&way, "dropped")) {
        count_dropped(t, &in);
        return;
    }
    json = json_from_cbor(&in, NULL);
    if (!json)
        t->missed++;
    else if (!request_notify(t->request, "trace", json, &t->missed))
        process_exit(p, MOULT_NORMAL, NULL);
}

static void handle(struct process *p, struct envelope *e)
{
    struct tracing *t = p->data;
    const char *text = signal_text(e);

    p->current = e;
    if (e->kind == ENVELOPE_CAST)
        begin(p, t);
    else if (e->kind == ENVELOPE_INFO)
        pass_on(p, t, e);
    else if (e->kind == ENVELOPE_DOWN)
        answer(p, t, 0, *text ? text : moult_strerror(e->code));
    if (p->flags & PROCESS_EXITING)
        return;
    envelope_destroy(p->current);
    p->current = NULL;
}

/* Each request is answered, if only to be dropped since its client has gone. */
static void ended(struct process *p)
{
    struct tracing *t = p->data;

    if (t->request)
        request_reply(t->request, json_null());
    free(t);
}

static const struct process_class tracer_class = {"trace", handle, ended, false};

static void client_gone(uint64_t pid)
{
    signal_exit(NULL, (moult_pid){pid}, MOULT_KILL, NULL);
}

/* Trace `pid` for `request` (taken).  0 or -ENOMEM: it is as it was. */
static int start(struct request *request, const char *whom, moult_pid pid)
{
    struct process_options options = {.class = &tracer_class,
                                      .group = &ask_group,
                                      .limit = NOTES_WAIT,
                                      .is_hosts = true};
    struct tracing *t = calloc(1, sizeof(*t) + strlen(whom) + 1);
    struct envelope *go = envelope_create(ENVELOPE_CAST);
    struct process *p = t && go ? process_create(&options) : NULL;

    if (!p) {
        free(t);
        envelope_destroy(go);
        return -ENOMEM;
    }
    t->request = request;
    t->pid = pid;
    strcpy(t->whom, whom);
    p->data = t;
    request_on_gone(request, client_gone, process_pid(p).bits);
    process_launch(p, go);
    return 0;
}

void tracer_method(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *name = params_text(&p, "name");
    moult_pid pid;

    if (params_refused(&p, request))
        return;
    pid = asking_find(name);
    if (!pid.bits)
        asking_nobody(request, name);
    else if (start(request, name, pid) < 0)
        asking_failed(request, -ENOMEM, name, "no memory for a trace");
}
