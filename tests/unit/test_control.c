/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint.h"
#include "event.h"
#include "loop_memory.h"
#include "served.h"

#define ASK(id, method) \
    "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\"}\n"
#define PING ASK(1, "ping")
#define PONG "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"pong\"}"

static int start(void **state)
{
    *state = served_open(NULL, NULL);
    return 0;
}

/* Limits that a test can reach. */
static int start_small(void **state)
{
    const struct control_limits limits = {
        .line = 1000, .output = 100000, .sessions = 3, .pending = 4, .requests = 9};

    *state = served_open(NULL, &limits);
    return 0;
}

static int end(void **state)
{
    served_close(*state);
    return 0;
}

static int code_of(const json_t *answer)
{
    return (int)json_integer_value(
        json_object_get(json_object_get(answer, "error"), "code"));
}

static const char *message_of(const json_t *answer)
{
    return json_string_value(
        json_object_get(json_object_get(answer, "error"), "message"));
}

static const char *datum_of(const json_t *answer, const char *key)
{
    const json_t *error = json_object_get(answer, "error");

    return json_string_value(json_object_get(json_object_get(error, "data"), key));
}

/* Fails the test unless `text` is answered with `code`, and a message with `words`. */
static void is_refused(int fd, const char *text, int code, const char *words)
{
    json_t *answer;

    say(fd, text);
    answer = hear_json(fd);
    assert_int_equal(code_of(answer), code);
    assert_non_null(strstr(message_of(answer), words));
    json_decref(answer);
}

/* -- answers -- */

static void a_request_is_answered_with_its_id(void **state)
{
    int fd = client_of(*state);

    say(fd, PING);
    hears(fd, PONG);
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"echo\",\"params\":{\"x\":["
            "1]}}\n");
    hears(fd, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"x\":[1]}}");
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"echo\"}\n");
    hears(fd, "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":null}");
    close(fd);
}

static void a_request_may_come_in_pieces_and_several_in_one(void **state)
{
    int fd = client_of(*state);

    for (const char *at = PING; *at; at++)
        say(fd, (char[]){*at, 0});
    hears(fd, PONG);
    say(fd, PING "\n \r\n" PING PING);
    for (int i = 0; i < 3; i++)
        hears(fd, PONG);
    close(fd);
}

static void another_thread_answers_later_and_out_of_order(void **state)
{
    int fd = client_of(*state);

    say(fd, ASK(7, "later") PING);
    hears(fd, PONG);
    assert_int_equal(served_answer(), 1);
    hears(fd, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"at last\"}");
    close(fd);
}

static void a_notification_is_done_and_not_answered(void **state)
{
    int fd = client_of(*state);

    say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"later\"}\n"
            "{\"jsonrpc\":\"2.0\",\"method\":\"nonsense\"}\n");
    served_wait_for(1);
    served_answer();
    say(fd, PING);
    hears(fd, PONG);
    close(fd);
}

static void a_batch_is_answered_by_one_array(void **state)
{
    int fd = client_of(*state);

    say(fd, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},1,"
            "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"},"
            "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"later\"}]\n");
    served_wait_for(1);
    served_answer();
    json_t *all = hear_json(fd);
    assert_int_equal(json_array_size(all), 3);
    assert_int_equal(code_of(json_array_get(all, 1)), -32600);
    json_decref(all);
    is_refused(fd, "[]\n", -32600, "at least one");
    say(fd, "[{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}]\n" PING);
    hears(fd, PONG);
    close(fd);
}

static void a_fault_names_code_place_and_reason(void **state)
{
    int fd = client_of(*state);
    json_t *answer;

    say(fd, ASK(1, "wrong"));
    answer = hear_json(fd);
    assert_int_equal(code_of(answer), RPC_NOT_FOUND);
    assert_string_equal(message_of(answer), "counter: no way from '1.0' to '9.0'");
    assert_string_equal(datum_of(answer, "code"), "not_found");
    assert_string_equal(datum_of(answer, "application"), "counter");
    assert_string_equal(datum_of(answer, "server"), "tally");
    assert_string_equal(datum_of(answer, "field"), "count");
    assert_string_equal(datum_of(answer, "step"), "plan");
    assert_string_equal(datum_of(answer, "error"), "ENOENT");
    assert_string_equal(datum_of(answer, "reason"), message_of(answer));
    json_decref(answer);
    close(fd);
}

