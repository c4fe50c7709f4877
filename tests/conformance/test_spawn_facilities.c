/* SPDX-License-Identifier: Apache-2.0 */
/* What a process has: timers, a dictionary, what it is at, hibernation, limits. */
#include "spawn_fixture.h"

/* -- in a server -- */

static bool is_nine(const moult_message *m, void *context)
{
    moult_in in = m->in;

    return m->kind == MOULT_GOT_INFO && moult_get_int(&in) == 9;
}

static void wait_for_nine(moult_ctx *ctx, void *context)
{
    moult_message m;

    seen.error = moult_receive(ctx, is_nine, NULL, 1000, &m);
}

static void send_from_outside(void)
{
    for (int64_t i = 7; i <= 10; i++)
        info_int(it, i);
}

static int32_t send_later(moult_ctx *ctx, moult_in *args)
{
    moult_sleep(ctx, 10);
    send_from_outside();
    return MOULT_NORMAL;
}

static void spawn_and_wait_for_nine(moult_ctx *ctx, void *context)
{
    check(moult_spawn(ctx, send_later, NULL, &made) == 0);
    wait_for_nine(ctx, NULL);
}

static void post(moult_pid pid, errand *run)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, 0);
    assert_int_equal(ask(pid, e, MOULT_INFINITY, NULL, NULL), 0);
}

static void a_server_may_wait_for_one_message_before_all_others(void **state)
{
    static const int64_t others[] = {7, 8, 10};

    seen.error = -1;
    post(it, spawn_and_wait_for_nine);
    pass(10);
    assert_int_equal(seen.error, 0);
    assert_int_equal(told.infos, 3); /* what it did not want came to handle_info */
    assert_memory_equal(told.numbers, others, sizeof(others));
}

static void a_server_that_waits_in_vain_goes_on(void **state)
{
    post(it, wait_for_nine);
    pass(1000);
    assert_int_equal(seen.error, -ETIMEDOUT);
    assert_true(alive(it));
}

/* -- timers -- */

static moult_timer timer;

static void start_interval(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_int(m, 4);
    timer = moult_send_interval(ctx, made.pid, 10, m);
    check(timer != 0);
}

static void stop_timer(moult_ctx *ctx, void *context)
{
    seen.error = (int)moult_cancel_timer(ctx, timer);
}

static void read_timer(moult_ctx *ctx, void *context)
{
    seen.error = (int)moult_read_timer(ctx, timer);
}

static void an_interval_comes_again_and_again_until_it_is_stopped(void **state)
{
    spawn(receive_all);
    run_in(it, start_interval, NULL);
    for (unsigned i = 0; i < 5; i++)
        pass(10);
    assert_int_equal(seen.count, 5);
    pass(4);
    run_in(it, read_timer, NULL);
    assert_int_equal(seen.error, 6);
    run_in(it, stop_timer, NULL);
    assert_int_equal(seen.error, 6);
    pass(500);
    assert_int_equal(seen.count, 5);
}

static void an_interval_that_was_late_is_not_short_of_any(void **state)
{
    spawn(receive_all);
    run_in(it, start_interval, NULL);
    pass(100);
    assert_int_equal(seen.count, 10);
}

static void an_interval_ends_with_its_receiver(void **state)
{
    int32_t reason = MOULT_KILL;

    spawn(receive_all);
    run_in(it, start_interval, NULL);
    run_in(it, exit_of, &reason);
    pass(10);
    run_in(it, read_timer, NULL);
    assert_int_equal(seen.error, -ENOENT);
}

static void start_timer(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_int(m, 4);
    timer = moult_send_after(ctx, made.pid, 50, m);
}

static void a_timer_says_how_long_it_has(void **state)
{
    spawn(receive_all);
    run_in(it, start_timer, NULL);
    pass(20);
    run_in(it, read_timer, NULL);
    assert_int_equal(seen.error, 30);
    pass(30);
    run_in(it, read_timer, NULL);
    assert_int_equal(seen.error, -ENOENT);
    assert_int_equal(seen.count, 1);
}

/* -- the dictionary -- */

static void use_dictionary(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);
    moult_in value;

    check(!moult_dict_get(ctx, "who", &value));
    moult_put_text(m, "nobody");
    check(moult_dict_put(ctx, "who", m) == 0);
    m = moult_draft(ctx);
    moult_put_int(m, 8);
    check(moult_dict_put(ctx, "who", m) == 0);
    m = moult_draft(ctx);
    moult_put_bytes(m, told.text, sizeof(told.text)); /* more than an envelope has */
    moult_put_bytes(m, told.text, sizeof(told.text));
    check(moult_dict_put(ctx, "what", m) == 0);
}

static void read_dictionary(moult_ctx *ctx, void *context)
{
    moult_in value;

    check(moult_dict_get(ctx, "who", &value) && moult_get_int(&value) == 8);
    check(moult_dict_get(ctx, "what", NULL));
    check(moult_dict_erase(ctx, "who") && !moult_dict_erase(ctx, "who"));
    check(!moult_dict_get(ctx, "who", &value));
}

