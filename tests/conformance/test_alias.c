/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

/* Servers that run what they are handed, and note what they are told. */
typedef void errand(moult_ctx *ctx, void *context);

static char told[256];
static unsigned infos;

static void note(const char *what)
{
    strncat(told, what, sizeof(told) - strlen(told) - 1);
}

static moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    errand *run = (errand *)(uintptr_t)moult_get_uint(request);

    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_with_hibernate(moult_reply());
}

static moult_next info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_response r;
    moult_ended e;
    char line[64] = "?";

    infos++;
    if (moult_match_down(message, &e))
        snprintf(line, sizeof(line), "down(%d)", e.reason);
    else if (moult_match_response(message, &r))
        snprintf(line, sizeof(line), "[%d %d %.*s]", r.error,
                 r.error ? 0 : (int)moult_get_int(&r.reply), (int)r.text_len, r.text);
    else if (moult_peek(message) == MOULT_INT)
        snprintf(line, sizeof(line), "%d ", (int)moult_get_int(message));
    note(line);
    return moult_noreply();
}

static const moult_server errands = {
    .size = sizeof(moult_server), .handle_call = call, .handle_info = info};

static moult_pid it, other;
static moult_alias here;
static int32_t how;
static int error;

static int begin_on(int workers(void **), void **state)
{
    workers(state);
    told[0] = 0;
    infos = 0;
    how = 0;
    error = 0;
    here = (moult_alias){0};
    it = serve(&errands);
    other = serve(&errands);
    return 0;
}

static int begin(void **state)
{
    return begin_on(one_worker, state);
}

static int begin_on_all(void **state)
{
    return begin_on(two_workers, state);
}

/* Have `pid` run it, inside a callback. */
static void run_in(moult_pid pid, errand *run, void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)context);
    ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0);
}

static void make(moult_ctx *ctx, void *context)
{
    error = moult_alias_create(ctx, how, &here);
}

static void make_monitor(moult_ctx *ctx, void *context)
{
    error = moult_monitor_alias(ctx, other, how, &here);
}

static moult_out *number(moult_ctx *ctx, int64_t n)
{
    moult_out *m = ctx ? moult_draft(ctx) : moult_draft_outside();

    moult_put_int(m, n);
    return m;
}

static int send(int64_t n)
{
    return moult_send_alias(NULL, here, number(NULL, n));
}

static int answer(int64_t n)
{
    moult_from from = moult_alias_from(here);

    return moult_reply_to(NULL, &from, number(NULL, n));
}

static void give_up(moult_ctx *ctx, void *context)
{
    *(bool *)context = moult_unalias(ctx, here);
}

static bool unalias(moult_pid by)
{
    bool was = false;

    run_in(by, give_up, &was);
    return was;
}

static void assert_told(const char *expected)
{
    workers_settle();
    assert_string_equal(told, expected);
    told[0] = 0;
}

/* -- what comes by one -- */

static void what_is_sent_there_is_an_info(void **state)
{
    run_in(it, make, NULL);
    assert_int_equal(error, 0);
    assert_true(moult_pid_equal(here.pid, it));
    assert_int_equal(send(1), 0);
    assert_int_equal(send(2), 0);
    assert_told("1 2 ");
}

static void what_comes_after_it_was_given_up_vanishes(void **state)
{
    run_in(it, make, NULL);
    assert_true(unalias(it));
    assert_int_equal(send(1), 0);
    assert_int_equal(answer(2), 0);
    assert_told("");
    assert_false(unalias(it));
}

static bool want_none(const moult_message *message, void *context)
{
    return false;
}

static void send_and_give_up(moult_ctx *ctx, void *context)
{
    moult_message none;

    moult_send_alias(ctx, here, number(ctx, 1));
    moult_receive(ctx, want_none, NULL, 0, &none); /* by then it has come */
    check(moult_unalias(ctx, here));
    moult_send_alias(ctx, here, number(ctx, 2));
}

static void what_waits_when_it_is_given_up_is_handled(void **state)
{
    run_in(it, make, NULL);
    run_in(it, send_and_give_up, NULL);
    assert_told("1 ");
}

