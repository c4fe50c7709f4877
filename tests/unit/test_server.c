/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

/* What the callbacks leave behind, in order; one worker, and read when all is settled. */
static char trace[256];

static void mark(const char *what)
{
    strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static int begin(void **state)
{
    trace[0] = 0;
    return one_worker(state);
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
}

/* -- one server that answers in every way -- */

struct state {
    int64_t number;
};
MOULT_STATE(state_schema, struct state, MOULT_FIELD(number, .initial = 7));

static const struct {
    const char *word;
    int32_t verdict;
} verdicts[] = {{"noreply", MOULT_NEXT_NOREPLY},
                {"reply", MOULT_NEXT_REPLY},
                {"stop", MOULT_NEXT_STOP},
                {"stop reply", MOULT_NEXT_STOP_REPLY},
                {"ignore", MOULT_NEXT_IGNORE},
                {"garbage", 99},
                {"continue", MOULT_NEXT_REPLY | MOULT_NEXT_CONTINUE},
                {"continue and stop", MOULT_NEXT_STOP | MOULT_NEXT_CONTINUE},
                {"hibernate", MOULT_NEXT_REPLY | MOULT_NEXT_HIBERNATE}};

static moult_next verdict_of(moult_in *in)
{
    moult_next next = {MOULT_NEXT_REPLY, -EIO, 0};
    int64_t ms;

    for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++)
        if (moult_match(in, verdicts[i].word))
            next.verdict = verdicts[i].verdict;
    if (moult_match_int(in, "timeout", &ms))
        next = moult_with_timeout(next, ms < 0 ? MOULT_INFINITY : (uint64_t)ms);
    return next;
}

static moult_next on_call(moult_ctx *ctx, void *state, const moult_from *from,
                          moult_in *request, moult_out *reply)
{
    struct state *s = state;

    mark("c");
    moult_put_int(reply, s->number);
    if (moult_match(request, "refuse"))
        return moult_refuse(ctx, -ERANGE, "only %s", "this much");
    if (moult_match(request, "refuse with none"))
        return moult_refuse(ctx, 5, "no errno");
    if (moult_match(request, "because"))
        return moult_stop_because(ctx, -ENOSPC, "%d of %d", 9, 9);
    if (moult_match(request, "misread")) {
        moult_get_int(request); /* there is nothing more */
        return moult_reply();
    }
    if (moult_match(request, "no room")) {
        reply->error = -EMSGSIZE;
        return moult_reply();
    }
    if (moult_match(request, "drafts")) {
        for (int i = 0; i < 3; i++)
            moult_put_int(moult_draft(ctx), i);
        return moult_reply();
    }
    if (moult_match(request, "inside")) {
        moult_out *m = moult_draft(ctx);

        moult_put_int(m, 11);
        moult_reply_to(ctx, from, m);
        return moult_reply(); /* too late */
    }
    if (moult_match(request, "say and go on")) {
        moult_put_text(moult_continuation(ctx), "said");
        return moult_with_continue(moult_reply());
    }
    if (moult_match(request, "say and forget")) {
        moult_put_text(moult_continuation(ctx), "forgotten");
        return moult_reply();
    }
    if (moult_match(request, "trap")) {
        moult_trap_exit(ctx, true);
        return moult_reply();
    }
    return verdict_of(request);
}

static moult_next on_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    mark("a");
    return verdict_of(message);
}

static moult_next on_info(moult_ctx *ctx, void *state, moult_in *message)
{
    mark(moult_peek(message) == MOULT_NULL ? "t" : "i");
    return verdict_of(message);
}

static moult_next on_continue(moult_ctx *ctx, void *state, moult_in *term)
{
    if (moult_match(term, "said")) {
        mark("s");
        moult_put_text(moult_continuation(ctx), "more");
        return moult_with_continue(moult_noreply());
    }
    mark(moult_match(term, "more") ? "m" : moult_peek(term) == MOULT_NULL ? "n" : "?");
    return moult_noreply();
}

static void on_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    char text[16];

    snprintf(text, sizeof(text), "T%d", reason);
    mark(text);
}

static const moult_server full = {.size = sizeof(moult_server),
                                  .state = state_schema,
                                  .handle_call = on_call,
                                  .handle_cast = on_cast,
                                  .handle_info = on_info,
                                  .handle_continue = on_continue,
                                  .terminate = on_terminate};
static const moult_server bare = {.size = sizeof(moult_server)};

static int say(moult_pid pid, const char *word)
{
    int64_t reply = 0;
    int error = ask_word(pid, word, &reply);

    return error ? error : (int)reply;
}

