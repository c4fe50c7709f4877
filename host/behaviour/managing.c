/* SPDX-License-Identifier: Apache-2.0 */
/*
 * managing - the functions of abi/moult/event.h: calls to a manager.
 */
#include <string.h>

#include "manager.h"
#include "message.h"

/* Append `content` (taken; NULL or empty: null), a draft.  0 or its error. */
static int put_draft(struct process *p, moult_out *out, moult_out *content)
{
    struct envelope *e = NULL;
    int error = content ? draft_take(p, content, &e) : 0;

    if (error)
        return error;
    if (e && e->out.len)
        moult_put_item(out, e->out.bytes, e->out.len);
    else
        moult_put_null(out);
    envelope_destroy(e);
    return out->error;
}

/* Ask `e` (taken, NULL: no memory), which was written with `error`. */
static int ask_it(moult_ctx *ctx, moult_pid manager, struct envelope *e, int error,
                  uint64_t timeout_ms)
{
    struct process *p = process_of(ctx);

    if (!e)
        error = -ENOMEM;
    else if (!error)
        error = e->out.error;
    if (!error && moult_pid_equal(manager, process_pid(p)))
        error = -EDEADLK;
    if (!error)
        return process_call(p, manager, e, timeout_ms);
    envelope_destroy(e);
    return process_fail(p, error, moult_strerror(error));
}

static struct envelope *request(enum system_request what)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (e)
        e->code = (int32_t)what;
    return e;
}

/* Where a request is written; when there is no memory for one, somewhere else. */
static moult_out *out_of(moult_ctx *ctx, struct envelope *e)
{
    return e ? &e->out : moult_draft(ctx);
}

static void read_reply(moult_ctx *ctx, int error, moult_in *reply)
{
    if (!error && reply)
        *reply = out_read(&process_of(ctx)->answer->out);
}

/* -- events -- */

int moult_sync_notify(moult_ctx *ctx, moult_pid manager, moult_out *event)
{
    struct envelope *e = NULL;
    int error = draft_take(process_of(ctx), event, &e);

    if (error)
        return process_fail(process_of(ctx), error, moult_strerror(error));
    e->kind = ENVELOPE_SYSTEM;
    e->code = SYSTEM_NOTIFY;
    return ask_it(ctx, manager, e, 0, MOULT_INFINITY);
}

/* NOLINTNEXTLINE(readability-function-size): what a call says */
int moult_call_handler(moult_ctx *ctx, moult_pid manager, const char *handler,
                       moult_out *request, uint64_t timeout_ms, moult_in *reply)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);
    moult_out *out = out_of(ctx, e);
    int error;

    moult_put_map(out, 1);
    moult_put_text(out, handler);
    error = put_draft(process_of(ctx), out, request);
    error =
        ask_it(ctx, manager, e, error, timeout_ms ? timeout_ms : MOULT_CALL_TIMEOUT_MS);
    read_reply(ctx, error, reply);
    return error;
}

/* -- handlers -- */

static int add(moult_ctx *ctx, moult_pid manager, const char *handler, moult_out *args,
               bool supervised)
{
    struct envelope *e = request(SYSTEM_ADD_HANDLER);
    moult_out *out = out_of(ctx, e);
    int error;

    moult_put_array(out, 3);
    moult_put_text(out, handler);
    error = put_draft(process_of(ctx), out, args);
    moult_put_bool(out, supervised);
    return ask_it(ctx, manager, e, error, MOULT_INFINITY);
}

int moult_add_handler(moult_ctx *ctx, moult_pid manager, const char *handler,
                      moult_out *args)
{
    return add(ctx, manager, handler, args, false);
}

int moult_add_sup_handler(moult_ctx *ctx, moult_pid manager, const char *handler,
                          moult_out *args)
{
    return add(ctx, manager, handler, args, true);
}

int moult_delete_handler(moult_ctx *ctx, moult_pid manager, const char *handler,
                         moult_out *args, moult_in *result)
{
    struct envelope *e = request(SYSTEM_DELETE_HANDLER);
    moult_out *out = out_of(ctx, e);
    int error;

    moult_put_array(out, 2);
    moult_put_text(out, handler);
    error = put_draft(process_of(ctx), out, args);
    error = ask_it(ctx, manager, e, error, MOULT_INFINITY);
    read_reply(ctx, error, result);
    return error;
}

static int swap(moult_ctx *ctx, moult_pid manager, const moult_swap *swap,
                bool supervised)
{
    struct envelope *e = request(SYSTEM_SWAP_HANDLER);
    moult_out *out = out_of(ctx, e);
    int error, failed;

    moult_put_array(out, 5);
    moult_put_text(out, swap->from);
    error = put_draft(process_of(ctx), out, swap->from_args);
    moult_put_text(out, swap->to);
    failed = put_draft(process_of(ctx), out, swap->to_args);
    moult_put_bool(out, supervised);
    return ask_it(ctx, manager, e, error ? error : failed, MOULT_INFINITY);
}

int moult_swap_handler(moult_ctx *ctx, moult_pid manager, const moult_swap *how)
{
    return swap(ctx, manager, how, false);
}

int moult_swap_sup_handler(moult_ctx *ctx, moult_pid manager, const moult_swap *how)
{
    return swap(ctx, manager, how, true);
}

int moult_which_handlers(moult_ctx *ctx, moult_pid manager, moult_in *list)
{
    struct envelope *e = request(SYSTEM_WHICH_HANDLERS);
    int error = ask_it(ctx, manager, e, 0, MOULT_INFINITY);

    read_reply(ctx, error, list);
    return error;
}

/* -- news -- */

static const char *text_at(moult_in *in, const char *key, size_t *len)
{
    moult_in value;

    *len = 0;
    return moult_find(in, key, &value) ? moult_get_text(&value, len) : "";
}

bool moult_match_handler_gone(const moult_in *message, moult_handler_gone *gone)
{
    moult_in in = *message, value;

    if (moult_peek(&in) != MOULT_MAP || !moult_find(&in, "handler_gone", &value))
        return false;
    *gone = (moult_handler_gone){0};
    gone->handler = moult_get_text(&value, &gone->handler_len);
    if (value.error || !moult_find(&in, "manager", &value))
        return false;
    gone->manager = moult_get_pid(&value);
    if (value.error || !moult_find(&in, "reason", &value))
        return false;
    gone->reason = (int32_t)moult_get_int(&value);
    gone->swapped = text_at(&in, "swapped", &gone->swapped_len);
    gone->text = text_at(&in, "text", &gone->text_len);
    return !value.error && !in.error;
}
