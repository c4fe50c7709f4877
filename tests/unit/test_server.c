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
                {"continue", MOULT_NEXT_REPLY | MOULT_NEXT_CONTINUE}};

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

/* The same where there is nobody to reply to. */
static moult_next verdict_alone(moult_in *in)
{
    moult_next next = verdict_of(in);

    if ((next.verdict & MOULT_NEXT_VERDICT) == MOULT_NEXT_REPLY)
        next.verdict += MOULT_NEXT_NOREPLY - MOULT_NEXT_REPLY;
    return next;
}

static moult_next on_call(moult_ctx *ctx, void *state, const moult_from *from,
                          moult_in *request, moult_out *reply)
{
    struct state *s = state;

    mark("c");
    moult_put_int(reply, s->number);
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
    return verdict_alone(message);
}

static moult_next on_info(moult_ctx *ctx, void *state, moult_in *message)
{
    mark(moult_peek(message) == MOULT_NULL ? "t" : "i");
    return verdict_alone(message);
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

static void the_log_does_not_repeat_a_large_message(void **state)
{
    static const char large[100000];
    moult_out *m = moult_draft_outside();
    uint64_t from = event_next(), missed = 0;
    json_t *event;

    moult_put_bytes(m, large, sizeof(large));
    assert_int_equal(moult_cast(NULL, serve(&bare), m), 0);
    workers_settle();
    event = event_read(&from, &missed);
    while (strcmp(json_string_value(json_object_get(event, "event")),
                  "server.unhandled") != 0) {
        json_decref(event);
        event = event_read(&from, &missed);
        assert_non_null(event);
    }
    assert_string_equal(json_string_value(json_object_get(event, "message")),
                        "(100005 bytes)");
    json_decref(event);
}

/* -- continue -- */

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

static int look_at_state(moult_pid pid);

static void looking_at_its_state_has_a_timeout_begin_anew(void **state)
{
    moult_pid pid = serve(&full);

    ask_for_timeout(pid, 50);
    pass(40);
    assert_int_equal(look_at_state(pid), 0);
    pass(49);
    assert_trace("a");
    pass(1);
    assert_trace("at");
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
        TEST(a_reply_that_could_not_be_written_fails_the_caller_alone),
        TEST(a_reply_inside_the_callback_is_the_reply),
        TEST(drafts_that_were_not_sent_are_gone_after_the_callback),
        TEST(one_without_callbacks_refuses_calls_and_logs_the_rest),
        TEST(the_log_does_not_repeat_a_large_message),
        TEST(what_was_written_for_a_continue_that_did_not_come_is_dropped),
        TEST(to_continue_without_the_callback_ends_it_after_the_reply),
        TEST(looking_at_its_state_has_a_timeout_begin_anew),
        TEST(a_timeout_of_infinity_is_none),
        TEST(init_may_ask_for_a_timeout_and_unhandled_ones_are_logged),
        TEST(a_server_whose_starter_ends_during_init_ends_too),
        TEST(its_parents_end_ends_one_that_traps),
        TEST(terminate_may_call),
        TEST(its_state_can_be_looked_at),
        TEST(a_system_request_that_it_does_not_know_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
