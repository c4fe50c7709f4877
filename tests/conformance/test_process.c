/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

/* What the server under test was told, and how it ended. */
static struct {
    unsigned downs, exits, others;
    moult_ended last;
    char text[64];
    int32_t terminated;
} told;

typedef void errand(moult_ctx *ctx, void *context);

static moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    errand *run = (errand *)(uintptr_t)moult_get_uint(request);

    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

static moult_next info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_ended e;

    if (moult_match_down(message, &e))
        told.downs++;
    else if (moult_match_exit(message, &e))
        told.exits++;
    else {
        told.others++;
        return moult_noreply();
    }
    told.last = e;
    snprintf(told.text, sizeof(told.text), "%.*s", (int)e.text_len, e.text);
    return moult_noreply();
}

static moult_next cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop_because(ctx, (int32_t)moult_get_int(message), "as told");
}

static void terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    told.terminated = reason;
}

static const moult_server told_server = {.size = sizeof(moult_server),
                                         .handle_call = call,
                                         .handle_info = info,
                                         .handle_cast = cast,
                                         .terminate = terminate};
static const moult_server plain = {
    .size = sizeof(moult_server), .handle_call = call, .handle_cast = cast};

static moult_pid it, other;

static int begin(void **state)
{
    one_worker(state);
    memset(&told, 0, sizeof(told));
    it = serve(&told_server);
    other = serve(&plain);
    return 0;
}

/* Have `pid` run it, inside a callback. */
static void run_in(moult_pid pid, errand *run, void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)context);
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    workers_settle();
}

static void trap(moult_ctx *ctx, void *context)
{
    moult_trap_exit(ctx, true);
}

static uint64_t ref;

static void monitor(moult_ctx *ctx, void *context)
{
    check(moult_monitor(ctx, *(moult_pid *)context, &ref) == 0);
}

static void link_to(moult_ctx *ctx, void *context)
{
    check(moult_link(ctx, *(moult_pid *)context) == 0);
}

static void unlink_from(moult_ctx *ctx, void *context)
{
    moult_unlink(ctx, *(moult_pid *)context);
}

static void end_for(moult_pid pid, int32_t reason)
{
    cast_int(pid, reason);
    workers_settle();
}

/* -- monitors -- */

static void a_monitor_tells_once_of_an_end_and_why(void **state)
{
    run_in(it, monitor, &other);
    end_for(other, -EIO);
    assert_int_equal(told.downs, 1);
    assert_int_equal(told.last.ref, ref);
    assert_true(moult_pid_equal(told.last.pid, other));
    assert_int_equal(told.last.reason, -EIO);
    assert_string_equal(told.text, "as told");
    assert_true(alive(it));
}

static void a_monitor_of_who_is_gone_tells_at_once(void **state)
{
    end_for(other, MOULT_NORMAL);
    run_in(it, monitor, &other);
    assert_int_equal(told.downs, 1);
    assert_int_equal(told.last.reason, MOULT_NOPROC);
}

static void monitors_stack(void **state)
{
    run_in(it, monitor, &other);
    run_in(it, monitor, &other);
    end_for(other, MOULT_NORMAL);
    assert_int_equal(told.downs, 2);
}

static void demonitor(moult_ctx *ctx, void *context)
{
    moult_demonitor(ctx, ref);
}

static void what_is_not_monitored_any_more_is_not_told_of(void **state)
{
    run_in(it, monitor, &other);
    run_in(it, demonitor, NULL);
    end_for(other, MOULT_NORMAL);
    assert_int_equal(told.downs, 0);
}

/* The news comes while the callback waits, and is taken back in it. */
static void monitor_wait_and_take_back(moult_ctx *ctx, void *context)
{
    moult_in reply;

    check(moult_monitor(ctx, other, &ref) == 0);
    cast_int(other, MOULT_NORMAL);
    check(moult_call(ctx, other, moult_draft(ctx), 0, &reply) == -EOWNERDEAD);
    moult_demonitor(ctx, ref);
}

