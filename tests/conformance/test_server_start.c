/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that servers start, and calls that they don't wait for. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

/* The kid does in init what `init_word` says; the boss does what it is asked. */
static const char *init_word;
static char trace[128];
static moult_pid kid_pid;
static uint64_t ref;

static void mark(const char *what)
{
    strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

static bool is(const char *word)
{
    return init_word && strcmp(init_word, word) == 0;
}

static moult_next kid_init(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_in never;

    mark("I");
    if (is("stop"))
        return moult_stop_because(ctx, -ENOSPC, "no room");
    if (is("ignore"))
        return moult_ignore();
    if (is("refuse"))
        return moult_refuse(ctx, -EPERM, "not today");
    if (is("hang")) /* whoever it asks does not answer */
        moult_call(ctx, kid_pid, moult_draft(ctx), MOULT_INFINITY, &never);
    if (is("trap"))
        moult_trap_exit(ctx, true);
    return moult_noreply();
}

static moult_next kid_call(moult_ctx *ctx, void *state, const moult_from *from,
                           moult_in *in, moult_out *reply)
{
    mark("C");
    if (moult_match(in, "never"))
        return moult_noreply();
    if (moult_match(in, "stop"))
        return moult_stop(-EIO);
    if (moult_match(in, "refuse"))
        return moult_refuse(ctx, -ERANGE, "too much");
    moult_put_int(reply, 7);
    return moult_reply();
}

static void kid_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    char text[16];

    snprintf(text, sizeof(text), "<%d>", reason);
    mark(text);
}

static const moult_server kid = {.size = sizeof(moult_server),
                                 .init = kid_init,
                                 .handle_call = kid_call,
                                 .terminate = kid_terminate};
static const moult_server stranger = {.size = sizeof(moult_server)};

/* -- the boss -- */

static char text[128];
static int32_t reason;

static int keep(moult_ctx *ctx, int error)
{
    snprintf(text, sizeof(text), "%s", moult_call_text(ctx));
    reason = error ? moult_call_reason(ctx) : 0;
    return error;
}

static int start_kid(moult_ctx *ctx, bool linked, const moult_server *server)
{
    moult_start_options options = {
        .size = sizeof(options), .name = "kid", .timeout_ms = 50};
    moult_pid pid = {0};
    int error = (linked ? moult_server_start_link
                        : moult_server_start)(ctx, server, NULL, &options, &pid);

    if (!error)
        kid_pid = pid;
    return keep(ctx, error);
}

static moult_out *word(moult_ctx *ctx, const char *what)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, what);
    return m;
}

static int ask_many(moult_ctx *ctx)
{
    moult_answer answers[3] = {{.to = kid_pid}, {.to = {0}}, {.to = kid_pid}};
    int good = moult_multi_call(ctx, answers, 3, word(ctx, "x"), 100);

    return good == 2 && moult_get_int(&answers[0].reply) == 7 &&
                   answers[1].error == -ESRCH && moult_get_int(&answers[2].reply) == 7
               ? 0
               : -EBADMSG;
}

static int ask_many_in_vain(moult_ctx *ctx)
{
    moult_answer answers[2] = {{.to = kid_pid}, {.to = kid_pid}};
    int good = moult_multi_call(ctx, answers, 2, word(ctx, "never"), 100);

    return good == 0 && answers[0].error == -ETIMEDOUT && answers[1].error == -ETIMEDOUT
               ? 0
               : -EBADMSG;
}

static int receive(moult_ctx *ctx, bool keeps)
{
    moult_in in;
    int error =
        (keeps ? moult_wait_response : moult_receive_response)(ctx, ref, 100, &in);

    return error ? keep(ctx, error) : (int)moult_get_int(&in);
}

static int start_badly(moult_ctx *ctx, moult_start_options options)
{
    return keep(ctx, moult_server_start(ctx, &kid, NULL, &options, NULL));
}

static int act(moult_ctx *ctx, moult_in *in)
{
    if (moult_match(in, "no size"))
        return start_badly(ctx, (moult_start_options){.name = "kid"});
    if (moult_match(in, "no name"))
        return start_badly(ctx, (moult_start_options){
                                    .size = sizeof(moult_start_options), .name = ""});
    if (moult_match(in, "start"))
        return start_kid(ctx, false, &kid);
    if (moult_match(in, "link"))
        return start_kid(ctx, true, &kid);
    if (moult_match(in, "stranger"))
        return start_kid(ctx, false, &stranger);
    if (moult_match(in, "send x"))
        return moult_send_request(ctx, kid_pid, word(ctx, "x"), &ref);
    if (moult_match(in, "send and receive")) {
        moult_send_request(ctx, kid_pid, word(ctx, "x"), &ref);
        return receive(ctx, false);
    }
    if (moult_match(in, "send never"))
        return moult_send_request(ctx, kid_pid, word(ctx, "never"), &ref);
    if (moult_match(in, "send stop"))
        return moult_send_request(ctx, kid_pid, word(ctx, "stop"), &ref);
    if (moult_match(in, "send refuse"))
        return moult_send_request(ctx, kid_pid, word(ctx, "refuse"), &ref);
    if (moult_match(in, "send self"))
        return moult_send_request(ctx, moult_self(ctx), word(ctx, "x"), &ref);
    if (moult_match(in, "receive"))
        return receive(ctx, false);
    if (moult_match(in, "wait"))
        return receive(ctx, true);
    if (moult_match(in, "many"))
        return ask_many(ctx);
    return moult_match(in, "many in vain") ? ask_many_in_vain(ctx) : 0;
}

