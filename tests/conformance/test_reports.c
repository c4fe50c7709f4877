/* SPDX-License-Identifier: Apache-2.0 */
/* What crash reports and supervisor reports say.  OTP: the same of gen_server, supervisor. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* -- two children of an application, one_for_all -- */

struct state {
    int64_t count;
    char token[16];
};
MOULT_STATE(state_schema, struct state, MOULT_FIELD(count, .initial = 7),
            MOULT_FIELD(token, .initial_text = "hush", .secret = 1));

static bool refuses;

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    return refuses ? moult_stop_because(ctx, -ENODEV, "nothing to drive")
                   : moult_noreply();
}

/* Say an event with a map of `len` bytes, as small as it can be. */
static void say(moult_ctx *ctx, uint32_t len)
{
    moult_out *fields = moult_draft(ctx);
    char *text = calloc(1, len);

    memset(text, 'x', len);
    moult_put_map(fields, 1);
    moult_put_text(fields, "text");
    text[len - fields->len - 3] = 0; /* and its head */
    moult_put_text(fields, text);
    free(text);
    check(fields->len == len);
    moult_log_event(ctx, MOULT_INFO, "said", fields);
}

static moult_next fall(moult_ctx *ctx, moult_in *in)
{
    int64_t len;

    if (moult_match_int(in, "say", &len))
        say(ctx, (uint32_t)len);
    if (moult_match(in, "crash"))
        return moult_stop_because(ctx, -EIO, "as told");
    if (moult_match_map(in, "crash", &(moult_in){0}))
        return moult_stop_because(ctx, -EIO, "as told");
    return moult_match(in, "stop") ? moult_stop(MOULT_NORMAL) : moult_noreply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    return fall(ctx, request);
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return fall(ctx, message);
}

static const moult_server frail = {.size = sizeof(moult_server),
                                   .state = state_schema,
                                   .init = init,
                                   .handle_call = handle_call,
                                   .handle_cast = handle_cast};

static moult_next trap(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_trap_exit(ctx, true);
    return moult_noreply();
}

static void sleep_for_ever(moult_ctx *ctx, void *state, int32_t reason)
{
    moult_sleep(ctx, MOULT_INFINITY);
}

static const moult_server stubborn = {
    .size = sizeof(moult_server), .init = trap, .terminate = sleep_for_ever};

static const struct code *codes[2];
static struct application_spec spec;
static struct application *app;
static uint64_t from;

static int begin(void **state)
{
    one_worker(state);
    assert_int_equal(applications_start(), 0);
    refuses = false;
    codes[0] = code_of_child(&frail, (moult_child){.id = "frail", .name = "frail"});
    codes[1] =
        code_of_child(&stubborn, (moult_child){.id = "stubborn", .shutdown_ms = 10});
    spec = (struct application_spec){
        .name = "x",
        .vsn = "1.0",
        .top = {.codes = codes, .count = 2, .strategy = MOULT_ONE_FOR_ALL}};
    from = event_next();
    return 0;
}

/* `count` children. */
static void start(size_t count)
{
    struct fault why = {0};

    spec.top.count = count;
    application_start(&spec, &app, &why);
}

static int end(void **state)
{
    applications_kill();
    workers_settle();
    applications_stop();
    workers_settle();
    return workers_end(state);
}

/* The last event `name` since the beginning, given; the test fails if there is none. */
static json_t *report(const char *name)
{
    json_t *event, *found = NULL;
    uint64_t next = from, missed = 0;

    while ((event = event_read(&next, &missed))) {
        bool is_it =
            strcmp(json_string_value(json_object_get(event, "event")), name) == 0;

        if (is_it)
            json_decref(found);
        if (is_it)
            found = event;
        else
            json_decref(event);
    }
    assert_non_null(found);
    return found;
}

static const char *text(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));

    return value ? value : "";
}

static json_int_t number(const json_t *event, const char *key)
{
    return json_integer_value(json_object_get(event, key));
}

/* -- crash reports -- */

