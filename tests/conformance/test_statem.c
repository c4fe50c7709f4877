/* SPDX-License-Identifier: Apache-2.0 */
#include "statem_fixture.h"

static moult_next on_other(moult_ctx *ctx, void *data, const moult_event *event)
{
    mark("*", '*', "other");
    return on_event(ctx, data, event);
}

static int64_t ask_it(moult_pid pid, const char *text)
{
    int64_t reply = 0;
    int error = ask_word(pid, text, &reply);

    return error ? error : reply;
}

/* -- event_types, and which function handles them -- */

static void each_kind_of_message_is_an_event_of_its_type(void **state)
{
    moult_pid pid = run(&plain);

    when("ask", "reply 7");
    when("in", "insert x; insert cast y");
    cast_word(pid, "c");
    info_word(pid, "i");
    assert_int_equal(ask_it(pid, "ask"), 7);
    cast_word(pid, "in");
    assert_trace("a,c a.i a?ask a,in a+x a,y");
}

static void a_state_without_a_function_is_handled_by_handle_event(void **state)
{
    static const moult_statem both = {
        .size = sizeof(moult_statem), .states = abc, .handle_event = on_other};
    static const moult_server mixed = MACHINE(both);
    moult_pid pid = run(&mixed);

    when("go", "next c");
    send_all(pid, "go x");
    assert_trace("a,go **other c,x");
}

static void handle_event_takes_any_text_as_a_state(void **state)
{
    moult_pid pid = run(&any);

    when("go", "next connected 3");
    send_all(pid, "go x");
    assert_trace("a,go connected 3,x");
}

/* -- postpone -- */

static void postponed_events_come_again_the_oldest_first_before_newer_ones(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("y@a", "postpone");
    when("go", "next b");
    send_all(pid, "x y go z");
    assert_trace("a,x a,y a,go b,x b,y b,z");
}

static void the_event_that_changes_the_state_may_be_postponed_itself(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("go@a", "next b; postpone");
    send_all(pid, "x go z");
    assert_trace("a,x a,go b,x b,go b,z");
}

static void only_a_change_of_state_retries(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("same", "next a");
    when("again", "repeat");
    when("go", "next b");
    send_all(pid, "x same again keep");
    assert_trace("a,x a,same a,again a,keep");
    send_all(pid, "go");
    assert_trace("a,go b,x");
}

static void what_is_postponed_again_waits_for_the_next_change(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("x@b", "postpone");
    when("go@a", "next b");
    when("go@b", "next c");
    send_all(pid, "x go y go");
    assert_trace("a,x a,go b,x b,y b,go c,x");
}

static void a_retried_event_that_changes_the_state_goes_before_the_rest(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("y@a", "postpone");
    when("go", "next b");
    when("x@b", "next c");
    send_all(pid, "x y go z");
    assert_trace("a,x a,y a,go b,x c,y c,z");
}

static void beyond_the_limit_what_is_postponed_is_refused(void **state)
{
    uint64_t from = event_next();
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("go", "next b");
    process_find(pid)->limit = 1;
    cast_word(pid, "x");
    workers_settle();
    assert_int_equal(ask_it(pid, "x"), -EAGAIN);
    assert_int_equal(events_named("statem.overflow", from), 1);
    cast_word(pid, "go");
    workers_settle();
    assert_trace("a,x a?x a,go b,x");
}

static void what_waits_in_it_counts_as_its_memory_until_it_is_handled(void **state)
{
    moult_pid pid = run(&plain);
    const struct heap *heap = &process_find(pid)->ctx.heap;

    when("x@a", "postpone; idle 10 late; timer g 30 generic; insert z");
    when("y@a", "postpone; update timer g longer-content");
    when("go", "next b; timer g never");
    send_all(pid, "x y");
    assert_true(heap->queued >= 4 * sizeof(struct envelope));
    send_all(pid, "go");
    assert_trace("a,x a+z a,y a,go b,x b,y");
    assert_int_equal(heap->queued, 0);
}

