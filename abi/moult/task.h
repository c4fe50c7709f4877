/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task - a function that runs beside its caller, who waits for what it comes to.  Elixir:
 * Task, Task.Supervisor.
 *
 *     static int32_t fetch(moult_ctx *ctx, moult_in *args, moult_out *result);
 *     ...
 *     moult_task task;
 *     moult_in page;
 *
 *     error = moult_task_async(ctx, fetch, url, &task);
 *     ...
 *     error = error ? error : moult_task_await(ctx, &task, 0, &page);
 *
 * A task is a plain process (spawn.h), and what is said of those holds: an upgrade leaves
 * it in the code that started it.  It belongs to who started it: only that process may
 * wait for it.  What a server starts and does not wait for is told to its handle_info:
 * moult_match_task(), or moult_match_down() if it failed.
 */
#ifndef MOULT_TASK_H
#define MOULT_TASK_H

#include "server.h"
#include "spawn.h"

MOULT_BEGIN

/*
 * What a task runs: MOULT_NORMAL, and what was put in `result`, or why it failed, as
 * returned by moult_fail() for example.
 */
typedef int32_t moult_task_function(moult_ctx *ctx, moult_in *args, moult_out *result);

/* One that was started; a plain value.  Elixir: %Task{}. */
typedef struct {
    moult_pid pid, owner;
    uint64_t ref; /* what its result is known by, and its monitor; 0: nobody waits */
} moult_task;

/* -- starting -- */

enum { MOULT_AWAITED = 4 }; /* its owner hears what it comes to */

/* All may be left zero but `size`. */
typedef struct {
    uint32_t size;        /* sizeof(moult_task_options); only grows */
    int32_t flags;        /* MOULT_LINKED, MOULT_AWAITED */
    const char *label;    /* for people, copied; NULL: "process" */
    moult_pid supervisor; /* of tasks, whose child it becomes; nobody: none */
    uint64_t max_heap;    /* these three as in moult_child */
    uint32_t warn_callback_ms, max_callback_ms;
} moult_task_options;

/*
 * Start a task that runs `run`, which is of the caller's own plugin, with `args` (taken;
 * NULL: null).  0 and `*task` (may be NULL); -EINVAL, -ENOMEM; with a supervisor also
 * -ENOSPC (its max_children), and the errors of moult_call().  [server]
 */
MOULT_EXPORT int moult_task_opt(moult_ctx *ctx, moult_task_function *run,
                                moult_out *args, const moult_task_options *options,
                                moult_task *task);

/* NOLINTNEXTLINE(readability-function-size): what the names below stand for */
static inline int moult_task_as(moult_ctx *ctx, const char *label, moult_pid supervisor,
                                int32_t flags, moult_task_function *run,
                                moult_out *args, moult_task *task)
{
    moult_task_options o = {sizeof(o), flags, label, supervisor, 0, 0, 0};

    return moult_task_opt(ctx, run, args, &o, task);
}

/* NOLINTBEGIN(readability-identifier-naming): they read as the function they call */

/*
 * Linked to the caller, who waits for it: if it fails the caller ends, too, unless it traps
 * exits.  Elixir: Task.async, Task.Supervisor.async.  [server]
 */
#define moult_task_async(ctx, run, args, task)                                    \
    moult_task_as(ctx, #run, moult_pid_none(), MOULT_LINKED | MOULT_AWAITED, run, \
                  args, task)
