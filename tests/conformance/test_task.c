/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

typedef void errand(moult_ctx *ctx, void *context);

static moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    errand *run = (errand *)(uintptr_t)moult_get_uint(request);

    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

/* What handle_info was told. */
static struct {
    unsigned results, downs, exits, others;
    uint64_t ref;
    int64_t value;
    int32_t reason;
} told;

static moult_next info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_ended e;
    moult_in result;

    if (moult_match_task(message, &told.ref, &result)) {
        told.results++;
        told.value = moult_get_int(&result);
    } else if (moult_match_down(message, &e)) {
        told.downs++;
        told.reason = e.reason;
    } else if (moult_match_exit(message, &e)) {
        told.exits++;
    } else {
        told.others++;
    }
    return moult_noreply();
}

static const moult_server errands = {
    .size = sizeof(moult_server), .handle_call = call, .handle_info = info};

static moult_pid it;
static moult_task task;
static int error;
static int32_t reason;
static int64_t value;
static char text[64];
static uint64_t timeout_ms;

static int begin_on(void **state)
{
    memset(&told, 0, sizeof(told));
    error = 1;
    value = 0;
    timeout_ms = 0;
    it = serve(&errands);
    return 0;
}

static int begin(void **state)
{
    one_worker(state);
    return begin_on(state);
}

static struct envelope *order(errand *run, void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)context);
    return e;
}

/* Have `pid` run it, inside a callback, and wait. */
static void run_in(moult_pid pid, errand *run, void *context)
{
    ask_and_wait(pid, order(run, context), MOULT_INFINITY, NULL, NULL, 0);
    workers_settle();
}

/* The same, and let it go on. */
static void post(errand *run)
{
    assert_int_equal(ask(it, order(run, NULL), MOULT_INFINITY, NULL, NULL), 0);
    workers_settle();
}

/* -- what tasks do -- */

static moult_out *number(moult_ctx *ctx, int64_t n)
{
    moult_out *m = moult_draft(ctx);

    moult_put_int(m, n);
    return m;
}

static int32_t twice(moult_ctx *ctx, moult_in *args, moult_out *result)
{
    moult_put_int(result, 2 * moult_get_int(args));
    return MOULT_NORMAL;
}

static int32_t fails(moult_ctx *ctx, moult_in *args, moult_out *result)
{
    moult_put_int(result, 1);
    return moult_fail(ctx, -EIO, "nothing came");
}

/* Twice its args, after as many milliseconds. */
static int32_t slow(moult_ctx *ctx, moult_in *args, moult_out *result)
{
    int64_t n = moult_get_int(args);

    moult_sleep(ctx, (uint64_t)n);
    moult_put_int(result, 2 * n);
    return n == 13 ? -EIO : MOULT_NORMAL;
}

static int32_t stubborn(moult_ctx *ctx, moult_in *args, moult_out *result)
{
    moult_trap_exit(ctx, true);
    moult_sleep(ctx, 100000);
    return MOULT_NORMAL;
}

/* -- one -- */

static void await_it(moult_ctx *ctx, void *context)
{
    moult_in result;

    error = moult_task_await(ctx, &task, timeout_ms, &result);
    reason = error ? moult_call_reason(ctx) : 0;
    value = error ? 0 : moult_get_int(&result);
    snprintf(text, sizeof(text), "%s", error ? moult_call_text(ctx) : "");
}

static void async_twice(moult_ctx *ctx, void *context)
{
    check(moult_task_async(ctx, twice, number(ctx, 21), &task) == 0);
    await_it(ctx, NULL);
}

static void who_awaits_a_task_is_given_what_it_came_to(void **state)
{
    run_in(it, async_twice, NULL);
    assert_int_equal(error, 0);
    assert_int_equal(value, 42);
    assert_int_equal(told.results + told.downs + told.exits, 0);
}

static void async_nolink_fails(moult_ctx *ctx, void *context)
{
    check(moult_task_async_nolink(ctx, moult_pid_none(), fails, NULL, &task) == 0);
    await_it(ctx, NULL);
}