/* -- next_event -- */

static void inserted_events_come_first_and_in_their_order(void **state)
{
    moult_pid pid = run(&plain);

    when("in", "insert i1; insert i2");
    when("i1", "insert j1; insert j2");
    send_all(pid, "in z");
    assert_trace("a,in a+i1 a+j1 a+j2 a+i2 a,z");
}

static void inserted_events_come_before_postponed_ones(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("go", "next b; insert i");
    send_all(pid, "x go z");
    assert_trace("a,x a,go b+i b,x b,z");
}

static void an_inserted_event_may_be_postponed(void **state)
{
    moult_pid pid = run(&plain);

    when("in", "insert i1; insert i2; insert i3");
    when("i1@a", "postpone");
    when("i2@a", "next b");
    send_all(pid, "in z");
    assert_trace("a,in a+i1 a+i2 b+i1 b+i3 b,z");
}

static void an_inserted_call_is_answered(void **state)
{
    moult_pid pid = run(&plain);

    when("first", "recall second; next b");
    when("second", "reply 8");
    assert_int_equal(ask_it(pid, "first"), 8);
    when("third", "recall fourth");
    when("fourth", "refuse");
    assert_int_equal(ask_it(pid, "third"), -ERANGE);
    assert_trace("a?first b?second b?third b?fourth");
}

static void an_event_that_can_not_be_inserted_ends_it(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "recall y"); /* of a cast: there is no `from` */
    cast_word(pid, "x");
    assert_trace("a,x a!-22");
    assert_ended(pid, -EINVAL);
}

/* -- calls -- */

static void a_call_is_answered_in_a_transition_or_later(void **state)
{
    moult_pid pid = run(&plain);
    struct asked asked;

    when("go", "reply 3; next b");
    when("later", "keep from");
    when("now", "answer");
    assert_int_equal(ask_it(pid, "go"), 3);
    start_asking(pid, "later", &asked);
    assert_false(asked.done);
    cast_word(pid, "now");
    workers_settle();
    assert_int_equal(asked.reply, 11);
    assert_trace("a?go b?later b,now");
}

static void a_postponed_call_is_answered_when_it_comes_again(void **state)
{
    moult_pid pid = run(&plain);
    struct asked asked;

    when("x@a", "postpone");
    when("x@b", "reply 6");
    when("go", "next b");
    start_asking(pid, "x", &asked);
    assert_false(asked.done);
    cast_word(pid, "go");
    workers_settle();
    assert_int_equal(asked.reply, 6);
    assert_trace("a?x a,go b?x");
}

static void a_call_may_be_answered_and_postponed(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "reply 1; postpone");
    when("x@b", "reply 2");
    when("go", "next b");
    assert_int_equal(ask_it(pid, "x"), 1);
    cast_word(pid, "go");
    assert_trace("a?x a,go b?x");
}

static void a_refused_call_leaves_the_state(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "refuse");
    assert_int_equal(ask_it(pid, "x"), -ERANGE);
    assert_string_equal(asked_text(), "not now");
    cast_word(pid, "y");
    assert_trace("a?x a,y");
}

static void stop_and_reply_replies_first_and_terminates_then(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "stop reply 4");
    assert_int_equal(ask_it(pid, "x"), 4);
    assert_trace("a?x a!-5");
    assert_ended(pid, -EIO);
}

static void calls_that_are_postponed_or_owed_fail_when_it_ends(void **state)
{
    moult_pid pid = run(&plain);
    struct asked asked[2];

    when("x", "postpone");
    when("end", "stop 5");
    start_asking(pid, "x", &asked[0]);
    start_asking(pid, "y", &asked[1]);
    cast_word(pid, "end");
    workers_settle();
    assert_int_equal(asked[0].error, -EOWNERDEAD);
    assert_int_equal(asked[1].error, -EOWNERDEAD);
    assert_ended(pid, -EIO);
}

