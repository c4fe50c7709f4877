/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys_functions - the functions of abi/moult/sys.h: calls that every process answers.
 */
#include "message.h"
#include "server.h"

/* Ask `e` (taken, NULL: no memory); `*reply` (may be NULL) is at the answer. */
static int ask_it(moult_ctx *ctx, moult_pid pid, struct envelope *e,
                  uint64_t timeout_ms, moult_in *reply)
{
    struct process *p = process_of(ctx);
    int error = e ? e->out.error : -ENOMEM;

    if (!error && moult_pid_equal(pid, process_pid(p)))
        error = -EDEADLK;
    if (error) {
        envelope_destroy(e);
        return process_fail(p, error, moult_strerror(error));
    }
    error = process_call(p, pid, e, timeout_ms ? timeout_ms : MOULT_CALL_TIMEOUT_MS);
    if (!error && reply)
        *reply = out_read(&p->answer->out);
    return error;
}

static struct envelope *request(int32_t what)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (e)
        e->code = what;
    return e;
}

static struct envelope *request_bool(int32_t what, bool value)
{
    struct envelope *e = request(what);

    if (e)
        moult_put_bool(&e->out, value);
    return e;
}

static struct envelope *request_int(int32_t what, int64_t value)
{
    struct envelope *e = request(what);

    if (e)
        moult_put_int(&e->out, value);
    return e;
}

int moult_sys_suspend(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms)
{
    return ask_it(ctx, pid, request(SYS_SUSPEND), timeout_ms, NULL);
}

int moult_sys_resume(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms)
{
    return ask_it(ctx, pid, request(SYS_RESUME), timeout_ms, NULL);
}

int moult_sys_get_state(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms,
                        moult_in *state)
{
    moult_in reply;
    int error = ask_it(ctx, pid, request(SYSTEM_STATE), timeout_ms, &reply);

    if (!error && !moult_find(&reply, "state", state))
        error = -EBADMSG;
    return error;
}

int moult_sys_replace_state(moult_ctx *ctx, moult_pid pid, moult_out *state,
                            uint64_t timeout_ms)
{
    struct process *p = process_of(ctx);
    struct envelope *e;
    int error = draft_take(p, state, &e);

    if (error)
        return process_fail(p, error, moult_strerror(error));
    e->kind = ENVELOPE_SYSTEM;
    e->code = SYSTEM_REPLACE;
    return ask_it(ctx, pid, e, timeout_ms, NULL);
}

int moult_sys_get_status(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms,
                         moult_in *status)
{
    return ask_it(ctx, pid, request(SYSTEM_STATUS), timeout_ms, status);
}

int moult_sys_statistics(moult_ctx *ctx, moult_pid pid, bool on, uint64_t timeout_ms)
{
    return ask_it(ctx, pid, request_bool(SYS_STATISTICS, on), timeout_ms, NULL);
}

int moult_sys_get_statistics(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms,
                             moult_in *counts)
{
    return ask_it(ctx, pid, request(SYS_GET_STATISTICS), timeout_ms, counts);
}

int moult_sys_log(moult_ctx *ctx, moult_pid pid, uint32_t most, uint64_t timeout_ms)
{
    return ask_it(ctx, pid, request_int(SYS_LOG, most), timeout_ms, NULL);
}

int moult_sys_get_log(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms, moult_in *log)
{
    return ask_it(ctx, pid, request(SYS_GET_LOG), timeout_ms, log);
}

int moult_sys_trace(moult_ctx *ctx, moult_pid pid, bool on, uint64_t timeout_ms)
{
    struct envelope *e = request(SYS_TRACE);

    if (e) {
        moult_put_array(&e->out, 2);
        moult_put_pid(&e->out, moult_self(ctx));
        moult_put_bool(&e->out, on);
    }
    return ask_it(ctx, pid, e, timeout_ms, NULL);
}

int moult_server_stop(moult_ctx *ctx, moult_pid pid, int32_t reason,
                      uint64_t timeout_ms)
{
    int error = ask_it(ctx, pid, request_int(SYSTEM_TERMINATE, reason),
                       timeout_ms ? timeout_ms : MOULT_INFINITY, NULL);

    /* Its end is the answer. */
    return error == -EOWNERDEAD && moult_call_reason(ctx) == reason ? 0 : error;
}
