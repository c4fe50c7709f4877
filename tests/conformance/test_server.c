/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

/*
 * One server that does, in whatever callback, what the word that it is sent says.  The
 * trace has a letter for each callback: Init, Call, cAst, infO, contiNue, Timeout (an info
 * null), and terminate as its reason: "<-5>".
 */
static char trace[256];
static const char *init_word; /* what init does */

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

struct state {
    int64_t number;
    moult_from asker;
};
MOULT_STATE(state_schema, struct state, MOULT_FIELD(number, .initial = 7),
            MOULT_FIELD(asker));

static void cast_to_self(moult_ctx *ctx)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, "go on");
    moult_cast(ctx, moult_self(ctx), m);
}

static moult_next continued_by(moult_ctx *ctx, moult_next next, const char *word)
{
    moult_put_text(moult_continuation(ctx), word);
    return moult_with_continue(next);
}

static moult_next say(moult_ctx *ctx, moult_in *in, moult_next next)
{
    int64_t ms;

    if (moult_match(in, "stop"))
        return moult_stop(-EIO);
    if (moult_match(in, "stop normally"))
        return moult_stop(MOULT_NORMAL);
    if (moult_match(in, "stop because"))
        return moult_stop_because(ctx, -ENOSPC, "%d of %d used", 9, 9);
    if (moult_match(in, "nonsense"))
        return (moult_next){.verdict = 99};
    if (moult_match(in, "ignore"))
        return moult_ignore();
    if (moult_match(in, "refuse"))
        return moult_refuse(ctx, -ERANGE, "at most %d", 3);
    if (moult_match(in, "continue"))
        return continued_by(ctx, next, "go on");
    if (moult_match(in, "continue twice"))
        return continued_by(ctx, next, "continue");
    if (moult_match(in, "continue and stop"))
        return continued_by(ctx, next, "stop");
    if (moult_match(in, "continue and talk nonsense"))
        return continued_by(ctx, next, "nonsense");
    if (moult_match(in, "cast and continue")) {
        cast_to_self(ctx);
        return continued_by(ctx, next, "go on");
    }
    if (moult_match(in, "trap"))
        moult_trap_exit(ctx, true);
    if (moult_match_int(in, "timeout", &ms))
        return moult_with_timeout(next, (uint64_t)ms);
    return next;
}

static moult_next on_init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct moult_out out;
    moult_next next;
    moult_in in;

    mark("I");
    if (!init_word)
        return moult_noreply();
    out_init(&out, NULL, 0);
    moult_put_text(&out, init_word);
    in = out_read(&out);
    next = say(ctx, &in, moult_noreply());
    out_release(&out);
    return next;
}

static moult_next on_call(moult_ctx *ctx, void *state, const moult_from *from,
                          moult_in *in, moult_out *reply)
{
    struct state *s = state;

    mark("C");
    moult_put_int(reply, s->number);
    if (moult_match(in, "later")) {
        s->asker = *from;
        return moult_noreply();
    }
    if (moult_match(in, "stop with a reply"))
        return moult_stop_reply(-EIO);
    if (moult_match(in, "misread")) {
        moult_get_int(in); /* there is nothing more */
        return moult_reply();
    }
    return say(ctx, in, moult_reply());
}

static moult_next on_cast(moult_ctx *ctx, void *state, moult_in *in)
{
    struct state *s = state;

    mark("A");
    if (moult_match(in, "answer")) {
        moult_out *m = moult_draft(ctx);

        moult_put_int(m, 11);
        moult_reply_to(ctx, &s->asker, m);
    }
    return say(ctx, in, moult_noreply());
}

static moult_next on_info(moult_ctx *ctx, void *state, moult_in *in)
{
    mark(moult_peek(in) == MOULT_NULL ? "T" : "O");
    return say(ctx, in, moult_noreply());
}

static moult_next on_continue(moult_ctx *ctx, void *state, moult_in *in)
{
    mark("N");
    return say(ctx, in, moult_noreply());
}

static void on_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    char text[16];

    snprintf(text, sizeof(text), "<%d>", reason);
    mark(text);
}

static const moult_server full = {.size = sizeof(moult_server),
                                  .format = 3,
                                  .state = state_schema,
                                  .init = on_init,
                                  .handle_call = on_call,
                                  .handle_cast = on_cast,
                                  .handle_info = on_info,
                                  .handle_continue = on_continue,
                                  .terminate = on_terminate};
static const moult_server bare = {.size = sizeof(moult_server)};