static void to_demonitor_takes_back_what_waits(void **state)
{
    NEEDS_ONE_WORKER;
    run_in(it, monitor_wait_and_take_back, NULL);
    assert_int_equal(told.downs, 0);
    assert_int_equal(told.others, 0);
}

/* -- links -- */

static void an_abnormal_end_ends_who_is_linked(void **state)
{
    run_in(it, link_to, &other);
    end_for(other, -EIO);
    assert_false(alive(it));
    assert_int_equal(told.terminated, 0); /* it does not trap */
}

static void a_link_works_both_ways(void **state)
{
    run_in(it, link_to, &other);
    end_for(it, -EIO);
    assert_false(alive(other));
}

static void a_normal_end_ends_nobody(void **state)
{
    run_in(it, link_to, &other);
    end_for(other, MOULT_NORMAL);
    assert_true(alive(it));
    assert_int_equal(told.exits, 0);
}

static void who_traps_exits_is_told_instead(void **state)
{
    run_in(it, trap, NULL);
    run_in(it, link_to, &other);
    run_in(it, link_to, &other); /* again is the same as once */
    end_for(other, -EIO);
    assert_true(alive(it));
    assert_int_equal(told.exits, 1);
    assert_true(moult_pid_equal(told.last.pid, other));
    assert_int_equal(told.last.reason, -EIO);
    assert_string_equal(told.text, "as told");
}

static void who_traps_exits_is_told_of_a_normal_end_too(void **state)
{
    run_in(it, trap, NULL);
    run_in(it, link_to, &other);
    end_for(other, MOULT_NORMAL);
    assert_int_equal(told.exits, 1);
    assert_int_equal(told.last.reason, MOULT_NORMAL);
}

static void to_unlink_is_to_be_told_nothing(void **state)
{
    run_in(it, link_to, &other);
    run_in(it, unlink_from, &other);
    end_for(other, -EIO);
    assert_true(alive(it));
}

static void a_link_to_who_is_gone_is_an_exit(void **state)
{
    end_for(other, MOULT_NORMAL);
    run_in(it, trap, NULL);
    run_in(it, link_to, &other);
    assert_int_equal(told.exits, 1);
    assert_int_equal(told.last.reason, MOULT_NOPROC);
}

/* -- exits -- */

struct exit_order {
    moult_pid to;
    int32_t reason;
};

static void send_exit(moult_ctx *ctx, void *context)
{
    const struct exit_order *order = context;

    check(moult_exit(ctx, order->to, order->reason) == 0);
}

static void exit_it(int32_t reason)
{
    struct exit_order order = {it, reason};

    run_in(other, send_exit, &order);
}

static void an_exit_ends_who_does_not_trap(void **state)
{
    exit_it(MOULT_NORMAL);
    assert_true(alive(it));
    exit_it(-EIO);
    assert_false(alive(it));
}

static void an_exit_is_a_message_to_who_traps(void **state)
{
    run_in(it, trap, NULL);
    exit_it(MOULT_SHUTDOWN);
    assert_true(alive(it));
    assert_int_equal(told.exits, 1);
    assert_true(moult_pid_equal(told.last.pid, other));
}

static void a_kill_is_seen_as_killed(void **state)
{
    moult_pid third = serve(&told_server);

    run_in(it, trap, NULL);
    run_in(third, monitor, &it);
    exit_it(MOULT_KILL);
    assert_false(alive(it));
    assert_int_equal(told.last.reason, MOULT_KILLED);
}

static void who_ends_for_kill_by_itself_is_seen_as_that(void **state)
{
    moult_pid third = serve(&told_server);

    run_in(it, link_to, &other);
    run_in(third, monitor, &it);
    end_for(other, MOULT_KILL); /* through a link it is a reason like others */
    assert_false(alive(it));
    assert_int_equal(told.last.reason, MOULT_KILL);
}

static void and_can_be_trapped(void **state)
{
    run_in(it, trap, NULL);
    run_in(it, link_to, &other);
    end_for(other, MOULT_KILL);
    assert_true(alive(it));
    assert_int_equal(told.exits, 1);
    assert_int_equal(told.last.reason, MOULT_KILL);
}

