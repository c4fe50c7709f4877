/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn_fixture.h"

/* -- spawning -- */

static void a_function_runs_with_what_it_is_given_and_ends(void **state)
{
    moult_pid pid = spawn_with((struct spawning){.run = note_args, .number = 7});

    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.numbers[0], 7);
    assert_false(moult_is_alive(pid));
    assert_true(alive(it));
}

static int32_t note_null(moult_ctx *ctx, moult_in *args)
{
    moult_get_null(args);
    seen.error = args->error;
    seen.count++;
    return MOULT_NORMAL;
}

static void spawn_without_args(moult_ctx *ctx, void *context)
{
    check(moult_spawn(ctx, note_null, NULL, &made) == 0);
    check(moult_spawn_opt(ctx, NULL, NULL, NULL, &made) == -EINVAL);
}

static void without_args_it_is_given_null(void **state)
{
    run_in(it, spawn_without_args, NULL);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.error, 0);
}

static int32_t fails(moult_ctx *ctx, moult_in *args)
{
    return moult_fail(ctx, -EIO, "tried %d times", 3);
}

static void spawn_badly(moult_ctx *ctx, void *context)
{
    moult_spawn_options bad[] = {
        {.label = "x"},
        {.size = sizeof(*bad), .flags = 64},
        {.size = sizeof(*bad), .label = "\xff"},
    };

    for (size_t i = 0; i < 3; i++)
        check(moult_spawn_opt(ctx, note_args, NULL, &bad[i], &made) == -EINVAL);
    check(moult_spawn_opt(ctx, NULL, NULL, NULL, &made) == -EINVAL);
}

static void what_can_not_be_spawned_is_refused(void **state)
{
    run_in(it, spawn_badly, NULL);
    assert_true(moult_pid_is_none(made.pid));
}

static void what_fails_alone_ends_nobody_and_is_told(void **state)
{
    uint64_t from = event_next();

    spawn(fails);
    assert_true(alive(it));
    assert_int_equal(events_named("process.exit", from), 1);
}

static void a_linked_one_that_fails_ends_who_spawned_it(void **state)
{
    spawn_with((struct spawning){.run = fails, .flags = MOULT_LINKED});
    assert_false(alive(it));
}

static void a_linked_one_that_ends_well_does_not(void **state)
{
    spawn_with((struct spawning){.run = note_args, .flags = MOULT_LINKED});
    assert_true(alive(it));
}

static void a_monitored_one_tells_its_end_and_why(void **state)
{
    spawn_with((struct spawning){.run = fails, .flags = MOULT_MONITORED});
    assert_int_equal(told.downs, 1);
    assert_int_equal(told.last.ref, made.ref);
    assert_true(moult_pid_equal(told.last.pid, made.pid));
    assert_int_equal(told.last.reason, -EIO);
    assert_string_equal(told.text, "tried 3 times");
}

/* -- receiving -- */

static void messages_come_in_order_until_time_is_up(void **state)
{
    moult_pid pid = spawn(receive_all);

    info_int(pid, 1);
    cast_int(pid, 2);
    pass(999);
    assert_int_equal(seen.count, 2);
    info_int(pid, 3);
    pass(999); /* it waits anew after each */
    assert_true(moult_is_alive(pid));
    pass(1);
    assert_false(moult_is_alive(pid));
    assert_int_equal(seen.error, -ETIMEDOUT);
    assert_int_equal(seen.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen.numbers[i], i + 1);
    assert_int_equal(seen.kinds[0], MOULT_GOT_INFO);
    assert_int_equal(seen.kinds[1], MOULT_GOT_CAST);
}

static bool is_even(const moult_message *m, void *context)
{
    moult_in in = m->in;

    return moult_peek(&in) == MOULT_INT && moult_get_int(&in) % 2 == 0;
}

static int32_t even_first(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    for (int i = 0; i < 3; i++) {
        if (moult_receive(ctx, is_even, NULL, MOULT_INFINITY, &m) < 0)
            return -EPROTO;
        seen.numbers[seen.count++] = moult_get_int(&m.in);
    }
    while (moult_receive(ctx, NULL, NULL, 0, &m) == 0)
        seen.numbers[seen.count++] = moult_get_int(&m.in);
    return MOULT_NORMAL;
}

