/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "builtin.h"
#include "json_memory.h"

static struct request *new_request(struct session *session, struct batch *batch,
                                   json_t *call)
{
    struct request *request = calloc(1, sizeof(*request));

    if (!request)
        return NULL;
    request->session = session;
    request->batch = batch;
    request->outbox = outbox_hold(session->control->outbox);
    request->call = json_incref(call);
    TAILQ_INSERT_TAIL(&session->requests, request, link);
    session->pending++;
    session->control->requests++;
    if (batch)
        batch_more(batch);
    return request;
}

void dispatch_refuse(struct session *session, int code, const char *message)
{
    struct request *request = new_request(session, NULL, NULL);

    if (request)
        request_refuse(request, code, message, NULL);
    else
        session_close(session, NULL);
}

static const struct method *find_method(const struct method *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static void no_method(struct request *request, const char *name)
{
    char text[160];

    snprintf(text, sizeof(text), "there is no method '%.80s': 'methods' lists them",
             name);
    request_refuse(request, RPC_NO_METHOD, text, NULL);
}

static void run(struct control *control, struct request *request)
{
    const char *problem = rpc_problem(request->call), *name;
    const struct method *method;
    void *own;

    request->id = rpc_id(request->call);
    if (problem) {
        request_refuse(request, RPC_INVALID_REQUEST, problem, NULL);
        return;
    }
    request->silent = !request->id;
    if (control->requests > control->limits.requests) {
        request_refuse(request, RPC_BUSY,
                       "too many requests of all clients are not answered yet", NULL);
        return;
    }
    name = json_string_value(json_object_get(request->call, "method"));
    method = find_method(builtin_methods, name);
    own = method ? (void *)control : control->context;
    if (!method)
        method = find_method(control->methods, name);
    json_memory_watch(); /* see request_reply() */
    if (method)
        method->run(request, own);
    else
        no_method(request, name);
    json_memory_done();
}

static void run_alone(struct session *session, json_t *call)
{
    struct request *request = new_request(session, NULL, call);

    if (request)
        run(session->control, request);
    else
        session_close(session, NULL);
}

/*
 * The first request of `batch` that has not been run; they stand one after the other.
 */
static struct request *first_of(struct session *session, const struct batch *batch)
{
    struct request *request = TAILQ_FIRST(&session->requests);

    while (request && request->batch != batch)
        request = TAILQ_NEXT(request, link);
    return request;
}

static void drop_batch(struct session *session, struct batch *batch)
{
    struct request *request;

    while ((request = first_of(session, batch))) {
        session_forget(session, request);
        session->control->requests--;
        request_free(request);
    }
    batch_free(batch);
    session_close(session, NULL);
}

/* All are in the batch before the first is run, so that it can't be answered early. */
static void run_batch(struct session *session, json_t *calls)
{
    struct batch *batch = batch_create();
    struct control *control = session->control;
    struct request *request, *next;
    json_t *call;
    size_t i;

    if (!batch) {
        session_close(session, NULL);
        return;
    }
    json_array_foreach(calls, i, call)
    {
        if (!new_request(session, batch, call)) {
            drop_batch(session, batch);
            return;
        }
    }
    for (request = first_of(session, batch); request; request = next) {
        next = TAILQ_NEXT(request, link);
        run(control, request);
    }
}

static void take_array(struct session *session, json_t *calls)
{
    size_t count = json_array_size(calls), limit = session->control->limits.pending;
    char text[96];

    if (count == 0) {
        dispatch_refuse(session, RPC_INVALID_REQUEST,
                        "a batch must hold at least one request");
    } else if (count > limit) {
        snprintf(text, sizeof(text),
                 "a batch may hold at most %zu requests, and this has %zu", limit,
                 count);
        dispatch_refuse(session, RPC_INVALID_REQUEST, text);
    } else {
        run_batch(session, calls);
    }
}

static bool is_blank(const char *line, size_t len)
{
    while (len > 0 && isspace((unsigned char)line[len - 1]))
        len--;
    return len == 0;
}

void dispatch_line(struct session *session, const char *line, size_t len)
{
    struct control *control = session->control;
    char *why = NULL;
    json_t *value;

    if (is_blank(line, len))
        return;
    TAILQ_REMOVE(&control->sessions, session, link);
    TAILQ_INSERT_TAIL(&control->sessions, session, link);
    value = rpc_parse(line, len, &why);
    if (!value && !why)
        dispatch_refuse(session, RPC_INTERNAL_ERROR,
                        "there is no memory for the request");
    else if (!value)
        dispatch_refuse(session, RPC_PARSE_ERROR, why);
    else if (json_is_array(value))
        take_array(session, value);
    else
        run_alone(session, value);
    json_decref(value);
    free(why);
}