/* The reason that the starter saw of its last child. */
static int32_t seen_reason(moult_pid child)
{
    assert_gone(child);
    assert_true(moult_pid_equal(actor_seen(starter()).from, child));
    return actor_seen(starter()).reason;
}

/* -- calls -- */

static void a_reply_is_sent_and_the_server_goes_on(void **state)
{
    moult_pid pid = serve(&full);

    assert_int_equal(say(pid, "reply"), 7); /* the initial value */
    assert_int_equal(say(pid, "hibernate"), 7);
    assert_true(alive(pid));
    assert_trace("cc");
}

static void a_refusal_fails_the_caller_alone(void **state)
{
    moult_pid pid = serve(&full);

    assert_int_equal(say(pid, "refuse"), -ERANGE);
    assert_string_equal(asked_text(), "only this much");
    assert_int_equal(say(pid, "refuse with none"), -EINVAL);
    assert_int_equal(say(pid, "reply"), 7);
}

static void stop_ends_it_and_tells_the_caller_why(void **state)
{
    moult_pid pid = serve(&full);

    assert_int_equal(say(pid, "because"), -EOWNERDEAD);
    assert_string_equal(asked_text(), "9 of 9");
    assert_trace("cT-28");
    assert_int_equal(seen_reason(pid), -ENOSPC);
}

static void stop_with_a_reply_terminates_and_then_replies(void **state)
{
    moult_pid pid = serve(&full);

    assert_int_equal(say(pid, "stop reply"), 7);
    assert_trace("cT-5");
    assert_int_equal(seen_reason(pid), -EIO);
}

static void what_a_callback_may_not_return_ends_it(void **state)
{
    static const char *const endings[] = {"garbage", "ignore"};

    for (int i = 0; i < 2; i++) {
        moult_pid pid = serve(&full);

        assert_int_equal(say(pid, endings[i]), -EOWNERDEAD);
        assert_int_equal(seen_reason(pid), -EPROTO);
        pid = serve(&full);
        cast_word(pid, endings[i]);
        assert_int_equal(seen_reason(pid), -EPROTO);
        pid = serve(&full);
        info_word(pid, endings[i]);
        assert_int_equal(seen_reason(pid), -EPROTO);
    }
}

static void a_request_that_was_misread_fails_its_caller_alone(void **state)
{
    moult_pid pid = serve(&full);
    int error = say(pid, "misread");

    assert_true(error < 0 && error != -EOWNERDEAD);
    assert_memory_equal(asked_text(), "the request was not understood", 30);
    assert_int_equal(say(pid, "reply"), 7);
}

static void a_reply_that_could_not_be_written_fails_the_caller_alone(void **state)
{
    moult_pid pid = serve(&full);

    assert_int_equal(say(pid, "no room"), -EMSGSIZE);
    assert_int_equal(say(pid, "reply"), 7);
}

static void a_reply_inside_the_callback_is_the_reply(void **state)
{
    assert_int_equal(say(serve(&full), "inside"), 11);
}

static void drafts_that_were_not_sent_are_gone_after_the_callback(void **state)
{
    moult_pid pid = serve(&full);

    assert_int_equal(say(pid, "drafts"), 7);
    workers_settle();
    assert_null(process_find(pid)->drafts);
}

static void one_without_callbacks_refuses_calls_and_logs_the_rest(void **state)
{
    uint64_t from = event_next();
    moult_pid pid = serve(&bare);

    assert_int_equal(say(pid, "reply"), -ENOSYS);
    cast_word(pid, "reply");
    info_word(pid, "reply");
    assert_int_equal(say(pid, "reply"), -ENOSYS);
    assert_int_equal(events_named("server.unhandled", from), 2);
    assert_true(alive(pid));
}

static void a_cast_and_an_info_may_stop_it(void **state)
{
    moult_pid first = serve(&full), second = serve(&full);

    cast_word(first, "stop");
    assert_int_equal(seen_reason(first), -EIO);
    info_word(second, "stop reply");
    assert_int_equal(seen_reason(second), -EIO);
    assert_trace("aT-5iT-5");
}

/* -- continue -- */

static void continue_goes_before_what_waits_and_may_go_on(void **state)
{
    moult_pid pid = serve(&full);

    assert_int_equal(say(pid, "say and go on"), 7);
    assert_trace("csm");
    assert_int_equal(say(pid, "continue"), 7);
    assert_trace("csmcn");
}

static void what_was_written_for_a_continue_that_did_not_come_is_dropped(void **state)
{
    moult_pid pid = serve(&full);

    assert_int_equal(say(pid, "say and forget"), 7);
    assert_int_equal(say(pid, "continue"), 7);
    assert_trace("ccn");
}