static void a_crash_report_says_who_failed_over_what_and_for_whom(void **state)
{
    char pid[PID_TEXT];
    json_t *r;

    start(1);
    pid_print(moult_whereis("frail"), pid);
    ask_word(moult_whereis("frail"), "crash", NULL);
    workers_settle();
    r = report("server.crash");
    assert_string_equal(text(r, "level"), "error");
    assert_string_equal(text(r, "server"), "frail");
    assert_string_equal(text(r, "app"), "test");
    assert_string_equal(text(r, "name"), "frail");
    assert_string_equal(text(r, "pid"), pid);
    assert_string_equal(text(r, "reason"), "as told");
    assert_string_equal(text(r, "last"), "call");
    assert_string_equal(text(r, "message"), "crash");
    assert_int_equal(text(r, "client")[0], '<');
    assert_int_equal(text(r, "parent")[0], '<');
    assert_false(json_is_true(json_object_get(r, "trap_exit")));
    assert_int_equal(number(json_object_get(r, "state"), "count"), 7);
    assert_in_range(number(r, "memory"), 100, 10000);
    assert_int_equal(number(r, "reductions"), 2);
    json_decref(r);
}

static void a_cast_has_no_client(void **state)
{
    json_t *r;

    start(1);
    cast_word(moult_whereis("frail"), "crash");
    workers_settle();
    r = report("server.crash");
    assert_string_equal(text(r, "last"), "cast");
    assert_null(json_object_get(r, "client"));
    json_decref(r);
}

/* Cast {"crash": bytes} of `len` bytes in all; how its report shows it, given. */
static json_t *shown(uint32_t len)
{
    struct envelope *e = envelope_create(ENVELOPE_CAST);
    char *bytes = calloc(1, len);
    json_t *r, *message;

    moult_put_map(&e->out, 1);
    moult_put_text(&e->out, "crash");
    moult_put_bytes(&e->out, bytes, len - e->out.len - 3); /* and its head */
    free(bytes);
    assert_int_equal(e->out.len, len);
    process_send(NULL, moult_whereis("frail"), e);
    workers_settle();
    r = report("server.crash");
    message = json_incref(json_object_get(r, "message"));
    json_decref(r);
    return message;
}

static void a_message_of_more_than_a_kilobyte_is_told_of_by_its_length(void **state)
{
    json_t *message;

    spec.top.intensity = 10;
    start(1);
    message = shown(1024);
    assert_true(json_is_object(message));
    json_decref(message);
    message = shown(1025);
    assert_string_equal(json_string_value(message), "(1025 bytes)");
    json_decref(message);
}

static json_t *said(int64_t len)
{
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    moult_put_map(&e->out, 1);
    moult_put_int_at(&e->out, "say", len);
    process_send(NULL, moult_whereis("frail"), e);
    workers_settle();
    return report("test.said");
}

static void an_event_of_a_server_has_four_kilobytes_at_most(void **state)
{
    json_t *event;

    start(1);
    event = said(4096);
    assert_int_equal(strlen(text(event, "text")), 4096 - 1 - 5 - 3);
    json_decref(event);
    event = said(4097);
    assert_null(json_object_get(event, "text"));
    assert_string_equal(text(event, "error"),
                        "its fields have 4097 bytes, and may have 4096");
    json_decref(event);
}

static void tie(struct process *p, void *context)
{
    moult_link(&p->ctx, moult_whereis("frail"));
}

static void a_crash_report_names_those_it_is_linked_to(void **state)
{
    char pid[PID_TEXT];
    json_t *r;
    moult_pid other = actor(true);

    start(1);
    assert_int_equal(actor_do(other, tie, NULL), 0);
    cast_word(moult_whereis("frail"), "crash");
    workers_settle();
    r = report("server.crash");
    assert_int_equal(json_array_size(json_object_get(r, "links")), 1);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(r, "links"), 0)),
        pid_print(other, pid));
    json_decref(r);
}

static void send_three(struct process *p, void *context)
{
    moult_pid to = moult_whereis("frail");

    cast_word(to, "crash");
    cast_word(to, "a password");
    cast_word(to, "another");
}

