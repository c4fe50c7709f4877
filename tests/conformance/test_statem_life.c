/* SPDX-License-Identifier: Apache-2.0 */
/* How a machine begins, enters states, ends, and changes its code. */
#include "statem_fixture.h"

static const moult_statem entering_states = {.size = sizeof(moult_statem),
                                             .state_enter = 1,
                                             .states = abc,
                                             .handle_event = on_event};

static const moult_server entering = MACHINE(entering_states);

/* -- enter -- */

static void states_are_entered_first_from_themselves(void **state)
{
    run(&entering);
    assert_trace("a>a");
}

static void a_change_enters_before_anything_else(void **state)
{
    moult_pid pid = run(&entering);

    when("x@a", "postpone");
    when("go", "next b; insert i");
    send_all(pid, "x go");
    assert_trace("a>a a,x a,go b>a b+i b,x");
}

static void only_a_change_or_repeat_enters(void **state)
{
    moult_pid pid = run(&entering);

    when("same", "next a");
    when("again", "repeat");
    send_all(pid, "same keep again");
    assert_trace("a>a a,same a,keep a,again a>a");
}

static void timeouts_of_an_enter_are_of_the_state_entered(void **state)
{
    moult_pid pid = run(&entering);

    when("enter@a", "within 50 left");
    when("enter@b", "within 50 late");
    when("go", "next b");
    trace[0] = 0;
    cast_word(pid, "go");
    workers_settle();
    pass(50);
    assert_trace("a,go b>a bslate");
}

static void an_enter_may_reply_and_stop(void **state)
{
    moult_pid pid = run(&entering);
    struct asked asked;

    when("later", "keep from; next b");
    when("enter@b", "answer; stop 5");
    start_asking(pid, "later", &asked);
    assert_int_equal(asked.reply, 11);
    assert_trace("a>a a?later b>a b!-5");
    assert_ended(pid, -EIO);
}

static void assert_enter_ends_it(const char *script, int32_t reason)
{
    moult_pid pid = run(&entering);

    entries = 0;
    when("go", "next b");
    when("enter@b", script);
    cast_word(pid, "go");
    assert_ended(pid, reason);
    trace[0] = 0;
}

static void an_enter_neither_moves_nor_postpones_nor_inserts(void **state)
{
    assert_enter_ends_it("next c", -EPROTO);
    assert_enter_ends_it("postpone", -EPROTO);
    assert_enter_ends_it("insert i", -EPROTO);
    assert_enter_ends_it("say reply", -EPROTO);
}

/* -- init -- */

static void init_may_choose_the_state_and_act(void **state)
{
    moult_pid pid;

    when("init", "next b; insert i; within 50 late");
    pid = run(&entering);
    assert_trace("b>b b+i");
    pass(50);
    assert_trace("bslate");
    assert_true(alive(pid));
}

static void assert_start_fails(const char *script, int error, const char *text)
{
    struct started s;

    entries = 0;
    when("init", script);
    s = serve_as(&entering, NULL);
    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, error);
    assert_string_equal(s.text, text);
    assert_trace("");
}

static void an_init_that_can_not_be_fails_the_start(void **state)
{
    assert_start_fails("next nowhere", -EINVAL, "it has no state 'nowhere' to go to");
    assert_start_fails("postpone", -EPROTO,
                       "a callback postpones what can't be postponed");
    assert_start_fails("recall x", -EINVAL,
                       "an event that can't be was inserted: Invalid argument");
    assert_start_fails("stop 5", -EIO, "Input/output error");
}

/* -- ends -- */

static void stop_terminates_with_its_reason(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "stop 5");
    when("y", "next b");
    send_all(pid, "y x z");
    assert_trace("a,y b,x b!-5");
    assert_ended(pid, -EIO);
}

static void assert_ends_it(const char *script, int32_t reason)
{
    moult_pid pid = run(&plain);

    entries = 0;
    when("x", script);
    cast_word(pid, "x");
    assert_ended(pid, reason);
    trace[0] = 0;
}

