/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that hibernate by themselves when nothing has come for a while. */
#include "test.h"

#include <string.h>

#include "ask.h"
#include "harness.h"
#include "serving.h"

#define AFTER 100u /* ms */

static unsigned timeouts;
static int64_t lent;
static moult_pid quiet; /* it answers later than `AFTER` */

static moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    moult_in in;

    moult_put_null(reply);
    if (moult_match(request, "time out"))
        return moult_with_timeout(moult_reply(), 3 * AFTER);
    if (moult_match(request, "later")) {
        moult_send_after(ctx, moult_self(ctx), 2 * AFTER, moult_draft(ctx));
        return moult_noreply();
    }
    if (moult_match(request, "wait") &&
        moult_call(ctx, quiet, moult_draft(ctx), MOULT_INFINITY, &in) == 0) {
        moult_sleep(ctx, 2 * AFTER);
        lent = moult_get_int(&in);
    }
    return moult_reply();
}

static moult_next info(moult_ctx *ctx, void *state, moult_in *message)
{
    timeouts += moult_peek(message) == MOULT_NULL;
    return moult_noreply();
}

static const moult_server plain = {
    .size = sizeof(moult_server), .handle_call = call, .handle_info = info};

/* What answers 7 later. */
static moult_next answer_later(moult_ctx *ctx, void *state, const moult_from *from,
                               moult_in *request, moult_out *reply)
{
    moult_sleep(ctx, 2 * AFTER);
    moult_put_int(reply, 7);
    return moult_reply();
}

static const moult_server slow = {.size = sizeof(moult_server),
                                  .handle_call = answer_later};

/* The other kinds of server. */
struct door {
    char state[8];
};
MOULT_STATE(door_state, struct door, MOULT_FIELD(state, .initial_text = "shut"));

static moult_next on_event(moult_ctx *ctx, void *data, const moult_event *event)
{
    return moult_keep_state();
}

static const moult_statem machine = {.size = sizeof(machine), .handle_event = on_event};
static const moult_server door = {
    .size = sizeof(moult_server), .state = door_state, .statem = &machine};

static const moult_handler bell = {.size = sizeof(bell), .name = "bell"};
static const moult_manager bells = {
    .size = sizeof(bells), .handlers = (const moult_handler *const[]){&bell, NULL}};
static const moult_server manager = {.size = sizeof(moult_server), .manager = &bells};

static int begin(void **state)
{
    int error = one_worker(state);

    timeouts = 0;
    lent = 0;
    return error;
}

static moult_pid serve_dozing(const moult_server *server, uint32_t after_ms)
{
    struct started s = serve_child(
        parent(), server, (moult_child){.id = "x", .hibernate_after_ms = after_ms});

    assert_int_equal(s.error, 0);
    workers_settle();
    return s.pid;
}

/* It has given back what it can do without, as the timer that it waits by. */
static bool hibernates(moult_pid pid)
{
    return process_find(pid)->relations == NULL;
}

static void it_does_when_nothing_came_for_so_long(void **state)
{
    moult_pid pid = serve_dozing(&plain, AFTER);

    pass(AFTER - 1);
    assert_false(hibernates(pid));
    pass(1);
    assert_true(hibernates(pid));
    pass(10 * AFTER);
    assert_true(hibernates(pid)); /* once is enough */
    assert_int_equal(timeouts, 0);
}

static void each_message_begins_the_time_anew(void **state)
{
    moult_pid pid = serve_dozing(&plain, AFTER);

    for (int i = 0; i < 5; i++) {
        pass(AFTER - 1);
        assert_int_equal(ask_word(pid, "x", NULL), 0);
        assert_false(hibernates(pid));
    }
    pass(AFTER);
    assert_true(hibernates(pid));
    info_word(pid, "x"); /* and awake it is as before */
    workers_settle();
    assert_false(hibernates(pid));
    pass(AFTER);
    assert_true(hibernates(pid));
}

static void its_own_timeout_comes_instead(void **state)
{
    moult_pid pid = serve_dozing(&plain, AFTER);

    ask_word(pid, "time out", NULL);
    pass(2 * AFTER);
    assert_false(hibernates(pid));
    assert_int_equal(timeouts, 0);
    pass(AFTER);
    assert_int_equal(timeouts, 1);
    pass(AFTER);
    assert_true(hibernates(pid));
}

static void a_look_at_it_lets_it_hibernate_again(void **state)
{
    moult_pid pid = serve_dozing(&plain, AFTER);
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    pass(AFTER);
    e->code = SYSTEM_STATUS;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    assert_false(hibernates(pid));
    pass(AFTER);
    assert_true(hibernates(pid));
}

static void what_is_still_to_come_stays(void **state)
{
    moult_pid pid = serve_dozing(&plain, AFTER);
    struct envelope *e = words("later");

    cast_word(pid, "x");
    ask(pid, e, 4 * AFTER, NULL, NULL);
    pass(AFTER);
    assert_int_equal(process_find(pid)->relations->timers.count, 1);
    assert_int_equal(timeouts, 0);
    pass(AFTER);
    assert_int_equal(timeouts, 1);
    pass(2 * AFTER);
}

static void inside_a_callback_it_does_not(void **state)
{
    moult_pid pid = serve_dozing(&plain, AFTER);

    quiet = serve(&slow);
    ask(pid, words("wait"), MOULT_INFINITY, NULL, NULL);
    pass(2 * AFTER);
    pass(2 * AFTER);
    assert_int_equal(lent, 7); /* what it was lent is there still */
    pass(AFTER);
    assert_true(hibernates(pid));
}

static void machines_and_managers_do_so_too(void **state)
{
    moult_pid a = serve_dozing(&door, AFTER), b = serve_dozing(&manager, AFTER);

    assert_false(hibernates(a));
    assert_false(hibernates(b));
    pass(AFTER);
    assert_true(hibernates(a));
    assert_true(hibernates(b));
    cast_word(a, "x");
    cast_word(b, "x");
    workers_settle();
    assert_false(hibernates(a));
    assert_false(hibernates(b));
    pass(AFTER);
    assert_true(hibernates(a));
    assert_true(hibernates(b));
}

static void swap(struct process *p, void *context)
{
    struct process *it = process_find(*(moult_pid *)context);
    struct server *s = it->data;
    struct code *code =
        code_of_child(&plain, (moult_child){.id = "x", .hibernate_after_ms = AFTER});

    server_swap(it, code, s->state, NULL);
}

static void another_version_may_say_so(void **state)
{
    moult_pid pid = serve_dozing(&plain, 0);

    assert_true(hibernates(pid)); /* it never had anything */
    assert_int_equal(actor_do(starter(), swap, &pid), 0);
    cast_word(pid, "x");
    workers_settle();
    assert_false(hibernates(pid));
    pass(AFTER);
    assert_true(hibernates(pid));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_does_when_nothing_came_for_so_long),
        TEST(each_message_begins_the_time_anew),
        TEST(its_own_timeout_comes_instead),
        TEST(a_look_at_it_lets_it_hibernate_again),
        TEST(what_is_still_to_come_stays),
        TEST(inside_a_callback_it_does_not),
        TEST(machines_and_managers_do_so_too),
        TEST(another_version_may_say_so),
    };

    return cmocka_run_group_tests_name("hibernate", tests, NULL, NULL);
}
