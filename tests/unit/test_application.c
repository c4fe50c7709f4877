/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <string.h>

#include "harness.h"

static char trace[64];
static bool refuses;

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    if (refuses)
        return moult_stop_because(ctx, -ENODEV, "nothing to run on");
    moult_trap_exit(ctx, true);
    return moult_noreply();
}

static moult_next on_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop(-EIO);
}

static void on_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    strncat(trace, process_of(ctx)->label, sizeof(trace) - strlen(trace) - 1);
}

static const moult_server server = {.size = sizeof(moult_server),
                                    .init = init,
                                    .handle_cast = on_cast,
                                    .terminate = on_terminate};

/* Applications are never forgotten, so each test has its own names. */
static struct application_spec specs[2];
static const struct code *codes[2][2];

static void describe(int n, const char *name, const char *first, const char *second)
{
    codes[n][0] = code_of_child(&server, (moult_child){.id = first, .name = first});
    codes[n][1] = code_of_child(&server, (moult_child){.id = second, .name = second});
    specs[n] = (struct application_spec){
        .name = name, .vsn = "1.0", .top = {.codes = codes[n], .count = 2}};
}

static int begin(void **state)
{
    trace[0] = 0;
    refuses = false;
    one_worker(state);
    return applications_start();
}

static int end(void **state)
{
    applications_stop();
    return workers_end(state);
}

static struct application *start(int n)
{
    struct application *app = NULL;
    struct fault why = {0};

    assert_int_equal(application_start(&specs[n], &app, &why), 0);
    assert_string_equal(why.text, "");
    return app;
}

static void one_starts_and_stops_as_a_whole(void **state)
{
    uint64_t from = event_next();
    struct application *app;

    describe(0, "whole", "a", "b");
    app = start(0);
    assert_int_equal(app->status, APPLICATION_RUNNING);
    assert_ptr_equal(application_find("whole"), app);
    assert_ptr_equal(app->spec, &specs[0]);
    assert_true(alive(app->supervisor));
    assert_true(alive(moult_whereis("a")));
    application_stop(app);
    assert_int_equal(app->status, APPLICATION_STOPPED);
    workers_settle();
    assert_string_equal(trace, "ba");
    assert_int_equal(app->group.count, 0);
    assert_int_equal(events_named("application.start", from), 1);
    assert_int_equal(events_named("application.stop", from), 1);
}

static void one_that_runs_does_not_start_again(void **state)
{
    struct application *app = NULL;
    struct fault why = {0};

    describe(0, "again", "a", "b");
    start(0);
    assert_int_equal(application_start(&specs[0], &app, &why), -EALREADY);
    assert_string_equal(why.text, "application 'again' runs already");
    assert_null(app);
}

static void one_that_stopped_starts_again(void **state)
{
    struct application *app;

    describe(0, "twice", "a", "b");
    app = start(0);
    application_stop(app);
    application_stop(app);
    assert_ptr_equal(start(0), app);
    assert_true(alive(moult_whereis("b")));
}

static void one_that_can_not_start_says_why(void **state)
{
    struct application *app = NULL;
    struct fault why = {0};

    describe(0, "cannot", "a", "b");
    refuses = true;
    assert_int_equal(application_start(&specs[0], &app, &why), -EOWNERDEAD);
    assert_string_equal(why.text,
                        "application 'cannot' 1.0 did not start: child 'a' failed to "
                        "start: nothing to run on");
    assert_int_equal(application_find("cannot")->status, APPLICATION_FAILED);
    refuses = false;
    start(0);
}

static void one_whose_supervisor_gives_up_has_failed(void **state)
{
    uint64_t from = event_next();
    struct application *app;

    describe(0, "failing", "a", "b");
    app = start(0);
    for (int i = 0; i < 2; i++) {
        workers_settle();
        cast_int(moult_whereis("a"), 0);
    }
    workers_settle();
    assert_int_equal(app->status, APPLICATION_FAILED);
    assert_int_equal(app->supervisor.bits, 0);
    assert_int_equal(app->group.count, 0);
    assert_int_equal(events_named("application.exit", from), 1);
    start(0);
    assert_int_equal(app->status, APPLICATION_RUNNING);
}

static void stopping_ends_whatever_else_is_of_it(void **state)
{
    struct application *app;
    moult_pid stray;

    describe(0, "strays", "a", "b");
    app = start(0);
    stray = actor_in(&app->group, true);
    application_stop(app);
    assert_gone(stray);
    assert_int_equal(app->group.count, 0);
}

static void all_stop_in_the_reverse_of_their_start(void **state)
{
    describe(0, "first", "a", "b");
    describe(1, "second", "c", "d");
    start(0);
    start(1);
    applications_stop();
    workers_settle();
    assert_string_equal(trace, "dcba");
}

static void nobody_is_found_by_a_name_that_never_started(void **state)
{
    assert_null(application_find("never"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_starts_and_stops_as_a_whole),
        TEST(one_that_runs_does_not_start_again),
        TEST(one_that_stopped_starts_again),
        TEST(one_that_can_not_start_says_why),
        TEST(one_whose_supervisor_gives_up_has_failed),
        TEST(stopping_ends_whatever_else_is_of_it),
        TEST(all_stop_in_the_reverse_of_their_start),
        TEST(nobody_is_found_by_a_name_that_never_started),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