static moult_next boss_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *in, moult_out *reply)
{
    if (moult_match(in, "trap"))
        moult_trap_exit(ctx, true);
    if (moult_match(in, "stop"))
        return moult_stop(-EIO);
    moult_put_int(reply, act(ctx, in));
    return moult_reply();
}

static moult_next boss_info(moult_ctx *ctx, void *state, moult_in *in)
{
    moult_response r;
    moult_ended ended;
    char line[80] = "?";

    if (moult_match_exit(in, &ended))
        snprintf(line, sizeof(line), "exit %d", ended.reason);
    else if (moult_match_response(in, &r) && r.ref == ref)
        snprintf(line, sizeof(line), "[%d %d %d %.*s]", r.error, r.reason,
                 r.error ? 0 : (int)moult_get_int(&r.reply), (int)r.text_len, r.text);
    mark(line);
    return moult_noreply();
}

static const moult_server boss = {
    .size = sizeof(moult_server), .handle_call = boss_call, .handle_info = boss_info};

static struct code_table table;
static moult_pid boss_pid;

static void start_boss(struct process *p, void *context)
{
    struct server_spec spec = {
        .code = context, .id = "boss", .args = "\xf6", .args_len = 1};

    check(server_start(p, &spec, &boss_pid) == 0);
}

static int begin(void **state)
{
    struct code *kids, *own;
    int error = one_worker(state);

    trace[0] = text[0] = 0;
    init_word = NULL;
    kid_pid = (moult_pid){0};
    kids = code_of(&kid, "kid");
    kids->declared = &kid;
    own = code_of(&boss, "boss");
    table = (struct code_table){kids, 1};
    own->all = kids->all = &table;
    assert_int_equal(actor_do(starter(), start_boss, own), 0);
    return error;
}

static int64_t tell(const char *what)
{
    int64_t answer = 0;
    int error = ask_word(boss_pid, what, &answer);

    return error ? error : answer;
}

/* -- starting -- */

static void a_server_starts_another_that_outlives_it(void **state)
{
    assert_int_equal(tell("start"), 0);
    assert_true(moult_pid_equal(moult_whereis("kid"), kid_pid));
    assert_int_equal(tell("stop"), -EOWNERDEAD);
    assert_gone(boss_pid);
    assert_true(alive(kid_pid));
    assert_trace("I");
}

static void one_that_is_linked_ends_with_who_started_it(void **state)
{
    init_word = "trap";
    assert_int_equal(tell("link"), 0);
    tell("stop");
    assert_gone(kid_pid);
    assert_trace("I<-5>"); /* it is the parent's exit, and so the end */
}

static void who_started_it_ends_with_one_that_is_linked(void **state)
{
    assert_int_equal(tell("link"), 0);
    ask_word(kid_pid, "stop", NULL);
    assert_gone(boss_pid);
}

static void who_traps_exits_is_told_instead(void **state)
{
    tell("trap");
    tell("link");
    ask_word(kid_pid, "stop", NULL);
    assert_trace("IC<-5>exit -5");
    assert_true(alive(boss_pid));
}

static void a_failed_init_is_told_and_leaves_its_name_free(void **state)
{
    init_word = "stop";
    assert_int_equal(tell("start"), -EOWNERDEAD);
    assert_int_equal(reason, -ENOSPC);
    assert_string_equal(text, "no room");
    init_word = "refuse";
    assert_int_equal(tell("start"), -EOWNERDEAD);
    assert_int_equal(reason, -EPERM);
    assert_true(moult_pid_is_none(moult_whereis("kid")));
    init_word = "ignore";
    assert_int_equal(tell("start"), 0);
    assert_true(moult_pid_is_none(kid_pid));
    init_word = NULL;
    assert_int_equal(tell("start"), 0);
    assert_trace("IIII");
}

static void a_failed_init_of_one_that_is_linked_is_an_exit_too(void **state)
{
    tell("trap");
    init_word = "stop";
    assert_int_equal(tell("link"), -EOWNERDEAD);
    assert_trace("Iexit -28");
}

