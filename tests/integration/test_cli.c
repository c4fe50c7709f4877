/* SPDX-License-Identifier: Apache-2.0 */
/* The program as people and scripts use it. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "host_fixture.h"
#include "program.h"

/* Whether its only output is that. */
#define prints(h, text, ...)                                                  \
    do {                                                                      \
        const struct ran *prints_ran = moult((h)->socket, __VA_ARGS__, NULL); \
                                                                              \
        assert_string_equal(prints_ran->err, "");                             \
        assert_string_equal(prints_ran->out, (text));                         \
        assert_int_equal(prints_ran->status, 0);                              \
    } while (0)

/* Whether it ends with that status, complains with these words, and prints nothing. */
#define complains(socket, exit_status, words, ...)                             \
    do {                                                                       \
        const struct ran *complains_ran = moult((socket), __VA_ARGS__, NULL);  \
                                                                               \
        assert_has(complains_ran->err, (words));                               \
        assert_string_equal(complains_ran->out, "");                           \
        assert_int_equal(complains_ran->status, (exit_status));                \
        assert_ptr_equal(strchr(complains_ran->err, '\n'),                     \
                         complains_ran->err + strlen(complains_ran->err) - 1); \
    } while (0)

/* What it prints with --json, one value; lent until the host ends. */
#define json_of(h, ...) take_json((h), moult((h)->socket, __VA_ARGS__, "--json", NULL))

static json_t *take_json(struct host *h, const struct ran *ran)
{
    json_t *value = json_loads(ran->out, JSON_DECODE_ANY, NULL);

    assert_string_equal(ran->err, "");
    assert_int_equal(ran->status, 0);
    if (!value)
        fail_msg("this is no JSON: %s", ran->out);
    json_array_append_new(h->talk->lent, value);
    return value;
}

static void start(struct host *h)
{
    drop("samples/counter-1.0.0");
    drop("integration/echo");
    host_start(h, "--on-drop", "stage", NULL);
    drop("samples/counter-1.1.0");
    drop("samples/counter-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
}

/* A message may come on standard input, where it may be longer than a word. */
static const char *call_from_a_pipe(struct host *h)
{
    static const char script[] = "echo '{\"add\": 10}' | \"$0\" call counter -";
    const char *const argv[] = {"sh", "-c", script, MOULT, NULL};
    char variable[400];
    const char *const variables[] = {variable, NULL};

    snprintf(variable, sizeof(variable), "MOULT_SOCKET=%s", h->socket);
    return program_run(argv, variables)->out;
}

static void calls_print_the_reply(void **state)
{
    struct host *h = *state;

    start(h);
    prints(h, "0\n", "call", "counter", "get");
    prints(h, "0\n", "call", "counter", "\"get\"");
    prints(h, "5\n", "call", "counter", "{\"add\": 5}");
    prints(h, "2\n", "call", "counter", "{\"add\": -3}", "--timeout", "1000");
    prints(h, "-1\n", "call", "echo", "-1");
    prints(h, "2\n", "--socket", h->socket, "call", "counter", "get");
    prints(h, "", "cast", "echo", "hello");
    assert_string_equal(call_from_a_pipe(h), "12\n");
    host_event(h, "plugin.log", "text", "cast: hello");
    assert_true(json_equal(json_of(h, "call", "echo", "{\"a\": [1, null]}"),
                           host_call(h, "echo", "{\"a\": [1, null]}")));
    assert_true(json_is_null(json_of(h, "cast", "echo", "hello")));
    host_stop(h);
}

static void lists_are_for_people_and_for_programs(void **state)
{
    static const char *const shown[][3] = {
        {"status", "running for", NULL}, {"apps", "counter", "1.0.0"},
        {"tree", "one_for_one", "echo"}, {"ps", "idle", "supervisor"},
        {"releases", "staged", "2.0.0"}, {"events", "host.ready", "application.start"},
    };
    struct host *h = *state;
    const struct ran *ran;

    start(h);
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        ran = moult(h->socket, shown[i][0], NULL);
        assert_int_equal(ran->status, 0);
        assert_string_equal(ran->err, "");
        assert_has(ran->out, shown[i][1]);
        if (shown[i][2])
            assert_has(ran->out, shown[i][2]);
    }
    assert_int_equal(int_at(json_of(h, "status"), "pid"), h->pid);
    assert_string_equal(text_at(json_array_get(json_of(h, "apps"), 0), "name"),
                        "counter");
    assert_string_equal(text_at(json_of(h, "tree"), "host"), "moult");
    assert_true(json_array_size(json_of(h, "ps")) >= 5);
    ran = moult(h->socket, "ps", "--limit", "2", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->err, "--limit"); /* there are more */
    assert_int_equal(json_array_size(at(json_of(h, "releases"), "versions")), 4);
    assert_int_equal(int_at(json_of(h, "state", "counter"), "state.count"), 0);
    ran = moult(h->socket, "state", "counter", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "count");
    host_stop(h);
}