static moult_next continue_call(moult_ctx *ctx, void *state, const moult_from *from,
                                moult_in *request, moult_out *reply)
{
    moult_put_int(reply, 3);
    return moult_with_continue(moult_reply());
}

static void to_continue_without_the_callback_ends_it_after_the_reply(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server),
                                        .handle_call = continue_call};
    moult_pid pid = serve(&server);

    assert_int_equal(say(pid, "go"), 3);
    assert_int_equal(seen_reason(pid), -ENOSYS);
}

/* -- timeouts -- */

static int ask_for_timeout(moult_pid pid, int64_t ms)
{
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    moult_put_map(&e->out, 1);
    moult_put_int_at(&e->out, "timeout", ms);
    return process_send(NULL, pid, e);
}

static void a_timeout_comes_as_null_when_nothing_else_does(void **state)
{
    moult_pid pid = serve(&full);

    ask_for_timeout(pid, 50);
    pass(49);
    assert_trace("a");
    pass(1);
    assert_trace("at");
    pass(1000);
    assert_trace("at");
}

static void any_message_cancels_a_timeout(void **state)
{
    moult_pid pid = serve(&full);

    ask_for_timeout(pid, 50);
    pass(40);
    cast_word(pid, "noreply");
    pass(1000);
    assert_trace("aa");
    ask_for_timeout(pid, 50);
    pass(40);
    ask_for_timeout(pid, 50);
    pass(49);
    assert_trace("aaaa");
    pass(1);
    assert_trace("aaaat");
}

static int look_at_state(moult_pid pid);

static void looking_at_its_state_does_not(void **state)
{
    moult_pid pid = serve(&full);

    ask_for_timeout(pid, 50);
    pass(40);
    assert_int_equal(look_at_state(pid), 0);
    pass(10);
    assert_trace("at");
}

static void a_timeout_of_zero_comes_at_once_if_nothing_waits(void **state)
{
    moult_pid pid = serve(&full);

    ask_for_timeout(pid, 0);
    assert_trace("at");
}

static void cast_two(struct process *p, void *context)
{
    moult_pid *to = context;
    moult_out *m = moult_draft(&p->ctx);

    moult_put_map(m, 1);
    moult_put_int_at(m, "timeout", 0);
    moult_cast(&p->ctx, *to, m);
    moult_cast(&p->ctx, *to, moult_draft(&p->ctx));
}

static void a_timeout_of_zero_does_not_come_if_something_waits(void **state)
{
    moult_pid pid = serve(&full);

    actor_do(actor(false), cast_two, &pid);
    assert_trace("aa");
    pass(10);
    assert_trace("aa");
}

static void a_timeout_of_infinity_is_none(void **state)
{
    moult_pid pid = serve(&full);

    ask_for_timeout(pid, -1);
    workers_settle();
    assert_true(!process_find(pid)->relations ||
                process_find(pid)->relations->timers.count == 0);
}

static moult_next idle_init(moult_ctx *ctx, void *state, moult_in *args)
{
    return moult_with_timeout(moult_noreply(), 5);
}

static void init_may_ask_for_a_timeout_and_unhandled_ones_are_logged(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server),
                                        .init = idle_init};
    uint64_t from = event_next();

    serve(&server);
    pass(5);
    assert_int_equal(events_named("server.unhandled", from), 1);
}

/* -- starting -- */

static int32_t init_verdict;

static moult_next choosy_init(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_next next = {init_verdict, -ENXIO, 0};

    mark("I");
    if (init_verdict == MOULT_NEXT_STOP)
        return moult_stop_because(ctx, -ENXIO, "no such device");
    if (init_verdict == MOULT_NEXT_REFUSE)
        return moult_refuse(ctx, -EPERM, "not here");
    return next;
}

static const moult_server choosy = {.size = sizeof(moult_server),
                                    .init = choosy_init,
                                    .handle_continue = on_continue,
                                    .terminate = on_terminate};

static struct started start_choosy(int32_t verdict)
{
    init_verdict = verdict;
    return serve_as(&choosy, "choosy");
}

static void an_init_that_stops_or_refuses_is_a_failed_start(void **state)
{
    struct started s = start_choosy(MOULT_NEXT_STOP);

    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, -ENXIO);
    assert_string_equal(s.text, "no such device");
    s = start_choosy(MOULT_NEXT_REFUSE);
    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, -EPERM);
    assert_string_equal(s.text, "not here");
    assert_trace("II"); /* and no terminate */
}