/* -- on all cores -- */

enum { MACHINES = 8, ROUNDS = 200 };

struct gauge {
    char state[8];
    int64_t passed;
};

MOULT_STATE(gauge_schema, struct gauge, MOULT_FIELD(state, .initial_text = "shut"),
            MOULT_FIELD(passed));

static moult_next on_gate(moult_ctx *ctx, void *data, const moult_event *event)
{
    struct gauge *g = data;
    bool is_open = event->state[0] == 'o';

    if (event->type == MOULT_EVENT_STATE_TIMEOUT)
        return moult_next_state(ctx, "shut");
    if (event->type == MOULT_EVENT_CALL) {
        moult_put_int(event->reply, g->passed);
        return is_open ? moult_reply() : moult_postpone();
    }
    if (moult_match(event->content, "pass")) {
        g->passed += is_open;
        return is_open ? moult_keep_state() : moult_postpone();
    }
    moult_state_timeout(ctx, 1, NULL);
    return moult_next_state(ctx, "open");
}

static const moult_statem gate_states = {
    .size = sizeof(moult_statem),
    .states = (const moult_statem_state[]){{"shut", on_gate}, {"open", on_gate}, {0}}};

static const moult_server gate = {
    .size = sizeof(moult_server), .state = gauge_schema, .statem = &gate_states};

static void knock(struct process *p, void *context)
{
    const moult_pid *gates = context;

    for (int i = 0; i < ROUNDS * MACHINES; i++) {
        moult_cast(&p->ctx, gates[i % MACHINES], word(&p->ctx, "pass"));
        if (i % 7 == 0)
            moult_cast(&p->ctx, gates[i % MACHINES], word(&p->ctx, "turn"));
    }
}

static void machines_on_all_cores_lose_no_event(void **state)
{
    moult_pid gates[MACHINES], knocker = actor(false);
    int64_t passed;

    for (int i = 0; i < MACHINES; i++)
        gates[i] = serve(&gate);
    assert_int_equal(actor_do(knocker, knock, gates), 0);
    for (int i = 0; i < MACHINES; i++) {
        do {
            cast_word(gates[i], "turn");
            assert_int_equal(ask_word(gates[i], "passed", &passed), 0);
        } while (passed < ROUNDS);
        assert_int_equal(passed, ROUNDS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_message_is_an_event_of_its_type),
        TEST(a_state_without_a_function_is_handled_by_handle_event),
        TEST(handle_event_takes_any_text_as_a_state),
        TEST(postponed_events_come_again_the_oldest_first_before_newer_ones),
        TEST(the_event_that_changes_the_state_may_be_postponed_itself),
        TEST(only_a_change_of_state_retries),
        TEST(what_is_postponed_again_waits_for_the_next_change),
        TEST(a_retried_event_that_changes_the_state_goes_before_the_rest),
        TEST(beyond_the_limit_what_is_postponed_is_refused),
        TEST(what_waits_in_it_counts_as_its_memory_until_it_is_handled),
        TEST(inserted_events_come_first_and_in_their_order),
        TEST(inserted_events_come_before_postponed_ones),
        TEST(an_inserted_event_may_be_postponed),
        TEST(an_inserted_call_is_answered),
        TEST(an_event_that_can_not_be_inserted_ends_it),
        TEST(a_call_is_answered_in_a_transition_or_later),
        TEST(a_postponed_call_is_answered_when_it_comes_again),
        TEST(a_call_may_be_answered_and_postponed),
        TEST(a_refused_call_leaves_the_state),
        TEST(stop_and_reply_replies_first_and_terminates_then),
        TEST(calls_that_are_postponed_or_owed_fail_when_it_ends),
        cmocka_unit_test_setup_teardown(machines_on_all_cores_lose_no_event,
                                        two_workers, workers_end),
    };

    return cmocka_run_group_tests_name("statem", tests, NULL, NULL);
}