static int begin(void **state)
{
    trace[0] = 0;
    init_word = NULL;
    return one_worker(state);
}

/* One that runs; without the I in the trace. */
static moult_pid run(void)
{
    moult_pid pid = serve(&full);

    workers_settle();
    trace[0] = 0;
    return pid;
}

static int64_t ask_it(moult_pid pid, const char *word)
{
    int64_t reply = 0;
    int error = ask_word(pid, word, &reply);

    return error ? error : reply;
}

static void assert_ended(moult_pid pid, int32_t reason)
{
    assert_gone(pid);
    assert_true(moult_pid_equal(actor_seen(starter()).from, pid));
    assert_int_equal(actor_seen(starter()).reason, reason);
}

/* Several messages of one sender, sent before the first of them is handled. */
struct letters {
    moult_pid to;
    const char *words[5]; /* casts, ended by NULL */
    bool then_exit;
};

static void post(struct process *p, void *context)
{
    struct letters *l = context;

    for (int i = 0; l->words[i]; i++) {
        moult_out *m = moult_draft(&p->ctx);

        moult_put_text(m, l->words[i]);
        moult_cast(&p->ctx, l->to, m);
    }
    if (l->then_exit)
        signal_exit(p, l->to, MOULT_SHUTDOWN, NULL);
}

static void send_letters(struct letters letters)
{
    assert_int_equal(actor_do(starter(), post, &letters), 0);
    workers_settle();
}

/* A call that is not waited for. */
struct asked {
    bool done;
    int error;
    int64_t reply;
    char text[64];
};

static void note_reply(void *context, int error, const char *text, moult_in *in)
{
    struct asked *asked = context;

    asked->done = true;
    asked->error = error;
    snprintf(asked->text, sizeof(asked->text), "%s", text ? text : "");
    if (!error)
        asked->reply = moult_get_int(in);
}

static void start_asking(moult_pid pid, const char *word, uint64_t timeout_ms,
                         struct asked *asked)
{
    *asked = (struct asked){0};
    assert_int_equal(ask(pid, words(word), timeout_ms, note_reply, asked), 0);
    workers_settle();
}

/* -- handle_call -- */

static void reply_answers_and_the_server_goes_on(void **state)
{
    moult_pid pid = run();

    assert_int_equal(ask_it(pid, "anything"), 7);
    assert_int_equal(ask_it(pid, "anything"), 7);
    assert_trace("CC");
}

static void noreply_answers_when_the_server_does(void **state)
{
    moult_pid pid = run();
    struct asked asked;

    start_asking(pid, "later", MOULT_INFINITY, &asked);
    assert_int_equal(ask_it(pid, "anything"), 7); /* others are served meanwhile */
    assert_false(asked.done);
    cast_word(pid, "answer");
    workers_settle();
    assert_int_equal(asked.reply, 11);
    cast_word(pid, "answer"); /* a second answer vanishes */
    assert_int_equal(ask_it(pid, "anything"), 7);
    assert_trace("CCAAC");
}

static void a_late_answer_vanishes_but_the_request_was_served(void **state)
{
    moult_pid pid = run();
    struct asked asked;

    start_asking(pid, "later", 50, &asked);
    pass(50);
    assert_int_equal(asked.error, -ETIMEDOUT);
    cast_word(pid, "answer");
    assert_int_equal(ask_it(pid, "anything"), 7);
    assert_trace("CAC");
}

static void refuse_gives_the_caller_a_code_and_a_text(void **state)
{
    moult_pid pid = run();

    assert_int_equal(ask_it(pid, "refuse"), -ERANGE);
    assert_string_equal(asked_text(), "at most 3");
    assert_int_equal(ask_it(pid, "anything"), 7);
    assert_string_equal(asked_text(), "");
}

static void a_misread_request_fails_its_caller_only(void **state)
{
    moult_pid pid = run();

    assert_true(ask_it(pid, "misread") < 0);
    assert_non_null(strstr(asked_text(), "the request was not understood: "));
    assert_int_equal(ask_it(pid, "anything"), 7);
}

static void stop_with_a_reply_terminates_first_and_replies_then(void **state)
{
    static const char *const at_reply = "C<-5>";
    moult_pid pid = run();

    assert_int_equal(ask_it(pid, "stop with a reply"), 7);
    assert_string_equal(trace, at_reply);
    assert_ended(pid, -EIO);
}