static void why_it_failed_is_told_to_who_awaits_it(void **state)
{
    run_in(it, async_nolink_fails, NULL);
    assert_int_equal(error, -EOWNERDEAD);
    assert_int_equal(reason, -EIO);
    assert_string_equal(text, "nothing came");
    assert_true(alive(it));
}

static void async_fails(moult_ctx *ctx, void *context)
{
    check(moult_task_async(ctx, fails, NULL, &task) == 0);
}

static void one_that_is_linked_and_fails_ends_its_owner(void **state)
{
    run_in(it, async_fails, NULL);
    assert_false(alive(it));
}

static void trap(moult_ctx *ctx, void *context)
{
    moult_trap_exit(ctx, true);
}

static void unless_its_owner_traps_exits(void **state)
{
    run_in(it, trap, NULL);
    run_in(it, async_fails, NULL);
    assert_true(alive(it));
    assert_int_equal(told.exits, 1);
    assert_int_equal(told.downs, 1);
}

static void async_slow(moult_ctx *ctx, void *context)
{
    check(moult_task_async(ctx, slow, number(ctx, 100), &task) == 0);
    await_it(ctx, NULL);
}

static void one_that_is_not_done_in_time_is_killed(void **state)
{
    timeout_ms = 50;
    post(async_slow);
    pass(50);
    assert_int_equal(error, -ETIMEDOUT);
    assert_false(moult_is_alive(task.pid));
    assert_true(alive(it));
    pass(100);
    assert_int_equal(told.results + told.downs, 0);
}

static void async_stubborn(moult_ctx *ctx, void *context)
{
    check(moult_task_async(ctx, stubborn, NULL, &task) == 0);
    await_it(ctx, NULL);
}

static void a_task_has_five_seconds_unless_told_otherwise(void **state)
{
    post(async_stubborn);
    pass(4999);
    assert_int_equal(error, 1);
    pass(1);
    assert_int_equal(error, -ETIMEDOUT);
}

static void start_slow(moult_ctx *ctx, void *context)
{
    check(moult_task_async(ctx, slow, number(ctx, 100), &task) == 0);
}

static void yield_it(moult_ctx *ctx, void *context)
{
    moult_in result;

    error = moult_task_yield(ctx, &task, timeout_ms, &result);
    value = error ? 0 : moult_get_int(&result);
}

static void one_that_is_yielded_to_goes_on(void **state)
{
    run_in(it, start_slow, NULL);
    timeout_ms = MOULT_NOW;
    run_in(it, yield_it, NULL);
    assert_int_equal(error, -ETIMEDOUT);
    timeout_ms = 10;
    post(yield_it);
    pass(10);
    assert_int_equal(error, -ETIMEDOUT);
    timeout_ms = 1000;
    post(yield_it);
    pass(90);
    assert_int_equal(error, 0);
    assert_int_equal(value, 200);
}

static void only_who_started_it_may_wait_for_it(void **state)
{
    run_in(it, start_slow, NULL);
    run_in(serve(&errands), await_it, NULL);
    assert_int_equal(error, -EPERM);
    assert_true(moult_is_alive(task.pid));
}

static void what_nobody_awaits_is_told_to_handle_info(void **state)
{
    run_in(it, start_slow, NULL);
    pass(100);
    assert_int_equal(told.results, 1);
    assert_int_equal(told.ref, task.ref);
    assert_int_equal(told.value, 200);
    assert_int_equal(told.downs, 1);
    assert_int_equal(told.reason, MOULT_NORMAL);
}

static void ignore_it(moult_ctx *ctx, void *context)
{
    error = moult_task_ignore(ctx, &task);
}

static void one_that_is_ignored_goes_on_unheard(void **state)
{
    run_in(it, start_slow, NULL);
    run_in(it, ignore_it, NULL);
    assert_int_equal(error, 0);
    assert_true(moult_is_alive(task.pid));
    pass(100);
    assert_false(moult_is_alive(task.pid));
    assert_int_equal(told.results + told.downs, 0);
}

static void start_for_nobody(moult_ctx *ctx, void *context)
{
    check(moult_task_start(ctx, fails, NULL, &task) == 0);
    error = moult_task_await(ctx, &task, 0, NULL);
}

