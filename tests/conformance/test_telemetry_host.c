/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers and the versions of their application; the host's own events. */
#include "telemetry_fixture.h"

/* -- applications and their versions -- */

static moult_child only_child;
static struct code *child_code;
static const struct code *child_list[1];

static struct application_spec spec_of(const char *vsn, const struct code_table *all)
{
    only_child = (moult_child){.id = "child", .server = &errands, .name = "child"};
    child_code = code_of_child(&errands, only_child);
    child_code->all = &table;
    child_list[0] = child_code;
    return (struct application_spec){
        .name = "x", .vsn = vsn, .top = {.codes = child_list, .count = 1, .all = all}};
}

static void start_application(struct application_spec *spec, struct application **app)
{
    struct fault why = {0};

    *spec = spec_of("1.0", &table);
    assert_int_equal(applications_start(), 0);
    assert_int_equal(application_start(spec, app, &why), 0);
    it = moult_whereis("child");
}

static void handlers_go_with_their_application(void **state)
{
    struct application_spec spec;
    struct application *app;

    start_application(&spec, &app);
    attach("it", "a.b", "listen");
    execute("a.b");
    application_stop(app);
    assert_gone(listener);
    assert_false(telemetry_is_on());
}

static int listen_anew(moult_ctx *ctx, const moult_telemetry_event *event)
{
    note("listen_anew", event);
    return 0;
}

static void an_upgrade_takes_handlers_to_the_new_function(void **state)
{
    struct code_handler newer[] = {{"other", go_wrong}, {"listen", listen_anew}};
    struct code_table all = {.handlers = newer, .handler_count = 2};
    struct application_spec spec, next;
    struct application *app;
    struct fault why = {0};

    start_application(&spec, &app);
    next = spec_of("2.0", &all);
    attach("it", "a.b", "listen");
    assert_int_equal(listeners_check(&app->group, &next, &why), 0);
    listeners_become(&app->group, &next);
    execute("a.b");
    assert_heard("[[\"listen_anew\",\"a.b\",{\"n\":7},{\"who\":1},null]]");
    application_stop(app);
}

static void a_version_without_the_function_is_refused(void **state)
{
    struct code_handler newer[] = {{"other", go_wrong}};
    struct code_table all = {.handlers = newer, .handler_count = 1};
    struct application_spec spec, next;
    struct application *app;
    struct fault why = {0};

    start_application(&spec, &app);
    next = spec_of("2.0", &all);
    attach("it", "a.b", "listen");
    assert_int_equal(listeners_check(&app->group, &next, &why), -ENOENT);
    assert_string_equal(
        why.text,
        "telemetry handler 'it' runs 'listen', which version 2.0 does not list");
    application_stop(app);
}

/* -- the host's own events -- */

static moult_pid other;

static void call_other(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_uint(m, (uintptr_t)execute_nothing);
    moult_put_uint(m, 0);
    error = moult_call(ctx, other, m, 0, NULL);
}

static void calls_are_spans(void **state)
{
    struct order o = {
        .id = "it",
        .function = "listen_to_it",
        .events = {"moult.call.start", "moult.call.stop", "moult.call.exception"}};
    char pid[PID_TEXT];

    other = serve(&errands);
    run(attach_order, &o);
    run(call_other, NULL);
    assert_int_equal(error, 0);
    assert_int_equal(json_array_size(heard), 2);
    assert_string_equal(heard_name(0), "moult.call.start");
    assert_string_equal(text_at(0, "app"), "test");
    assert_string_equal(text_at(0, "to"), pid_print(other, pid));
    assert_string_equal(heard_name(1), "moult.call.stop");
    assert_string_equal(text_at(1, "caller"), pid_print(it, pid));
    assert_non_null(measured(1, "duration"));
    signal_exit(NULL, other, MOULT_KILL, NULL);
    run(call_other, NULL);
    assert_int_equal(error, -ESRCH);
    assert_string_equal(heard_name(3), "moult.call.exception");
    assert_int_equal(json_integer_value(metadata(3, "reason")), -ESRCH);
}

static void cast_other(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, "word");
    error = moult_cast(ctx, other, m);
}

