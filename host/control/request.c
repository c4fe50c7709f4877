/* SPDX-License-Identifier: Apache-2.0 */
#include "json_memory.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>

#define WAITING_MOST 1024u /* notifications of a request, for the loop */

json_t *request_params(const struct request *request)
{
    return json_object_get(request->call, "params");
}

void request_free(struct request *request)
{
    free(request->answer.text);
    json_decref(request->call);
    outbox_release(request->outbox);
    free(request);
}

/* The request is the loop's from here, or nobody's. */
static void answer(struct request *request, char *text)
{
    request->answer.text = text;
    request->answer.last = true;
    request->answer.request = request;
    if (!outbox_post(request->outbox, &request->answer))
        request_free(request);
}

void request_reply(struct request *request, json_t *result)
{
    char *text = NULL;

    if (json_memory_lacked()) { /* something is not in it that should be */
        json_decref(result);
        result = NULL;
    }
    if (!request->silent)
        text = result ? rpc_result(request->id, result)
                      : rpc_error(request->id, RPC_INTERNAL_ERROR,
                                  "there is no memory for the answer", NULL);
    json_decref(result);
    answer(request, text);
}

void request_refuse(struct request *request, int code, const char *message,
                    json_t *data)
{
    char *text = NULL;

    if (!request->silent) {
        if (!data)
            data = json_object();
        if (data && !json_object_get(data, "code"))
            json_object_set_new(data, "code", json_string(rpc_word(code)));
        if (data && !json_object_get(data, "reason"))
            json_object_set_new(data, "reason", rpc_text(message));
        text = rpc_error(request->id, code, message, data);
    }
    json_decref(data);
    answer(request, text);
}

static void add(json_t *data, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(data, key, rpc_text(text));
}

json_t *request_fault_data(const struct fault *why)
{
    json_t *data = json_object();

    if (!data)
        return NULL;
    add(data, "code", rpc_word(rpc_code_of(why->error)));
    add(data, "application", why->app);
    add(data, "server", why->server);
    add(data, "field", why->field);
    add(data, "step", why->step);
    add(data, "reason", why->text[0] ? why->text : strerror(-why->error));
    add(data, "error", strerrorname_np(-why->error));
    return data;
}

void request_fault(struct request *request, const struct fault *why)
{
    const char *message = why->text[0] ? why->text : strerror(-why->error);

    request_refuse(request, rpc_code_of(why->error), message, request_fault_data(why));
}

void request_progress(struct request *request, json_t *members)
{
    struct letter *letter = NULL;

    if (request->id && members && json_object_set(members, "id", request->id) == 0)
        letter = calloc(1, sizeof(*letter));
    if (letter) {
        letter->request = request;
        letter->text = rpc_call(NULL, "progress", members);
        if (!letter->text || !outbox_post(request->outbox, letter)) {
            free(letter->text);
            free(letter);
        }
    }
    json_decref(members);
}

bool request_notify(struct request *request, const char *method, json_t *params,
                    uint64_t *missed)
{
    struct letter *letter = NULL;
    bool open = true;

    *missed += atomic_exchange_explicit(&request->missed, 0, memory_order_relaxed);
    if (*missed)
        json_object_set_new(params, "missed", json_integer((json_int_t)*missed));
    if (atomic_load_explicit(&request->waiting, memory_order_relaxed) < WAITING_MOST)
        letter = calloc(1, sizeof(*letter));
    if (letter) {
        letter->request = request;
        letter->counted = true;
        letter->text = rpc_call(NULL, method, params);
        atomic_fetch_add_explicit(&request->waiting, 1, memory_order_relaxed);
        open = letter->text && outbox_post(request->outbox, letter);
    }
    *missed = letter ? 0 : *missed + 1;
    if (letter && !open) {
        free(letter->text);
        free(letter);
    }
    json_decref(params);
    return open;
}

void request_on_gone(struct request *request, void (*gone)(uint64_t context),
                     uint64_t context)
{
    request->gone = gone;
    request->gone_context = context;
}