static void what_is_not_wanted_stays_in_order(void **state)
{
    static const int64_t sent[] = {1, 2, 3, 4, 5, 6}, wanted[] = {2, 4, 6, 1, 3, 5};
    moult_pid pid = spawn(even_first);

    for (int i = 0; i < 6; i++) {
        info_int(pid, sent[i]);
        if (i % 2)
            workers_settle();
    }
    workers_settle();
    assert_false(moult_is_alive(pid));
    assert_memory_equal(seen.numbers, wanted, sizeof(wanted));
}

static int32_t only_look(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    seen.error = moult_receive(ctx, NULL, NULL, 0, &m);
    return MOULT_NORMAL;
}

static void with_no_time_it_only_looks(void **state)
{
    spawn(only_look);
    assert_int_equal(seen.error, -ETIMEDOUT);
}

static int32_t sleep_then_note(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    seen.error = moult_sleep(ctx, 100);
    while (moult_receive(ctx, NULL, NULL, 0, &m) == 0)
        seen.count++;
    return MOULT_NORMAL;
}

static void messages_wait_while_it_sleeps(void **state)
{
    moult_pid pid = spawn(sleep_then_note);

    info_int(pid, 1);
    pass(99);
    assert_int_equal(seen.count, 0);
    pass(1);
    assert_int_equal(seen.error, 0);
    assert_int_equal(seen.count, 1);
}

/* -- calls -- */

static moult_from asked;

static int32_t answer_calls(moult_ctx *ctx, moult_in *args)
{
    moult_message m;
    moult_out *out;

    while (moult_receive(ctx, NULL, NULL, MOULT_INFINITY, &m) == 0) {
        if (m.kind != MOULT_GOT_CALL)
            break;
        if (moult_match(&m.in, "later")) {
            asked = m.from;
            continue;
        }
        out = moult_draft(ctx);
        moult_put_int(out, 2 * moult_int_at(&m.in, "double"));
        moult_reply_to(ctx, &m.from, out);
        if (asked.ref)
            moult_refuse_to(ctx, &asked, -EBUSY, "later was too late");
    }
    return -EPROTO;
}

static int last_error;
static int64_t last_answer;

static void double_it(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);
    moult_in reply;

    moult_put_map(m, 1);
    moult_put_int_at(m, "double", 21);
    last_error = moult_call(ctx, *(moult_pid *)context, m, 0, &reply);
    if (!last_error)
        last_answer = moult_get_int(&reply);
}

static void a_call_to_a_plain_process_is_answered(void **state)
{
    moult_pid pid = spawn(answer_calls);

    run_in(it, double_it, &pid);
    assert_int_equal(last_error, 0);
    assert_int_equal(last_answer, 42);
}

static int later_error;
static char later_text[64];

static int32_t ask_later(moult_ctx *ctx, moult_in *args)
{
    moult_out *m = moult_draft(ctx);
    moult_pid to = moult_get_pid(args);

    moult_put_text(m, "later");
    later_error = moult_call(ctx, to, m, 0, NULL);
    snprintf(later_text, sizeof(later_text), "%s", moult_call_text(ctx));
    return MOULT_NORMAL;
}

static void spawn_to_ask(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_pid(m, *(moult_pid *)context);
    check(moult_spawn(ctx, ask_later, m, &made) == 0);
}

static void a_call_may_be_answered_after_others(void **state)
{
    moult_pid pid = spawn(answer_calls);

    asked = (moult_from){0};
    run_in(it, spawn_to_ask, &pid);
    run_in(it, double_it, &pid);
    assert_int_equal(last_answer, 42);
    assert_int_equal(later_error, -EBUSY);
    assert_string_equal(later_text, "later was too late");
}

static void a_call_that_is_never_answered_fails_when_the_process_ends(void **state)
{
    moult_pid pid = spawn(answer_calls);

    asked = (moult_from){0};
    run_in(it, spawn_to_ask, &pid);
    info_int(pid, 0);
    workers_settle();
    assert_int_equal(later_error, -EOWNERDEAD);
}

static void what_a_server_is_asked_for_it_has_not(void **state)
{
    moult_pid pid = spawn(receive_all);
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    e->code = SYSTEM_STATE;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), -ENOTSUP);
}