static void what_can_not_be_ends_it(void **state)
{
    assert_ends_it("nonsense", -EPROTO);
    assert_ends_it("wait", -EPROTO);
    assert_ends_it("say reply", -EPROTO);
    assert_ends_it("refuse", -EPROTO);
    assert_ends_it("next nowhere", -EINVAL);
    assert_ends_it("next a state whose name is far too long", -EINVAL);
}

static void a_shutdown_ends_it_as_any_server(void **state)
{
    moult_pid pid = run(&plain);

    signal_exit(NULL, pid, MOULT_SHUTDOWN, NULL);
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_trace("");
}

static void the_end_of_another_is_an_info(void **state)
{
    moult_pid pid = run(&plain);

    watched = actor(false);
    when("x", "watch");
    cast_word(pid, "x");
    workers_settle();
    signal_exit(NULL, watched, -EIO, NULL);
    assert_trace("a,x a.-"); /* a map, no word */
}

/* -- code_change -- */

static const moult_statem_state renamed_list[] = {
    {"b", on_event}, {"renamed", on_event}, {0}};

static const moult_statem renamed_states = {.size = sizeof(moult_statem),
                                            .state_enter = 1,
                                            .states = renamed_list,
                                            .handle_event = on_event};

MOULT_STATE(renamed_data, struct data, MOULT_FIELD(state, .initial_text = "renamed"),
            MOULT_FIELD(events));

static const moult_server renamed = {
    .size = sizeof(moult_server), .state = renamed_data, .statem = &renamed_states};

static void code_change_renames_and_is_no_change_of_state(void **state)
{
    moult_pid pid = run(&entering);
    struct process *p = process_find(pid);
    struct server *s = p->data;
    struct data *d = s->state;

    when("x", "postpone");
    when("x@b", "");
    when("t", "within 50 late; timer g 70 generic");
    when("go", "next b");
    send_all(pid, "x t");
    assert_trace("a>a a,x a,t");
    strcpy(d->state, "renamed"); /* as carry_state() would have it */
    server_swap(p, code_of(&renamed, "server"), d, NULL);
    send_all(pid, "y");
    pass(50);
    assert_trace("renamed,y renamedslate");
    send_all(pid, "go");
    assert_trace("renamed,go b>renamed b,x");
    pass(20);
    assert_trace("bgg=generic");
}

static void a_version_that_lacks_the_state_is_refused(void **state)
{
    struct data d = {.state = "a"};
    struct fault why = {0};
    struct code *code = code_of(&renamed, "server");

    assert_int_equal(statem_check_state(code, &d, &why), -ENOTSUP);
    assert_non_null(strstr(why.text, "is in state 'a', which 1 does not have"));
    assert_false(statem_has_all(code_of(&plain, "server"), code));
    assert_false(statem_has_all(code_of(&any, "server"), code));
    assert_true(statem_has_all(code, code_of(&any, "server")));
    assert_true(statem_has_all(code, code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(states_are_entered_first_from_themselves),
        TEST(a_change_enters_before_anything_else),
        TEST(only_a_change_or_repeat_enters),
        TEST(timeouts_of_an_enter_are_of_the_state_entered),
        TEST(an_enter_may_reply_and_stop),
        TEST(an_enter_neither_moves_nor_postpones_nor_inserts),
        TEST(init_may_choose_the_state_and_act),
        TEST(an_init_that_can_not_be_fails_the_start),
        TEST(stop_terminates_with_its_reason),
        TEST(what_can_not_be_ends_it),
        TEST(a_shutdown_ends_it_as_any_server),
        TEST(the_end_of_another_is_an_info),
        TEST(code_change_renames_and_is_no_change_of_state),
        TEST(a_version_that_lacks_the_state_is_refused),
    };

    return cmocka_run_group_tests_name("statem_life", tests, NULL, NULL);
}
