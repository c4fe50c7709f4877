/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket of a real host: what is asked of it, and what is done to it. */
#include "test.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "host_fixture.h"
#include "program.h"

#define MIB ((size_t)1 << 20)

static void start(struct host *h)
{
    drop("samples/counter-1.0.0");
    drop("integration/echo");
    drop("integration/gate");
    drop("integration/relay");
    host_start(h, NULL);
}

static void still_answers(struct host *h)
{
    json_int_t before = host_call_int(h, "counter", "\"get\"");

    assert_int_equal(host_call_int(h, "counter", "\"bump\""), before + 1);
}

/* Nothing of clients that are gone is left: asked again until what was closed is gone. */
static void has_let_go(struct host *h, unsigned descriptors)
{
    for (int i = 0; i < 1000 && host_descriptors(h) > descriptors; i++)
        still_answers(h);
    assert_true(host_descriptors(h) <= descriptors);
}

/* -- what is asked -- */

static void echoes(struct host *h, const char *message)
{
    json_t *value = json_loads(message, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_t *params = json_pack("{s:s, s:O}", "name", "echo", "message", value);
    json_t *reply = host_ask(h, "call", params);

    if (!json_equal(reply, value))
        fail_msg("%s came back as something else", message);
    json_decref(value);
}

static void messages_come_back_as_they_went(void **state)
{
    static const char *const messages[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "23",
        "24",
        "255",
        "256",
        "65535",
        "65536",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "1.5",
        "-0.1",
        "1e300",
        "\"\"",
        "\"text\"",
        "\"\\u0000\"",
        "\"\\ud83d\\ude00 \\u00e9\"",
        "[]",
        "{}",
        "[1, [2, [3, {\"a\": [null]}]]]",
        "{\"a\": {\"b\": {\"c\": []}}, \"\": 1, \"\\u00fc\": \"\\n\\t\\\"\"}"};
    struct host *h = *state;
    json_t *odd, *big;
    char *text;

    start(h);
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        echoes(h, messages[i]);
    assert_string_equal(json_string_value(host_call(h, "echo", "\"bytes\"")), "AP_-");
    odd = host_call(h, "echo", "\"odd\"");
    assert_true(json_is_null(json_array_get(odd, 0)));
    assert_true(json_is_null(json_array_get(odd, 1)));

    text = malloc(8 * MIB);
    memset(text, 'x', 8 * MIB);
    big = host_ask(h, "call",
                   json_pack("{s:s, s:o}", "name", "echo", "message",
                             json_stringn(text, 8 * MIB)));
    assert_int_equal(json_string_length(big), 8 * MIB);
    free(text);
    host_stop(h);
}

static void a_failed_call_says_why(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h);
    error = host_refuses(h, "call", talk_message("nobody", "1"));
    assert_int_equal(int_at(error, "code"), 2);
    assert_string_equal(text_at(error, "data.code"), "not_found");
    assert_string_equal(text_at(error, "data.server"), "nobody");
    assert_has(text_at(error, "message"), "'nobody'");

    error = host_refuses(h, "call", talk_message("echo", "\"refuse\""));
    assert_int_equal(int_at(error, "code"), 8);
    assert_string_equal(text_at(error, "data.error"), "ENOSPC");
    assert_string_equal(text_at(error, "data.server"), "echo");
    assert_string_equal(text_at(error, "message"),
                        "the disk is full: \"delete\" something");

    error = host_refuses(h, "call", talk_message("echo", "\"crash\""));
    assert_int_equal(int_at(error, "code"), 9);
    assert_string_equal(text_at(error, "data.code"), "died");
    assert_has(text_at(error, "message"), "the disk is gone");
    host_event(h, "server.restart", "server", "echo");

    error = host_refuses(h, "call",
                         json_pack("{s:s, s:s, s:i}", "name", "echo", "message",
                                   "never", "timeout_ms", 20));
    assert_int_equal(int_at(error, "code"), 3);
    assert_string_equal(text_at(error, "data.code"), "timeout");

    error = host_refuses(h, "call", talk_message("counter", "\"dance\""));
    assert_int_equal(int_at(error, "code"), 6);
    assert_has(text_at(error, "message"), "counter takes");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 0);
    host_stop(h);
}

static void a_late_reply_reaches_nobody(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h);
    error = host_refuses(h, "call",
                         json_pack("{s:s, s:{s:s}, s:i}", "name", "gate", "message",
                                   "wait", "me", "timeout_ms", 20));
    assert_string_equal(text_at(error, "data.code"), "timeout");
    assert_int_equal(host_call_int(h, "gate", "\"open\""), 1);
    still_answers(h);
    assert_int_equal(json_array_size(h->talk->heard), 0);
    host_stop(h);
}