static void an_init_that_returns_what_it_may_not_is_a_failed_start(void **state)
{
    static const int32_t wrong[] = {MOULT_NEXT_REPLY, MOULT_NEXT_STOP_REPLY, 77};

    for (int i = 0; i < 3; i++) {
        struct started s = start_choosy(wrong[i]);

        assert_int_equal(s.error, -EOWNERDEAD);
        assert_int_equal(s.reason, -EPROTO);
    }
}

static void an_init_that_ignores_leaves_nobody_and_its_name_free(void **state)
{
    struct started s = start_choosy(MOULT_NEXT_IGNORE);

    assert_int_equal(s.error, 0);
    assert_true(moult_pid_is_none(s.pid));
    assert_true(moult_pid_is_none(moult_whereis("choosy")));
    s = start_choosy(MOULT_NEXT_NOREPLY);
    assert_int_equal(s.error, 0);
    assert_true(moult_pid_equal(moult_whereis("choosy"), s.pid));
}

static void start_twice(struct process *p, void *context)
{
    struct started *s = context;
    struct server_spec spec = {
        .code = code_of(&choosy, "choosy"), .id = "choosy", .name = "choosy"};

    for (int i = 0; i < 100; i++) {
        init_verdict = i % 2 ? MOULT_NEXT_STOP : MOULT_NEXT_IGNORE;
        s->error = server_start(p, &spec, &s->pid);
        if (s->error && moult_call_reason(&p->ctx) != -ENXIO)
            return; /* the name was taken */
    }
    init_verdict = MOULT_NEXT_NOREPLY;
    s->error = server_start(p, &spec, &s->pid);
}

static void the_name_is_free_when_the_starter_hears_of_the_failure(void **state)
{
    struct started s = {0};

    actor_do(starter(), start_twice, &s);
    assert_int_equal(s.error, 0);
}

static void a_taken_name_is_refused_and_says_by_whom(void **state)
{
    struct started first = start_choosy(MOULT_NEXT_NOREPLY), second;
    char holder[PID_TEXT];

    trace[0] = 0;
    second = start_choosy(MOULT_NEXT_NOREPLY);
    assert_int_equal(second.error, -EEXIST);
    assert_non_null(strstr(second.text, pid_print(first.pid, holder)));
    assert_non_null(strstr(second.text, "'choosy'"));
    assert_trace(""); /* init did not run */
    assert_true(moult_pid_equal(moult_whereis("choosy"), first.pid));
}

static void init_may_go_on_in_handle_continue(void **state)
{
    struct started s = start_choosy(MOULT_NEXT_NOREPLY | MOULT_NEXT_CONTINUE);

    assert_int_equal(s.error, 0);
    assert_trace("In");
}

static moult_pid asked_in_init;

static moult_next asking_init(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, "noreply");
    moult_call(ctx, asked_in_init, m, MOULT_INFINITY, NULL);
    return moult_noreply();
}

static const moult_server asking = {.size = sizeof(moult_server), .init = asking_init};

static void start_asking(struct process *p, void *context)
{
    struct server_spec spec = {
        .code = code_of(&asking, "asking"), .id = "asking", .name = "asking"};

    server_start(p, &spec, context);
}

static void a_server_whose_starter_ends_during_init_ends_too(void **state)
{
    moult_pid by = parent(), pid = {0}, child;

    asked_in_init = serve(&full);
    actor_post(by, start_asking, &pid);
    workers_settle();
    child = moult_whereis("asking");
    assert_true(alive(child));
    signal_exit(NULL, by, MOULT_KILL, NULL);
    assert_gone(by);
    cast_word(asked_in_init, "stop"); /* lets init return */
    assert_gone(child);
}

/* -- ending -- */

static void a_shutdown_ends_it_without_terminate_unless_it_traps(void **state)
{
    moult_pid plain = serve(&full), traps = serve(&full);

    signal_exit(NULL, plain, MOULT_SHUTDOWN, NULL);
    assert_int_equal(seen_reason(plain), MOULT_SHUTDOWN);
    assert_trace("");
    say(traps, "trap");
    signal_exit(NULL, traps, MOULT_SHUTDOWN, "bye");
    assert_int_equal(seen_reason(traps), MOULT_SHUTDOWN);
    assert_trace("cT1");
}

static void a_kill_ends_it_without_terminate(void **state)
{
    moult_pid pid = serve(&full);

    say(pid, "trap");
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_int_equal(seen_reason(pid), MOULT_KILLED);
    assert_trace("c");
}

static void a_normal_exit_of_another_does_not_end_one_that_traps(void **state)
{
    moult_pid pid = serve(&full);

    say(pid, "trap");
    signal_exit(NULL, pid, MOULT_NORMAL, NULL);
    assert_int_equal(say(pid, "reply"), 7);
}

