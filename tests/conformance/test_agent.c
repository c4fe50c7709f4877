/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

/* -- the agent -- */

struct scores {
    int64_t best, count;
};

MOULT_STATE(scores_state, struct scores, MOULT_FIELD(best, .initial = 3),
            MOULT_FIELD(count));

static int best(moult_ctx *ctx, const void *state, moult_in *args, moult_out *result)
{
    moult_put_int(result, ((const struct scores *)state)->best);
    return 0;
}

static int add(moult_ctx *ctx, void *state, moult_in *args, moult_out *result)
{
    struct scores *s = state;
    int64_t points = moult_get_int(args), before = s->best;

    if (args->error)
        return args->error;
    if (points < 0)
        return moult_refuse(ctx, -ERANGE, "%d is less than nothing", (int)points)
            .reason;
    s->best = points > s->best ? points : s->best;
    s->count++;
    moult_put_int(result, before);
    return 0;
}

static int take_long(moult_ctx *ctx, void *state, moult_in *args, moult_out *result)
{
    return moult_sleep(ctx, 100);
}

MOULT_AGENT(scores, scores_state, MOULT_AGENT_GET(best), MOULT_AGENT_UPDATE(add),
            MOULT_AGENT_UPDATE(take_long));

/* -- who asks it -- */

typedef void errand(moult_ctx *ctx, void *context);

static moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    errand *run = (errand *)(uintptr_t)moult_get_uint(request);

    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

static const moult_server errands = {.size = sizeof(moult_server), .handle_call = call};

static moult_pid it, agent;
static int error;
static int64_t value;
static char text[64];

static int begin(void **state)
{
    one_worker(state);
    it = serve(&errands);
    agent = serve(&scores);
    error = 1;
    value = 0;
    return 0;
}

static struct envelope *order(errand *run, const void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)context);
    return e;
}

static void run_in(moult_pid pid, errand *run, const void *context)
{
    ask_and_wait(pid, order(run, context), MOULT_INFINITY, NULL, NULL, 0);
    workers_settle();
}

static moult_out *points(moult_ctx *ctx, int64_t n)
{
    moult_out *m = moult_draft(ctx);

    moult_put_int(m, n);
    return m;
}

static void take(moult_ctx *ctx, moult_in *result)
{
    value = !error && moult_peek(result) == MOULT_INT ? moult_get_int(result) : -1;
    snprintf(text, sizeof(text), "%s", error ? moult_call_text(ctx) : "");
}

static void get(moult_ctx *ctx, void *context)
{
    moult_in result;

    error = moult_agent_get(ctx, agent, context, NULL, 0, &result);
    take(ctx, &result);
}

static void update(moult_ctx *ctx, void *context)
{
    moult_in result = moult_in_over("\xf6", 1);

    error = moult_agent_update(ctx, agent, "add", points(ctx, *(int64_t *)context), 0);
    take(ctx, &result);
}

static void get_and_update(moult_ctx *ctx, void *context)
{
    moult_in result;

    error = moult_agent_get_and_update(ctx, agent, "add",
                                       points(ctx, *(int64_t *)context), 0, &result);
    take(ctx, &result);
}

static void cast(moult_ctx *ctx, void *context)
{
    error = moult_agent_cast(ctx, agent, "add", points(ctx, *(int64_t *)context));
}

static int64_t best_now(void)
{
    run_in(it, get, "best");
    assert_int_equal(error, 0);
    return value;
}

/* -- the rules -- */

static void get_is_given_what_a_function_of_the_state_comes_to(void **state)
{
    assert_int_equal(best_now(), 3);
}

static void update_changes_the_state_and_is_given_nothing(void **state)
{
    int64_t n = 8;

    run_in(it, update, &n);
    assert_int_equal(error, 0);
    assert_int_equal(value, -1);
    assert_int_equal(best_now(), 8);
}

static void get_and_update_does_both_at_once(void **state)
{
    int64_t n = 8;

    run_in(it, get_and_update, &n);
    assert_int_equal(error, 0);
    assert_int_equal(value, 3);
    assert_int_equal(best_now(), 8);
}

static void a_cast_updates_later(void **state)
{
    int64_t n = 9;

    run_in(it, cast, &n);
    assert_int_equal(error, 0);
    assert_int_equal(best_now(), 9);
}

static void what_a_function_refuses_is_told_to_who_asked(void **state)
{
    int64_t n = -2;

    run_in(it, update, &n);
    assert_int_equal(error, -ERANGE);
    assert_string_equal(text, "-2 is less than nothing");
    assert_true(alive(agent));
    assert_int_equal(best_now(), 3);
}

static void what_it_refuses_of_a_cast_is_logged(void **state)
{
    uint64_t from = event_next();
    int64_t n = -2;

    run_in(it, cast, &n);
    assert_int_equal(events_named("agent.refused", from), 1);
    assert_true(alive(agent));
}

static void a_function_that_it_has_not_is_refused(void **state)
{
    run_in(it, get, "worst");
    assert_int_equal(error, -ENOENT);
    assert_string_equal(text, "the agent has no function 'worst' to get with");
}

static void what_may_change_the_state_is_not_to_get_with(void **state)
{
    run_in(it, get, "add");
    assert_int_equal(error, -ENOENT);
}

static void get_by_hand(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, context);
    error = moult_call(ctx, agent, m, 0, NULL);
    snprintf(text, sizeof(text), "%s", moult_call_text(ctx));
}

static void other_messages_are_refused_and_end_nobody(void **state)
{
    run_in(it, get_by_hand, "get");
    assert_int_equal(error, -EINVAL);
    assert_true(alive(agent));
    cast_word(agent, "get");
    workers_settle();
    assert_true(alive(agent));
}

static void run_long(moult_ctx *ctx, void *context)
{
    error = moult_agent_update(ctx, agent, "take_long", NULL, 50);
}

static void who_asks_waits_no_longer_than_its_time(void **state)
{
    assert_int_equal(ask(it, order(run_long, NULL), MOULT_INFINITY, NULL, NULL), 0);
    pass(50);
    assert_int_equal(error, -ETIMEDOUT);
    pass(50);
    assert_int_equal(best_now(), 3);
}

static void stop(moult_ctx *ctx, void *context)
{
    error = moult_agent_stop(ctx, agent, MOULT_NORMAL, 0);
}

static void an_agent_that_is_stopped_has_ended_when_that_returns(void **state)
{
    run_in(it, stop, NULL);
    assert_int_equal(error, 0);
    assert_false(alive(agent));
    run_in(it, get, "best");
    assert_int_equal(error, -ESRCH);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(get_is_given_what_a_function_of_the_state_comes_to),
        TEST(update_changes_the_state_and_is_given_nothing),
        TEST(get_and_update_does_both_at_once),
        TEST(a_cast_updates_later),
        TEST(what_a_function_refuses_is_told_to_who_asked),
        TEST(what_it_refuses_of_a_cast_is_logged),
        TEST(a_function_that_it_has_not_is_refused),
        TEST(what_may_change_the_state_is_not_to_get_with),
        TEST(other_messages_are_refused_and_end_nobody),
        TEST(who_asks_waits_no_longer_than_its_time),
        TEST(an_agent_that_is_stopped_has_ended_when_that_returns),
    };

    return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
