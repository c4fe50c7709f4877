/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "client.h"
#include "command.h"
#include "event.h"
#include "params.h"
#include "rpc.h"
#include "served.h"

/* What a run of the program left. */
static struct {
    int status;
    char *out, *err;
} left;

static struct served *host;

static void forget_run(void)
{
    free(left.out);
    free(left.err);
    left.out = left.err = NULL;
}

/* Run `moult` with the words, up to a NULL; `live` if someone watches stderr. */
static void run_as(bool live, ...)
{
    struct screen screen = {.live = live};
    char texts[16][256], *words[17];
    const char *word = "moult";
    size_t out_len, err_len;
    int count = 0;
    va_list args;

    va_start(args, live);
    for (; word && count < 16; word = va_arg(args, const char *)) {
        snprintf(texts[count], sizeof(texts[count]), "%s", word);
        words[count] = texts[count];
        count++;
    }
    va_end(args);
    forget_run();
    screen.out = open_memstream(&left.out, &out_len);
    screen.err = open_memstream(&left.err, &err_len);
    left.status = cli_run(count, words, &screen);
    fclose(screen.out);
    fclose(screen.err);
}

#define RUN(...) run_as(false, __VA_ARGS__, NULL)

static void left_is(int status, const char *out, const char *err)
{
    assert_string_equal(left.err, err);
    assert_string_equal(left.out, out);
    assert_int_equal(left.status, status);
}

/* -- a host that answers what it was asked -- */

static void echo(struct request *request, void *context)
{
    json_t *params = request_params(request);

    request_reply(request, json_incref(params));
}

static void upgrade(struct request *request, void *context)
{
    request_progress(request, json_pack("{s:s}", "step", "vet"));
    request_progress(request,
                     json_pack("{s:s, s:s}", "step", "drain", "text", "waits"));
    request_reply(request,
                  json_pack("{s:s, s:s, s:s, s:{s:i}, s:i, s:i}", "application",
                            "counter", "from", "1.0.0", "to", "1.1.0", "moved",
                            "schema", 1, "pause_us", 180, "waited", 3));
}

static void downgrade(struct request *request, void *context)
{
    struct fault why = {0};

    fault(&why, -EPERM, "counter: no way from '2.0' to '1.0'");
    request_fault(request, &why);
}

static void long_list(struct request *request, void *context)
{
    json_t *list = json_array();
    struct params p = params_of(request);
    uint64_t limit = params_uint_or(&p, "limit", 0, 0, 1000000);

    for (uint64_t i = 0; i < limit; i++)
        json_array_append_new(list, json_pack("{s:s}", "pid", "<0.4.1>"));
    request_reply(request, list);
}

static void stop(struct request *request, void *context)
{
    request_reply(request, json_null());
    uv_async_send(&host->ender);
}

static const struct method methods[] = {
    {"call", echo},
    {"cast", echo},
    {"upgrade", upgrade},
    {"downgrade", downgrade},
    {"ps", long_list},
    {"stop", stop},
    {0},
};

static int start(void **state)
{
    host = served_open(methods, NULL);
    setenv("MOULT_SOCKET", host->path, 1);
    return 0;
}

static int end(void **state)
{
    served_close(host);
    forget_run();
    return 0;
}

static int end_local(void **state)
{
    forget_run();
    return 0;
}

/* -- what needs no host -- */

static void help_lists_every_command(void **state)
{
    const struct command *c;
    char usage[80];

    RUN("--help");
    assert_int_equal(left.status, CLI_DONE);
    for (size_t i = 0; (c = command_at(i)); i++) {
        snprintf(usage, sizeof(usage), "\n  moult %s", c->name);
        assert_true(!strstr(left.out, usage) == c->hidden);
    }
}

static void help_of_a_command_has_options_and_examples(void **state)
{
    const char expected[] = "moult ps [--sort KEY] [--limit N]\n"
                            "\n"
                            "  the processes\n"
                            "\n"
                            "Options:\n"
                            "  --sort KEY  memory, mailbox or reductions: the most "
                            "first; or name\n"
                            "  --limit N   no more than so many; 1000\n"
                            "\n"
                            "  MAILBOX is how many messages wait, MEMORY is in bytes, "
                            "REDUCTIONS how\n"
                            "  many messages it has handled.\n"
                            "\n"
                            "  moult ps\n"
                            "  moult ps --sort mailbox --limit 10\n"
                            "  moult ps --json | jq '.[] | select(.mailbox > 100)'\n"
                            "\n"
                            "The method 'ps' of the control socket; 'moult help "
                            "protocol' has its result.\n";

    RUN("help", "ps");
    left_is(CLI_DONE, expected, "");
    RUN("ps", "--help");
    left_is(CLI_DONE, expected, "");
}

static void the_protocol_can_be_read(void **state)
{
    RUN("help", "protocol");
    assert_int_equal(left.status, CLI_DONE);
    assert_non_null(strstr(left.out, "\n  events.subscribe - be sent events"));
    assert_non_null(
        strstr(left.out, "> {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"call\""));
}

