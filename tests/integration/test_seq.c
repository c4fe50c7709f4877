/* SPDX-License-Identifier: Apache-2.0 */
/* The sample seq: servers that are opened at run time, and an upgrade of what they mean. */
#include "test.h"

#include "host_fixture.h"

static void start_seq(struct host *h, const char *vsn)
{
    drop(vsn);
    host_start(h, NULL);
}

static json_int_t next(struct host *h, const char *name)
{
    return host_call_int(h, name, "\"next\"");
}

static void take(struct host *h, const char *name, int times)
{
    while (times-- > 0)
        next(h, name);
}

static void open_as(struct host *h, const char *message, const char *name)
{
    assert_string_equal(json_string_value(host_call(h, "seq", message)), name);
}

static void assert_refused(struct host *h, const char *name, const char *message,
                           const char *words)
{
    assert_has(text_at(host_refuses(h, "call", talk_message(name, message)), "message"),
               words);
}

static void open_both(struct host *h)
{
    open_as(h, "{\"open\": {\"name\": \"fib\", \"kind\": \"fibonacci\"}}", "seq.fib");
    open_as(h,
            "{\"open\": {\"name\": \"odd\", \"kind\": \"arithmetic\", \"first\": 1}}",
            "seq.odd");
}

static void sequences_of_both_kinds_go_on_by_themselves(void **state)
{
    static const json_int_t fibonacci[] = {0, 1, 1, 2, 3, 5, 8};
    static const char *const variables[] = {"MOULT_SEQ_STEP=2", NULL};
    static const char *const options[] = {NULL};
    struct host *h = *state;

    drop("samples/seq-1.0.0");
    host_start_with(h, variables, options);
    open_both(h);
    for (size_t i = 0; i < sizeof(fibonacci) / sizeof(*fibonacci); i++)
        assert_int_equal(next(h, "seq.fib"), fibonacci[i]);
    assert_int_equal(next(h, "seq.odd"), 1);
    assert_int_equal(next(h, "seq.odd"), 3);
    assert_int_equal(host_call_int(h, "seq", "\"count\""), 2);
    host_call(h, "seq", "{\"close\": \"odd\"}");
    assert_int_equal(host_call_int(h, "seq", "\"count\""), 1);
    host_stop(h);
}

static void what_cannot_be_opened_is_said(void **state)
{
    struct host *h = *state;

    start_seq(h, "samples/seq-1.0.0");
    open_both(h);
    assert_refused(h, "seq", "{\"open\": {\"name\": \"fib\", \"kind\": \"fibonacci\"}}",
                   "seq.fib");
    assert_refused(h, "seq", "{\"open\": {\"name\": \"x\", \"kind\": \"prime\"}}",
                   "'kind' is");
    assert_refused(
        h, "seq",
        "{\"open\": {\"name\": \"x\", \"kind\": \"arithmetic\", \"step\": \"two\"}}",
        "'first' and 'step' are integers");
    assert_refused(h, "seq", "{\"close\": \"x\"}", "there is no sequence 'seq.x'");
    assert_refused(h, "seq.fib", "\"back\"", "knows no such request");
    assert_int_equal(host_call_int(h, "seq", "\"count\""), 2);
    host_stop(h);
}

static void the_last_number_that_fits_is_not_gone_beyond(void **state)
{
    struct host *h = *state;

    start_seq(h, "samples/seq-1.0.0");
    open_both(h);
    take(h, "seq.fib", 91);
    assert_refused(h, "seq.fib", "\"next\"", "would not fit 64 bits");
    assert_refused(h, "seq.fib", "\"next\"", "would not fit 64 bits");
    host_stop(h);
}

static void an_upgrade_finds_the_place_of_each_and_goes_back(void **state)
{
    struct host *h = *state;

    start_seq(h, "samples/seq-1.0.0");
    open_both(h);
    take(h, "seq.fib", 10);
    take(h, "seq.odd", 2);
    drop("samples/seq-2.0.0");
    host_event(h, "upgrade.commit", "to", "2.0.0");
    assert_int_equal(next(h, "seq.fib"), 55);
    assert_int_equal(host_call_int(h, "seq.fib", "\"back\""), 55);
    assert_int_equal(host_call_int(h, "seq.fib", "\"back\""), 34);
    assert_int_equal(next(h, "seq.odd"), 3);
    assert_int_equal(host_call_int(h, "seq.odd", "\"back\""), 3);
    assert_refused(h, "seq.odd", "\"back\"", "at its beginning");
    host_change(h, "downgrade", "seq@1.0.0");
    assert_int_equal(next(h, "seq.fib"), 34);
    assert_int_equal(next(h, "seq.odd"), 3);
    host_stop(h);
}

static void a_kind_that_the_older_version_lacks_keeps_the_newer_one(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_seq(h, "samples/seq-2.0.0");
    open_as(h, "{\"open\": {\"name\": \"two\", \"kind\": \"geometric\", \"step\": 2}}",
            "seq.two");
    take(h, "seq.two", 3);
    drop("samples/seq-1.0.0");
    host_event(h, "plugin.staged", "vsn", "1.0.0");
    error = host_change_refused(h, "downgrade", "seq@1.0.0");
    assert_has(text_at(error, "message"), "a geometric sequence has no place in 1.0.0");
    assert_int_equal(next(h, "seq.two"), 8);
    host_stop(h);
}

/* Handlers run in processes of their own: ask until it is told. */
static void assert_taken(struct host *h, json_int_t expected)
{
    json_int_t taken;

    while ((taken = host_call_int(h, "seq", "\"taken\"")) < expected)
        continue;
    assert_int_equal(taken, expected);
}

static void what_is_taken_is_counted_by_telemetry_also_after_an_upgrade(void **state)
{
    struct host *h = *state;

    start_seq(h, "samples/seq-1.0.0");
    open_both(h);
    take(h, "seq.fib", 3);
    take(h, "seq.odd", 2);
    assert_taken(h, 5);
    drop("samples/seq-2.0.0");
    host_event(h, "upgrade.commit", "to", "2.0.0");
    take(h, "seq.fib", 2);
    host_call(h, "seq.fib", "\"back\"");
    assert_taken(h, 7);
    host_stop(h);
}

static void each_next_is_a_span(void **state)
{
    struct host *h = *state;

    drop("integration/gauge-1.0.0");
    start_seq(h, "samples/seq-1.0.0");
    open_both(h);
    host_call(h, "gauge", "{\"attach\": [\"start\", \"seq.next.start\", \"count\"]}");
    host_call(h, "gauge", "{\"attach\": [\"stop\", \"seq.next.stop\", \"count\"]}");
    host_call(h, "gauge", "{\"attach\": [\"not\", \"seq.next.exception\", \"count\"]}");
    next(h, "seq.fib");
    host_event(h, "plugin.log", "server", "stop");
    assert_int_equal(host_events(h, "plugin.log"), 2);
    take(h, "seq.fib", 90);
    assert_refused(h, "seq.fib", "\"next\"", "would not fit 64 bits");
    host_event(h, "plugin.log", "text", "seq.next.exception");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(sequences_of_both_kinds_go_on_by_themselves),
        HOST_TEST(what_cannot_be_opened_is_said),
        HOST_TEST(the_last_number_that_fits_is_not_gone_beyond),
        HOST_TEST(an_upgrade_finds_the_place_of_each_and_goes_back),
        HOST_TEST(a_kind_that_the_older_version_lacks_keeps_the_newer_one),
        HOST_TEST(what_is_taken_is_counted_by_telemetry_also_after_an_upgrade),
        HOST_TEST(each_next_is_a_span),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