static void what_is_secret_or_waits_is_not_in_a_report(void **state)
{
    NEEDS_ONE_WORKER;
    json_t *r;
    char *all;

    start(1);
    assert_int_equal(actor_do(starter(), send_three, NULL), 0);
    workers_settle();
    r = report("server.crash");
    assert_int_equal(number(r, "mailbox"), 2);
    all = json_dumps(r, 0);
    assert_null(strstr(all, "password"));
    assert_null(strstr(all, "hush"));
    free(all);
    json_decref(r);
}

static void who_ends_in_good_order_reports_nothing(void **state)
{
    start(1);
    cast_word(moult_whereis("frail"), "stop");
    workers_settle();
    assert_int_equal(events_named("server.crash", from), 0);
}

/* -- supervisor reports -- */

static void assert_offender(const json_t *r, const char *context, const char *server)
{
    assert_string_equal(text(r, "context"), context);
    assert_string_equal(text(r, "supervisor"), "supervisor");
    assert_string_equal(text(r, "server"), server);
    assert_string_equal(text(r, "restart"), "permanent");
    assert_string_equal(text(r, "type"), "worker");
    assert_true(json_is_false(json_object_get(r, "significant")));
}

static void a_child_that_terminated_is_the_offender(void **state)
{
    char before[PID_TEXT], now[PID_TEXT];
    json_t *r;

    start(1);
    pid_print(moult_whereis("frail"), before);
    cast_word(moult_whereis("frail"), "crash");
    workers_settle();
    r = report("server.exit");
    assert_offender(r, "child_terminated", "frail");
    assert_string_equal(text(r, "reason"), "as told");
    assert_string_equal(text(r, "pid"), before);
    assert_int_equal(number(r, "shutdown"), 5000);
    json_decref(r);
    r = report("server.restart");
    assert_string_equal(text(r, "pid"), pid_print(moult_whereis("frail"), now));
    assert_string_equal(text(r, "supervisor"), "supervisor");
    json_decref(r);
}

static void a_child_that_does_not_start_is_a_start_error(void **state)
{
    json_t *r;

    refuses = true;
    start(1);
    r = report("server.start_failed");
    assert_offender(r, "start_error", "frail");
    assert_string_equal(text(r, "reason"), "nothing to drive");
    assert_null(json_object_get(r, "pid"));
    json_decref(r);
}

static void a_child_that_has_to_be_killed_is_a_shutdown_error(void **state)
{
    json_t *r;

    start(2);
    cast_word(moult_whereis("frail"), "crash");
    pass(10);
    r = report("server.shutdown_error");
    assert_offender(r, "shutdown_error", "stubborn");
    assert_non_null(strstr(text(r, "reason"), "killed"));
    assert_int_equal(number(r, "shutdown"), 10);
    assert_int_equal(text(r, "pid")[0], '<');
    json_decref(r);
}

static void a_supervisor_that_gives_up_says_over_whom(void **state)
{
    json_t *r;

    start(1);
    cast_word(moult_whereis("frail"), "crash");
    workers_settle();
    cast_word(moult_whereis("frail"), "crash");
    workers_settle();
    r = report("supervisor.gave_up");
    assert_offender(r, "shutdown", "frail");
    assert_string_equal(text(r, "reason"), "reached_max_restart_intensity");
    assert_int_equal(number(r, "restarts"), 1);
    assert_int_equal(number(r, "period_s"), 5);
    json_decref(r);
}

#define REPORT_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPORT_TEST(a_crash_report_says_who_failed_over_what_and_for_whom),
        REPORT_TEST(a_cast_has_no_client),
        REPORT_TEST(an_event_of_a_server_has_four_kilobytes_at_most),
        REPORT_TEST(a_message_of_more_than_a_kilobyte_is_told_of_by_its_length),
        REPORT_TEST(a_crash_report_names_those_it_is_linked_to),
        REPORT_TEST(what_is_secret_or_waits_is_not_in_a_report),
        REPORT_TEST(who_ends_in_good_order_reports_nothing),
        REPORT_TEST(a_child_that_terminated_is_the_offender),
        REPORT_TEST(a_child_that_does_not_start_is_a_start_error),
        REPORT_TEST(a_child_that_has_to_be_killed_is_a_shutdown_error),
        REPORT_TEST(a_supervisor_that_gives_up_says_over_whom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