static void the_version_is_one_line(void **state)
{
    RUN("--version");
    assert_int_equal(left.status, CLI_DONE);
    assert_int_equal(strncmp(left.out, "moult ", 6), 0);
    assert_non_null(strchr(left.out, '\n'));
}

static void what_makes_no_sense_is_status_2_and_says_what_would(void **state)
{
    RUN("statsu");
    left_is(CLI_USAGE, "", "moult: there is no command 'statsu': is 'status' meant?\n");
    RUN("dance");
    left_is(CLI_USAGE, "",
            "moult: there is no command 'dance': 'moult help' lists them\n");
    RUN("upgrade", "a", "--paln");
    left_is(CLI_USAGE, "",
            "moult: 'moult upgrade' has no option '--paln': is '--plan' meant?\n");
    RUN("status", "-x");
    left_is(
        CLI_USAGE, "",
        "moult: 'moult status' has no option '--x': 'moult help status' lists them\n");
    RUN("call", "counter");
    left_is(CLI_USAGE, "",
            "moult: too few arguments: moult call NAME JSON [--timeout MS]\n");
    RUN("status", "now");
    left_is(CLI_USAGE, "", "moult: too many arguments: moult status\n");
    RUN("call", "counter", "1", "--timeout");
    left_is(CLI_USAGE, "", "moult: '--timeout' needs a value: --timeout MS\n");
    RUN("status", "--json=yes");
    left_is(CLI_USAGE, "", "moult: '--json' takes no value\n");
    RUN("call", "counter", "1", "--timeout", "soon");
    left_is(CLI_USAGE, "",
            "moult: '--timeout' must be milliseconds between 1 and 2147483647, not "
            "'soon'\n");
    RUN("call", "counter", "{add");
    assert_int_equal(left.status, CLI_USAGE);
    assert_non_null(strstr(left.err, "'{add' is no JSON"));
    RUN("help", "protocl");
    left_is(CLI_USAGE, "",
            "moult: there is no help on 'protocl': is 'protocol' meant?\n");
    RUN("run", "--workers", "0");
    left_is(CLI_USAGE, "", "moult: --workers must be an integer between 1 and 256\n");
    RUN(NULL);
    left_is(CLI_USAGE, "", "moult: a command is missing: 'moult help' lists them\n");
}

static void without_a_host_it_is_status_3(void **state)
{
    RUN("status", "--socket", "/nowhere/moult.sock");
    left_is(
        CLI_NO_HOST, "",
        "moult: no host listens at '/nowhere/moult.sock': start one with 'moult run', "
        "or name its socket with --socket or MOULT_SOCKET\n");
    setenv("MOULT_SOCKET", "/nowhere/else", 1);
    RUN("status");
    assert_int_equal(left.status, CLI_NO_HOST);
    assert_non_null(strstr(left.err, "/nowhere/else"));
}

/* -- through a host -- */

static void options_may_stand_anywhere(void **state)
{
    const char expected[] = "{\"name\":\"a\",\"message\":\"get\",\"timeout_ms\":7}\n";

    RUN("--json", "call", "--timeout=7", "a", "get");
    left_is(CLI_DONE, expected, "");
    RUN("call", "a", "--timeout", "7", "get", "--json", "--socket", host->path);
    left_is(CLI_DONE, expected, "");
}

static void a_message_is_json_or_a_bare_word(void **state)
{
    RUN("call", "a", "get");
    left_is(CLI_DONE, "{\"name\": \"a\", \"message\": \"get\"}\n", "");
    RUN("call", "a", "-5");
    left_is(CLI_DONE, "{\"name\": \"a\", \"message\": -5}\n", "");
    RUN("call", "a", "{\"add\": 5}");
    left_is(CLI_DONE, "{\"name\": \"a\", \"message\": {\"add\": 5}}\n", "");
    RUN("call", "a", "null");
    left_is(CLI_DONE, "{\"name\": \"a\", \"message\": null}\n", "");
    RUN("call", "a", "--", "--weird");
    assert_int_equal(left.status, CLI_USAGE);
}

static void a_cast_says_nothing(void **state)
{
    RUN("cast", "a", "bump");
    left_is(CLI_DONE, "", "");
}

static void a_refusal_is_one_line_and_status_1(void **state)
{
    RUN("downgrade", "counter@1.0");
    left_is(CLI_FAILED, "", "refused: counter: no way from '2.0' to '1.0'\n");
    RUN("downgrade", "counter@1.0", "--json");
    left_is(CLI_FAILED, "",
            "{\"code\":1,\"message\":\"counter: no way from '2.0' to '1.0'\",\"data\":"
            "{\"code\":\"refused\",\"reason\":\"counter: no way from '2.0' to '1.0'\","
            "\"error\":\"EPERM\"}}\n");
    RUN("releases");
    left_is(CLI_FAILED, "",
            "no method: there is no method 'releases': 'methods' lists them\n");
}