static void a_taken_name_is_said(void **state)
{
    assert_int_equal(tell("start"), 0);
    assert_int_equal(tell("link"), -EEXIST);
    assert_non_null(strstr(text, "'kid'"));
    assert_true(alive(boss_pid));
    assert_trace("I");
}

struct late {
    bool done;
    int64_t answer;
};

static void note_late(void *context, int error, const char *words, moult_in *in)
{
    struct late *late = context;

    late->done = true;
    late->answer = error ? error : moult_get_int(in);
}

static void an_init_that_takes_too_long_is_killed(void **state)
{
    struct late late = {0};

    kid_pid = serve(&kid); /* that does not answer who hangs */
    init_word = "hang";
    trace[0] = 0;
    assert_int_equal(ask_word(kid_pid, "x", NULL), 0);
    signal_exit(NULL, kid_pid, MOULT_NORMAL, NULL);
    kid_pid = starter(); /* an actor answers no call */
    assert_int_equal(ask(boss_pid, words("link"), MOULT_INFINITY, note_late, &late), 0);
    workers_settle();
    assert_false(late.done);
    pass(50);
    assert_true(late.done);
    assert_int_equal(late.answer, -ETIMEDOUT);
    assert_non_null(strstr(text, "50 ms"));
    assert_true(moult_pid_is_none(moult_whereis("kid")));
    assert_true(alive(boss_pid)); /* it was unlinked first */
}

static void options_that_cannot_be_are_named(void **state)
{
    assert_int_equal(tell("no size"), -EINVAL);
    assert_non_null(strstr(text, ".size = sizeof(moult_start_options)"));
    assert_int_equal(tell("no name"), -EINVAL);
    assert_non_null(strstr(text, "name"));
    assert_trace("");
}

static void only_what_its_plugin_lists_can_be_started(void **state)
{
    assert_int_equal(tell("stranger"), -EINVAL);
    assert_non_null(strstr(text, "lists no such server"));
}

/* -- requests -- */

static void a_response_is_waited_for_when_it_is_wanted(void **state)
{
    tell("start");
    assert_int_equal(tell("send and receive"), 7);
    assert_trace("IC");
}

static void a_response_that_nobody_waits_for_is_an_info(void **state)
{
    tell("start");
    trace[0] = 0;
    tell("send x");
    assert_trace("C[0 0 7 ]");
    tell("send refuse");
    assert_trace("C[-34 0 0 too much]");
    tell("send stop");
    assert_trace("C<-5>[-130 -5 0 Input/output error]");
}

static void a_response_that_is_given_up_never_comes(void **state)
{
    struct late late = {0};

    tell("start");
    tell("send never");
    assert_trace("IC");
    ask(boss_pid, words("receive"), MOULT_INFINITY, note_late, &late);
    pass(100);
    assert_int_equal(late.answer, -ETIMEDOUT);
    assert_int_equal(tell("receive"), -ENOENT);
    ask_word(kid_pid, "stop", NULL); /* now it would be told */
    assert_trace("C<-5>");
}

static void a_response_that_was_waited_for_may_still_come(void **state)
{
    struct late late = {0};

    tell("start");
    tell("send never");
    assert_trace("IC");
    ask(boss_pid, words("wait"), MOULT_INFINITY, note_late, &late);
    pass(100);
    assert_int_equal(late.answer, -ETIMEDOUT);
    ask_word(kid_pid, "stop", NULL);
    assert_trace("C<-5>[-130 -5 0 Input/output error]");
}

static void a_request_to_nobody_or_oneself_fails_at_once(void **state)
{
    assert_int_equal(tell("send x"), -ESRCH);
    assert_int_equal(tell("send self"), -EDEADLK);
}

static void several_are_asked_at_once(void **state)
{
    struct late late = {0};

    tell("start");
    assert_int_equal(tell("many"), 0);
    ask(boss_pid, words("many in vain"), MOULT_INFINITY, note_late, &late);
    pass(100); /* once, not once each */
    assert_true(late.done);
    assert_int_equal(late.answer, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_starts_another_that_outlives_it),
        TEST(one_that_is_linked_ends_with_who_started_it),
        TEST(who_started_it_ends_with_one_that_is_linked),
        TEST(who_traps_exits_is_told_instead),
        TEST(a_failed_init_is_told_and_leaves_its_name_free),
        TEST(a_failed_init_of_one_that_is_linked_is_an_exit_too),
        TEST(a_taken_name_is_said),
        TEST(an_init_that_takes_too_long_is_killed),
        TEST(options_that_cannot_be_are_named),
        TEST(only_what_its_plugin_lists_can_be_started),
        TEST(a_response_is_waited_for_when_it_is_wanted),
        TEST(a_response_that_nobody_waits_for_is_an_info),
        TEST(a_response_that_is_given_up_never_comes),
        TEST(a_response_that_was_waited_for_may_still_come),
        TEST(a_request_to_nobody_or_oneself_fails_at_once),
        TEST(several_are_asked_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