static void one_that_nobody_is_to_wait_for_tells_nobody(void **state)
{
    run_in(it, start_for_nobody, NULL);
    assert_int_equal(error, -EPERM);
    assert_int_equal(told.results + told.downs, 0);
    assert_true(alive(it));
}

/* -- shutdown -- */

static void shut_down(moult_ctx *ctx, void *context)
{
    moult_in result;

    error = moult_task_shutdown(ctx, &task, timeout_ms, &result);
    value = error ? 0 : moult_get_int(&result);
}

static void one_that_is_shut_down_ends_as_asked(void **state)
{
    run_in(it, start_slow, NULL);
    run_in(it, shut_down, NULL);
    assert_int_equal(error, -ECANCELED);
    assert_false(moult_is_alive(task.pid));
    assert_int_equal(told.downs + told.exits, 0);
    assert_true(alive(it));
}

static void start_twice(moult_ctx *ctx, void *context)
{
    check(moult_task_async(ctx, twice, number(ctx, 4), &task) == 0);
    moult_sleep(ctx, 10);
    shut_down(ctx, NULL);
}

static void what_it_came_to_before_it_was_shut_down_is_not_lost(void **state)
{
    post(start_twice);
    pass(10);
    assert_int_equal(error, 0);
    assert_int_equal(value, 8);
}

static void start_stubborn(moult_ctx *ctx, void *context)
{
    check(moult_task_async(ctx, stubborn, NULL, &task) == 0);
}

static void one_that_does_not_end_as_asked_is_killed(void **state)
{
    run_in(it, start_stubborn, NULL);
    timeout_ms = 100;
    post(shut_down);
    pass(99);
    assert_true(moult_is_alive(task.pid));
    pass(1);
    assert_false(moult_is_alive(task.pid));
    assert_int_equal(error, -ECANCELED);
}

/* As in Elixir: what is sure is that it is asked to, not that it is killed later. */
static void who_dies_while_it_shuts_one_down_has_asked_it_to_end(void **state)
{
    timeout_ms = 1000;
    run_in(it, start_stubborn, NULL);
    post(shut_down);
    signal_exit(NULL, it, MOULT_KILL, NULL);
    assert_gone(it);
    pass(2000);
    assert_true(alive(task.pid));
    assert_int_equal(process_find(task.pid)->backlog, 1); /* the exit, which it traps */
    pass(100000);
    assert_gone(task.pid);
}

static void a_brutal_shutdown_does_not_wait(void **state)
{
    run_in(it, start_stubborn, NULL);
    timeout_ms = MOULT_BRUTAL_KILL;
    run_in(it, shut_down, NULL);
    assert_int_equal(error, -ECANCELED);
    assert_false(moult_is_alive(task.pid));
}

/* -- many -- */

#define MANY 4

static moult_task tasks[MANY];
static moult_outcome outcomes[MANY];
static int64_t values[MANY];
static moult_yield_options options;
static int64_t delays[MANY];

static void start_many(moult_ctx *ctx)
{
    for (int i = 0; i < MANY; i++)
        check(moult_task_async_nolink(ctx, moult_pid_none(), slow,
                                      number(ctx, delays[i]), &tasks[i]) == 0);
}

static void take_values(void)
{
    for (int i = 0; i < MANY; i++)
        values[i] = outcomes[i].error ? 0 : moult_get_int(&outcomes[i].result);
}

static void await_many(moult_ctx *ctx, void *context)
{
    start_many(ctx);
    error = moult_task_await_many(ctx, tasks, MANY, timeout_ms, outcomes);
    reason = moult_call_reason(ctx);
    take_values();
}

static void yield_many(moult_ctx *ctx, void *context)
{
    start_many(ctx);
    error = moult_task_yield_many(ctx, tasks, MANY, &options, outcomes);
    take_values();
}

static void set_delays(int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t all[MANY] = {a, b, c, d};

    memcpy(delays, all, sizeof(all));
    options = (moult_yield_options){.size = sizeof(options)};
}

static void many_are_awaited_together(void **state)
{
    static const int64_t wanted[] = {80, 20, 60, 40};

    set_delays(40, 10, 30, 20);
    post(await_many);
    pass(40);
    assert_int_equal(error, 0);
    assert_memory_equal(values, wanted, sizeof(wanted));
    assert_int_equal(told.downs + told.results, 0);
}