static void a_cast_is_done_without_an_answer_of_the_server(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h);
    assert_true(json_is_null(host_ask(h, "cast", talk_message("echo", "\"hello\""))));
    host_event(h, "plugin.log", "text", "cast: hello");
    error = host_refuses(h, "cast", talk_message("nobody", "1"));
    assert_string_equal(text_at(error, "data.code"), "not_found");
    host_ask(h, "cast", talk_message("counter", "1")); /* which takes none */
    host_event(h, "server.unhandled", "server", "counter");
    host_stop(h);
}

static void what_there_is_has_the_shapes_that_are_documented(void **state)
{
    struct host *h = *state;
    json_t *value, *child;

    start(h);
    value = host_ask(h, "status", NULL);
    assert_int_equal(int_at(value, "pid"), h->pid);
    assert_string_equal(text_at(value, "state"), "running");
    assert_string_equal(text_at(value, "socket"), h->socket);
    assert_string_equal(text_at(value, "plugins"), in_folder("plugins"));
    assert_string_equal(text_at(value, "data"), in_folder("data"));
    assert_int_equal(int_at(value, "applications"), 4);
    assert_true(int_at(value, "processes") >= 9);
    assert_true(int_at(value, "uptime_ms") >= 0);
    assert_true(strlen(text_at(value, "version")) > 0);

    value = json_array_get(host_ask(h, "apps", NULL), 0);
    assert_string_equal(text_at(value, "name"), "counter");
    assert_string_equal(text_at(value, "vsn"), "1.0.0");
    assert_string_equal(text_at(value, "status"), "running");
    assert_string_equal(text_at(value, "description"), "counts");
    assert_int_equal(int_at(value, "servers"), 1);
    assert_int_equal(int_at(value, "restarts"), 0);

    value = host_ask(h, "tree", NULL);
    assert_string_equal(text_at(value, "host"), "moult");
    value = json_array_get(at(value, "applications"), 0);
    assert_string_equal(text_at(value, "name"), "counter");
    assert_string_equal(text_at(value, "supervisor.strategy"), "one_for_one");
    child = json_array_get(at(value, "supervisor.children"), 0);
    assert_string_equal(text_at(child, "id"), "counter");
    assert_string_equal(text_at(child, "name"), "counter");
    assert_string_equal(text_at(child, "type"), "worker");
    assert_string_equal(text_at(child, "status"), "running");
    assert_int_equal(int_at(child, "restarts"), 0);

    value = host_ask(h, "state", json_pack("{s:s}", "name", "counter"));
    assert_string_equal(text_at(value, "pid"), text_at(child, "pid"));
    assert_string_equal(text_at(value, "name"), "counter");
    assert_string_equal(text_at(value, "vsn"), "1.0.0");
    assert_int_equal(int_at(value, "format"), 0);
    assert_int_equal(int_at(value, "state.count"), 0);
    value = host_refuses(h, "state", json_pack("{s:s}", "name", "nobody"));
    assert_string_equal(text_at(value, "data.code"), "not_found");

    assert_int_equal(json_array_size(host_ask(h, "ps", json_pack("{s:i}", "limit", 2))),
                     2);
    value = json_array_get(host_ask(h, "ps", NULL), 0);
    assert_string_equal(text_at(value, "application"), "counter");
    assert_true(int_at(value, "memory") > 0);
    assert_int_equal(int_at(value, "mailbox"), 0);
    assert_true(strlen(text_at(value, "status")) > 0);
    host_stop(h);
}

/* Every method that there is is documented; `moult help protocol` is made of the same. */
static void every_method_is_documented(void **state)
{
    struct host *h = *state;
    const struct ran *help;
    json_t *method;
    char words[80];
    size_t i;

    start(h);
    help = moult(NULL, "help", "protocol", NULL);
    assert_int_equal(help->status, 0);
    json_array_foreach(host_ask(h, "methods", NULL), i, method)
    {
        assert_true(strlen(text_at(method, "summary")) > 0);
        snprintf(words, sizeof(words), "\n  %s - ", text_at(method, "name"));
        assert_has(help->out, words);
    }
    assert_true(i >= 15);
    host_stop(h);
}

static void wrong_parameters_are_refused_by_name(void **state)
{
    struct host *h = *state;
    json_t *error;

    start(h);
    error = host_refuses(h, "call", json_pack("{s:s}", "name", "counter"));
    assert_int_equal(int_at(error, "code"), -32602);
    assert_has(text_at(error, "message"), "message");
    error = host_refuses(h, "call", json_pack("{s:i, s:i}", "name", 5, "message", 1));
    assert_has(text_at(error, "message"), "name");
    error = host_refuses(h, "status", json_pack("{s:i}", "verbose", 1));
    assert_has(text_at(error, "message"), "verbose");
    error = host_refuses(h, "cal", NULL);
    assert_int_equal(int_at(error, "code"), -32601);
    assert_has(text_at(error, "message"), "cal");
    host_stop(h);
}

