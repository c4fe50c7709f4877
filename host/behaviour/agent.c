/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - the functions of abi/moult/agent.h: a server that runs functions by name.
 */
#include <string.h>

#include "event.h"
#include "json.h"
#include "message.h"
#include "server.h"

/* -- by the agent -- */

struct request {
    const moult_agent_function *function;
    moult_in args;
    bool gets, updates; /* what it is asked for */
};

static const moult_agent_function *find(const moult_agent_function *functions,
                                        const char *name, size_t len)
{
    const moult_agent_function *f = functions;

    while (f->name && (strlen(f->name) != len || memcmp(f->name, name, len) != 0))
        f++;
    return f->name ? f : NULL;
}

static bool is_request(moult_in *in, struct request *r, moult_in *words)
{
    if (moult_match_map(in, "get", words)) {
        r->gets = true;
    } else if (moult_match_map(in, "update", words)) {
        r->updates = true;
    } else if (moult_match_map(in, "get_and_update", words)) {
        r->gets = r->updates = true;
    } else {
        return false;
    }
    return moult_peek(words) == MOULT_ARRAY;
}

/* 0; or an error, and what is to be said of it. */
static moult_next read_request(moult_ctx *ctx, const moult_agent_function *functions,
                               moult_in *in, struct request *r)
{
    const char *name = "";
    size_t len = 0, count = 0;
    moult_in words;

    if (is_request(in, r, &words)) {
        count = moult_get_array(&words);
        name = count > 0 ? moult_get_text(&words, &len) : "";
    }
    if (!len || words.error)
        return moult_refuse(
            ctx, -EINVAL,
            "an agent takes {\"get\": [function, args]}, \"update\" and "
            "\"get_and_update\"");
    r->args = count > 1 ? words : moult_in_over("\xf6", 1);
    r->function = find(functions, name, len);
    if (!r->function ||
        !(r->updates ? r->function->update != NULL : r->function->get != NULL))
        return moult_refuse(ctx, -ENOENT, "the agent has no function '%.*s' to %s",
                            (int)len, name, r->updates ? "update with" : "get with");
    return moult_noreply();
}

static int run(moult_ctx *ctx, void *state, struct request *r, moult_out *result)
{
    int error = r->updates ? r->function->update(ctx, state, &r->args, result)
                           : r->function->get(ctx, state, &r->args, result);

    return error ? error : r->args.error;
}

moult_next moult_agent_call(moult_ctx *ctx, void *state,
                            const moult_agent_function *functions, moult_in *request,
                            moult_out *reply)
{
    struct request r = {0};
    moult_next next = read_request(ctx, functions, request, &r);
    int error;

    if (next.verdict != MOULT_NEXT_NOREPLY)
        return next;
    error = run(ctx, state, &r, r.gets ? reply : moult_draft(ctx));
    if (error)
        return (moult_next){MOULT_NEXT_REFUSE, error < 0 ? error : -EINVAL, 0};
    if (!envelope_of(reply)->out.len)
        moult_put_null(reply);
    return moult_reply();
}

/* Nobody waits for it, so it is told. */
static void tell_refused(moult_ctx *ctx, const struct request *r, int error)
{
    const struct server *s = server_of(process_of(ctx));

    event_emit(EVENT_WARN, "agent.refused", "{s:s?, s:s?, s:s?, s:s}", "app",
               s ? s->code->app : NULL, "server", s ? s->id : NULL, "function",
               r->function ? r->function->name : NULL, "reason", moult_strerror(error));
}

moult_next moult_agent_cast_to(moult_ctx *ctx, void *state,
                               const moult_agent_function *functions, moult_in *message)
{
    struct request r = {0};
    moult_next next = read_request(ctx, functions, message, &r);
    int error = next.verdict == MOULT_NEXT_NOREPLY ? 0 : next.reason;

    if (!error)
        error = run(ctx, state, &r, moult_draft(ctx));
    if (error)
        tell_refused(ctx, &r, error);
    return moult_noreply();
}

/* -- by who asks -- */

/* {verb: [name, args]}; `args` is taken. */
static moult_out *request_of(moult_ctx *ctx, const char *verb, const char *name,
                             moult_out *args)
{
    moult_out *m = moult_draft(ctx);
    struct envelope *e = NULL;
    int error = args ? draft_take(process_of(ctx), args, &e) : 0;

    moult_put_map(m, 1);
    moult_put_text(m, verb);
    moult_put_array(m, 2);
    moult_put_text(m, name);
    if (e)
        moult_put_item(m, e->out.bytes, e->out.len);
    else
        moult_put_null(m);
    envelope_destroy(e);
    if (error && !m->error)
        m->error = error; /* it is told when this is sent */
    return m;
}

int moult_agent_get(moult_ctx *ctx, moult_pid agent, const char *name, moult_out *args,
                    uint64_t timeout_ms, moult_in *result)
{
    return moult_call(ctx, agent, request_of(ctx, "get", name, args), timeout_ms,
                      result);
}

int moult_agent_update(moult_ctx *ctx, moult_pid agent, const char *name,
                       moult_out *args, uint64_t timeout_ms)
{
    return moult_call(ctx, agent, request_of(ctx, "update", name, args), timeout_ms,
                      NULL);
}

int moult_agent_get_and_update(moult_ctx *ctx, moult_pid agent, const char *name,
                               moult_out *args, uint64_t timeout_ms, moult_in *result)
{
    return moult_call(ctx, agent, request_of(ctx, "get_and_update", name, args),
                      timeout_ms, result);
}

int moult_agent_cast(moult_ctx *ctx, moult_pid agent, const char *name, moult_out *args)
{
    return moult_cast(ctx, agent, request_of(ctx, "update", name, args));
}