static void the_first_of_many_that_fails_ends_the_wait_and_the_others(void **state)
{
    set_delays(40, 13, 30, 5);
    post(await_many);
    pass(13);
    assert_int_equal(error, -EOWNERDEAD);
    assert_int_equal(reason, -EIO);
    assert_int_equal(outcomes[0].error, -ECANCELED);
    assert_int_equal(outcomes[1].error, -EOWNERDEAD);
    assert_int_equal(outcomes[1].reason, -EIO);
    assert_int_equal(outcomes[3].error, 0);
    assert_false(moult_is_alive(tasks[0].pid));
    assert_int_equal(told.downs + told.results, 0);
}

static void many_have_one_deadline(void **state)
{
    timeout_ms = 25;
    set_delays(40, 10, 30, 20);
    post(await_many);
    pass(24);
    assert_int_equal(error, 1);
    pass(1);
    assert_int_equal(error, -ETIMEDOUT);
    assert_false(moult_is_alive(tasks[0].pid));
}

static void who_yields_to_many_gets_what_there_is_when_time_is_up(void **state)
{
    NEEDS_ONE_WORKER;
    set_delays(40, 13, 30, 5);
    options.timeout_ms = 20;
    post(yield_many);
    pass(20);
    assert_int_equal(error, 0);
    assert_int_equal(outcomes[0].error, -ETIMEDOUT);
    assert_int_equal(outcomes[1].error, -EOWNERDEAD);
    assert_int_equal(values[3], 10);
    assert_true(moult_is_alive(tasks[0].pid));
    pass(20); /* what comes later is told to handle_info */
    assert_int_equal(told.results, 2);
}

static void who_yields_to_many_may_have_enough(void **state)
{
    set_delays(40, 10, 30, 20);
    options.limit = 2;
    options.on_timeout = MOULT_ON_TIMEOUT_KILL;
    post(yield_many);
    pass(20);
    assert_int_equal(error, 0);
    assert_int_equal(values[1], 20);
    assert_int_equal(values[3], 40);
    assert_int_equal(outcomes[0].error, -ECANCELED);
    assert_false(moult_is_alive(tasks[2].pid));
}

static void who_yields_to_many_may_ignore_the_others(void **state)
{
    set_delays(40, 10, 30, 20);
    options.timeout_ms = 15;
    options.on_timeout = MOULT_ON_TIMEOUT_IGNORE;
    post(yield_many);
    pass(15);
    assert_true(moult_is_alive(tasks[0].pid));
    pass(30);
    assert_false(moult_is_alive(tasks[0].pid));
    assert_int_equal(told.results + told.downs, 0);
}

/* -- streams -- */

static struct {
    moult_task_stream how;
    int64_t inputs[8];
    unsigned given, count, enough;
    uint64_t order[8];
    int64_t values[8];
    int errors[8];
} streamed;

static bool next_input(void *context, moult_out *args)
{
    if (streamed.given == 8 || streamed.inputs[streamed.given] == 0)
        return false;
    moult_put_int(args, streamed.inputs[streamed.given++]);
    return true;
}

static bool note_outcome(void *context, uint64_t index, const moult_outcome *outcome)
{
    moult_in result = outcome->result;

    streamed.order[streamed.count] = index;
    streamed.errors[streamed.count] = outcome->error;
    streamed.values[streamed.count++] = outcome->error ? 0 : moult_get_int(&result);
    return streamed.count != streamed.enough;
}

static void stream(moult_ctx *ctx, void *context)
{
    error = moult_task_run_stream(ctx, slow, &streamed.how);
}

static void prepare(const int64_t *inputs, size_t count, uint32_t at_a_time)
{
    memset(&streamed, 0, sizeof(streamed));
    memcpy(streamed.inputs, inputs, count * sizeof(*inputs));
    streamed.how = (moult_task_stream){.size = sizeof(streamed.how),
                                       .max_concurrency = at_a_time,
                                       .next = next_input,
                                       .each = note_outcome};
}