static void end_as_supervisors_do(struct process *p, void *context)
{
    process_exit(p, MOULT_NORMAL, NULL);
    signal_exit_linked(p, *(moult_pid *)context, p->reason);
}

static void its_parents_end_ends_one_that_traps(void **state)
{
    moult_pid by = parent(), pid = serve_by(by, &full, NULL).pid;

    say(pid, "trap");
    actor_do(by, end_as_supervisors_do, &pid);
    assert_gone(pid);
    assert_trace("cT0");
}

/* -- its state, seen from outside -- */

static int look_at_state(moult_pid pid)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    struct moult_out out;
    moult_in in, number = {0};
    int error;

    e->code = SYSTEM_STATE;
    out_init(&out, NULL, 0);
    error = ask_and_wait(pid, e, MOULT_INFINITY, &out, NULL, 0);
    in = out_read(&out);
    if (!error &&
        !(moult_find(&in, "state", &number) && moult_int_at(&number, "number") == 7))
        error = -EBADMSG;
    out_release(&out);
    return error;
}

static void its_state_can_be_looked_at(void **state)
{
    assert_int_equal(look_at_state(serve(&full)), 0);
    assert_trace("");
}

static void a_system_request_that_it_does_not_know_is_refused(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    e->code = SYSTEM_ADD;
    assert_int_equal(ask_and_wait(serve(&full), e, MOULT_INFINITY, NULL, NULL, 0),
                     -ENOSYS);
}

static moult_next calling_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop(MOULT_NORMAL);
}

static void calling_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    moult_out *m = moult_draft(ctx);
    moult_in reply;

    moult_put_text(m, "reply");
    if (moult_call(ctx, asked_in_init, m, 0, &reply) == 0 && moult_get_int(&reply) == 7)
        mark("called");
}

static const moult_server calling = {.size = sizeof(moult_server),
                                     .handle_cast = calling_cast,
                                     .terminate = calling_terminate};

static void terminate_may_call(void **state)
{
    moult_pid pid;

    asked_in_init = serve(&full);
    pid = serve(&calling);
    cast_word(pid, "end");
    assert_gone(pid);
    assert_trace("ccalled");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reply_is_sent_and_the_server_goes_on),
        TEST(a_refusal_fails_the_caller_alone),
        TEST(stop_ends_it_and_tells_the_caller_why),
        TEST(stop_with_a_reply_terminates_and_then_replies),
        TEST(what_a_callback_may_not_return_ends_it),
        TEST(a_request_that_was_misread_fails_its_caller_alone),
        TEST(a_reply_that_could_not_be_written_fails_the_caller_alone),
        TEST(a_reply_inside_the_callback_is_the_reply),
        TEST(drafts_that_were_not_sent_are_gone_after_the_callback),
        TEST(one_without_callbacks_refuses_calls_and_logs_the_rest),
        TEST(a_cast_and_an_info_may_stop_it),
        TEST(continue_goes_before_what_waits_and_may_go_on),
        TEST(what_was_written_for_a_continue_that_did_not_come_is_dropped),
        TEST(to_continue_without_the_callback_ends_it_after_the_reply),
        TEST(a_timeout_comes_as_null_when_nothing_else_does),
        TEST(any_message_cancels_a_timeout),
        TEST(looking_at_its_state_does_not),
        TEST(a_timeout_of_zero_comes_at_once_if_nothing_waits),
        TEST(a_timeout_of_zero_does_not_come_if_something_waits),
        TEST(a_timeout_of_infinity_is_none),
        TEST(init_may_ask_for_a_timeout_and_unhandled_ones_are_logged),
        TEST(an_init_that_stops_or_refuses_is_a_failed_start),
        TEST(an_init_that_returns_what_it_may_not_is_a_failed_start),
        TEST(an_init_that_ignores_leaves_nobody_and_its_name_free),
        TEST(the_name_is_free_when_the_starter_hears_of_the_failure),
        TEST(a_taken_name_is_refused_and_says_by_whom),
        TEST(init_may_go_on_in_handle_continue),
        TEST(a_server_whose_starter_ends_during_init_ends_too),
        TEST(a_shutdown_ends_it_without_terminate_unless_it_traps),
        TEST(a_kill_ends_it_without_terminate),
        TEST(a_normal_exit_of_another_does_not_end_one_that_traps),
        TEST(its_parents_end_ends_one_that_traps),
        TEST(terminate_may_call),
        TEST(its_state_can_be_looked_at),
        TEST(a_system_request_that_it_does_not_know_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
