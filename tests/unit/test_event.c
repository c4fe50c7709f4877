/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>
#include <regex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "members.h"
#include "pid.h"

/* The next event from `*next` on, which must be there and named `name`. */
static json_t *expect(uint64_t *next, const char *name)
{
    uint64_t missed = 0;
    json_t *event = event_read(next, &missed);

    assert_non_null(event);
    assert_int_equal(missed, 0);
    assert_string_equal(json_string_value(json_object_get(event, "event")), name);
    return event;
}

/* `event` (taken) as a line for people, lent until the next call. */
static const char *line(json_t *event, int as_json)
{
    static char *text;
    size_t len;
    FILE *out;

    free(text);
    out = open_memstream(&text, &len);
    event_print(event, as_json, out);
    fclose(out);
    json_decref(event);
    return text;
}

/* What follows the time in the line of an event with one member, k=value. */
static const char *line_of(const char *value, size_t len)
{
    json_t *event = json_pack("{s:s, s:s, s:s, s:o}", "time", "T", "level", "info",
                              "event", "e", "k", json_stringn_nocheck(value, len));

    return line(event, 0);
}

static void an_event_has_a_number_a_time_a_level_and_a_name(void **state)
{
    uint64_t next = event_next(), first = next;
    regex_t time;
    json_t *event;

    event_emit(EVENT_WARN, "server.crash", "{s:s, s:i}", "server", "tally", "why", -71);
    assert_int_equal(event_next(), first + 1);
    event = expect(&next, "server.crash");
    assert_int_equal(next, first + 1);
    assert_int_equal(json_integer_value(json_object_get(event, "seq")), first);
    assert_string_equal(json_string_value(json_object_get(event, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(event, "server")), "tally");
    assert_int_equal(json_integer_value(json_object_get(event, "why")), -71);
    regcomp(&time, "^20[0-9-]{8}T[0-9:]{8}\\.[0-9]{3}Z$", REG_EXTENDED | REG_NOSUB);
    assert_int_equal(
        regexec(&time, json_string_value(json_object_get(event, "time")), 0, NULL, 0),
        0);
    regfree(&time);
    json_decref(event);
}

static void an_event_may_have_no_members_of_its_own(void **state)
{
    uint64_t next = event_next(), missed = 0;

    event_emit(EVENT_INFO, "host.ready", NULL);
    event_emit(EVENT_INFO, "host.ready", "");
    json_decref(expect(&next, "host.ready"));
    json_decref(expect(&next, "host.ready"));
    assert_null(event_read(&next, &missed));
}

static void members_do_not_hide_what_every_event_has(void **state)
{
    uint64_t next = event_next();
    json_t *event;

    event_emit(EVENT_INFO, "odd", "{s:i, s:s}", "seq", -1, "event", "other");
    event = expect(&next, "odd");
    assert_true(json_integer_value(json_object_get(event, "seq")) > 0);
    json_decref(event);
}

static void members_that_can_not_be_packed_leave_an_error(void **state)
{
    uint64_t next = event_next();
    json_t *event;

    event_emit(EVENT_ERROR, "bad.text", "{s:s}", "text", "\xff");
    event_emit(EVENT_ERROR, "bad.format", "{s:", "key");
    event_emit(EVENT_ERROR, "no.object", "[i]", 1);
    event = expect(&next, "bad.text");
    assert_non_null(
        strstr(json_string_value(json_object_get(event, "error")), "'bad.text'"));
    json_decref(event);
    event = expect(&next, "bad.format");
    assert_non_null(json_object_get(event, "error"));
    json_decref(event);
    event = expect(&next, "no.object");
    assert_non_null(json_object_get(event, "error"));
    json_decref(event);
}

static void members_that_were_taken_down_are_read_as_json(void **state)
{
    uint64_t next = event_next();
    json_t *event, *wanted;
    struct members m;

    members_begin(&m);
    members_text(&m, "server", "tally");
    members_text(&m, "odd", "\xff");
    members_text(&m, "none", NULL);
    members_word(&m, "type", "worker");
    members_int(&m, "why", -71);
    members_bool(&m, "on", true);
    members_pid(&m, "pid", pid_make(3, 2));
    members_item(&m, "state", "\xa1\x61n\x05", 4);
    members_item(&m, "cut", "\xa1\x61", 2);
    members_json(&m, "links", json_pack("[s]", "a"));
    members_int(&m, "seq", -1);
    event_emit_members(EVENT_WARN, "server.crash", &m);
    event = expect(&next, "server.crash");
    assert_true(json_integer_value(json_object_get(event, "seq")) > 0);
    assert_string_equal(json_string_value(json_object_get(event, "level")), "warn");
    for (int i = 0; i < 4; i++) /* what every event has */
        json_object_del(event, (const char *[]){"seq", "time", "level", "event"}[i]);
    wanted = json_pack("{s:s, s:n, s:n, s:s, s:i, s:b, s:s, s:{s:i}, s:n, s:[s]}",
                       "server", "tally", "odd", "none", "type", "worker", "why", -71,
                       "on", 1, "pid", "<0.3.2>", "state", "n", 5, "cut", "links", "a");
    assert_true(json_equal(event, wanted));
    json_decref(wanted);
    json_decref(event);
}

/* More than is at hand without memory of its own. */
static void members_may_be_large(void **state)
{
    uint64_t next = event_next();
    char text[4 * MEMBERS_ROOM];
    struct members m;
    json_t *event;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    members_begin(&m);
    members_int(&m, "first", 1);
    members_text(&m, "text", text);
    members_int(&m, "last", 2);
    event_emit_members(EVENT_INFO, "large", &m);
    event = expect(&next, "large");
    assert_string_equal(json_string_value(json_object_get(event, "text")), text);
    assert_int_equal(json_integer_value(json_object_get(event, "first")), 1);
    assert_int_equal(json_integer_value(json_object_get(event, "last")), 2);
    json_decref(event);
}

static void members_of_what_is_not_recorded_are_released(void **state)
{
    uint64_t next = event_next();
    json_t *list = json_array();
    struct members m;

    members_begin(&m);
    members_json(&m, "list", json_incref(list));
    event_emit_members(EVENT_DEBUG, "detail", &m);
    assert_int_equal(event_next(), next);
    assert_int_equal(list->refcount, 1);
    json_decref(list);
}

static void events_below_the_level_are_not_recorded(void **state)
{
    uint64_t next = event_next();

    event_emit(EVENT_DEBUG, "detail", NULL);
    event_emit(EVENT_DEBUG, "detail", "{s:o}", "taken", json_integer(1));
    assert_int_equal(event_next(), next);
    event_set_level(EVENT_NONE);
    event_emit(EVENT_ERROR, "test.hidden", NULL);
    event_set_level(EVENT_DEBUG);
    event_emit(EVENT_DEBUG, "detail", NULL);
    event_set_level(EVENT_INFO);
    json_decref(expect(&next, "detail"));
}

static void a_slow_reader_learns_what_it_missed(void **state)
{
    uint64_t next = event_next(), missed = 0, first = next;
    json_t *event;

    for (unsigned i = 0; i < EVENT_RING + 10; i++)
        event_emit(EVENT_INFO, "tick", "{s:i}", "i", (int)i);
    event = event_read(&next, &missed);
    assert_int_equal(missed, 10);
    assert_int_equal(next, first + 11);
    assert_int_equal(json_integer_value(json_object_get(event, "i")), 10);
    json_decref(event);
    missed = 0;
    for (unsigned i = 1; i < EVENT_RING; i++) {
        event = event_read(&next, &missed);
        assert_non_null(event);
        json_decref(event);
    }
    assert_int_equal(missed, 0);
    assert_null(event_read(&next, &missed));
}

static void a_reader_may_start_at_nothing(void **state)
{
    uint64_t next = 0, missed = 0;
    json_t *event;

    event_emit(EVENT_INFO, "any", NULL);
    event = event_read(&next, &missed);
    assert_non_null(event);
    assert_int_equal(json_integer_value(json_object_get(event, "seq")), missed + 1);
    json_decref(event);
}

static void count_call(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

static void the_hook_is_called_after_each_event(void **state)
{
    atomic_int calls = 0;

    event_set_hook(count_call, &calls);
    event_emit(EVENT_INFO, "one", NULL);
    event_emit(EVENT_DEBUG, "not recorded", NULL);
    event_emit(EVENT_INFO, "two", NULL);
    event_set_hook(NULL, NULL);
    event_emit(EVENT_INFO, "three", NULL);
    assert_int_equal(atomic_load(&calls), 2);
}

#define MANY 8000u /* by four threads */

static void *emit_many(void *context)
{
    for (int i = 0; i < (int)MANY / 4; i++)
        event_emit(EVENT_INFO, "many", "{s:i}", "i", i);
    return NULL;
}

static void many_threads_get_one_order(void **state)
{
    uint64_t next = event_next(), seen = next, missed = 0;
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, emit_many, NULL), 0);
    while (next < seen + MANY) {
        uint64_t before = next + missed;
        json_t *event = event_read(&next, &missed);

        if (event)
            assert_int_equal(json_integer_value(json_object_get(event, "seq")),
                             next - 1);
        assert_true(next + missed >= before);
        json_decref(event);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(event_next(), seen + MANY);
}

/* -- printing -- */

static void a_line_is_time_level_name_and_pairs(void **state)
{
    json_t *event =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:b, s:n, s:[ss]}", "seq", 7, "time",
                  "2026-01-02T15:04:05.678Z", "level", "info", "event", "server.start",
                  "server", "tally", "count", 3, "on", 1, "none", "list", "a", "b");

    assert_string_equal(line(json_incref(event), 0),
                        "2026-01-02T15:04:05.678Z info  server.start     server=tally "
                        "count=3 on=true none=null list=[\"a\",\"b\"]\n");
    assert_string_equal(
        line(event, 1),
        "{\"seq\":7,\"time\":\"2026-01-02T15:04:05.678Z\",\"level\":"
        "\"info\",\"event\":\"server.start\",\"server\":\"tally\","
        "\"count\":3,\"on\":true,\"none\":null,\"list\":[\"a\",\"b\"]}\n");
}