static void a_stream_runs_some_at_a_time_and_keeps_their_order(void **state)
{
    prepare((const int64_t[]){30, 10, 20, 10}, 4, 2);
    post(stream);
    assert_int_equal(streamed.given, 2);
    pass(10); /* the second waits for the first to be told */
    assert_int_equal(streamed.count, 0);
    pass(20);
    assert_int_equal(streamed.count, 2);
    assert_int_equal(streamed.given, 4);
    pass(20);
    assert_int_equal(error, 0);
    assert_int_equal(streamed.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(streamed.order[i], i);
        assert_int_equal(streamed.values[i], 2 * streamed.inputs[i]);
    }
    assert_int_equal(told.results + told.downs + told.exits, 0);
}

static void an_unordered_stream_tells_what_comes_first(void **state)
{
    prepare((const int64_t[]){30, 10, 10}, 3, 2);
    streamed.how.unordered = 1;
    post(stream);
    pass(10);
    assert_int_equal(streamed.count, 1);
    assert_int_equal(streamed.order[0], 1);
    pass(10);
    assert_int_equal(streamed.order[1], 2);
    pass(10);
    assert_int_equal(error, 0);
    assert_int_equal(streamed.order[2], 0);
}

static void a_stream_ends_with_the_first_that_takes_too_long(void **state)
{
    NEEDS_ONE_WORKER;
    prepare((const int64_t[]){10, 500, 10}, 3, 2);
    streamed.how.timeout_ms = 50;
    post(stream);
    pass(100);
    assert_int_equal(error, -ETIMEDOUT);
    assert_int_equal(streamed.count, 1);
    assert_true(alive(it));
}

static void or_goes_on_without_it(void **state)
{
    prepare((const int64_t[]){10, 500, 10}, 3, 2);
    streamed.how.timeout_ms = 50;
    streamed.how.on_timeout = MOULT_ON_TIMEOUT_KILL;
    post(stream);
    pass(10);
    pass(10);
    pass(30);
    assert_int_equal(error, 0);
    assert_int_equal(streamed.count, 3);
    assert_int_equal(streamed.errors[1], -ETIMEDOUT);
    assert_int_equal(streamed.errors[2], 0);
}

static void a_stream_that_has_enough_ends_what_still_runs(void **state)
{
    uint32_t before;

    prepare((const int64_t[]){10, 500, 500, 500}, 4, 3);
    streamed.enough = 1;
    workers_settle();
    before = process_count();
    post(stream);
    pass(10);
    assert_int_equal(error, 0);
    assert_int_equal(streamed.count, 1);
    assert_int_equal(process_count(), before);
}

/* -- a supervisor -- */

static moult_pid supervisor;

static void supervise(const char *args)
{
    supervisor = serve_given(&moult_task_supervisor, "tasks", args).pid;
    assert_true(supervisor.bits);
}

static void start_child(moult_ctx *ctx, void *context)
{
    error = moult_task_start_child(ctx, supervisor, slow, number(ctx, 100), &task);
    snprintf(text, sizeof(text), "%s", error ? moult_call_text(ctx) : "");
}

static void count_children(moult_ctx *ctx, void *context)
{
    moult_in list;

    check(moult_task_children(ctx, supervisor, &list) == 0);
    value = (int64_t)moult_get_array(&list);
}

static int64_t children(void)
{
    run_in(it, count_children, NULL);
    return value;
}

static void a_supervisor_has_its_tasks_as_children_until_they_end(void **state)
{
    supervise("\xf6");
    run_in(it, start_child, NULL);
    run_in(it, start_child, NULL);
    assert_int_equal(children(), 2);
    pass(100);
    assert_int_equal(children(), 0);
}

static void a_supervisor_takes_no_more_than_its_max_children(void **state)
{
    supervise("\xa1\x6cmax_children\x01");
    run_in(it, start_child, NULL);
    assert_int_equal(error, 0);
    run_in(it, start_child, NULL);
    assert_int_equal(error, -ENOSPC);
    assert_string_equal(text, "the task supervisor has its max_children, 1");
    assert_int_equal(children(), 1);
    assert_int_equal(told.downs, 0);
    pass(100);
    run_in(it, start_child, NULL);
    assert_int_equal(error, 0);
}

