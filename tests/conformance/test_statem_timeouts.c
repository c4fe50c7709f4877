/* SPDX-License-Identifier: Apache-2.0 */
/* The timeouts of a machine. */
#include "statem_fixture.h"

/* -- timeouts -- */

static void an_event_timeout_comes_if_nothing_else_does(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "idle 50 late");
    cast_word(pid, "x");
    workers_settle();
    pass(49);
    assert_trace("a,x");
    pass(1);
    pass(500);
    assert_trace("atlate");
}

static void any_event_cancels_an_event_timeout(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "idle 50 late; within 20 early");
    cast_word(pid, "x");
    workers_settle();
    pass(500);
    assert_trace("a,x asearly");
    when("in", "idle 50 late; insert i");
    cast_word(pid, "in");
    workers_settle();
    pass(500);
    assert_trace("a,in a+i");
}

static void a_look_at_its_state_cancels_no_timeout(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    moult_pid pid = run(&plain);
    struct moult_out out;
    moult_in in, inner, name;

    when("x", "next b; idle 50 late");
    cast_word(pid, "x");
    workers_settle();
    pass(30);
    e->code = SYSTEM_STATE;
    out_init(&out, NULL, 0);
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, &out, NULL, 0), 0);
    in = out_read(&out);
    assert_true(moult_find(&in, "state", &inner) &&
                moult_find(&inner, "state", &name) && moult_match(&name, "b"));
    out_release(&out);
    pass(20);
    assert_trace("a,x btlate");
}

static void a_state_timeout_ends_with_the_state(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "within 50 late");
    when("same", "next a");
    when("go", "next b");
    cast_word(pid, "x");
    workers_settle();
    pass(30);
    send_all(pid, "y same");
    pass(20);
    assert_trace("a,x a,y a,same aslate"); /* neither events nor the same state */
    send_all(pid, "x go");
    pass(500);
    assert_trace("a,x a,go");
}

static void a_state_timeout_set_in_a_transition_is_of_the_new_state(void **state)
{
    moult_pid pid = run(&plain);

    when("go", "within 50 late; next b");
    cast_word(pid, "go");
    workers_settle();
    pass(50);
    assert_trace("a,go bslate");
}

static void generic_timeouts_end_only_when_told(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer one 50 first; timer two 60 second; timer three 70 third");
    when("go", "next b; timer two never");
    send_all(pid, "x go y");
    pass(500);
    assert_trace("a,x a,go b,y bgone=first bgthree=third");
}

static void a_timeout_set_again_replaces_the_one_that_runs(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer t 50 first; within 50 one");
    when("y", "timer t 100 second; within 90 two");
    cast_word(pid, "x");
    workers_settle();
    pass(40);
    cast_word(pid, "y");
    workers_settle();
    pass(89);
    assert_trace("a,x a,y");
    pass(11);
    assert_trace("astwo agt=second");
}

static void a_timeout_that_fired_before_it_was_cancelled_is_dropped(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer t 50 late; timer u 50 other");
    when("late", "timer u never");
    cast_word(pid, "x");
    workers_settle();
    pass(50); /* both are in the mailbox when the first is handled */
    assert_trace("a,x agt=late");
}

static void update_changes_the_content_alone(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer t 50 old; within 60 old");
    when("y", "update timer t new; update within new");
    cast_word(pid, "x");
    workers_settle();
    pass(30);
    cast_word(pid, "y");
    workers_settle();
    pass(19);
    assert_trace("a,x a,y");
    pass(11);
    assert_trace("agt=new asnew");
}

static void an_update_of_none_comes_at_once(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "update timer t new");
    send_all(pid, "x y");
    assert_trace("a,x agt=new a,y");
}

static void a_timeout_of_zero_comes_after_the_queue_and_before_what_waits(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "within 0 now; timer t 0 too; insert i; insert j");
    send_all(pid, "x y");
    assert_trace("a,x a+i a+j asnow agt=too a,y");
}

static void an_event_timeout_of_zero_is_cancelled_by_what_is_queued(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "idle 0 now; insert i");
    when("z", "idle 0 now");
    send_all(pid, "x y z");
    assert_trace("a,x a+i a,y a,z atnow");
}

static void a_timeout_of_zero_ends_with_the_state_too(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "within 0 now; timer t 0 too; insert go");
    when("go", "next b");
    send_all(pid, "x y");
    assert_trace("a,x a+go bgt=too b,y");
}

static void ask_system(moult_pid pid, int32_t code)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    e->code = code;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
}

static void what_times_out_while_it_is_suspended_comes_in_its_turn(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "within 10 late; timer g 30 later; insert now");
    send_all(pid, "x");
    assert_trace("a,x a+now");
    ask_system(pid, SYS_SUSPEND);
    cast_word(pid, "y");
    pass(20);
    cast_word(pid, "z");
    ask_system(pid, SYSTEM_STATE);
    assert_trace("");
    ask_system(pid, SYS_RESUME);
    assert_trace("a,y aslate a,z");
    pass(10);
    assert_trace("agg=later");
}

static void its_status_says_what_waits_in_it(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    moult_pid pid = run(&plain);
    moult_in status, value, name;
    moult_out reply;

    when("x", "postpone");
    when("t", "within 10 late; timer g 30 later");
    send_all(pid, "x x t");
    out_init(&reply, NULL, 0);
    e->code = SYSTEM_STATUS;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, &reply, NULL, 0), 0);
    status = out_read(&reply);
    assert_int_equal(moult_int_at(&status, "postponed"), 2);
    assert_true(moult_find(&status, "timeouts", &value));
    assert_int_equal(moult_get_array(&value), 2);
    assert_true(moult_find(&value, "type", &name) && moult_match(&name, "state"));
    moult_skip(&value);
    assert_true(moult_find(&value, "type", &name) && moult_match(&name, "generic"));
    assert_true(moult_find(&value, "name", &name) && moult_match(&name, "g"));
    assert_true(moult_find(&status, "state", &value));
    assert_true(moult_find(&value, "state", &name) && moult_match(&name, "a"));
    out_release(&reply);
}

static void its_timeouts_end_with_it(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer t 50 late; within 60 one; stop 5");
    when("y", "timer t 50 late; within 60 one");
    send_all(pid, "y x");
    assert_ended(pid, -EIO);
    pass(500);
    assert_trace("a,y a,x a!-5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_timeout_comes_if_nothing_else_does),
        TEST(any_event_cancels_an_event_timeout),
        TEST(a_look_at_its_state_cancels_no_timeout),
        TEST(a_state_timeout_ends_with_the_state),
        TEST(a_state_timeout_set_in_a_transition_is_of_the_new_state),
        TEST(generic_timeouts_end_only_when_told),
        TEST(a_timeout_set_again_replaces_the_one_that_runs),
        TEST(a_timeout_that_fired_before_it_was_cancelled_is_dropped),
        TEST(update_changes_the_content_alone),
        TEST(an_update_of_none_comes_at_once),
        TEST(a_timeout_of_zero_comes_after_the_queue_and_before_what_waits),
        TEST(an_event_timeout_of_zero_is_cancelled_by_what_is_queued),
        TEST(a_timeout_of_zero_ends_with_the_state_too),
        TEST(what_times_out_while_it_is_suspended_comes_in_its_turn),
        TEST(its_status_says_what_waits_in_it),
        TEST(its_timeouts_end_with_it),
    };

    return cmocka_run_group_tests_name("statem_timeouts", tests, NULL, NULL);
}
