/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter_loop - a plain process becomes a server.  OTP: gen_server:enter_loop/3.
 *
 * From then on it is like others: it has a state, an upgrade asks it to rest and moves it.
 * So it has to be of the version that runs, and no server may come to be while all others
 * are at rest for an upgrade: it waits until that is over.
 */
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "group.h"
#include "message.h"
#include "plain.h"
#include "serving.h"

static struct server *make(const struct code *code, void *state)
{
    size_t id_size = strlen(code->child->id) + 1;
    struct server *s = calloc(1, offsetof(struct server, id) + id_size);

    if (!s)
        return NULL;
    memcpy(s->id, code->child->id, id_size);
    s->code = code;
    s->state = state;
    s->flags = SERVER_STARTED;
    return s;
}

/* Its state; 0, or why it is none. */
static int load(struct process *p, const struct plain *s, void **state,
                struct fault *why)
{
    moult_in in = out_read(&s->again->out);

    return state_load(&p->ctx, s->server, NULL, s->again->out.len ? &in : NULL, state,
                      why);
}

/* It is `becomes` from now on, once no upgrade has all at rest. */
static int settle(struct process *p, struct plain *s)
{
    while (!group_settle(p, &server_class, s->becomes)) {
        struct await a = {0};
        int error = process_await(p, &a, SERVER_FROZEN_MS);

        if (error != -ETIMEDOUT)
            return error;
    }
    return 0;
}

static int check_current(const struct code *code, struct fault *why)
{
    if (application_has(code->app, code->all))
        return 0;
    return fault(why, -ESTALE, "another version of its application runs by now");
}

static int become(struct process *p, struct plain *s, struct fault *why)
{
    const struct code *code = s->server;
    void *state = NULL;
    int error = check_current(code, why);

    if (!error)
        error = load(p, s, &state, why);
    if (error)
        return error;
    s->becomes = make(code, state);
    error = s->becomes ? settle(p, s) : -ENOMEM;
    if (error)
        return fault(why, error, "no memory to become a server");
    code_use(code, 1);
    s->becomes = NULL; /* the process's own now */
    p->current = NULL;
    plain_destroy(s);
    process_set_limits(p, code->child->mailbox_limit, code->child->max_heap);
    process_set_patience(p, code->child->warn_callback_ms,
                         code->child->max_callback_ms);
    server_set_doze(p, code);
    return check_current(code, why); /* it may have become another meanwhile */
}

void plain_become_server(struct process *p, struct plain *s)
{
    struct fault why = {0};
    int error = become(p, s, &why);

    if (error && server_of(p))
        server_stop(p, p->data, error, why.text);
    else if (error)
        process_exit(p, error, why.text);
}

static int32_t refuse(moult_ctx *ctx, moult_out *state, int32_t error, const char *why)
{
    if (state)
        draft_drop(process_of(ctx), state);
    return moult_fail(ctx, error, "%s", why);
}

int32_t moult_enter_loop(moult_ctx *ctx, const moult_server *server, moult_out *state)
{
    struct process *p = process_of(ctx);
    struct plain *s = p->class == &plain_class ? p->data : NULL;
    const struct code *code = s ? code_declared(s->code->all, server) : NULL;
    struct envelope *e;
    int error;

    if (!s)
        return refuse(ctx, state, -ENOTSUP, "only a plain process becomes a server");
    if (!code)
        return refuse(ctx, state, -EINVAL,
                      "its plugin lists no such server, as a child or a template");
    if (code->server.statem || code->server.manager)
        return refuse(ctx, state, -ENOTSUP,
                      "it may become neither a statem nor a manager");
    error = plain_args(p, state, &e);
    if (error)
        return error;
    envelope_destroy(s->again);
    s->again = e;
    s->server = code;
    return MOULT_NORMAL;
}