static void upgrades_tell_what_happened(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *report;

    start(h);
    ran = moult(h->socket, "upgrade", "counter@1.1.0", "--plan", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "1.1.0");
    assert_has(ran->out, "schema");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");

    ran = moult(h->socket, "upgrade", "counter@1.1.0", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "counter");
    assert_has(ran->out, "1.0.0");
    assert_has(ran->out, "1.1.0");
    assert_has(ran->out, "schema");
    assert_has(ran->out, " ms");
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");

    report = json_of(h, "upgrade", "counter");
    assert_string_equal(text_at(report, "to"), "2.0.0");
    assert_int_equal(int_at(report, "moved.code_change"), 1);
    report = json_of(h, "downgrade", "counter@1.0.0");
    assert_string_equal(text_at(report, "to"), "1.0.0");
    report = json_of(h, "upgrade", "counter", "--plan");
    assert_true(json_is_array(at(report, "steps")));
    report = json_of(h, "unpack", built("tests/misbehaving/good_1_0_0"));
    assert_string_equal(text_at(json_array_get(report, 0), "application"), "good");
    assert_int_equal(
        moult(h->socket, "unpack", built("tests/misbehaving/good_1_1_0"), NULL)->status,
        0);
    host_stop(h);
}

static void what_is_refused_ends_with_1_and_one_line(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *error;

    start(h);
    complains(h->socket, 1, "'nobody'", "call", "nobody", "get");
    complains(h->socket, 1, "counter takes", "call", "counter", "dance");
    complains(h->socket, 1, "the disk is full", "call", "echo", "refuse");
    complains(h->socket, 1, "no reply in time", "call", "echo", "never", "--timeout",
              "20");
    complains(h->socket, 1, "'nobody'", "cast", "nobody", "1");
    complains(h->socket, 1, "'nobody'", "state", "nobody");
    complains(h->socket, 1, "9.0.0", "upgrade", "counter@9.0.0");
    complains(h->socket, 1, "'conter'", "upgrade", "conter");
    complains(h->socket, 1, "use upgrade", "downgrade", "counter@2.0.0");
    complains(h->socket, 1, "ABI 2.0", "unpack", built("tests/misbehaving/wrong_abi"));
    complains(h->socket, 1, "none.so", "unpack", "none.so");
    complains(h->socket, 1, "neither a plugin", "unpack", "/dev/null");
    complains(h->socket, 1, "names no version", "upgrade", "counter@");
    complains(h->socket, 1, "a canary has no plan", "upgrade", "counter", "--canary",
              "5%", "--brutal");
    assert_has(moult(h->socket, "unpack", built("samples/kv-1.0.0"), NULL)->out,
               "kv 1.0.0 is there: 'moult upgrade kv@1.0.0' starts it");
    complains(h->socket, 1, "'moult upgrade kv' starts it", "downgrade", "kv@1.0.0");

    ran = moult(h->socket, "upgrade", "counter@9.0.0", "--json", NULL);
    assert_int_equal(ran->status, 1);
    error = json_loads(ran->err[0] == '{' ? ran->err : ran->out, 0, NULL);
    assert_non_null(error);
    assert_string_equal(text_at(error, "data.code"), "not_found");
    json_decref(error);
    host_stop(h);
}

static void what_is_misused_ends_with_2_and_says_what_is_meant(void **state)
{
    struct host *h = *state;

    start(h);
    complains(h->socket, 2, "status", "statsu");
    complains(h->socket, 2, "--timeout", "call", "counter", "get", "--timout", "5");
    complains(h->socket, 2, "--timeout", "call", "counter", "get", "--timeout", "soon");
    complains(h->socket, 2, "JSON", "call", "counter", "{add: 5}");
    complains(h->socket, 2, "call", "call", "counter");
    complains(h->socket, 2, "state", "state");
    complains(h->socket, 2, "stop", "stop", "now");
    complains(h->socket, 2, "--limit", "ps", "--limit", "0");
    host_stop(h);
}