static void what_is_put_into_the_dictionary_is_there_in_the_next_callback(void **state)
{
    run_in(it, use_dictionary, NULL);
    run_in(it, read_dictionary, NULL);
    assert_true(alive(it));
}

/* -- what a process is at -- */

static struct {
    int error;
    char status[16], kind[16], label[16], function[16], vsn[16];
    int64_t mailbox;
    size_t links, monitored_by;
    bool traps;
} looked;

static void get_text(moult_in *info, const char *key, char to[16])
{
    moult_in value;
    size_t len;
    const char *text;

    check(moult_find(info, key, &value));
    if (moult_peek(&value) != MOULT_TEXT)
        return;
    text = moult_get_text(&value, &len);
    snprintf(to, 16, "%.*s", (int)len, text);
}

static void look(moult_ctx *ctx, void *context)
{
    moult_pid *pid = context;
    moult_in info_of, value;

    memset(&looked, 0, sizeof(looked));
    looked.error = moult_process_info(ctx, pid ? *pid : moult_self(ctx), 0, &info_of);
    if (looked.error)
        return;
    get_text(&info_of, "status", looked.status);
    get_text(&info_of, "kind", looked.kind);
    get_text(&info_of, "label", looked.label);
    get_text(&info_of, "function", looked.function);
    get_text(&info_of, "vsn", looked.vsn);
    looked.mailbox = moult_int_at(&info_of, "mailbox");
    check(moult_int_at(&info_of, "memory") > 0);
    check(moult_int_at(&info_of, "reductions") > 0);
    check(moult_find(&info_of, "links", &value));
    looked.links = moult_get_array(&value);
    check(moult_find(&info_of, "monitored_by", &value));
    looked.monitored_by = moult_get_array(&value);
    check(moult_find(&info_of, "trap_exit", &value));
    looked.traps = moult_get_bool(&value);
    check(!info_of.error && !value.error);
}

static bool is_never(const moult_message *m, void *context)
{
    return false;
}

static int32_t wait_for_nothing(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    moult_trap_exit(ctx, true);
    return moult_receive(ctx, is_never, NULL, MOULT_INFINITY, &m);
}

static void one_that_waits_says_what_it_is_at(void **state)
{
    moult_pid pid = spawn_with((struct spawning){
        .run = wait_for_nothing, .flags = MOULT_LINKED | MOULT_MONITORED});

    info_int(pid, 1);
    info_int(pid, 2);
    run_in(it, look, &pid);
    assert_int_equal(looked.error, 0);
    assert_string_equal(looked.status, "waiting");
    assert_string_equal(looked.kind, "process");
    assert_string_equal(looked.function, "it");
    assert_string_equal(looked.vsn, "1");
    assert_int_equal(looked.mailbox, 2);
    assert_int_equal(looked.links, 1);
    assert_int_equal(looked.monitored_by, 1);
    assert_true(looked.traps);
}

static void a_server_says_what_it_is_at_itself(void **state)
{
    run_in(it, look, NULL);
    assert_string_equal(looked.status, "running");
    assert_string_equal(looked.kind, "server");
    assert_string_equal(looked.label, "server");
    assert_string_equal(looked.function, "handle_call");
}

static void an_idle_server_is_at_nothing(void **state)
{
    moult_pid other = serve(&errands);

    run_in(it, look, &other);
    assert_string_equal(looked.status, "idle");
    assert_string_equal(looked.function, "");
}

static void of_one_that_is_gone_nothing_is_to_be_known(void **state)
{
    moult_pid pid = spawn(note_args);

    run_in(it, look, &pid);
    assert_int_equal(looked.error, -ESRCH);
}

/* -- hibernation -- */

static void monitor_and_not(moult_ctx *ctx, void *context)
{
    uint64_t ref;

    check(moult_monitor(ctx, moult_parent(ctx), &ref) == 0);
    moult_demonitor(ctx, ref);
}

static void a_server_that_hibernates_gives_back_what_it_can(void **state)
{
    int64_t unused;

    run_in(it, monitor_and_not, NULL);
    assert_non_null(process_find(it)->relations);
    ask_word(it, "hibernate", &unused);
    workers_settle();
    assert_null(process_find(it)->relations);
    run_in(it, monitor_and_not, NULL); /* it is as before */
    assert_true(alive(it));
}

static int32_t awake(moult_ctx *ctx, moult_in *args)
{
    int64_t n = moult_get_int(args);
    moult_out *next;
    moult_message m;

    while (moult_receive(ctx, NULL, NULL, 0, &m) == 0)
        seen.numbers[seen.count++] = moult_get_int(&m.in);
    if (n == 3)
        return -EIO;
    next = moult_draft(ctx);
    moult_put_int(next, n + 1);
    return moult_hibernate(ctx, awake, next);
}

