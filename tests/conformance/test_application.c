/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

/*
 * Two applications, x and y, of two children each: 1 and 2 are those of x, 3 and 4 those
 * of y.  The trace has "+1" when init of 1 runs and "-1" when terminate does.
 */
#define CHILDREN 4u

static struct code child_codes[CHILDREN];
static moult_child children[CHILDREN];
static const struct code *codes[CHILDREN];
static char args[CHILDREN]; /* CBOR: small integers */
static bool refuses[CHILDREN + 1];
static char trace[256];

static struct application_spec x, y;

struct state {
    int64_t number;
};
MOULT_STATE(state_schema, struct state, MOULT_FIELD(number));

static void mark(const char *sign, int64_t number)
{
    size_t len = strlen(trace);

    snprintf(trace + len, sizeof(trace) - len, "%s%d", sign, (int)number);
}

static moult_next child_init(moult_ctx *ctx, void *state, moult_in *in)
{
    struct state *s = state;

    s->number = moult_get_int(in);
    mark("+", s->number);
    moult_trap_exit(ctx, true);
    if (refuses[s->number])
        return moult_stop_because(ctx, -ENODEV, "nothing to drive");
    return moult_noreply();
}

static moult_next child_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop_because(ctx, -EIO, "as told");
}

static moult_pid never_answers;

static moult_next child_info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_call(ctx, never_answers, moult_draft(ctx), MOULT_INFINITY, NULL);
    return moult_noreply();
}

static void child_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    struct state *s = state;

    mark("-", s->number);
}

static const moult_server child_server = {.size = sizeof(moult_server),
                                          .state = state_schema,
                                          .init = child_init,
                                          .handle_cast = child_cast,
                                          .handle_info = child_info,
                                          .terminate = child_terminate};

static void child_make(unsigned i)
{
    static const char *const ids[CHILDREN] = {"one", "two", "three", "four"};

    args[i] = (char)(i + 1);
    refuses[i + 1] = false;
    children[i] = (moult_child){.id = ids[i], .server = &child_server, .name = ids[i]};
    child_codes[i] = (struct code){.server = child_server,
                                   .schema = state_schema(),
                                   .app = i < 2 ? "x" : "y",
                                   .vsn = "1.0",
                                   .id = ids[i],
                                   .child = &children[i],
                                   .args = &args[i],
                                   .args_len = 1};
    codes[i] = &child_codes[i];
}

static int begin(void **state)
{
    for (unsigned i = 0; i < CHILDREN; i++)
        child_make(i);
    x = (struct application_spec){
        .name = "x", .vsn = "1.0", .top = {.codes = codes, .count = 2}};
    y = (struct application_spec){
        .name = "y", .vsn = "1.0", .top = {.codes = codes + 2, .count = 2}};
    one_worker(state);
    assert_int_equal(applications_start(), 0);
    trace[0] = 0;
    return 0;
}

static int end(void **state)
{
    applications_stop();
    workers_settle();
    return workers_end(state);
}

static struct application *start(const struct application_spec *spec)
{
    struct application *app = NULL;
    struct fault why = {0};