static void progress_comes_before_the_answer(void **state)
{
    int fd = client_of(*state);

    say(fd, ASK(5, "steps"));
    hears(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"progress\","
              "\"params\":{\"step\":\"vet\",\"id\":5}}");
    hears(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"progress\","
              "\"params\":{\"step\":\"drain\",\"id\":5}}");
    hears(fd, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":null}");
    close(fd);
}

static void methods_are_listed_with_a_summary(void **state)
{
    int fd = client_of(*state);
    json_t *answer, *list;

    say(fd, ASK(1, "methods"));
    answer = hear_json(fd);
    list = json_object_get(answer, "result");
    assert_true(json_array_size(list) > 6);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(list, 0), "name")), "echo");
    json_decref(answer);
    close(fd);
}

/* -- what is no request -- */

static void garbage_is_refused_and_the_session_goes_on(void **state)
{
    int fd = client_of(*state);

    is_refused(fd, "garbage\n", -32700, "no JSON");
    is_refused(fd, "{\"jsonrpc\":\"2.0\",\n", -32700, "no JSON");
    is_refused(fd, "\xff\xfe{}\n", -32700, "no JSON");
    is_refused(fd, "{\"id\":1,\"id\":2}\n", -32700, "no JSON");
    is_refused(fd, "3\n", -32600, "object");
    is_refused(fd, "{\"id\":1,\"method\":\"ping\"}\n", -32600, "jsonrpc");
    is_refused(fd, "{\"jsonrpc\":\"2.0\",\"id\":1}\n", -32600, "method");
    is_refused(fd, "{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"ping\"}\n", -32600,
               "id");
    is_refused(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":3}\n",
               -32600, "params");
    is_refused(fd, ASK(1, "status?"), -32601, "'status?'");
    say(fd, PING);
    hears(fd, PONG);
    close(fd);
}

static void a_deeply_nested_line_is_refused(void **state)
{
    char *text = malloc(1 << 20);
    int fd = client_of(*state);

    memset(text, '[', 1 << 20);
    memcpy(text + (1 << 20) - 2, "\n", sizeof("\n"));
    is_refused(fd, text, -32700, "no JSON");
    free(text);
    close(fd);
}

static void parameters_are_checked_by_name(void **state)
{
    int fd = client_of(*state);

    is_refused(
        fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":1}}\n",
        -32602, "no parameter 'a'");
    is_refused(fd,
               "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[1]}\n",
               -32602, "by name");
    is_refused(
        fd,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"big\",\"params\":{\"bytes\":-1}}\n",
        -32602, "between 0 and");
    close(fd);
}

static void a_line_beyond_the_limit_ends_only_its_own_session(void **state)
{
    char *text = malloc(4000);
    int fd = client_of(*state), other = client_of(*state);
    json_t *answer;

    memset(text, 'a', 3999);
    text[3999] = 0;
    say(fd, PING);
    say(fd, text);
    hears(fd, PONG);
    answer = hear_json(fd);
    assert_int_equal(code_of(answer), -32600);
    assert_non_null(strstr(message_of(answer), "1000 bytes"));
    json_decref(answer);
    assert_null(hear(fd));
    say(other, PING);
    hears(other, PONG);
    free(text);
    close(fd);
    close(other);
}

/* -- clients that come and go -- */

static void a_client_that_only_sends_gets_its_answers_before_the_end(void **state)
{
    int fd = client_of(*state);

    say(fd, PING ASK(2, "later"));
    shutdown(fd, SHUT_WR);
    hears(fd, PONG);
    served_wait_for(1);
    served_answer();
    hears(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"at last\"}");
    assert_null(hear(fd));
    close(fd);
}

static void a_half_written_request_is_not_done(void **state)
{
    int fd = client_of(*state);

    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"later\"}");
    shutdown(fd, SHUT_WR);
    json_t *answer = hear_json(fd);
    assert_int_equal(code_of(answer), -32600);
    json_decref(answer);
    assert_null(hear(fd));
    assert_int_equal(served_answer(), 0);
    close(fd);
}