static void stop_without_a_reply_fails_the_call_with_the_reason(void **state)
{
    moult_pid pid = run();
    struct asked asked;

    start_asking(pid, "stop because", MOULT_INFINITY, &asked);
    assert_int_equal(asked.error, -EOWNERDEAD);
    assert_string_equal(asked.text, "9 of 9 used");
    assert_trace("C<-28>");
    assert_ended(pid, -ENOSPC);
}

static void calls_that_are_owed_an_answer_fail_when_the_server_ends(void **state)
{
    moult_pid pid = run();
    struct asked first, second;

    start_asking(pid, "later", MOULT_INFINITY, &first);
    start_asking(pid, "later", MOULT_INFINITY, &second);
    cast_word(pid, "stop because");
    workers_settle();
    assert_int_equal(first.error, -EOWNERDEAD);
    assert_string_equal(second.text, "9 of 9 used");
}

static void calls_to_nobody_and_to_the_dead_fail_at_once(void **state)
{
    moult_pid pid = run();

    cast_word(pid, "stop");
    assert_gone(pid);
    assert_int_equal(ask_it(pid, "anything"), -ESRCH);
    assert_int_equal(cast_word(pid, "anything"), -ESRCH);
    assert_int_equal(info_word((moult_pid){0}, "anything"), -ESRCH);
}

static moult_next calls_itself(moult_ctx *ctx, void *state, const moult_from *from,
                               moult_in *in, moult_out *reply)
{
    moult_put_int(reply, moult_call(ctx, moult_self(ctx), moult_draft(ctx), 0, NULL));
    return moult_reply();
}

static void a_server_may_not_call_itself(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server),
                                        .handle_call = calls_itself};

    assert_int_equal(ask_it(serve(&server), "anything"), -EDEADLK);
}

/* -- all callbacks -- */

static void stop_in_any_callback_terminates_and_ends_with_its_reason(void **state)
{
    static const char *const expected[] = {"A<-5>", "O<-5>", "AN<-5>", "C<-5>"};

    for (int i = 0; i < 4; i++) {
        moult_pid pid = run();

        if (i == 1)
            info_word(pid, "stop");
        else if (i == 3)
            assert_int_equal(ask_it(pid, "stop"), -EOWNERDEAD);
        else
            cast_word(pid, i ? "continue and stop" : "stop");
        assert_ended(pid, -EIO);
        assert_trace(expected[i]);
    }
}

static void a_bad_value_from_any_callback_terminates_and_ends(void **state)
{
    static const char *const expected[] = {"A<-71>", "O<-71>", "AN<-71>", "C<-71>"};

    for (int i = 0; i < 4; i++) {
        moult_pid pid = run();

        if (i == 1)
            info_word(pid, "nonsense");
        else if (i == 3)
            assert_int_equal(ask_it(pid, "nonsense"), -EOWNERDEAD);
        else
            cast_word(pid, i ? "continue and talk nonsense" : "nonsense");
        assert_ended(pid, -EPROTO);
        assert_trace(expected[i]);
    }
}

static void ignore_is_for_init_only(void **state)
{
    moult_pid pid = run();

    cast_word(pid, "ignore");
    assert_ended(pid, -EPROTO);
    pid = run();
    assert_int_equal(ask_it(pid, "ignore"), -EOWNERDEAD);
}

/* A server whose callbacks return `given`, whatever they are asked. */
static moult_next given;

static moult_next give(moult_ctx *ctx, void *state, moult_in *in)
{
    return given;
}

static moult_next give_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *in, moult_out *reply)
{
    moult_put_int(reply, 7);
    return given;
}

static const moult_server giver = {.size = sizeof(moult_server),
                                   .handle_call = give_call,
                                   .handle_cast = give,
                                   .handle_info = give,
                                   .handle_continue = give};

static void assert_bad_cast(moult_next next, const char *words)
{
    moult_pid pid = serve(&giver);

    given = next;
    cast_word(pid, "x");
    assert_ended(pid, -EPROTO);
    assert_string_equal(actor_seen(starter()).text, words);
}

static void what_a_callback_may_not_return_is_named(void **state)
{
    assert_bad_cast(moult_reply(),
                    "handle_cast returned moult_reply(), which it may not");
    assert_bad_cast(moult_stop_reply(0),
                    "handle_cast returned moult_stop_reply(), which it may not");
    assert_bad_cast((moult_next){.verdict = 77},
                    "handle_cast returned what no function makes: verdict 77");
    assert_bad_cast(
        moult_with_timeout(moult_stop(0), 5),
        "handle_cast returned moult_stop() with something to come after it, "
        "which it may not");
    assert_bad_cast(moult_with_timeout(moult_with_hibernate(moult_noreply()), 5),
                    "handle_cast returned moult_noreply() with something to come after "
                    "it, which it may not");
}