static void one_may_be_for_one_message_only(void **state)
{
    how = MOULT_ALIAS_REPLY;
    run_in(it, make, NULL);
    send(1);
    send(2);
    assert_told("1 ");
    assert_false(unalias(it));
}

static void an_answer_to_one_is_a_response(void **state)
{
    moult_from from;

    run_in(it, make, NULL);
    from = moult_alias_from(here);
    assert_int_equal(answer(7), 0);
    moult_refuse_to(NULL, &from, -ERANGE, "too much");
    assert_told("[0 7 ][-34 0 too much]");
}

static void only_the_first_answer_may_be_wanted(void **state)
{
    how = MOULT_ALIAS_REPLY;
    run_in(it, make, NULL);
    answer(7);
    answer(8);
    assert_told("[0 7 ]");
}

static void send_both_ways(moult_ctx *ctx, void *context)
{
    for (int i = 0; i < 6; i += 2) {
        moult_send(ctx, it, number(ctx, i));
        moult_send_alias(ctx, here, number(ctx, i + 1));
    }
}

static void what_one_sender_sends_keeps_its_order(void **state)
{
    run_in(it, make, NULL);
    run_in(other, send_both_ways, NULL);
    assert_told("0 1 2 3 4 5 ");
}

static int32_t wait_there(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    make(ctx, NULL);
    while (moult_receive(ctx, NULL, NULL, MOULT_INFINITY, &m) == 0)
        if (m.kind == MOULT_GOT_INFO)
            info(ctx, NULL, &m.in);
    return MOULT_NORMAL;
}

static void spawn_one(moult_ctx *ctx, void *context)
{
    moult_spawn(ctx, wait_there, NULL, NULL);
}

static void a_plain_process_receives_what_comes_by_its_own(void **state)
{
    run_in(it, spawn_one, NULL);
    workers_settle();
    send(1);
    answer(7);
    assert_told("1 [0 7 ]");
}

/* -- of a monitor -- */

static void a_monitor_and_its_alias_are_one(void **state)
{
    run_in(it, make_monitor, NULL);
    send(1);
    signal_exit(NULL, other, -EIO, NULL);
    assert_told("1 down(-5)");
    send(2); /* it was not to be given up with it */
    assert_told("2 ");
}

static void one_may_be_given_up_when_its_monitor_tells(void **state)
{
    how = MOULT_ALIAS_DEMONITOR;
    run_in(it, make_monitor, NULL);
    signal_exit(NULL, other, -EIO, NULL);
    assert_told("down(-5)");
    send(1);
    assert_told("");
}

static void demonitor(moult_ctx *ctx, void *context)
{
    moult_demonitor(ctx, here.ref);
}

static void or_when_that_is_taken_back(void **state)
{
    how = MOULT_ALIAS_DEMONITOR;
    run_in(it, make_monitor, NULL);
    run_in(it, demonitor, NULL);
    send(1);
    signal_exit(NULL, other, -EIO, NULL);
    assert_told("");
}

static void else_it_stays_without_its_monitor(void **state)
{
    run_in(it, make_monitor, NULL);
    run_in(it, demonitor, NULL);
    send(1);
    assert_told("1 ");
    assert_true(unalias(it));
}

static void to_give_it_up_leaves_the_monitor(void **state)
{
    run_in(it, make_monitor, NULL);
    assert_true(unalias(it));
    signal_exit(NULL, other, -EIO, NULL);
    assert_told("down(-5)");
}

static void the_first_answer_may_end_the_monitor_too(void **state)
{
    how = MOULT_ALIAS_REPLY;
    run_in(it, make_monitor, NULL);
    answer(7);
    workers_settle();
    signal_exit(NULL, other, -EIO, NULL);
    assert_told("[0 7 ]");
}

static void one_of_who_is_gone_tells_at_once(void **state)
{
    how = MOULT_ALIAS_DEMONITOR;
    signal_exit(NULL, other, -EIO, NULL);
    assert_gone(other);
    run_in(it, make_monitor, NULL);
    assert_told("down(4)");
}

