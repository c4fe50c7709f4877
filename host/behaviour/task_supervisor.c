/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task_supervisor - a server whose links are its tasks.  Elixir: Task.Supervisor.
 *
 * They tie themselves to it and say so, before they run.
 */
#include "message.h"
#include "signals.h"
#include "task.h"

#define SHUTDOWN_MS 5000u /* that a task has to end in; as Elixir's */

struct task_supervisor {
    uint32_t max_children; /* 0: any number */
};

MOULT_STATE(task_supervisor_state, struct task_supervisor, MOULT_FIELD(max_children));

static uint32_t count_of(const struct process *p)
{
    return p->relations ? p->relations->links.count : 0;
}

/* -- callbacks -- */

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct task_supervisor *s = state;
    moult_in value;
    int64_t most = 0;

    if (moult_peek(args) == MOULT_MAP && moult_find(args, "max_children", &value)) {
        most = moult_get_int(&value);
        if (value.error || most < 0 || most > UINT32_MAX)
            return moult_stop_because(
                ctx, -EINVAL,
                "max_children of a task supervisor is an integer, "
                "0 for any number");
    } else if (moult_peek(args) != MOULT_NULL && moult_peek(args) != MOULT_MAP) {
        return moult_stop_because(
            ctx, -EINVAL, "a task supervisor's args are a map, of max_children");
    }
    s->max_children = (uint32_t)most;
    moult_trap_exit(ctx, true);
    return moult_noreply();
}

static void put_children(const struct process *p, moult_out *out)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    moult_put_array(out, count_of(p));
    while (p->relations && (entry = map_next(&p->relations->links, &at)))
        moult_put_pid(out, (moult_pid){entry->key});
}

static bool has_ended(struct process *p, moult_pid task)
{
    return !p->relations || !map_find(&p->relations->links, task.bits, NULL);
}

static void end_one(struct process *p, moult_pid task)
{
    signal_exit(p, task, MOULT_SHUTDOWN, NULL);
    if (process_await_until(p, has_ended, task, SHUTDOWN_MS) == 0)
        return;
    signal_exit(p, task, MOULT_KILL, NULL);
    process_await_until(p, has_ended, task, MOULT_INFINITY);
}

static moult_next terminate_child(moult_ctx *ctx, moult_pid task)
{
    if (has_ended(process_of(ctx), task))
        return moult_refuse(ctx, -ENOENT, "it has no such task");
    end_one(process_of(ctx), task);
    return moult_reply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    const struct task_supervisor *s = state;
    struct process *p = process_of(ctx);
    moult_in pid;

    if (moult_match(request, "children")) {
        put_children(p, reply);
        return moult_reply();
    }
    moult_put_null(reply);
    if (moult_match(request, "join")) { /* it is counted already */
        if (s->max_children && count_of(p) > s->max_children)
            return moult_refuse(ctx, -ENOSPC,
                                "the task supervisor has its max_children, %u",
                                s->max_children);
        return moult_reply();
    }
    if (moult_match_map(request, "terminate", &pid))
        return terminate_child(ctx, moult_get_pid(&pid));
    return moult_refuse(ctx, -EINVAL, "a task supervisor takes \"children\"");
}

/* Their ends, which the links have taken note of. */
static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_noreply();
}

static bool have_ended(struct process *p, moult_pid nobody)
{
    return count_of(p) == 0;
}

static void exit_all(struct process *p, int32_t reason)
{
    const struct map_entry *entry;
    uint32_t at = 0;

    while (p->relations && (entry = map_next(&p->relations->links, &at)))
        signal_exit(p, (moult_pid){entry->key}, reason, NULL);
}

static void terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    struct process *p = process_of(ctx);

    exit_all(p, MOULT_SHUTDOWN);
    if (process_await_until(p, have_ended, (moult_pid){0}, SHUTDOWN_MS) == 0)
        return;
    exit_all(p, MOULT_KILL);
    process_await_until(p, have_ended, (moult_pid){0}, MOULT_INFINITY);
}

const moult_server moult_task_supervisor = {.size = sizeof(moult_server),
                                            .state = task_supervisor_state,
                                            .init = init,
                                            .handle_call = handle_call,
                                            .handle_info = handle_info,
                                            .terminate = terminate};

/* -- asking it -- */

int moult_task_children(moult_ctx *ctx, moult_pid supervisor, moult_in *list)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, "children");
    return moult_call(ctx, supervisor, m, 0, list);
}

int moult_task_terminate_child(moult_ctx *ctx, moult_pid supervisor, moult_pid task)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, 1);
    moult_put_text(m, "terminate");
    moult_put_pid(m, task);
    return moult_call(ctx, supervisor, m, MOULT_INFINITY, NULL);
}