static void events_come_as_they_were_asked_for(void **state)
{
    struct host *h = *state;
    struct talk *talk;
    json_t *event;

    start(h);
    talk = talk_open(h->socket);
    talk_result(talk, "events.subscribe",
                json_pack("{s:[s], s:s}", "names", "server", "level", "warn"));
    host_ask(h, "cast", talk_message("echo", "\"a\"")); /* plugin.log: another name */
    host_refuses(h, "call", talk_message("echo", "\"crash\""));
    event = talk_notice(talk, "event");
    assert_string_equal(text_at(event, "event"), "server.crash");
    assert_string_equal(text_at(event, "level"), "error");
    event = talk_notice(talk, "event");
    assert_string_equal(text_at(event, "event"), "server.exit");
    assert_string_equal(text_at(event, "level"), "warn");
    host_event(h, "server.restart", NULL, NULL); /* info: below the level */
    talk_result(talk, "events.unsubscribe", NULL);
    host_refuses(h, "call", talk_message("echo", "\"crash\""));
    host_event(h, "server.restart", NULL, NULL);
    talk_result(talk, "ping", NULL);
    assert_int_equal(json_array_size(talk->heard), 0);
    talk_close(talk);
    host_stop(h);
}

/* -- what is done to it -- */

static void a_client_that_goes_in_the_middle_of_a_request_harms_nobody(void **state)
{
    static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"call\",";
    const struct linger at_once = {.l_onoff = 1};
    struct host *h = *state;
    unsigned descriptors;

    start(h);
    descriptors = host_descriptors(h);
    for (int i = 0; i < 50; i++) {
        struct talk *talk = talk_open(h->socket);

        talk_send(talk, request, 1 + (size_t)i % (sizeof(request) - 1));
        if (i % 2)
            setsockopt(talk->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        talk_close(talk);
    }
    still_answers(h);
    has_let_go(h, descriptors);
    host_stop(h);
}

static void a_client_that_goes_before_its_answers_harms_nobody(void **state)
{
    struct host *h = *state;
    unsigned descriptors;

    start(h);
    descriptors = host_descriptors(h);
    for (int i = 0; i < 20; i++) {
        struct talk *talk = talk_open(h->socket);

        talk_ask(talk, "call", talk_message("gate", "{\"wait\": \"me\"}"));
        talk_ask(talk, "call", talk_message("relay", "{\"do\": [\"gate\"]}"));
        talk_ask(talk, "status", NULL);
        talk_ask(talk, "events.subscribe", NULL);
        host_event(h, "plugin.log", "text", "me waits");
        talk_close(talk);
    }
    still_answers(h);
    while (host_call_int(h, "gate", "\"open\"") > 0)
        ;
    has_let_go(h, descriptors);
    host_stop(h);
}

/* A child process does it, and is killed. */
static void
a_client_that_is_killed_in_the_middle_of_its_upgrade_gets_it_done(void **state)
{
    struct host *h = *state;
    pid_t pid;

    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("samples/counter-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    host_call_int(h, "counter", "{\"add\": 5}");
    pid = fork();
    if (pid == 0) {
        struct talk *talk = talk_open(h->socket);

        talk_ask(talk, "upgrade", target("counter@2.0.0"));
        talk_notice(talk, "progress");
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    host_event(h, "upgrade.commit", "to", "2.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

static void garbage_is_refused_and_others_are_served(void **state)
{
    static const char *const garbage[] = {
        "garbage\n",
        "{\n",
        "}\n",
        "[\n",
        "\"\n",
        "{\"jsonrpc\":\"2.0\"}\n",
        "null\n",
        "7\n",
        "\xff\xfe\xfd\n",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":7}\n",
        "[]\n",
        "[1]\n",
        "{\"a\":1,\"a\":2}\n",
        "GET / HTTP/1.1\r\n"};
    struct host *h = *state;
    struct talk *talk;
    char *deep = malloc(MIB);

    start(h);
    talk = talk_open(h->socket);
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        json_t *answer;

        talk_say(talk, garbage[i]);
        answer = talk_hear(talk);
        assert_non_null(answer);
        at(json_is_array(answer) ? json_array_get(answer, 0) : answer, "error.code");
    }
    memset(deep, '[', MIB);
    deep[MIB - 1] = '\n';
    talk_send(talk, deep, MIB);
    at(talk_hear(talk), "error.code");
    free(deep);
    talk_result(talk, "ping", NULL); /* it goes on */
    talk_close(talk);
    still_answers(h);
    host_stop(h);
}

static void a_request_that_never_ends_is_ended(void **state)
{
    struct host *h = *state;
    char *piece = malloc(MIB);
    struct talk *talk;
    unsigned descriptors;
    json_t *answer;

    start(h);
    descriptors = host_descriptors(h);
    talk = talk_open(h->socket);
    memset(piece, 'x', MIB);
    for (int i = 0; i < 17; i++) { /* the limit is 16 */
        talk_send(talk, piece, MIB);
        still_answers(h);
    }
    free(piece);
    answer = talk_hear(talk);
    assert_int_equal(int_at(answer, "error.code"), -32600);
    assert_has(text_at(answer, "error.message"), "16777216");
    while (talk_hear(talk))
        ;
    talk_close(talk);
    still_answers(h);
    has_let_go(h, descriptors);
    host_stop(h);
}

static void a_half_written_request_holds_nobody_up(void **state)
{
    static const char first[] = "{\"jsonrpc\":\"2.0\",\"id\":1,",
                      rest[] = "\"method\":\"ping\"}\n";
    struct host *h = *state;
    struct talk *talks[20];

    start(h);
    for (int i = 0; i < 20; i++) {
        talks[i] = talk_open(h->socket);
        talk_say(talks[i], first);
    }
    for (int i = 0; i < 20; i++)
        still_answers(h);
    for (int i = 0; i < 20; i++) { /* and it may still be finished */
        talk_say(talks[i], rest);
        assert_string_equal(text_at(talk_hear(talks[i]), "result"), "pong");
        talk_close(talks[i]);
    }
    host_stop(h);
}

/* It asks for more and more, and reads nothing: it is read no further, or closed. */
static void a_client_that_does_not_read_holds_nobody_up(void **state)
{
    struct host *h = *state;
    struct talk *talk;
    char *requests, *end;
    ssize_t sent = 1;

    start(h);
    talk = talk_open(h->socket);
    requests = malloc(MIB);
    for (end = requests; end < requests + MIB - 64;)
        end += sprintf(end, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"methods\"}\n");
    for (int i = 0; i < 64 && sent > 0; i++) {
        sent = send(talk->fd, requests, (size_t)(end - requests),
                    MSG_DONTWAIT | MSG_NOSIGNAL);
        still_answers(h);
    }
    assert_true(sent < 0); /* it takes no more */
    free(requests);
    talk_close(talk);
    still_answers(h);
    host_stop(h);
}

static void another_user_is_turned_away(void **state)
{
    struct host *h = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int status;
    pid_t pid;

    if (geteuid() != 0)
        skip(); /* who can't be somebody else */
    start(h);
    chmod(folder, 0755);
    strcpy(address.sun_path, h->socket);
    pid = fork();
    if (pid == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (setresuid(65534, 65534, 65534) < 0)
            _exit(9);
        _exit(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0); /* the file's mode keeps it out */
    chmod(h->socket, 0666);
    pid = fork();
    if (pid == 0) {
        char text[200] = "";
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (setresuid(65534, 65534, 65534) < 0 ||
            connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
            _exit(9);
        send(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"stop\"}\n", 34, MSG_NOSIGNAL);
        if (recv(fd, text, sizeof(text) - 1, 0) <= 0)
            _exit(8);
        _exit(strstr(text, "may not drive") ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0); /* and if it did not, the host does */
    still_answers(h);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(messages_come_back_as_they_went),
        HOST_TEST(a_failed_call_says_why),
        HOST_TEST(a_late_reply_reaches_nobody),
        HOST_TEST(a_cast_is_done_without_an_answer_of_the_server),
        HOST_TEST(what_there_is_has_the_shapes_that_are_documented),
        HOST_TEST(every_method_is_documented),
        HOST_TEST(wrong_parameters_are_refused_by_name),
        HOST_TEST(events_come_as_they_were_asked_for),
        HOST_TEST(a_client_that_goes_in_the_middle_of_a_request_harms_nobody),
        HOST_TEST(a_client_that_goes_before_its_answers_harms_nobody),
        HOST_TEST(a_client_that_is_killed_in_the_middle_of_its_upgrade_gets_it_done),
        HOST_TEST(garbage_is_refused_and_others_are_served),
        HOST_TEST(a_request_that_never_ends_is_ended),
        HOST_TEST(a_half_written_request_holds_nobody_up),
        HOST_TEST(a_client_that_does_not_read_holds_nobody_up),
        HOST_TEST(another_user_is_turned_away),
    };

    return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
