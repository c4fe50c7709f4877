/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

typedef void errand(moult_ctx *ctx, void *context);

static moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    errand *run;

    if (moult_match(request, "hibernate")) {
        moult_put_null(reply);
        return moult_with_hibernate(moult_reply());
    }
    run = (errand *)(uintptr_t)moult_get_uint(request);
    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

/* What the server was told, besides. */
static struct {
    unsigned downs, infos;
    moult_ended last;
    char text[64];
    int64_t numbers[8]; /* of infos, in order */
} told;

static moult_next info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_ended e;

    if (moult_match_down(message, &e)) {
        told.downs++;
        told.last = e;
        snprintf(told.text, sizeof(told.text), "%.*s", (int)e.text_len, e.text);
    } else if (moult_peek(message) == MOULT_INT && told.infos < 8) {
        told.numbers[told.infos++] = moult_get_int(message);
    }
    return moult_noreply();
}

static const moult_server errands = {
    .size = sizeof(moult_server), .handle_call = call, .handle_info = info};

static moult_pid it;
static moult_spawned made;

/* What plain processes did. */
static struct {
    int64_t numbers[16];
    unsigned count;
    int error;
    int32_t kinds[8];
    moult_ended ended;
    char text[64];
} seen;

static int begin(void **state)
{
    one_worker(state);
    memset(&told, 0, sizeof(told));
    memset(&seen, 0, sizeof(seen));
    made = (moult_spawned){0};
    it = serve(&errands);
    return 0;
}

static void order(moult_pid pid, errand *run, void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)context);
    ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0);
}

/* Have `pid` run it, inside a callback. */
static void run_in(moult_pid pid, errand *run, void *context)
{
    order(pid, run, context);
    workers_settle();
}

struct spawning {
    moult_function *run;
    int32_t flags;
    int64_t number;
    uint64_t max_heap;
};

static void spawn_it(moult_ctx *ctx, void *context)
{
    const struct spawning *s = context;
    moult_spawn_options options = {.size = sizeof(options),
                                   .flags = s->flags,
                                   .label = "it",
                                   .max_heap = s->max_heap};
    moult_out *args = moult_draft(ctx);

    moult_put_int(args, s->number);
    check(moult_spawn_opt(ctx, s->run, args, &options, &made) == 0);
}

static moult_pid spawn_with(struct spawning s)
{
    run_in(it, spawn_it, &s);
    return made.pid;
}

static moult_pid spawn(moult_function *run)
{
    return spawn_with((struct spawning){.run = run});
}

static int info_int(moult_pid pid, int64_t number)
{
    moult_out *out = moult_draft_outside();

    moult_put_int(out, number);
    return moult_send(NULL, pid, out);
}

/* -- spawning -- */

static int32_t note_args(moult_ctx *ctx, moult_in *args)
{
    seen.numbers[seen.count++] = moult_get_int(args);
    return MOULT_NORMAL;
}

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

static int32_t receive_all(moult_ctx *ctx, moult_in *args)
{
    moult_message m;

    while ((seen.error = moult_receive(ctx, NULL, NULL, 1000, &m)) == 0) {
        seen.kinds[seen.count & 7] = m.kind;
        if (m.kind == MOULT_GOT_EXIT || m.kind == MOULT_GOT_DOWN) {
            seen.ended = m.ended;
            snprintf(seen.text, sizeof(seen.text), "%s", m.ended.text);
        }
        seen.numbers[seen.count++ & 15] =
            moult_peek(&m.in) == MOULT_INT ? moult_get_int(&m.in) : -1;
    }
    return MOULT_NORMAL;
}

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

static void exit_of(moult_ctx *ctx, void *context)
{
    check(moult_exit(ctx, made.pid, *(int32_t *)context) == 0);
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

static unsigned infos_before_down;

static bool is_down(const moult_message *m, void *context)
{
    if (m->kind == MOULT_GOT_INFO)
        infos_before_down++;
    return m->kind == MOULT_GOT_DOWN;
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

#define TEST(test)      cmocka_unit_test_setup_teardown(test, begin, workers_end)
#define MANY_TEST(test) cmocka_unit_test_setup_teardown(test, two_workers, workers_end)

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

    return cmocka_run_group_tests(tests, NULL, NULL);
}