static void without_a_host_all_commands_end_with_3(void **state)
{
    static const char *const commands[][3] = {
        {"status"},
        {"apps"},
        {"tree"},
        {"ps"},
        {"releases"},
        {"events"},
        {"stop"},
        {"state", "counter"},
        {"call", "counter", "get"},
        {"cast", "counter", "get"},
        {"upgrade", "counter"},
        {"downgrade", "counter@1.0.0"},
    };
    struct host *h = *state;

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        complains(h->socket, 3, h->socket, commands[i][0], commands[i][1],
                  commands[i][1] ? commands[i][2] : NULL);
    complains(h->socket, 3, h->socket, "unpack", built("samples/counter-1.0.0"));
    complains(h->socket, 3, "other.sock", "--socket", "other.sock", "status");
}

static void help_and_version_need_no_host(void **state)
{
    const struct ran *ran = moult(NULL, "help", NULL);

    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "upgrade");
    ran = moult(NULL, "help", "upgrade", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "--plan");
    ran = moult(NULL, "upgrade", "--help", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "--plan");
    ran = moult(NULL, "--version", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "moult ");
    assert_int_equal(moult(NULL, NULL)->status, 2);
    assert_int_equal(moult(NULL, "help", "nonsense", NULL)->status, 2);
}

static void check_vets_as_a_host_would(void **state)
{
    const struct ran *ran = moult(NULL, "check", built("samples/counter-2.0.0"),
                                  built("samples/counter-1.1.0"), NULL);
    json_t *value;

    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "counter 2.0.0");
    ran = moult(NULL, "check", built("samples/counter-2.0.0"), "--json", NULL);
    assert_int_equal(ran->status, 0);
    value = json_loads(ran->out, 0, NULL);
    assert_string_equal(text_at(value, "vsn"), "2.0.0");
    json_decref(value);
    complains(NULL, 1, "SIGSEGV", "check",
              built("tests/misbehaving/crashes_in_constructor"));
    complains(NULL, 1, "code_change", "check",
              built("tests/misbehaving/crashes_in_change"),
              built("samples/counter-1.1.0"));
    complains(NULL, 1, "none.so", "check", "none.so");
    complains(NULL, 1, "{\"code\":2,", "check", "none.so", "--json");
    complains(NULL, 1, "{\"code\":2,", "pack", "none.rel", "--json");
    complains(NULL, 1, "{\"code\":2,", "unpack", "none.so", "--json");
    complains("none.sock", 3, "\"reason\":\"no host listens", "status", "--json");
}

/* A program that follows until it is interrupted, and one that a host leaves. */
static void events_follow_what_happens(void **state)
{
    struct host *h = *state;
    char variable[400];
    const char *const variables[] = {variable, NULL};
    const char *const follow[] = {MOULT,    "events",     "--follow",
                                  "--json", "plugin.log", NULL};
    int status;
    FILE *out;
    char line[1000];
    json_t *event;
    pid_t pid;

    start(h);
    snprintf(variable, sizeof(variable), "MOULT_SOCKET=%s", h->socket);
    assert_int_equal(mkfifo(in_folder("followed"), 0600), 0);
    pid = program_start(follow, variables, in_folder("followed"), NULL);
    out = fopen(in_folder("followed"), "re");
    host_ask(h, "cast", talk_message("echo", "\"one\""));
    assert_non_null(fgets(line, sizeof(line), out));
    event = json_loads(line, 0, NULL);
    assert_string_equal(text_at(event, "text"), "cast: one");
    json_decref(event);
    kill(pid, SIGINT);
    status = program_wait(pid, program_watch(pid));
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT));
    fclose(out);

    pid = program_start(follow, variables, in_folder("followed"), NULL);
    out = fopen(in_folder("followed"), "re");
    host_ask(h, "cast", talk_message("echo", "\"two\""));
    do
        assert_non_null(fgets(line, sizeof(line), out));
    while (!strstr(line, "cast: two"));
    kill(h->pid, SIGTERM);
    program_wait(pid, program_watch(pid)); /* it does not wait for ever */
    fclose(out);
    host_ended(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(calls_print_the_reply),
        HOST_TEST(lists_are_for_people_and_for_programs),
        HOST_TEST(upgrades_tell_what_happened),
        HOST_TEST(what_is_refused_ends_with_1_and_one_line),
        HOST_TEST(what_is_misused_ends_with_2_and_says_what_is_meant),
        HOST_TEST(without_a_host_all_commands_end_with_3),
        HOST_TEST(help_and_version_need_no_host),
        HOST_TEST(check_vets_as_a_host_would),
        HOST_TEST(events_follow_what_happens),
    };

    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