static void a_call_whose_value_is_bad_gets_no_reply(void **state)
{
    moult_pid pid = serve(&giver);

    given = moult_with_timeout(moult_with_continue(moult_reply()), 5);
    assert_int_equal(ask_it(pid, "x"), -EOWNERDEAD);
    assert_non_null(strstr(asked_text(), "handle_call returned moult_reply()"));
}

static moult_next init_gives(moult_ctx *ctx, void *state, moult_in *args)
{
    return given;
}

static void init_may_not_reply_nor_go_on_after_an_ignore(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server),
                                        .init = init_gives};

    given = moult_reply();
    assert_string_equal(serve_as(&server, NULL).text,
                        "init returned moult_reply(), which it may not");
    given = moult_with_hibernate(moult_ignore());
    assert_int_equal(serve_as(&server, NULL).reason, -EPROTO);
}

static void who_hibernates_wakes_for_a_message(void **state)
{
    moult_pid pid = serve(&giver);

    given = moult_with_hibernate(moult_reply());
    assert_int_equal(ask_it(pid, "x"), 7);
    assert_int_equal(ask_it(pid, "x"), 7);
    given = moult_with_hibernate(moult_noreply());
    cast_word(pid, "x");
    info_word(pid, "x");
    workers_settle();
    given = moult_reply();
    assert_int_equal(ask_it(pid, "x"), 7);
}

static moult_next knows_nothing(moult_ctx *ctx, void *state, moult_in *in)
{
    return moult_unhandled(ctx);
}

static moult_next knows_no_call(moult_ctx *ctx, void *state, const moult_from *from,
                                moult_in *in, moult_out *reply)
{
    return moult_unhandled(ctx);
}

static void what_a_callback_does_not_know_it_leaves_to_the_host(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server),
                                        .handle_call = knows_no_call,
                                        .handle_cast = knows_nothing,
                                        .handle_info = knows_nothing};
    uint64_t from = event_next();
    moult_pid pid = serve(&server);

    cast_word(pid, "x");
    info_word(pid, "x");
    workers_settle();
    assert_int_equal(events_named("server.unhandled", from), 2);
    assert_int_equal(ask_it(pid, "x"), -ENOSYS);
    assert_string_equal(asked_text(), "this server knows no such request");
}

static void what_is_not_handled_is_logged_once_and_dropped(void **state)
{
    uint64_t from = event_next();
    moult_pid pid = serve(&bare);

    cast_word(pid, "anything");
    workers_settle();
    assert_int_equal(events_named("server.unhandled", from), 1);
    info_word(pid, "anything");
    workers_settle();
    assert_int_equal(events_named("server.unhandled", from), 2);
    assert_int_equal(ask_it(pid, "anything"), -ENOSYS);
    assert_int_equal(events_named("server.unhandled", from), 2);
}

static void messages_of_one_sender_are_handled_in_order(void **state)
{
    moult_pid pid = run();

    send_letters((struct letters){.to = pid, .words = {"x", "continue", "stop", "x"}});
    assert_trace("AANA<-5>"); /* what came behind the stop is not handled */
}

/* -- continue -- */

static void continue_goes_before_all_that_waits(void **state)
{
    moult_pid pid = run();

    send_letters((struct letters){.to = pid, .words = {"continue", "x"}});
    assert_trace("ANA");
}

static void continues_may_chain(void **state)
{
    moult_pid pid = run();

    send_letters((struct letters){.to = pid, .words = {"continue twice", "x"}});
    assert_trace("ANNA");
}

static void the_reply_does_not_wait_for_the_continue_nor_is_it_lost(void **state)
{
    moult_pid pid = run();

    assert_int_equal(ask_it(pid, "continue"), 7);
    assert_int_equal(ask_it(pid, "continue and stop"), 7);
    assert_ended(pid, -EIO);
    assert_trace("CNCN<-5>");
}

static void continue_of_init_goes_before_the_first_message(void **state)
{
    init_word = "cast and continue";
    serve(&full);
    assert_trace("INA");
}