static void send_two_exits(moult_ctx *ctx, void *context)
{
    check(moult_exit(ctx, it, -EIO) == 0);
    check(moult_exit(ctx, it, MOULT_KILL) == 0);
}

static void the_first_of_two_exits_counts(void **state)
{
    NEEDS_ONE_WORKER;
    moult_pid third = serve(&told_server);

    run_in(third, monitor, &it);
    run_in(other, send_two_exits, NULL);
    assert_false(alive(it));
    assert_int_equal(told.downs, 1);
    assert_int_equal(told.last.reason, -EIO);
}

static void exit_self(moult_ctx *ctx, void *context)
{
    check(moult_exit(ctx, moult_self(ctx), MOULT_NORMAL) == 0);
}

static void a_normal_exit_to_oneself_ends(void **state)
{
    run_in(it, exit_self, NULL);
    assert_false(alive(it));
}

/* -- calls of who has much to do -- */

#define MANY 50000u /* that what grows with their square is noticed */

static void nothing(moult_ctx *ctx, void *context)
{
}

static void call_with_much_waiting(moult_ctx *ctx, void *context)
{
    moult_in in;

    for (unsigned i = 0; i < many(MANY); i++)
        check(moult_send(ctx, moult_self(ctx), moult_draft(ctx)) == 0);
    for (unsigned i = 0; i < many(MANY); i++) {
        moult_out *m = moult_draft(ctx);

        moult_put_uint(m, (uintptr_t)nothing);
        moult_put_uint(m, 0);
        check(moult_call(ctx, other, m, MOULT_INFINITY, &in) == 0);
    }
    check(told.others == 0);
}

static void a_call_takes_as_long_however_much_waits(void **state)
{
    run_in(it, call_with_much_waiting, NULL);
    assert_int_equal(told.others, many(MANY));
}

/* -- names -- */

static void take_name(moult_ctx *ctx, void *context)
{
    *(int *)context = moult_register(ctx, "the name");
}

static void give_name_back(moult_ctx *ctx, void *context)
{
    moult_unregister(ctx);
}

static int registered(moult_pid pid)
{
    int error;

    run_in(pid, take_name, &error);
    return error;
}

static void a_name_is_one_servers_until_it_gives_it_back(void **state)
{
    assert_int_equal(registered(it), 0);
    assert_int_equal(registered(it), -EALREADY);
    assert_int_equal(registered(other), -EEXIST);
    assert_true(moult_pid_equal(moult_whereis("the name"), it));
    run_in(it, give_name_back, NULL);
    assert_true(moult_pid_is_none(moult_whereis("the name")));
    assert_int_equal(registered(other), 0);
}

static void a_name_is_free_when_its_server_has_ended(void **state)
{
    assert_int_equal(registered(it), 0);
    assert_true(moult_is_alive(it));
    end_for(it, MOULT_NORMAL);
    assert_false(moult_is_alive(it));
    assert_int_equal(registered(other), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_monitor_tells_once_of_an_end_and_why),
        TEST(a_monitor_of_who_is_gone_tells_at_once),
        TEST(monitors_stack),
        TEST(what_is_not_monitored_any_more_is_not_told_of),
        TEST(to_demonitor_takes_back_what_waits),
        TEST(an_abnormal_end_ends_who_is_linked),
        TEST(a_link_works_both_ways),
        TEST(a_normal_end_ends_nobody),
        TEST(who_traps_exits_is_told_instead),
        TEST(who_traps_exits_is_told_of_a_normal_end_too),
        TEST(to_unlink_is_to_be_told_nothing),
        TEST(a_link_to_who_is_gone_is_an_exit),
        TEST(an_exit_ends_who_does_not_trap),
        TEST(an_exit_is_a_message_to_who_traps),
        TEST(a_kill_is_seen_as_killed),
        TEST(who_ends_for_kill_by_itself_is_seen_as_that),
        TEST(and_can_be_trapped),
        TEST(the_first_of_two_exits_counts),
        TEST(a_normal_exit_to_oneself_ends),
        TEST(a_call_takes_as_long_however_much_waits),
        TEST(a_name_is_one_servers_until_it_gives_it_back),
        TEST(a_name_is_free_when_its_server_has_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