static void progress_is_for_who_watches(void **state)
{
    const char done[] =
        "counter 1.0.0 -> 1.1.0: 1 server moved by schema, paused 0.18 ms, "
        "3 messages waited\n";

    RUN("upgrade", "counter");
    left_is(CLI_DONE, done, "");
    run_as(true, "upgrade", "counter", NULL);
    left_is(CLI_DONE, done, "  vet\n  drain     waits\n");
}

static void a_long_answer_is_whole_and_a_cut_one_says_so(void **state)
{
    RUN("ps", "--limit", "20000");
    assert_int_equal(left.status, CLI_DONE);
    assert_int_equal(strlen(left.out), strlen("PID\n") + 20000 * strlen("<0.4.1>\n"));
    assert_string_equal(left.err,
                        "moult: there may be more than these 20000 processes: "
                        "--limit N shows more\n");
}

static void events_are_printed_a_line_each(void **state)
{
    event_emit(EVENT_WARN, "cli.test", "{s:i}", "n", 1);
    event_emit(EVENT_INFO, "cli.test", "{s:i}", "n", 2);
    RUN("events", "cli", "--level", "warn");
    assert_int_equal(left.status, CLI_DONE);
    assert_non_null(strstr(left.out, "warn  cli.test"));
    assert_null(strstr(left.out, "n=2"));
    RUN("events", "cli.test", "--json", "--last", "1");
    assert_non_null(strstr(left.out, "\"n\":2}\n"));
    assert_ptr_equal(strchr(left.out, '\n'), left.out + strlen(left.out) - 1);
}

/* `moult events --follow`, in a thread that writes to a pipe. */
static void follow(void *arg)
{
    struct screen screen = {.out = fdopen(*(int *)arg, "w"), .err = stderr};
    char texts[][16] = {"moult", "events", "followed", "--follow"};
    char *words[] = {texts[0], texts[1], texts[2], texts[3]};

    left.status = cli_run(4, words, &screen);
    fclose(screen.out);
}

static void followed_events_come_until_the_host_goes(void **state)
{
    int ends[2];
    uv_thread_t thread;
    char line[200];
    FILE *in;

    assert_int_equal(pipe(ends), 0);
    in = fdopen(ends[0], "r");
    event_emit(EVENT_INFO, "followed.before", "{}");
    uv_thread_create(&thread, follow, &ends[1]);
    assert_non_null(fgets(line, sizeof(line), in));
    assert_non_null(strstr(line, "followed.before"));
    event_emit(EVENT_INFO, "followed.after", "{}");
    assert_non_null(fgets(line, sizeof(line), in));
    assert_non_null(strstr(line, "followed.after"));
    uv_async_send(&host->ender);
    assert_null(fgets(line, sizeof(line), in));
    uv_thread_join(&thread);
    assert_int_equal(left.status, CLI_DONE);
    fclose(in);
}

static void stop_returns_when_the_host_has_gone(void **state)
{
    RUN("stop");
    left_is(CLI_DONE, "", "");
    RUN("status");
    assert_int_equal(left.status, CLI_NO_HOST);
}

static pthread_t who_waits;

static void interrupt(void *arg)
{
    served_wait_for(1);
    pthread_kill(who_waits, SIGINT);
}

static void an_interrupt_ends_the_wait(void **state)
{
    struct client *client;
    struct answer answer;
    struct fault why = {0};
    uv_thread_t thread;

    host = served_open(NULL, NULL);
    who_waits = pthread_self();
    assert_int_equal(client_open(host->path, &client, NULL), 0);
    client_catch_interrupt();
    uv_thread_create(&thread, interrupt, NULL);
    assert_int_equal(client_ask(client, "never", NULL, &answer, &why), -EINTR);
    uv_thread_join(&thread);
    client_close(client);
    served_close(host);
}

#define WITH_HOST(f) cmocka_unit_test_setup_teardown(f, start, end)
#define ALONE(f)     cmocka_unit_test_teardown(f, end_local)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(help_lists_every_command),
        ALONE(help_of_a_command_has_options_and_examples),
        ALONE(the_protocol_can_be_read),
        ALONE(the_version_is_one_line),
        ALONE(what_makes_no_sense_is_status_2_and_says_what_would),
        ALONE(without_a_host_it_is_status_3),
        WITH_HOST(options_may_stand_anywhere),
        WITH_HOST(a_message_is_json_or_a_bare_word),
        WITH_HOST(a_cast_says_nothing),
        WITH_HOST(a_refusal_is_one_line_and_status_1),
        WITH_HOST(progress_is_for_who_watches),
        WITH_HOST(a_long_answer_is_whole_and_a_cut_one_says_so),
        WITH_HOST(events_are_printed_a_line_each),
        WITH_HOST(followed_events_come_until_the_host_goes),
        WITH_HOST(stop_returns_when_the_host_has_gone),
        ALONE(an_interrupt_ends_the_wait),
    };

    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