static void continue_goes_before_the_parents_exit(void **state)
{
    moult_pid pid = run();

    ask_it(pid, "trap");
    send_letters(
        (struct letters){.to = pid, .words = {"continue twice"}, .then_exit = true});
    assert_trace("CANN<1>");
    assert_ended(pid, MOULT_SHUTDOWN);
}

/* -- timeouts -- */

static void set_timeout(moult_pid pid, int64_t ms)
{
    moult_out *m = moult_draft_outside();

    moult_put_map(m, 1);
    moult_put_int_at(m, "timeout", ms);
    assert_int_equal(moult_cast(NULL, pid, m), 0);
    workers_settle();
    trace[0] = 0;
}

static void a_timeout_comes_once_as_an_info_of_null(void **state)
{
    moult_pid pid = run();

    set_timeout(pid, 100);
    pass(99);
    assert_trace("");
    pass(1);
    assert_trace("T");
    pass(1000);
    assert_trace("");
}

static void any_message_cancels_a_timeout(void **state)
{
    moult_pid pid = run();

    set_timeout(pid, 100);
    cast_word(pid, "x");
    pass(1000);
    assert_trace("A");
    set_timeout(pid, 100);
    info_word(pid, "x");
    pass(1000);
    assert_trace("O");
    set_timeout(pid, 100);
    ask_it(pid, "x");
    pass(1000);
    assert_trace("C");
}

static void a_timeout_of_zero_comes_if_nothing_waits(void **state)
{
    set_timeout(run(), 0);
    pass(0);
    assert_trace(""); /* it came before set_timeout() looked */
}

static moult_next zero_cast(moult_ctx *ctx, void *state, moult_in *in)
{
    mark("A");
    return moult_with_timeout(moult_noreply(), 0);
}

static void a_timeout_of_zero_does_not_overtake_what_waits(void **state)
{
    NEEDS_ONE_WORKER;
    static const moult_server server = {
        .size = sizeof(moult_server), .handle_cast = zero_cast, .handle_info = on_info};

    send_letters((struct letters){.to = serve(&server), .words = {"x", "x", "x"}});
    assert_trace("AAAT");
}

/* -- starting -- */

static struct started start_named(const char *word)
{
    init_word = word;
    return serve_as(&full, "named");
}

static void an_init_that_stops_fails_the_start_with_reason_and_text(void **state)
{
    struct started s = start_named("stop because");

    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, -ENOSPC);
    assert_string_equal(s.text, "9 of 9 used");
    assert_trace("I"); /* terminate is for those that have started */
}

static void an_init_that_returns_a_bad_value_fails_the_start(void **state)
{
    struct started s = start_named("nonsense");

    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, -EPROTO);
    assert_trace("I");
}

static void an_init_that_ignores_leaves_nobody(void **state)
{
    struct started s = start_named("ignore");

    assert_int_equal(s.error, 0);
    assert_true(moult_pid_is_none(s.pid));
    assert_trace("I");
}

static void its_name_is_free_when_a_failed_start_is_heard_of(void **state)
{
    static const char *const endings[] = {"stop", "nonsense", "ignore",
                                          "stop normally"};

    for (int i = 0; i < 40; i++) {
        start_named(endings[i % 4]);
        assert_true(moult_pid_is_none(moult_whereis("named")));
    }
    assert_int_equal(start_named(NULL).error, 0);
}

static void a_taken_name_says_who_has_it_and_init_does_not_run(void **state)
{
    struct started first = start_named(NULL), second;
    char holder[PID_TEXT];

    trace[0] = 0;
    second = start_named(NULL);
    assert_int_equal(second.error, -EEXIST);
    assert_non_null(strstr(second.text, pid_print(first.pid, holder)));
    assert_trace("");
}

static void its_name_is_free_when_its_end_is_heard_of(void **state)
{
    struct started s = start_named(NULL);

    cast_word(s.pid, "stop");
    assert_ended(s.pid, -EIO);
    assert_true(moult_pid_is_none(moult_whereis("named")));
}

/* -- ending from outside -- */

static void a_shutdown_terminates_only_who_traps_exits(void **state)
{
    moult_pid plain = run(), traps = run();

    send_letters((struct letters){.to = plain, .then_exit = true});
    assert_trace("");
    assert_ended(plain, MOULT_SHUTDOWN);
    ask_it(traps, "trap");
    send_letters((struct letters){.to = traps, .then_exit = true});
    assert_trace("C<1>");
    assert_ended(traps, MOULT_SHUTDOWN);
}