static void async_in(moult_ctx *ctx, void *context)
{
    check(moult_task_async_in(ctx, supervisor, twice, number(ctx, 3), &task) == 0);
    await_it(ctx, NULL);
}

static void who_has_a_supervisor_start_a_task_waits_for_it_itself(void **state)
{
    supervise("\xf6");
    run_in(it, async_in, NULL);
    assert_int_equal(error, 0);
    assert_int_equal(value, 6);
    assert_true(alive(it));
}

static void async_in_supervisor_fails(moult_ctx *ctx, void *context)
{
    check(moult_task_async_in(ctx, supervisor, fails, NULL, &task) == 0);
}

static void such_a_task_is_linked_to_its_owner_too(void **state)
{
    supervise("\xf6");
    run_in(it, async_in_supervisor_fails, NULL);
    assert_false(alive(it));
    assert_true(alive(supervisor));
}

static void nolink_in_supervisor(moult_ctx *ctx, void *context)
{
    check(moult_task_async_nolink(ctx, supervisor, fails, NULL, &task) == 0);
    await_it(ctx, NULL);
}

static void or_not(void **state)
{
    supervise("\xf6");
    run_in(it, nolink_in_supervisor, NULL);
    assert_int_equal(error, -EOWNERDEAD);
    assert_true(alive(it));
}

static void end_child(moult_ctx *ctx, void *context)
{
    error = moult_task_terminate_child(ctx, supervisor, task.pid);
}

static void a_child_is_ended_when_that_is_asked_for(void **state)
{
    supervise("\xf6");
    run_in(it, start_child, NULL);
    run_in(it, end_child, NULL);
    assert_int_equal(error, 0);
    assert_false(moult_is_alive(task.pid));
    run_in(it, end_child, NULL);
    assert_int_equal(error, -ENOENT);
}

static void end_supervisor(struct process *p, void *context)
{
    signal_exit(p, supervisor, MOULT_SHUTDOWN, NULL);
}

static void a_supervisor_that_ends_ends_its_tasks(void **state)
{
    supervise("\xf6");
    run_in(it, start_child, NULL);
    actor_do(starter(), end_supervisor, NULL);
    assert_gone(supervisor);
    assert_false(moult_is_alive(task.pid));
}

static void without_its_supervisor_no_task_is_started(void **state)
{
    supervise("\xf6");
    actor_do(starter(), end_supervisor, NULL);
    assert_gone(supervisor);
    run_in(it, start_child, NULL);
    assert_int_equal(error, -ESRCH);
}

/* -- on all cores -- */

static struct {
    unsigned most, given;
    int64_t sum;
} crowd;

static bool next_of_crowd(void *context, moult_out *args)
{
    if (crowd.given == crowd.most)
        return false;
    moult_put_int(args, ++crowd.given);
    return true;
}

static bool add_up(void *context, uint64_t index, const moult_outcome *outcome)
{
    moult_in result = outcome->result;

    check(!outcome->error);
    crowd.sum += moult_get_int(&result);
    return true;
}

static void stream_many(moult_ctx *ctx, void *context)
{
    moult_task_stream how = {.size = sizeof(how),
                             .max_concurrency = 16,
                             .timeout_ms = MOULT_INFINITY,
                             .next = next_of_crowd,
                             .each = add_up};

    error = moult_task_run_stream(ctx, twice, &how);
}

static void a_stream_of_many_loses_none(void **state)
{
    harness_start(2, false);
    begin_on(state);
    crowd.most = many(2000);
    crowd.given = 0;
    crowd.sum = 0;
    run_in(it, stream_many, NULL);
    assert_int_equal(error, 0);
    assert_int_equal(crowd.sum, (int64_t)crowd.most * (crowd.most + 1));
}

/* -- what can't be -- */

static bool next_none(void *context, moult_out *args)
{
    return false;
}

static void start_badly(moult_ctx *ctx, void *context)
{
    moult_task_options o[] = {
        {.label = "x"},
        {.size = sizeof(*o), .flags = 64},
        {.size = sizeof(*o), .label = "\xff"},
    };
    const char *wrong[] = {".size = sizeof(moult_task_options)", "flags", "label"};

    for (size_t i = 0; i < 3; i++) {
        check(moult_task_opt(ctx, twice, NULL, &o[i], NULL) == -EINVAL);
        check(strstr(moult_call_text(ctx), wrong[i]));
    }
    check(moult_task_opt(ctx, NULL, NULL, NULL, NULL) == -EINVAL);
    check(strstr(moult_call_text(ctx), "function"));
}