    assert_int_equal(application_start(spec, &app, &why), 0);
    return app;
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

static void crash(const char *name)
{
    assert_int_equal(cast_word(moult_whereis(name), "crash"), 0);
    workers_settle();
}

/* -- starting and stopping -- */

static void children_start_in_order_and_stop_in_reverse(void **state)
{
    uint64_t from = event_next();
    struct application *app = start(&x);

    assert_int_equal(app->status, APPLICATION_RUNNING);
    assert_ptr_equal(application_find("x"), app);
    application_stop(app);
    assert_trace("+1+2-2-1");
    assert_int_equal(app->status, APPLICATION_STOPPED);
    assert_int_equal(events_named("application.start", from), 1);
    assert_int_equal(events_named("application.stop", from), 1);
}

static void one_that_runs_is_not_started_twice(void **state)
{
    struct application *app = start(&x), *again;
    struct fault why = {0};

    assert_int_equal(application_start(&x, &again, &why), -EALREADY);
    assert_string_equal(why.text, "application 'x' runs already");
    assert_int_equal(app->status, APPLICATION_RUNNING);
    assert_trace("+1+2");
}

static void to_stop_one_that_is_stopped_does_nothing(void **state)
{
    uint64_t from = event_next();
    struct application *app = start(&x);

    application_stop(app);
    application_stop(app);
    assert_int_equal(events_named("application.stop", from), 1);
    assert_trace("+1+2-2-1");
}

static void one_that_was_stopped_can_be_started_again(void **state)
{
    struct application *app = start(&x);

    application_stop(app);
    assert_ptr_equal(start(&x), app);
    assert_trace("+1+2-2-1+1+2");
}

static void a_failed_start_ends_what_had_started_and_says_why(void **state)
{
    struct application *app = NULL;
    struct fault why = {0};

    refuses[2] = true;
    assert_int_equal(application_start(&x, &app, &why), -EOWNERDEAD);
    assert_string_equal(why.text, "application 'x' 1.0 did not start: "
                                  "child 'two' failed to start: nothing to drive");
    assert_trace("+1+2-1");
    assert_int_equal(application_find("x")->status, APPLICATION_FAILED);
    assert_true(moult_pid_is_none(moult_whereis("one")));
}

static void one_that_failed_to_start_can_be_started_again(void **state)
{
    struct application *app = NULL;
    struct fault why = {0};

    refuses[1] = true;
    assert_true(application_start(&x, &app, &why) < 0);
    refuses[1] = false;
    assert_int_equal(start(&x)->status, APPLICATION_RUNNING);
    assert_trace("+1+1+2");
}

static void to_stop_it_ends_whatever_else_is_of_it(void **state)
{
    struct application *app = start(&x);
    moult_pid stray = actor_in(&app->group, true);

    application_stop(app);
    assert_gone(stray);
    assert_int_equal(app->group.count, 0);
}

static void all_are_stopped_in_the_reverse_of_their_start(void **state)
{
    start(&x);
    start(&y);
    applications_stop();
    assert_trace("+1+2+3+4-4-3-2-1");
}

static void the_last_start_counts_for_the_order_of_stopping(void **state)
{
    struct application *app = start(&x);

    start(&y);
    application_stop(app);
    start(&x);
    trace[0] = 0;
    applications_stop();
    assert_trace("-2-1-4-3");
}

static void an_application_without_children_runs(void **state)
{
    x.top.count = 0;
    assert_int_equal(start(&x)->status, APPLICATION_RUNNING);
}

/* -- ending by itself -- */

static void one_whose_supervisor_gives_up_has_failed(void **state)
{
    uint64_t from = event_next();
    struct application *app = start(&x);

    crash("one");
    assert_int_equal(app->status, APPLICATION_RUNNING);
    assert_trace("+1+2-1+1");
    crash("one");
    assert_trace("-1-2");
    assert_int_equal(app->status, APPLICATION_FAILED);
    assert_true(moult_pid_is_none(app->supervisor));
    assert_int_equal(events_named("supervisor.gave_up", from), 1);
    assert_int_equal(events_named("application.exit", from), 1);
    assert_int_equal(app->group.count, 0);
}

static void the_others_go_on_when_one_fails(void **state)
{
    struct application *app;

    start(&x);
    app = start(&y);
    crash("one");
    crash("one");
    assert_int_equal(app->status, APPLICATION_RUNNING);
    assert_trace("+1+2+3+4-1+1-1-2");
}

static void one_that_failed_can_be_started_again(void **state)
{
    struct application *app = start(&x);

    crash("one");
    crash("one");
    assert_ptr_equal(start(&x), app);
    assert_int_equal(app->status, APPLICATION_RUNNING);
    crash("one"); /* its restarts are counted anew */
    assert_int_equal(app->status, APPLICATION_RUNNING);
}

static void its_own_intensity_and_period_are_those_of_its_supervisor(void **state)
{
    struct application *app;

    x.top.intensity = 3;
    x.top.period_s = 100;
    app = start(&x);
    for (int i = 0; i < 3; i++)
        crash("two");
    assert_int_equal(app->status, APPLICATION_RUNNING);
    pass(90000);
    crash("one");
    assert_int_equal(app->status, APPLICATION_FAILED);
}

static void one_whose_supervisor_is_killed_has_failed(void **state)
{
    struct application *app = start(&x);

    signal_exit(NULL, app->supervisor, MOULT_KILL, NULL);
    workers_settle();
    assert_int_equal(app->status, APPLICATION_FAILED);
    assert_int_equal(app->group.count, 0);
}

static moult_next mute_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *request, moult_out *reply)
{
    return moult_noreply();
}

