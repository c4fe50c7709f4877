/* SPDX-License-Identifier: Apache-2.0 */
/* Spans.  OTP: telemetry:span/3. */
#include "telemetry_fixture.h"

/* -- spans -- */

struct work {
    int result;
    bool says, exits, is_nested;
};

static int work(moult_ctx *ctx, void *context, moult_span *span)
{
    const struct work *w = context;
    struct work inner = {.result = 1};

    if (w->is_nested)
        moult_telemetry_span(ctx, "inner", NULL, work, &inner);
    if (w->exits)
        moult_sleep(ctx, MOULT_INFINITY);
    else
        moult_sleep(ctx, 2);
    if (w->says) {
        span->measurements = moult_draft(ctx);
        moult_put_map(span->measurements, 2);
        moult_put_int_at(span->measurements, "duration", 1);
        moult_put_int_at(span->measurements, "extra", 5);
        span->metadata = map_of(ctx, "found", 9);
    }
    return w->result;
}

static void span_it(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_span(ctx, "a", map_of(ctx, "who", 1), work, context);
}

static void attach_spans(void)
{
    struct order o = {.id = "it",
                      .function = "listen",
                      .events = {"a.start", "a.stop", "a.exception"}};
    struct order inner = {
        .id = "inner", .function = "listen", .events = {"inner.start", "inner.stop"}};

    run(attach_order, &o);
    run(attach_order, &inner);
}

/* Have `it` run `what`, which takes 2 ms of the virtual clock. */
static void run_for_long(errand *what, const struct work *w)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)what);
    moult_put_uint(&e->out, (uintptr_t)w);
    assert_int_equal(ask(it, e, MOULT_INFINITY, NULL, NULL), 0);
    pass(2);
}

static void in_span(const struct work *w)
{
    run_for_long(span_it, w);
}

static void a_span_starts_and_stops(void **state)
{
    struct work w = {.result = 4};

    attach_spans();
    in_span(&w);
    assert_int_equal(error, 4);
    assert_int_equal(json_array_size(heard), 2);
    assert_string_equal(heard_name(0), "a.start");
    assert_non_null(measured(0, "monotonic_time"));
    assert_non_null(measured(0, "system_time"));
    assert_int_equal(json_integer_value(metadata(0, "who")), 1);
    assert_string_equal(heard_name(1), "a.stop");
    assert_int_equal(json_integer_value(measured(1, "duration")), 2000000);
    assert_non_null(measured(1, "monotonic_time"));
    assert_null(metadata(1, "who"));
    assert_int_not_equal(context(0), 0);
    assert_int_equal(context(0), context(1));
}

static void what_a_span_says_of_its_stop_cannot_replace_its_own(void **state)
{
    struct work w = {.says = true};

    attach_spans();
    in_span(&w);
    assert_int_equal(json_integer_value(measured(1, "duration")), 2000000);
    assert_int_equal(json_integer_value(measured(1, "extra")), 5);
    assert_int_equal(json_integer_value(metadata(1, "found")), 9);
    assert_int_equal(context(0), context(1));
}

static void a_span_that_fails_is_an_exception(void **state)
{
    struct work w = {.result = -ENODEV, .says = true};

    attach_spans();
    in_span(&w);
    assert_int_equal(error, -ENODEV);
    assert_string_equal(heard_name(1), "a.exception");
    assert_int_equal(json_integer_value(measured(1, "duration")), 2000000);
    assert_null(measured(1, "extra"));
    assert_int_equal(json_integer_value(metadata(1, "who")), 1);
    assert_int_equal(json_integer_value(metadata(1, "reason")), -ENODEV);
    assert_string_equal(text_at(1, "kind"), "error");
    assert_string_equal(text_at(1, "text"), moult_strerror(-ENODEV));
    assert_int_equal(context(0), context(1));
}

static void spans_may_be_within_spans(void **state)
{
    struct work w = {.is_nested = true};

    attach_spans();
    in_span(&w);
    pass(2);
    assert_int_equal(json_array_size(heard), 4);
    assert_string_equal(heard_name(0), "a.start");
    assert_string_equal(heard_name(1), "inner.start");
    assert_string_equal(heard_name(2), "inner.stop");
    assert_string_equal(heard_name(3), "a.stop");
    assert_int_not_equal(context(0), context(1));
    assert_int_equal(context(0), context(3));
    assert_int_equal(json_integer_value(measured(3, "duration")), 4000000);
}

static void who_is_killed_in_a_span_tells_of_no_end(void **state)
{
    struct work w = {.exits = true};

    attach_spans();
    in_span(&w);
    signal_exit(NULL, it, MOULT_KILL, NULL);
    assert_gone(it);
    assert_int_equal(json_array_size(heard), 1);
}

static int break_down(moult_ctx *ctx, void *context, moult_span *span)
{
    /* As the barrier does of a fault. */
    process_fail_callback(process_find(it), -EFAULT, "SIGSEGV in work");
}

static void break_in_span(moult_ctx *ctx, void *context)
{
    moult_telemetry_span(ctx, "a", map_of(ctx, "who", 1), break_down, NULL);
}

static void a_fault_in_a_span_is_an_exception(void **state)
{
    attach_spans();
    run(break_in_span, NULL);
    assert_int_equal(json_array_size(heard), 2);
    assert_string_equal(heard_name(1), "a.exception");
    assert_string_equal(text_at(1, "text"), "SIGSEGV in work");
    assert_int_equal(json_integer_value(metadata(1, "who")), 1);
}

static void a_span_that_nobody_listens_to_only_runs(void **state)
{
    struct work w = {.result = 4, .says = true};

    in_span(&w);
    assert_int_equal(error, 4);
    assert_heard("[]");
}

static void own_context(moult_ctx *ctx, void *w)
{
    moult_telemetry_span(ctx, "a", map_of(ctx, "telemetry_span_context", 5), work, w);
}

static void a_context_that_is_given_stays(void **state)
{
    struct work w = {0};

    attach_spans();
    run_for_long(own_context, &w);
    assert_int_equal(context(0), 5);
    assert_int_equal(context(1), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TELEMETRY_TEST(a_span_starts_and_stops),
        TELEMETRY_TEST(what_a_span_says_of_its_stop_cannot_replace_its_own),
        TELEMETRY_TEST(a_span_that_fails_is_an_exception),
        TELEMETRY_TEST(spans_may_be_within_spans),
        TELEMETRY_TEST(who_is_killed_in_a_span_tells_of_no_end),
        TELEMETRY_TEST(a_fault_in_a_span_is_an_exception),
        TELEMETRY_TEST(a_span_that_nobody_listens_to_only_runs),
        TELEMETRY_TEST(a_context_that_is_given_stays),
    };

    return cmocka_run_group_tests_name("telemetry_spans", tests, NULL, NULL);
}