static void the_answer_to_a_client_that_has_gone_is_dropped(void **state)
{
    int fd = client_of(*state), other = client_of(*state);

    say(fd, ASK(1, "later") ASK(2, "never"));
    say(fd, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"later\"},"
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"never\"}]\n{\"jsonrpc");
    served_wait_for(4);
    close(fd);
    assert_int_equal(served_answer(), 2);
    say(other, PING);
    hears(other, PONG);
    close(other);
}

static void a_client_waits_while_too_much_of_it_is_unanswered(void **state)
{
    int fd = client_of(*state), other = client_of(*state);

    for (int i = 0; i < 6; i++)
        say(fd, ASK(9, "later"));
    served_wait_for(4);
    say(other, PING);
    hears(other, PONG);
    assert_int_equal(served_answer(), 4);
    served_wait_for(6);
    assert_int_equal(served_answer(), 2);
    for (int i = 0; i < 6; i++)
        hears(fd, "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":\"at last\"}");
    is_refused(fd, "[1,1,1,1,1]\n", -32600, "at most 4 requests, and this has 5");
    close(fd);
    close(other);
}

static void a_client_that_never_reads_is_hung_up_on(void **state)
{
    const char *big = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"big\","
                      "\"params\":{\"bytes\":900000}}";
    char batch[600];
    int fd = client_of(*state), other = client_of(*state);
    char *line;

    snprintf(batch, sizeof(batch), "%s\n%s\n%s\n%s\n", big, big, big, big);
    say(fd, batch);
    say(other, PING);
    hears(other, PONG);
    while ((line = hear(fd)))
        free(line);
    close(fd);
    close(other);
}

static void a_client_that_reads_gets_any_answer(void **state)
{
    int fd = client_of(*state);
    json_t *answer;

    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"big\","
            "\"params\":{\"bytes\":20000000}}\n");
    answer = hear_json(fd);
    assert_int_equal(json_string_length(json_object_get(answer, "result")), 20000000);
    json_decref(answer);
    close(fd);
}

static void the_client_idle_longest_makes_room(void **state)
{
    int first = client_of(*state), second = client_of(*state),
        third = client_of(*state);
    int fourth;
    json_t *goodbye;

    say(second, PING);
    hears(second, PONG);
    say(third, ASK(1, "never"));
    served_wait_for(1);
    fourth = client_of(*state);
    say(fourth, PING);
    hears(fourth, PONG);
    goodbye = hear_json(first);
    assert_int_equal(code_of(goodbye), RPC_BUSY);
    assert_null(hear(first));
    say(second, PING);
    hears(second, PONG);
    json_decref(goodbye);
    for (int i = 0; i < 4; i++)
        close((int[]){first, second, third, fourth}[i]);
}