#define moult_task_async_in(ctx, supervisor, run, args, task) \
    moult_task_as(ctx, #run, supervisor, MOULT_LINKED | MOULT_AWAITED, run, args, task)

/* Not linked: that it failed is only told.  Elixir: Task.Supervisor.async_nolink. */
#define moult_task_async_nolink(ctx, supervisor, run, args, task) \
    moult_task_as(ctx, #run, supervisor, MOULT_AWAITED, run, args, task)

/*
 * Nobody waits for it.  Elixir: Task.start, Task.start_link, Task.Supervisor.start_child;
 * there it may be restarted, which code that may be another by then rules out here.
 */
#define moult_task_start(ctx, run, args, task) \
    moult_task_as(ctx, #run, moult_pid_none(), 0, run, args, task)
#define moult_task_start_link(ctx, run, args, task) \
    moult_task_as(ctx, #run, moult_pid_none(), MOULT_LINKED, run, args, task)
#define moult_task_start_child(ctx, supervisor, run, args, task) \
    moult_task_as(ctx, #run, supervisor, 0, run, args, task)

/* NOLINTEND(readability-identifier-naming) */

/* -- waiting for one -- */

/*
 * Wait up to `timeout_ms` (0: 5000) for what `task` comes to, once.  Elixir: Task.await,
 * but failures are returned:
 *
 *   0            `*result` (may be NULL), lent until the next moult_receive() or wait for
 *                a task, or the end of the callback
 *   -ETIMEDOUT   and the task is killed
 *   -EOWNERDEAD  it failed; moult_call_reason() and moult_call_text() say why
 *   -EPERM       another process started it, or nobody is to wait for it
 *   -ENOMEM      no stack to wait with
 *
 * [server]
 */
MOULT_EXPORT int moult_task_await(moult_ctx *ctx, const moult_task *task,
                                  uint64_t timeout_ms, moult_in *result);

/*
 * The same, but after -ETIMEDOUT it goes on, and may be waited for again.  MOULT_NOW only
 * looks.  Elixir: Task.yield.  [server]
 */
MOULT_EXPORT int moult_task_yield(moult_ctx *ctx, const moult_task *task,
                                  uint64_t timeout_ms, moult_in *result);

/*
 * Have it end: asked to, and killed after `timeout_ms` (0: 5000), or at once with
 * MOULT_BRUTAL_KILL.  0 and `*result` if that had come already; -ECANCELED (it ended as
 * asked); -EOWNERDEAD (it had failed); -EPERM.  Elixir: Task.shutdown.  [server]
 */
MOULT_EXPORT int moult_task_shutdown(moult_ctx *ctx, const moult_task *task,
                                     uint64_t timeout_ms, moult_in *result);

/*
 * Let it go on, unlinked, and hear no more of it.  What it came to is dropped.  0, -EPERM.
 * Elixir: Task.ignore.  [server]
 */
MOULT_EXPORT int moult_task_ignore(moult_ctx *ctx, const moult_task *task);

/*
 * True, and `*ref` and a cursor at the result, if `message` tells handle_info what a task
 * came to.  It is the map {"task": ref, "result"}; its moult_ended follows unless
 * moult_demonitor(ctx, ref) calls that off.  Elixir: {ref, result}.  [pure]
 */
MOULT_EXPORT bool moult_match_task(const moult_in *message, uint64_t *ref,
                                   moult_in *result);

/* -- waiting for many -- */

typedef struct {
    int error;        /* 0, -ETIMEDOUT (it goes on), -ECANCELED (killed), -EOWNERDEAD */
    int32_t reason;   /* why it ended, if it failed */
    const char *text; /* that in words */
    moult_in result;  /* if there is no error */
} moult_outcome;      /* all of it lent as moult_task_await()'s result */

enum { MOULT_ON_TIMEOUT_NOTHING, MOULT_ON_TIMEOUT_IGNORE, MOULT_ON_TIMEOUT_KILL };

/* All may be left zero but `size`. */
typedef struct {
    uint32_t size;       /* sizeof(moult_yield_options); only grows */
    uint32_t limit;      /* so many outcomes are enough; 0: all */
    uint64_t timeout_ms; /* for all together; 0: 5000 */
    int32_t on_timeout;  /* what becomes of the others: MOULT_ON_TIMEOUT_NOTHING ... */
} moult_yield_options;

/*
 * Wait for all of `tasks`, with one deadline.  0 and an outcome for each; or the error of
 * the first that failed, or -ETIMEDOUT: then those that still run are killed, and the
 * outcomes say which.  -EPERM, -ENOMEM: nothing was done.  Elixir: Task.await_many.
 * [server]
 */
MOULT_EXPORT int moult_task_await_many(moult_ctx *ctx, const moult_task *tasks,
                                       size_t count, uint64_t timeout_ms,
                                       moult_outcome *outcomes);

/* Wait as `options` (may be NULL) say.  0, -EPERM, -ENOMEM.  Elixir: Task.yield_many. */
MOULT_EXPORT int moult_task_yield_many(moult_ctx *ctx, const moult_task *tasks,
                                       size_t count, const moult_yield_options *options,
                                       moult_outcome *outcomes);

/*
 * One task for each input, some at a time.  All may be left zero but `size`, `next` and
 * `each`, which the caller runs.
 */
typedef struct {
    uint32_t size;            /* sizeof(moult_task_stream); only grows */
    uint32_t max_concurrency; /* tasks at a time; 0: one a core */
    uint64_t timeout_ms;      /* of each; 0: 5000 */
    int32_t on_timeout;   /* MOULT_ON_TIMEOUT_KILL: an outcome; 0: the stream ends */
    int32_t unordered;    /* 1: outcomes as they come, not in the order of inputs */
    moult_pid supervisor; /* of the tasks, which are not linked then; nobody: none */
    void *context;        /* for the two below */
    /* Write the next input; false: there is none. */
    bool (*next)(void *context, moult_out *args);
    /* Be told what input `index` came to, lent for the call; false: that is enough. */
    bool (*each)(void *context, uint64_t index, const moult_outcome *outcome);
} moult_task_stream;

/*
 * Run `run` for each input.  0 when all were told, or `each` had enough; -ETIMEDOUT, or an
 * error of moult_task_opt().  In any case no task of it runs any more.  Elixir:
 * Task.async_stream, async_stream_nolink.  [server]
 */
MOULT_EXPORT int moult_task_run_stream(moult_ctx *ctx, moult_task_function *run,
                                       const moult_task_stream *stream);

/* -- a supervisor of tasks -- */

/*
 * What a child is that supervises tasks; it ends those that are left when it is ended:
 *
 *     {.id = "tasks", .server = &moult_task_supervisor, .name = "tasks",
 *      .args = "{\"max_children\": 100}"}
 *
 * Its tasks are temporary, and have 5 s to end when it is ended: give its child a
 * .shutdown_ms of more than that.  Elixir: Task.Supervisor.
 */
MOULT_EXPORT extern const moult_server moult_task_supervisor;

/* Its tasks: `*list`, lent as a call's reply, is at an array of pids.  [server] */
MOULT_EXPORT int moult_task_children(moult_ctx *ctx, moult_pid supervisor,
                                     moult_in *list);

/* End one of them as it ends them all.  0, -ENOENT.  [server] */
MOULT_EXPORT int moult_task_terminate_child(moult_ctx *ctx, moult_pid supervisor,
                                            moult_pid task);

MOULT_END

#endif