/* -- exits -- */

static int32_t trap_and_receive(moult_ctx *ctx, moult_in *args)
{
    moult_trap_exit(ctx, true);
    return receive_all(ctx, args);
}

static void an_exit_is_received_by_who_traps_it(void **state)
{
    int32_t reason = -EIO;

    spawn_with((struct spawning){.run = trap_and_receive, .flags = MOULT_LINKED});
    run_in(it, exit_of, &reason);
    assert_true(moult_is_alive(made.pid));
    assert_int_equal(seen.kinds[0], MOULT_GOT_EXIT);
    assert_int_equal(seen.ended.reason, -EIO);
    assert_true(moult_pid_equal(seen.ended.pid, it));
}

static void an_exit_ends_one_that_waits(void **state)
{
    int32_t reason = -EIO;

    spawn_with((struct spawning){.run = receive_all, .flags = MOULT_MONITORED});
    run_in(it, exit_of, &reason);
    assert_false(moult_is_alive(made.pid));
    assert_int_equal(told.last.reason, -EIO);
}

static void a_kill_can_not_be_trapped(void **state)
{
    int32_t reason = MOULT_KILL;

    spawn_with((struct spawning){.run = trap_and_receive, .flags = MOULT_MONITORED});
    run_in(it, exit_of, &reason);
    assert_false(moult_is_alive(made.pid));
    assert_int_equal(told.last.reason, MOULT_KILLED);
}

static void send_exit_send(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_int(m, 1);
    moult_send(ctx, made.pid, m);
    moult_exit(ctx, made.pid, -EIO);
    m = moult_draft(ctx);
    moult_put_int(m, 2);
    moult_send(ctx, made.pid, m);
}

/* OTP: xm_sig_order. */
static void signals_of_one_pair_come_in_the_order_they_were_sent(void **state)
{
    spawn(trap_and_receive);
    run_in(it, send_exit_send, NULL);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.numbers[0], 1);
    assert_int_equal(seen.kinds[1], MOULT_GOT_EXIT);
    assert_int_equal(seen.numbers[2], 2);
}

static int32_t send_and_end(moult_ctx *ctx, moult_in *args)
{
    moult_out *m = moult_draft(ctx);

    moult_put_int(m, 5);
    moult_send(ctx, it, m);
    return -EIO;
}

static void spawn_and_wait_for_its_end(moult_ctx *ctx, void *context)
{
    moult_message m;

    check(moult_spawn_monitor(ctx, send_and_end, NULL, &made) == 0);
    seen.error = moult_receive(ctx, is_down, NULL, 1000, &m);
    seen.ended = m.ended;
}

static void what_was_sent_before_an_end_comes_before_its_news(void **state)
{
    infos_before_down = 0;
    run_in(it, spawn_and_wait_for_its_end, NULL);
    assert_int_equal(infos_before_down, 1);
    assert_int_equal(seen.ended.reason, -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_function_runs_with_what_it_is_given_and_ends),
        TEST(without_args_it_is_given_null),
        TEST(what_can_not_be_spawned_is_refused),
        TEST(what_fails_alone_ends_nobody_and_is_told),
        TEST(a_linked_one_that_fails_ends_who_spawned_it),
        TEST(a_linked_one_that_ends_well_does_not),
        TEST(a_monitored_one_tells_its_end_and_why),
        TEST(messages_come_in_order_until_time_is_up),
        TEST(what_is_not_wanted_stays_in_order),
        TEST(with_no_time_it_only_looks),
        TEST(messages_wait_while_it_sleeps),
        TEST(a_call_to_a_plain_process_is_answered),
        TEST(a_call_may_be_answered_after_others),
        TEST(a_call_that_is_never_answered_fails_when_the_process_ends),
        TEST(what_a_server_is_asked_for_it_has_not),
        TEST(an_exit_is_received_by_who_traps_it),
        TEST(an_exit_ends_one_that_waits),
        TEST(a_kill_can_not_be_trapped),
        TEST(signals_of_one_pair_come_in_the_order_they_were_sent),
        TEST(what_was_sent_before_an_end_comes_before_its_news),
    };

    return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