static void a_client_too_many_is_told_so(void **state)
{
    int fds[4];
    json_t *goodbye;

    for (int i = 0; i < 3; i++) {
        fds[i] = client_of(*state);
        say(fds[i], ASK(1, "never"));
    }
    served_wait_for(3);
    fds[3] = client_of(*state);
    goodbye = hear_json(fds[3]);
    assert_int_equal(code_of(goodbye), RPC_BUSY);
    assert_string_equal(datum_of(goodbye, "code"), "busy");
    assert_null(hear(fds[3]));
    json_decref(goodbye);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

static void requests_of_all_clients_are_limited(void **state)
{
    int fds[3];

    for (int i = 0; i < 3; i++) {
        fds[i] = client_of(*state);
        for (int n = 0; n < 3; n++)
            say(fds[i], ASK(1, "later"));
    }
    served_wait_for(9);
    is_refused(fds[2], PING, RPC_BUSY, "too many requests of all clients");
    assert_int_equal(served_answer(), 9);
    for (int n = 0; n < 3; n++)
        free(hear(fds[2]));
    say(fds[2], PING);
    hears(fds[2], PONG);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static void a_client_beyond_the_table_of_the_loop_is_turned_away(void **state)
{
    struct rlimit files, more;
    int fd, last, first = dup(0);
    json_t *goodbye;

    getrlimit(RLIMIT_NOFILE, &files);
    more = files;
    more.rlim_cur = LOOP_MEMORY_DESCRIPTORS + 64;
    if (more.rlim_cur > files.rlim_max || setrlimit(RLIMIT_NOFILE, &more) < 0)
        skip();
    while ((last = dup(0)) >= 0 && last < LOOP_MEMORY_DESCRIPTORS)
        ;
    fd = client_of(*state);
    goodbye = hear_json(fd);
    assert_int_equal(code_of(goodbye), RPC_BUSY);
    assert_non_null(strstr(message_of(goodbye), "too many files open"));
    json_decref(goodbye);
    close(fd);
    for (int i = first + 1; i <= last; i++) /* what served has is below */
        close(i);
    close(first);
    setrlimit(RLIMIT_NOFILE, &files);
}

static void many_clients_are_served_at_once(void **state)
{
    int fds[500];

    for (int i = 0; i < 500; i++) {
        fds[i] = client_of(*state);
        say(fds[i], "{\"jsonrpc\":"); /* and no end of it yet */
    }
    for (int i = 0; i < 500; i++)
        say(fds[i], "\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
    for (int i = 0; i < 500; i++) {
        hears(fds[i], PONG);
        close(fds[i]);
    }
}

static void other_users_are_turned_away(void **state)
{
    const struct served *served = *state;
    json_t *goodbye;
    int fd;

    if (geteuid() != 0)
        skip();
    chmod(served->folder, 0755);
    chmod(served->path, 0666);
    assert_int_equal(seteuid(65534), 0);
    fd = client_of(served);
    assert_int_equal(seteuid(0), 0);
    goodbye = hear_json(fd);
    assert_int_equal(code_of(goodbye), RPC_REFUSED);
    assert_non_null(strstr(message_of(goodbye), "65534"));
    assert_null(hear(fd));
    json_decref(goodbye);
    close(fd);
}

/* -- events -- */

static void names_of_events_are_few_and_short(void **state)
{
    int fd = client_of(*state);
    json_t *names = json_array(), *request;
    char *text;

    for (int i = 0; i < 65; i++)
        json_array_append_new(names, json_string("server"));
    request = json_pack("{s:s, s:i, s:s, s:{s:O}}", "jsonrpc", "2.0", "id", 1, "method",
                        "events.subscribe", "params", "names", names);
    text = json_dumps(request, 0);
    say(fd, text);
    is_refused(fd, "\n", RPC_INVALID_PARAMS, "at most 64 names");
    free(text);
    json_array_clear(names);
    json_array_append_new(names, json_sprintf("%065d", 0));
    text = json_dumps(request, 0);
    say(fd, text);
    is_refused(fd, "\n", RPC_INVALID_PARAMS, "at most 64 bytes");
    free(text);
    json_decref(request);
    json_decref(names);
    close(fd);
}

static void an_event_streams_to_whoever_subscribed(void **state)
{
    int fd = client_of(*state);
    json_t *got, *event;

    event_emit(EVENT_INFO, "before.that", "{s:i}", "n", 0);
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.subscribe\","
            "\"params\":{\"level\":\"info\",\"names\":[\"upgrade\"]}}\n");
    got = hear_json(fd);
    assert_true(
        json_is_integer(json_object_get(json_object_get(got, "result"), "next")));
    json_decref(got);
    event_emit(EVENT_INFO, "upgraded", "{s:i}", "n", 1);
    event_emit(EVENT_INFO, "upgrade.commit", "{s:s}", "app", "counter");
    got = hear_json(fd);
    event = json_object_get(got, "params");
    assert_string_equal(json_string_value(json_object_get(got, "method")), "event");
    assert_string_equal(json_string_value(json_object_get(event, "app")), "counter");
    json_decref(got);
    say(fd, ASK(2, "events.unsubscribe"));
    hears(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":null}");
    event_emit(EVENT_INFO, "upgrade.commit", "{s:s}", "app", "counter");
    say(fd, PING);
    hears(fd, PONG);
    close(fd);
}

static void a_slow_reader_of_events_learns_how_many_it_missed(void **state)
{
    char text[3000];
    int fd = client_of(*state), other = client_of(*state);
    const json_int_t all = 3 * (json_int_t)EVENT_RING;
    json_int_t seen = 0, missed = 0;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.subscribe\","
            "\"params\":{\"names\":[\"flood\"]}}\n");
    json_decref(hear_json(fd));
    for (int i = 0; i < all; i++)
        event_emit(EVENT_INFO, "flood", "{s:i, s:s}", "n", i, "text", text);
    say(other, PING);
    hears(other, PONG);
    while (seen + missed < all) {
        json_t *got = hear_json(fd);
        const char *method = json_string_value(json_object_get(got, "method"));

        if (strcmp(method, "event") == 0)
            seen++;
        else
            missed += json_integer_value(
                json_object_get(json_object_get(got, "params"), "count"));
        json_decref(got);
    }
    assert_int_equal(seen + missed, all);
    assert_true(missed > 0);
    close(fd);
    close(other);
}

static void recent_events_are_the_last_ones_that_pass(void **state)
{
    int fd = client_of(*state);
    json_t *got, *events;

    for (int i = 0; i < 5; i++) {
        event_emit(EVENT_WARN, "recent.one", "{s:i}", "n", i);
        event_emit(EVENT_INFO, "recent.two", "{s:i}", "n", i);
    }
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.recent\","
            "\"params\":{\"count\":2,\"level\":\"warn\",\"names\":[\"recent\"]}}\n");
    got = hear_json(fd);
    events = json_object_get(json_object_get(got, "result"), "events");
    assert_int_equal(json_array_size(events), 2);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(events, 0), "n")), 3);
    json_decref(got);
    is_refused(fd,
               "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.recent\","
               "\"params\":{\"level\":\"loud\"}}\n",
               -32602, "'level'");
    close(fd);
}