static void casts_are_events(void **state)
{
    char pid[PID_TEXT];

    other = serve(&errands);
    run(cast_other, NULL);
    attach("it", "moult.cast", "listen_to_it");
    run(cast_other, NULL);
    assert_int_equal(json_array_size(heard), 1);
    assert_int_equal(json_integer_value(measured(0, "bytes")), 5);
    assert_string_equal(text_at(0, "sender"), pid_print(it, pid));
    assert_string_equal(text_at(0, "to"), pid_print(other, pid));
    run(detach_it, "it");
    run(cast_other, NULL);
    assert_int_equal(json_array_size(heard), 1);
}

static void what_handlers_cast_is_not_told_of(void **state)
{
    other = serve(&errands);
    attach("it", "moult.cast", "talk");
    run(cast_other, NULL);
    assert_int_equal(json_array_size(heard), 1);
}

static void servers_tell_of_their_start_and_end(void **state)
{
    struct order o = {
        .id = "it",
        .function = "listen",
        .events = {"moult.server.start", "moult.server.stop", "moult.server.crash"}};

    run(attach_order, &o);
    other = serve(&errands);
    cast_word(other, "stop");
    assert_gone(other);
    other = serve(&errands);
    cast_word(other, "crash");
    assert_gone(other);
    assert_int_equal(json_array_size(heard), 4);
    assert_string_equal(heard_name(0), "moult.server.start");
    assert_string_equal(text_at(0, "server"), "server");
    assert_string_equal(text_at(0, "app"), "test");
    assert_string_equal(heard_name(1), "moult.server.stop");
    assert_int_equal(json_integer_value(metadata(1, "reason")), MOULT_NORMAL);
    assert_string_equal(heard_name(3), "moult.server.crash");
    assert_int_equal(json_integer_value(metadata(3, "reason")), -EIO);
    assert_string_equal(text_at(3, "text"), "as told");
}

static void supervisors_tell_of_restarts(void **state)
{
    struct application_spec spec;
    struct application *app;
    moult_pid before = it;

    start_application(&spec, &app);
    it = before;
    attach("it", "moult.supervisor.restart", "listen");
    cast_word(moult_whereis("child"), "crash");
    workers_settle();
    assert_int_equal(json_array_size(heard), 1);
    assert_string_equal(text_at(0, "server"), "child");
    assert_int_equal(json_integer_value(measured(0, "restarts")), 1);
    application_stop(app);
}

/* Without a pause, in which the receiver would run. */
static void fill_other(moult_ctx *ctx, void *context)
{
    for (unsigned i = 0; i < 2100; i++)
        cast_word(other, "word");
}

static void a_mailbox_that_has_become_long_is_told_of_once(void **state)
{
    attach("it", "moult.mailbox.high_water", "listen");
    other = serve(&errands);
    run(fill_other, NULL);
    assert_int_equal(json_array_size(heard), 1);
    assert_in_range(json_integer_value(measured(0, "messages")), 1025, 2100);
    assert_int_equal(json_integer_value(measured(0, "limit")), 1000000);
    assert_string_equal(text_at(0, "server"), "server");
    run(fill_other, NULL);
    assert_int_equal(json_array_size(heard), 2);
}

static void measure(moult_ctx *ctx, void *context)
{
    moult_telemetry_measure();
}

static void the_scheduler_is_measured_on_demand(void **state)
{
    run(measure, NULL);
    attach("it", "moult.scheduler", "listen");
    run(measure, NULL);
    assert_int_equal(json_array_size(heard), 1);
    assert_int_equal(json_integer_value(measured(0, "workers")), 1);
    assert_int_equal(json_integer_value(measured(0, "busy")), 1);
    assert_in_range(json_integer_value(measured(0, "processes")), 3, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TELEMETRY_TEST(handlers_go_with_their_application),
        TELEMETRY_TEST(an_upgrade_takes_handlers_to_the_new_function),
        TELEMETRY_TEST(a_version_without_the_function_is_refused),
        TELEMETRY_TEST(calls_are_spans),
        TELEMETRY_TEST(casts_are_events),
        TELEMETRY_TEST(what_handlers_cast_is_not_told_of),
        TELEMETRY_TEST(servers_tell_of_their_start_and_end),
        TELEMETRY_TEST(supervisors_tell_of_restarts),
        TELEMETRY_TEST(a_mailbox_that_has_become_long_is_told_of_once),
        TELEMETRY_TEST(the_scheduler_is_measured_on_demand),
    };

    return cmocka_run_group_tests_name("telemetry_host", tests, NULL, NULL);
}