/* -- what can't be -- */

static void only_who_has_it_gives_it_up(void **state)
{
    run_in(it, make, NULL);
    assert_false(unalias(other));
    send(1);
    assert_told("1 ");
}

static void what_it_can_not_be_is_refused(void **state)
{
    how = MOULT_ALIAS_DEMONITOR; /* of no monitor */
    run_in(it, make, NULL);
    assert_int_equal(error, -EINVAL);
    how = 8;
    run_in(it, make_monitor, NULL);
    assert_int_equal(error, -EINVAL);
    assert_int_equal(send(1), -EINVAL); /* all zero is none */
}

static void it_ends_with_its_process(void **state)
{
    run_in(it, make, NULL);
    signal_exit(NULL, it, -EIO, NULL);
    assert_gone(it);
    assert_int_equal(send(1), -ESRCH);
}

static void send_to_itself(moult_ctx *ctx, void *context)
{
    for (int i = 0; i < 4; i++)
        error = moult_send_alias(ctx, here, number(ctx, i));
}

static void a_full_mailbox_refuses(void **state)
{
    struct started s =
        serve_child(parent(), &errands, (moult_child){.id = "x", .mailbox_limit = 3});

    assert_int_equal(s.error, 0);
    it = s.pid;
    run_in(it, make, NULL);
    run_in(it, send_to_itself, NULL);
    assert_int_equal(error, -EAGAIN);
    assert_told("0 1 2 ");
}

static void it_is_sent_in_messages(void **state)
{
    moult_out *m = moult_draft_outside();
    moult_alias read;
    moult_in in;

    run_in(it, make, NULL);
    moult_put_alias(m, here);
    in = moult_draft_in(m);
    read = moult_get_alias(&in);
    assert_int_equal(in.error, 0);
    assert_true(moult_pid_equal(read.pid, here.pid));
    assert_int_equal(read.ref, here.ref);
    moult_cast(NULL, other, m);
}

/* -- on all cores -- */

#define MANY 20000u

static void send_many(moult_ctx *ctx, void *context)
{
    for (unsigned i = 0; i < many(MANY); i++)
        moult_send_alias(ctx, here, number(ctx, 0));
}

static void none_is_lost_nor_comes_too_late(void **state)
{
    unsigned before;

    run_in(it, make, NULL);
    run_in(other, send_many, NULL);
    workers_settle();
    assert_int_equal(infos, many(MANY));
    run_in(other, send_many, NULL);
    assert_true(unalias(it));
    workers_settle();
    before = infos;
    run_in(other, send_many, NULL);
    workers_settle();
    assert_int_equal(infos, before);
}

#define TEST(test)   cmocka_unit_test_setup_teardown(test, begin, workers_end)
#define ON_ALL(test) cmocka_unit_test_setup_teardown(test, begin_on_all, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_sent_there_is_an_info),
        TEST(what_comes_after_it_was_given_up_vanishes),
        TEST(what_waits_when_it_is_given_up_is_handled),
        TEST(one_may_be_for_one_message_only),
        TEST(an_answer_to_one_is_a_response),
        TEST(only_the_first_answer_may_be_wanted),
        TEST(what_one_sender_sends_keeps_its_order),
        TEST(a_plain_process_receives_what_comes_by_its_own),
        TEST(a_monitor_and_its_alias_are_one),
        TEST(one_may_be_given_up_when_its_monitor_tells),
        TEST(or_when_that_is_taken_back),
        TEST(else_it_stays_without_its_monitor),
        TEST(to_give_it_up_leaves_the_monitor),
        TEST(the_first_answer_may_end_the_monitor_too),
        TEST(one_of_who_is_gone_tells_at_once),
        TEST(only_who_has_it_gives_it_up),
        TEST(what_it_can_not_be_is_refused),
        TEST(it_ends_with_its_process),
        TEST(a_full_mailbox_refuses),
        TEST(it_is_sent_in_messages),
        ON_ALL(none_is_lost_nor_comes_too_late),
    };

    return cmocka_run_group_tests_name("alias", tests, NULL, NULL);
}