/* -- the socket -- */

static void only_the_owner_may_connect(void **state)
{
    const struct served *served = *state;
    struct stat found;

    assert_int_equal(stat(served->path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

static void a_second_host_is_refused(void **state)
{
    const struct served *served = *state;
    struct endpoint second;
    struct fault why = {0};
    char expected[200];

    snprintf(expected, sizeof(expected),
             "a host already runs at '%s': end it with 'moult stop', or choose another "
             "socket with --socket",
             served->path);
    assert_int_equal(endpoint_open(served->path, &second, &why), -EADDRINUSE);
    assert_string_equal(why.text, expected);
}

static void closing_answers_what_was_done(void **state)
{
    int fd = client_of(*state);

    say(fd, ASK(1, "never"));
    served_wait_for(1);
    served_close(*state);
    assert_null(hear(fd));
    close(fd);
    *state = served_open(NULL, NULL);
}

#define WITH(begin, f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(start, a_request_is_answered_with_its_id),
        WITH(start, a_request_may_come_in_pieces_and_several_in_one),
        WITH(start, another_thread_answers_later_and_out_of_order),
        WITH(start, a_notification_is_done_and_not_answered),
        WITH(start, a_batch_is_answered_by_one_array),
        WITH(start, a_fault_names_code_place_and_reason),
        WITH(start, progress_comes_before_the_answer),
        WITH(start, methods_are_listed_with_a_summary),
        WITH(start, garbage_is_refused_and_the_session_goes_on),
        WITH(start, a_deeply_nested_line_is_refused),
        WITH(start, parameters_are_checked_by_name),
        WITH(start_small, a_line_beyond_the_limit_ends_only_its_own_session),
        WITH(start, a_client_that_only_sends_gets_its_answers_before_the_end),
        WITH(start, a_half_written_request_is_not_done),
        WITH(start, the_answer_to_a_client_that_has_gone_is_dropped),
        WITH(start_small, a_client_waits_while_too_much_of_it_is_unanswered),
        WITH(start_small, a_client_that_never_reads_is_hung_up_on),
        WITH(start, a_client_that_reads_gets_any_answer),
        WITH(start_small, the_client_idle_longest_makes_room),
        WITH(start_small, a_client_too_many_is_told_so),
        WITH(start_small, requests_of_all_clients_are_limited),
        WITH(start, a_client_beyond_the_table_of_the_loop_is_turned_away),
        WITH(start, many_clients_are_served_at_once),
        WITH(start, other_users_are_turned_away),
        WITH(start, names_of_events_are_few_and_short),
        WITH(start, an_event_streams_to_whoever_subscribed),
        WITH(start, a_slow_reader_of_events_learns_how_many_it_missed),
        WITH(start, recent_events_are_the_last_ones_that_pass),
        WITH(start, only_the_owner_may_connect),
        WITH(start, a_second_host_is_refused),
        WITH(start, closing_answers_what_was_done),
    };

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
