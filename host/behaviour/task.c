/* SPDX-License-Identifier: Apache-2.0 */
#include "task.h"

#include <stdio.h>
#include <string.h>

#include "message.h"
#include "signals.h"
#include "utf8.h"

/* -- by the task itself -- */

static int32_t failed(struct process *p, int error, const char *text)
{
    return moult_fail(&p->ctx, error, "%s",
                      text && *text ? text : moult_strerror(error));
}

/* Become a child of the supervisor, which may have enough. */
static int join(struct process *p, const struct plain *s)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);
    int error;

    if (!e)
        return -ENOMEM;
    moult_put_text(&e->out, "join");
    error = signal_link(p, s->supervisor);
    if (error) {
        envelope_destroy(e);
        return error;
    }
    error = process_call(p, s->supervisor, e, MOULT_INFINITY);
    if (error)
        signal_unlink(p, s->supervisor);
    return error;
}

/* Tell who waits for the start that all is well. */
static int report(struct process *p, struct plain *s)
{
    struct envelope *reply = envelope_create(ENVELOPE_REPLY);

    if (!reply)
        return -ENOMEM;
    moult_put_null(&reply->out);
    reply->ref = s->args->ref;
    s->args->kind = ENVELOPE_CAST; /* it is answered */
    return process_send(p, s->args->from, reply);
}

/* Of a supervised one; linked to its owner before that hears of it. */
static int begin(struct process *p, struct plain *s)
{
    int error = join(p, s);

    if (!error && s->is_linked)
        error = signal_link(p, s->owner);
    return error ? error : report(p, s);
}

static int32_t tell(struct process *p, struct plain *s)
{
    struct envelope *result = s->result;

    if (result->out.error)
        return failed(p, result->out.error, "its result could not be written");
    if (!result->out.len)
        moult_put_null(&result->out);
    s->result = NULL;
    result->from = process_pid(p);
    result->ref = s->ref;
    process_send(p, s->owner, result);
    return MOULT_NORMAL;
}

static int32_t run_task(struct process *p, struct plain *s, moult_in *args)
{
    int error = s->supervisor.bits ? begin(p, s) : 0;
    int32_t reason;

    if (error)
        return failed(p, error, moult_call_text(&p->ctx));
    s->result = envelope_create(ENVELOPE_RESULT);
    if (!s->result)
        return failed(p, -ENOMEM, "no memory for its result");
    reason = ((moult_task_function *)s->run)(&p->ctx, args, &s->result->out);
    return reason == MOULT_NORMAL && s->ref ? tell(p, s) : reason;
}

/* -- by who starts it -- */

/* Launch it, and wait until its supervisor has it. */
static int start_supervised(struct process *by, struct process *p, struct envelope *e,
                            const moult_task *task)
{
    int error;

    e->kind = ENVELOPE_START;
    error = process_start(by, p, e, MOULT_INFINITY);
    if (error == -EOWNERDEAD && by->answer->code < 0)
        error = by->answer->code; /* why the supervisor did not take it */
    if (error)
        moult_demonitor(&by->ctx, task->ref);
    return error;
}

static int start(struct process *by, const struct plain_spec *spec,
                 const moult_task_options *o, moult_task *task)
{
    moult_spawned spawned = {0};
    struct process *p = plain_create(by, spec, &spawned);
    char text[120];
    struct plain *s;

    if (!p) {
        envelope_destroy(spec->args);
        return process_fail(by, -ENOMEM, process_shortage(text, sizeof(text)));
    }
    s = p->data;
    s->owner = process_pid(by);
    s->ref = spawned.ref;
    s->supervisor = o->supervisor;
    s->is_linked = o->flags & MOULT_LINKED;
    *task = (moult_task){spawned.pid, s->owner, s->ref};
    if (o->supervisor.bits)
        return start_supervised(by, p, spec->args, task);
    process_launch(p, spec->args);
    return 0;
}

/* What they had at first; they have only grown since. */
#define OPTIONS_MIN (offsetof(moult_task_options, max_callback_ms) + sizeof(uint32_t))

/* `options` may be NULL; NULL: nothing. */
static const char *wrong_with(moult_task_function *run, const moult_task_options *o)
{
    if (!run)
        return "a task needs a function";
    if (o && o->size < OPTIONS_MIN)
        return "the options say they have too few bytes: begin them with .size = "
               "sizeof(moult_task_options)";
    if (o && o->flags & ~(MOULT_LINKED | MOULT_AWAITED))
        return "the options have flags besides MOULT_LINKED and MOULT_AWAITED";
    if (o && o->label && !utf8_valid(o->label, strlen(o->label)))
        return "the label is not UTF-8";
    return NULL;
}

int moult_task_opt(moult_ctx *ctx, moult_task_function *run, moult_out *args,
                   const moult_task_options *options, moult_task *task)
{
    moult_task_options o = {.size = sizeof(o)};
    moult_spawn_options how = {.size = sizeof(how)};
    struct plain_spec spec = {.class = &task_class,
                              .call = run_task,
                              .run = (void (*)(void))run,
                              .options = &how};
    const char *wrong;
    moult_task made;
    int error = plain_args(process_of(ctx), args, &spec.args);

    if (error)
        return process_fail(process_of(ctx), error, moult_strerror(error));
    if (options)
        memcpy(&o, options, options->size < sizeof(o) ? options->size : sizeof(o));
    wrong = wrong_with(run, options);
    if (wrong) {
        envelope_destroy(spec.args);
        return process_fail(process_of(ctx), -EINVAL, wrong);
    }
    how.flags = (o.flags & MOULT_AWAITED ? MOULT_MONITORED : 0) |
                (o.supervisor.bits ? 0 : o.flags & MOULT_LINKED);
    how.label = o.label;
    how.max_heap = o.max_heap;
    how.warn_callback_ms = o.warn_callback_ms;
    how.max_callback_ms = o.max_callback_ms;
    error = start(process_of(ctx), &spec, &o, &made);
    if (!error && task)
        *task = made;
    return error;
}
