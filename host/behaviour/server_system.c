/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_system - what is asked of a server by others than its callers.  OTP: sys.
 */
#include "mail.h"
#include "server_show.h"
#include "serving.h"
#include "statem.h"
#include "sys.h"

/* The request at hand, and where its answer is written; `error` with words, if refused. */
struct request {
    struct process *p;
    struct server *s;
    moult_in in;
    moult_out *out;
    struct fault why;
};

static void put_name(moult_out *out, const struct server *s)
{
    moult_put_text_at(out, "vsn", s->code->vsn);
    moult_put_int_at(out, "format", s->code->server.format);
}

static int put_state(struct request *r, bool shown)
{
    moult_put_text(r->out, "state");
    return shown ? server_show_state(r->p, r->out, &r->why)
                 : server_save(r->s, r->out, &r->why);
}

static int state(struct request *r)
{
    bool shown = moult_peek(&r->in) == MOULT_BOOL && moult_get_bool(&r->in);
    int64_t most = moult_peek(&r->in) == MOULT_INT ? moult_get_int(&r->in) : 0;
    int error;

    moult_put_map(r->out, most > 0 ? 4 : 3);
    put_name(r->out, r->s);
    error = put_state(r, shown);
    if (error || most <= 0)
        return error;
    moult_put_text(r->out, "messages");
    return mail_copy(r->p, (size_t)most, r->out);
}

static int status(struct request *r)
{
    moult_put_map(r->out, server_machine(r->s) ? 8 + STATEM_STATUS : 8);
    moult_put_text_at(r->out, "id", r->s->id);
    moult_put_text_at(r->out, "application", r->s->code->app);
    put_name(r->out, r->s);
    moult_put_text_at(r->out, "behaviour", r->p->class->name);
    moult_put_text_at(r->out, "status",
                      sys_is_suspended(r->p) ? "suspended" : "running");
    moult_put_text(r->out, "parent");
    moult_put_pid(r->out, r->p->parent);
    if (server_machine(r->s))
        statem_put_status(server_machine(r->s), r->out);
    return put_state(r, true);
}

/* As a change of version does it: beside the old state, which goes when all is well. */
static int replace(struct request *r)
{
    const struct code *code = r->s->code;
    struct moult_ctx *ctx = sys_scratch(r->p, code->child->max_heap);
    void *state = NULL;
    int error;

    moult_put_null(r->out);
    if (!code->schema && !code->server.load && !code->server.manager)
        return fault(&r->why, -ENOTSUP, "it has no state");
    if (!ctx)
        return -ENOMEM;
    error = state_load(ctx, code, NULL, &r->in, &state, &r->why);
    if (!error)
        server_swap(r->p, code, state, ctx);
    heap_finish(&ctx->heap);
    return error;
}

/* Its end answers who asked. */
static int end(struct request *r)
{
    int64_t reason = moult_get_int(&r->in);

    moult_put_null(r->out);
    if (r->in.error || reason < INT32_MIN || reason > INT32_MAX)
        return fault(&r->why, -EINVAL, "that is no reason to end for");
    server_stop(r->p, r->s, (int32_t)reason, NULL);
    return 0;
}

static int (*const answers[])(struct request *r) = {
    [SYSTEM_STATE] = state,
    [SYSTEM_STATUS] = status,
    [SYSTEM_REPLACE] = replace,
    [SYSTEM_TERMINATE] = end,
};

static int answer(struct request *r, uint32_t what)
{
    int error = what < sizeof(answers) / sizeof(*answers) && answers[what]
                    ? answers[what](r)
                    : fault(&r->why, -ENOSYS, "a server has no such request");

    return error ? error : r->out->error;
}

/*
 * To tell of its state is not what it is there for: where the plugin's own save fails over
 * that, who asked hears of it.  OTP: a system_get_state that fails.
 */
bool server_outlives(struct process *p, int32_t reason, const char *words)
{
    const struct server *s = p->data;
    const struct envelope *e = p->current;

    if (!(s->flags & SERVER_STARTED) || !e || e->kind != ENVELOPE_SYSTEM ||
        (e->code != SYSTEM_STATE && e->code != SYSTEM_STATUS))
        return false;
    if (p->drafts)
        drafts_drop(p);
    process_refuse(p, reason, words);
    return true;
}

void server_system(struct process *p, struct server *s)
{
    struct envelope *e = p->current, *reply;
    struct request r = {.p = p, .s = s, .in = out_read(&e->out)};
    int error;

    if (sys_answer(p))
        return;
    reply = reply_draft(p);
    if (!reply) {
        process_refuse(p, -ENOMEM, NULL);
        return;
    }
    r.out = &reply->out;
    error = answer(&r, (uint32_t)e->code);
    if (error || p->flags & PROCESS_EXITING) {
        if (!(p->flags & PROCESS_EXITING))
            process_refuse(p, error,
                           r.why.text[0] ? r.why.text : moult_strerror(error));
        return;
    }
    reply_take(p, reply);
    reply->ref = e->ref;
    process_send_last(p, e->from, reply);
    e->kind = ENVELOPE_CAST; /* it is answered */
}
