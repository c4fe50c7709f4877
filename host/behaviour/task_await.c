/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "message.h"
#include "receive.h"
#include "signals.h"
#include "task.h"

uint64_t task_timeout_ms(uint64_t given_ms)
{
    if (given_ms == MOULT_NOW)
        return 0;
    return given_ms ? given_ms : TASK_TIMEOUT_MS;
}

int task_check(struct process *p, const moult_task *task)
{
    if (task->ref && moult_pid_equal(task->owner, process_pid(p)))
        return 0;
    return process_fail(p, -EPERM,
                        task->ref ? "only who started a task may wait for it"
                                  : "it was started for nobody to wait for it");
}

void task_forget(struct process *p, const moult_task *task)
{
    signal_unlink(p, task->pid);
    moult_demonitor(&p->ctx, task->ref);
}

moult_outcome task_outcome(struct process *p, const moult_task *task,
                           struct envelope *e)
{
    moult_outcome o = {.text = ""};

    if (e->kind == ENVELOPE_RESULT) {
        o.result = out_read(&e->out);
        moult_demonitor(&p->ctx, task->ref); /* its end is no news */
        return o;
    }
    o.error = -EOWNERDEAD;
    o.reason = e->code;
    o.text = *signal_text(e) ? signal_text(e) : moult_strerror(e->code);
    return o;
}

static bool is_of(struct process *p, struct envelope *e, void *context)
{
    return signal_is_of(e, *(const uint64_t *)context);
}

/* Why it failed, for moult_call_reason() and moult_call_text(). */
static int told(struct process *p, const moult_outcome *o)
{
    if (o->error != -EOWNERDEAD)
        return o->error ? process_fail(p, o->error, o->text) : 0;
    process_fail(p, o->reason, o->text);
    return o->error;
}

/* What it came to within `timeout_ms`, and kept for the caller. */
static int wait_for(struct process *p, const moult_task *task, uint64_t timeout_ms,
                    moult_in *result)
{
    uint64_t ref = task->ref;
    moult_outcome o;
    struct envelope *e;
    int error;

    received_forget(p);
    error = receive(p, is_of, &ref, timeout_ms, &e);
    if (error)
        return process_fail(p, error, moult_strerror(error));
    received_keep(p, e);
    o = task_outcome(p, task, e);
    if (!o.error && result)
        *result = o.result;
    return told(p, &o);
}

int moult_task_yield(moult_ctx *ctx, const moult_task *task, uint64_t timeout_ms,
                     moult_in *result)
{
    struct process *p = process_of(ctx);
    int error = task_check(p, task);

    return error ? error : wait_for(p, task, task_timeout_ms(timeout_ms), result);
}

struct envelope *task_kill(struct process *p, const moult_task *task)
{
    uint64_t ref = task->ref;
    struct envelope *result = NULL, *e = NULL;

    signal_unlink(p, task->pid);
    signal_exit(p, task->pid, MOULT_KILL, NULL);
    while (receive(p, is_of, &ref, MOULT_INFINITY, &e) == 0 &&
           e->kind == ENVELOPE_RESULT)
        result = e; /* its end follows */
    if (!result && e && e->code != MOULT_KILLED)
        return e;
    envelope_destroy(e == result ? NULL : e);
    return result;
}

int moult_task_await(moult_ctx *ctx, const moult_task *task, uint64_t timeout_ms,
                     moult_in *result)
{
    struct process *p = process_of(ctx);
    int error = moult_task_yield(ctx, task, timeout_ms, result);

    if (error == -ETIMEDOUT || error == -ENOMEM) {
        signal_unlink(p, task->pid);
        signal_exit(p, task->pid, MOULT_KILL, NULL);
        task_forget(p, task);
    }
    return error;
}

/* Did it end because it was asked to? */
static bool is_asked_for(const moult_outcome *o)
{
    return o->error == -EOWNERDEAD &&
           (o->reason == MOULT_SHUTDOWN || o->reason == MOULT_KILLED ||
            o->reason == MOULT_NORMAL);
}

int moult_task_shutdown(moult_ctx *ctx, const moult_task *task, uint64_t timeout_ms,
                        moult_in *result)
{
    struct process *p = process_of(ctx);
    bool brutal = timeout_ms == MOULT_BRUTAL_KILL;
    int error = task_check(p, task);

    if (error)
        return error;
    error = wait_for(p, task, 0, result);
    if (error != -ETIMEDOUT)
        return error;
    signal_unlink(p, task->pid);
    signal_exit(p, task->pid, brutal ? MOULT_KILL : MOULT_SHUTDOWN, NULL);
    error = wait_for(p, task, brutal ? MOULT_INFINITY : task_timeout_ms(timeout_ms),
                     result);
    if (error == -ETIMEDOUT) {
        signal_exit(p, task->pid, MOULT_KILL, NULL);
        error = wait_for(p, task, MOULT_INFINITY, result);
    }
    if (error == -EOWNERDEAD &&
        is_asked_for(&(moult_outcome){.error = error, .reason = p->answer->code}))
        return process_fail(p, -ECANCELED, "it was shut down");
    return error;
}

int moult_task_ignore(moult_ctx *ctx, const moult_task *task)
{
    struct process *p = process_of(ctx);
    int error = task_check(p, task);

    if (!error)
        task_forget(p, task);
    return error;
}

bool moult_match_task(const moult_in *message, uint64_t *ref, moult_in *result)
{
    moult_in in = *message, value;

    if (moult_peek(&in) != MOULT_MAP || !moult_find(&in, "task", &value))
        return false;
    *ref = moult_get_uint(&value);
    return !value.error && moult_find(&in, "result", result);
}