#define LINE_OF(text) line_of(text, sizeof(text) - 1)
#define START         "T info  e                "

static void text_is_quoted_where_it_must_be(void **state)
{
    assert_string_equal(LINE_OF("plain"), START "k=plain\n");
    assert_string_equal(LINE_OF("two words"), START "k=\"two words\"\n");
    assert_string_equal(LINE_OF(""), START "k=\"\"\n");
    assert_string_equal(LINE_OF("say \"hi\""), START "k=\"say \\\"hi\\\"\"\n");
    assert_string_equal(LINE_OF("a\\b"), START "k=\"a\\\\b\"\n");
    assert_string_equal(LINE_OF("a=b"), START "k=\"a=b\"\n");
    assert_string_equal(LINE_OF("gr\xc3\xbc\xc3\x9f"), START "k=gr\xc3\xbc\xc3\x9f\n");
}

static void nothing_printed_can_drive_a_terminal(void **state)
{
    assert_string_equal(LINE_OF("a\nb\tc"), START "k=\"a\\nb\\tc\"\n");
    assert_string_equal(LINE_OF("\x1b[2J"), START "k=\"\\u001b[2J\"\n");
    assert_string_equal(LINE_OF("\x7f"), START "k=\"\\u007f\"\n");
    assert_string_equal(LINE_OF("\xc2\x9b\x31m"), START "k=\"\\u009b1m\"\n");
    assert_string_equal(LINE_OF("a\0b"), START "k=\"a\\u0000b\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_a_number_a_time_a_level_and_a_name),
        cmocka_unit_test(an_event_may_have_no_members_of_its_own),
        cmocka_unit_test(members_do_not_hide_what_every_event_has),
        cmocka_unit_test(members_that_can_not_be_packed_leave_an_error),
        cmocka_unit_test(members_that_were_taken_down_are_read_as_json),
        cmocka_unit_test(members_may_be_large),
        cmocka_unit_test(members_of_what_is_not_recorded_are_released),
        cmocka_unit_test(events_below_the_level_are_not_recorded),
        cmocka_unit_test(a_slow_reader_learns_what_it_missed),
        cmocka_unit_test(a_reader_may_start_at_nothing),
        cmocka_unit_test(the_hook_is_called_after_each_event),
        cmocka_unit_test(many_threads_get_one_order),
        cmocka_unit_test(a_line_is_time_level_name_and_pairs),
        cmocka_unit_test(text_is_quoted_where_it_must_be),
        cmocka_unit_test(nothing_printed_can_drive_a_terminal),
    };

    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