static void a_busy_server_does_not_outlive_a_killed_supervisor(void **state)
{
    static const moult_server mute = {.size = sizeof(moult_server),
                                      .handle_call = mute_call};
    struct application *app = start(&x);
    moult_pid busy = moult_whereis("two");

    never_answers = serve(&mute);
    info_word(busy, "ask");
    workers_settle();
    signal_exit(NULL, app->supervisor, MOULT_KILL, NULL);
    assert_gone(busy);
    assert_int_equal(start(&x)->status, APPLICATION_RUNNING); /* the names are free */
}

/* -- how long stopping may take -- */

static void stopping_may_take_as_long_as_its_children_may_together(void **state)
{
    assert_int_equal(applications_shutdown_ms(), 0);
    children[0].shutdown_ms = MOULT_BRUTAL_KILL;
    children[1].shutdown_ms = 300;
    start(&x);
    assert_int_equal(applications_shutdown_ms(), 300);
    start(&y);
    assert_int_equal(applications_shutdown_ms(), 300 + 2 * CHILD_SHUTDOWN_MS);
}

static void children_of_a_count_stop_one_after_the_other(void **state)
{
    children[0].shutdown_ms = 100;
    children[0].count = 30;
    children[1].shutdown_ms = MOULT_BRUTAL_KILL;
    start(&x);
    assert_int_equal(applications_shutdown_ms(), 3000);
}

static void stopping_takes_a_minute_at_most_unless_it_may_take_for_ever(void **state)
{
    children[0].count = 13;
    start(&x);
    assert_int_equal(applications_shutdown_ms(), 60000);
}

static void stopping_may_take_for_ever_if_a_child_may(void **state)
{
    struct application *app;

    children[1].shutdown_ms = MOULT_SHUTDOWN_INFINITY;
    app = start(&x);
    start(&y);
    assert_true(applications_shutdown_ms() == MOULT_INFINITY);
    application_stop(app);
    assert_int_equal(applications_shutdown_ms(), 2 * CHILD_SHUTDOWN_MS);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(children_start_in_order_and_stop_in_reverse),
        TEST(one_that_runs_is_not_started_twice),
        TEST(to_stop_one_that_is_stopped_does_nothing),
        TEST(one_that_was_stopped_can_be_started_again),
        TEST(a_failed_start_ends_what_had_started_and_says_why),
        TEST(one_that_failed_to_start_can_be_started_again),
        TEST(to_stop_it_ends_whatever_else_is_of_it),
        TEST(all_are_stopped_in_the_reverse_of_their_start),
        TEST(the_last_start_counts_for_the_order_of_stopping),
        TEST(an_application_without_children_runs),
        TEST(one_whose_supervisor_gives_up_has_failed),
        TEST(the_others_go_on_when_one_fails),
        TEST(one_that_failed_can_be_started_again),
        TEST(its_own_intensity_and_period_are_those_of_its_supervisor),
        TEST(one_whose_supervisor_is_killed_has_failed),
        TEST(a_busy_server_does_not_outlive_a_killed_supervisor),
        TEST(stopping_may_take_as_long_as_its_children_may_together),
        TEST(children_of_a_count_stop_one_after_the_other),
        TEST(stopping_takes_a_minute_at_most_unless_it_may_take_for_ever),
        TEST(stopping_may_take_for_ever_if_a_child_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