static void to_trap_exits_in_init_is_enough(void **state)
{
    moult_pid pid;

    init_word = "trap";
    pid = serve(&full);
    send_letters((struct letters){.to = pid, .then_exit = true});
    assert_trace("I<1>");
}

static void a_kill_is_not_trapped_and_is_seen_as_killed(void **state)
{
    moult_pid pid = run();

    ask_it(pid, "trap");
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_ended(pid, MOULT_KILLED);
    assert_trace("C");
}

static void messages_before_a_trapped_shutdown_are_handled_first(void **state)
{
    moult_pid pid = run();

    ask_it(pid, "trap");
    send_letters((struct letters){.to = pid, .words = {"x", "x"}, .then_exit = true});
    assert_trace("CAA<1>");
}

static void a_normal_exit_of_another_ends_nobody(void **state)
{
    moult_pid plain = run(), traps = run();

    ask_it(traps, "trap");
    signal_exit(NULL, plain, MOULT_NORMAL, NULL);
    signal_exit(NULL, traps, MOULT_NORMAL, NULL);
    assert_int_equal(ask_it(plain, "x"), 7);
    assert_int_equal(ask_it(traps, "x"), 7);
}

/* -- its state -- */

static void its_state_is_told_without_disturbing_it(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    moult_pid pid = run();
    struct moult_out out;
    moult_in in, inner;

    e->code = SYSTEM_STATE;
    out_init(&out, NULL, 0);
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, &out, NULL, 0), 0);
    in = out_read(&out);
    assert_int_equal(moult_int_at(&in, "format"), 3);
    assert_true(moult_find(&in, "vsn", &inner) && moult_match(&inner, "1"));
    assert_true(moult_find(&in, "state", &inner));
    assert_int_equal(moult_int_at(&inner, "number"), 7);
    out_release(&out);
    assert_trace("");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reply_answers_and_the_server_goes_on),
        TEST(noreply_answers_when_the_server_does),
        TEST(a_late_answer_vanishes_but_the_request_was_served),
        TEST(refuse_gives_the_caller_a_code_and_a_text),
        TEST(a_misread_request_fails_its_caller_only),
        TEST(stop_with_a_reply_terminates_first_and_replies_then),
        TEST(stop_without_a_reply_fails_the_call_with_the_reason),
        TEST(calls_that_are_owed_an_answer_fail_when_the_server_ends),
        TEST(calls_to_nobody_and_to_the_dead_fail_at_once),
        TEST(a_server_may_not_call_itself),
        TEST(stop_in_any_callback_terminates_and_ends_with_its_reason),
        TEST(a_bad_value_from_any_callback_terminates_and_ends),
        TEST(ignore_is_for_init_only),
        TEST(what_a_callback_may_not_return_is_named),
        TEST(a_call_whose_value_is_bad_gets_no_reply),
        TEST(init_may_not_reply_nor_go_on_after_an_ignore),
        TEST(who_hibernates_wakes_for_a_message),
        TEST(what_a_callback_does_not_know_it_leaves_to_the_host),
        TEST(what_is_not_handled_is_logged_once_and_dropped),
        TEST(messages_of_one_sender_are_handled_in_order),
        TEST(continue_goes_before_all_that_waits),
        TEST(continues_may_chain),
        TEST(the_reply_does_not_wait_for_the_continue_nor_is_it_lost),
        TEST(continue_of_init_goes_before_the_first_message),
        TEST(continue_goes_before_the_parents_exit),
        TEST(a_timeout_comes_once_as_an_info_of_null),
        TEST(any_message_cancels_a_timeout),
        TEST(a_timeout_of_zero_comes_if_nothing_waits),
        TEST(a_timeout_of_zero_does_not_overtake_what_waits),
        TEST(an_init_that_stops_fails_the_start_with_reason_and_text),
        TEST(an_init_that_returns_a_bad_value_fails_the_start),
        TEST(an_init_that_ignores_leaves_nobody),
        TEST(its_name_is_free_when_a_failed_start_is_heard_of),
        TEST(a_taken_name_says_who_has_it_and_init_does_not_run),
        TEST(its_name_is_free_when_its_end_is_heard_of),
        TEST(a_shutdown_terminates_only_who_traps_exits),
        TEST(to_trap_exits_in_init_is_enough),
        TEST(a_kill_is_not_trapped_and_is_seen_as_killed),
        TEST(messages_before_a_trapped_shutdown_are_handled_first),
        TEST(a_normal_exit_of_another_ends_nobody),
        TEST(its_state_is_told_without_disturbing_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