static void wait_badly(moult_ctx *ctx, void *context)
{
    moult_yield_options o[] = {{.limit = 1}, {.size = sizeof(*o), .on_timeout = 9}};
    moult_outcome outcome;

    check(moult_task_yield_many(ctx, &task, 1, &o[0], &outcome) == -EINVAL);
    check(strstr(moult_call_text(ctx), ".size = sizeof(moult_yield_options)"));
    check(moult_task_yield_many(ctx, &task, 1, &o[1], &outcome) == -EINVAL);
    check(strstr(moult_call_text(ctx), "on_timeout"));
}

static void stream_badly(moult_ctx *ctx, void *context)
{
    moult_task_stream s[] = {
        {.next = next_none},
        {.size = sizeof(*s)},
        {.size = sizeof(*s), .next = next_none, .on_timeout = MOULT_ON_TIMEOUT_IGNORE},
    };
    const char *wrong[] = {".size = sizeof(moult_task_stream)", "`next`", "on_timeout"};

    for (size_t i = 0; i < 3; i++) {
        check(moult_task_run_stream(ctx, twice, &s[i]) == -EINVAL);
        check(strstr(moult_call_text(ctx), wrong[i]));
    }
}

static void options_that_cannot_be_are_named(void **state)
{
    run_in(it, start_badly, NULL);
    run_in(it, wait_badly, NULL);
    run_in(it, stream_badly, NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest all[] = {
        TEST(who_awaits_a_task_is_given_what_it_came_to),
        TEST(why_it_failed_is_told_to_who_awaits_it),
        TEST(one_that_is_linked_and_fails_ends_its_owner),
        TEST(unless_its_owner_traps_exits),
        TEST(one_that_is_not_done_in_time_is_killed),
        TEST(a_task_has_five_seconds_unless_told_otherwise),
        TEST(one_that_is_yielded_to_goes_on),
        TEST(only_who_started_it_may_wait_for_it),
        TEST(what_nobody_awaits_is_told_to_handle_info),
        TEST(one_that_is_ignored_goes_on_unheard),
        TEST(one_that_nobody_is_to_wait_for_tells_nobody),
        TEST(one_that_is_shut_down_ends_as_asked),
        TEST(what_it_came_to_before_it_was_shut_down_is_not_lost),
        TEST(one_that_does_not_end_as_asked_is_killed),
        TEST(who_dies_while_it_shuts_one_down_has_asked_it_to_end),
        TEST(a_brutal_shutdown_does_not_wait),
        TEST(options_that_cannot_be_are_named),
        TEST(many_are_awaited_together),
        TEST(the_first_of_many_that_fails_ends_the_wait_and_the_others),
        TEST(many_have_one_deadline),
        TEST(who_yields_to_many_gets_what_there_is_when_time_is_up),
        TEST(who_yields_to_many_may_have_enough),
        TEST(who_yields_to_many_may_ignore_the_others),
        TEST(a_stream_runs_some_at_a_time_and_keeps_their_order),
        TEST(an_unordered_stream_tells_what_comes_first),
        TEST(a_stream_ends_with_the_first_that_takes_too_long),
        TEST(or_goes_on_without_it),
        TEST(a_stream_that_has_enough_ends_what_still_runs),
        TEST(a_supervisor_has_its_tasks_as_children_until_they_end),
        TEST(a_supervisor_takes_no_more_than_its_max_children),
        TEST(who_has_a_supervisor_start_a_task_waits_for_it_itself),
        TEST(such_a_task_is_linked_to_its_owner_too),
        TEST(or_not),
        TEST(a_child_is_ended_when_that_is_asked_for),
        TEST(a_supervisor_that_ends_ends_its_tasks),
        TEST(without_its_supervisor_no_task_is_started),
        cmocka_unit_test_teardown(a_stream_of_many_loses_none, workers_end),
    };

    return cmocka_run_group_tests_name("task", all, NULL, NULL);
}