static void a_plain_process_that_hibernates_has_no_stack_and_begins_anew(void **state)
{
    moult_pid pid =
        spawn_with((struct spawning){.run = awake, .flags = MOULT_MONITORED});

    for (int64_t i = 1; i <= 3; i++) {
        assert_true(moult_is_alive(pid));
        assert_null(process_find(pid)->fiber);
        info_int(pid, i);
        workers_settle();
    }
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.numbers[2], 3);
    assert_int_equal(told.last.reason, -EIO);
}

/* -- limits -- */

static int32_t hoard(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    moult_alloc(ctx, 1000000);
    return moult_receive(ctx, NULL, NULL, MOULT_INFINITY, &m);
}

static void one_that_needs_more_than_its_max_heap_ends(void **state)
{
    spawn_with(
        (struct spawning){.run = hoard, .flags = MOULT_MONITORED, .max_heap = 100000});
    assert_false(moult_is_alive(made.pid));
    assert_int_equal(told.last.reason, -ENOMEM);
}

static int32_t talk_to_itself(moult_ctx *ctx, moult_in *args)
{
    moult_message m;
    moult_out *out;

    for (;;) {
        out = moult_draft(ctx);
        moult_put_null(out);
        moult_send(ctx, moult_self(ctx), out);
        if (moult_receive(ctx, NULL, NULL, MOULT_INFINITY, &m) < 0)
            return -EPROTO;
        seen.count++;
    }
}

static void count_messages(moult_ctx *ctx, void *context)
{
    *(unsigned *)context = seen.count;
}

/* On one worker: it never waits. */
static void one_that_always_has_a_message_lets_others_run(void **state)
{
    NEEDS_ONE_WORKER;
    struct spawning s = {.run = talk_to_itself};
    int32_t reason = MOULT_KILL;
    unsigned count = 0;

    order(it, spawn_it, &s);
    while (count < 1000)
        order(it, count_messages, &count);
    order(it, exit_of, &reason);
    assert_gone(made.pid);
}

/* -- many, on all cores -- */

static _Atomic unsigned rounds;

static int32_t serve_ball(moult_ctx *ctx, moult_in *args)
{
    moult_message m;
    moult_out *out;

    while (moult_receive(ctx, NULL, NULL, 60000, &m) == 0) {
        if (m.kind != MOULT_GOT_CALL)
            return MOULT_NORMAL;
        out = moult_draft(ctx);
        moult_put_null(out);
        moult_reply_to(ctx, &m.from, out);
    }
    return -ETIMEDOUT;
}

static int32_t play(moult_ctx *ctx, moult_in *args)
{
    moult_spawned other;
    moult_out *out;

    if (moult_spawn_link(ctx, serve_ball, NULL, &other) < 0)
        return -ENOMEM;
    for (unsigned i = 0; i < 20; i++) {
        if (moult_call(ctx, other.pid, moult_draft(ctx), 60000, NULL) < 0)
            return -EPROTO;
        atomic_fetch_add(&rounds, 1);
    }
    out = moult_draft(ctx);
    moult_put_null(out);
    moult_send(ctx, other.pid, out);
    return MOULT_NORMAL;
}

static void spawn_players(moult_ctx *ctx, void *context)
{
    unsigned *count = context;
    moult_message m;
    moult_spawned s;

    for (unsigned i = 0; i < *count; i++)
        check(moult_spawn_monitor(ctx, play, NULL, &s) == 0);
    for (unsigned i = 0; i < *count; i++) {
        check(moult_receive(ctx, is_down, NULL, MOULT_INFINITY, &m) == 0);
        check(m.ended.reason == MOULT_NORMAL);
    }
}

static void many_spawn_and_call_at_once(void **state)
{
    unsigned count = many(500);

    atomic_store(&rounds, 0);
    run_in(serve(&errands), spawn_players, &count);
    assert_int_equal(atomic_load(&rounds), count * 20);
}

#define MANY_TEST(test) cmocka_unit_test_setup_teardown(test, two_workers, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_may_wait_for_one_message_before_all_others),
        TEST(a_server_that_waits_in_vain_goes_on),
        TEST(an_interval_comes_again_and_again_until_it_is_stopped),
        TEST(an_interval_that_was_late_is_not_short_of_any),
        TEST(an_interval_ends_with_its_receiver),
        TEST(a_timer_says_how_long_it_has),
        TEST(what_is_put_into_the_dictionary_is_there_in_the_next_callback),
        TEST(one_that_waits_says_what_it_is_at),
        TEST(a_server_says_what_it_is_at_itself),
        TEST(an_idle_server_is_at_nothing),
        TEST(of_one_that_is_gone_nothing_is_to_be_known),
        TEST(a_server_that_hibernates_gives_back_what_it_can),
        TEST(a_plain_process_that_hibernates_has_no_stack_and_begins_anew),
        TEST(one_that_needs_more_than_its_max_heap_ends),
        TEST(one_that_always_has_a_message_lets_others_run),
        MANY_TEST(many_spawn_and_call_at_once),
    };

    return cmocka_run_group_tests_name("spawn_facilities", tests, NULL, NULL);
}
