/* SPDX-License-Identifier: Apache-2.0 */
/* Plain processes that become servers. */
#include "test.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"
#include "plain.h"

struct counter {
    int64_t count;
};
MOULT_STATE(counter_state, struct counter, MOULT_FIELD(count, .initial = 3));

static unsigned inits;
static int32_t ended_for;

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    inits++;
    return moult_noreply();
}

static moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    struct counter *c = state;

    moult_put_int(reply, ++c->count);
    return moult_reply();
}

static moult_next info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct counter *c = state;

    c->count += moult_peek(message) == MOULT_INT ? moult_get_int(message) : 0;
    return moult_noreply();
}

static void terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    ended_for = reason;
}

static const moult_server counter = {.size = sizeof(moult_server),
                                     .state = counter_state,
                                     .init = init,
                                     .handle_call = call,
                                     .handle_info = info,
                                     .terminate = terminate};

static moult_next on_event(moult_ctx *ctx, void *data, const moult_event *event)
{
    return moult_keep_state();
}

struct door {
    char state[8];
};
MOULT_STATE(door_state, struct door, MOULT_FIELD(state, .initial_text = "shut"));
static const moult_statem machine = {.size = sizeof(machine), .handle_event = on_event};
static const moult_server door = {
    .size = sizeof(moult_server), .state = door_state, .statem = &machine};
static const moult_server stranger = {.size = sizeof(moult_server)};

/* -- the process -- */

static const moult_server *to_be;
static int64_t count; /* in the state that it is given; 0: none is given */
static const char *bad_text;
static bool traps;

static int32_t settle(moult_ctx *ctx, moult_in *args)
{
    moult_message m;
    moult_out *state = NULL;

    moult_register(ctx, "it");
    moult_trap_exit(ctx, traps);
    moult_receive(ctx, NULL, NULL, MOULT_INFINITY, &m); /* "go" */
    if (count || bad_text) {
        state = moult_draft(ctx);
        moult_put_map(state, 1);
        moult_put_text(state, "count");
        if (bad_text)
            moult_put_text(state, bad_text);
        else
            moult_put_int(state, count);
    }
    return moult_enter_loop(ctx, to_be, state);
}

/* -- who spawns it -- */

static int32_t flags;
static moult_spawned made;
static struct {
    moult_pid pid;
    int32_t reason;
    char text[128];
} down;

static moult_next boss_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *request, moult_out *reply)
{
    if (moult_match(request, "enter"))
        return moult_stop(moult_enter_loop(ctx, &counter, NULL));
    moult_put_int(
        reply, moult_spawn_as(ctx, "it", flags | MOULT_MONITORED, settle, NULL, &made));
    return moult_reply();
}

static moult_next boss_info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_ended e;

    if (moult_match_down(message, &e)) {
        down.pid = e.pid;
        down.reason = e.reason;
        snprintf(down.text, sizeof(down.text), "%.*s", (int)e.text_len, e.text);
    }
    return moult_noreply();
}

static const moult_server boss = {
    .size = sizeof(moult_server), .handle_call = boss_call, .handle_info = boss_info};

static struct code codes[3];
static struct code_table table = {codes, 3};
static moult_pid boss_pid;

static void start_boss(struct process *p, void *context)
{
    struct server_spec spec = {
        .code = &codes[0], .id = "boss", .args = "\xf6", .args_len = 1};

    check(server_start(p, &spec, &boss_pid) == 0);
}

static int begin_on(int workers(void **), void **state)
{
    const moult_server *servers[] = {&boss, &counter, &door};
    const char *ids[] = {"boss", "counter", "door"};
    int error = workers(state);

    memset(&down, 0, sizeof(down));
    inits = 0;
    ended_for = 99;
    to_be = &counter;
    count = 40;
    bad_text = NULL;
    traps = false;
    flags = 0;
    for (int i = 0; i < 3; i++) {
        codes[i] =
            *code_of_child(servers[i], (moult_child){.id = ids[i], .mailbox_limit = 5});
        codes[i].all = &table;
        codes[i].declared = servers[i];
    }
    assert_int_equal(actor_do(starter(), start_boss, NULL), 0);
    assert_int_equal(ask_word(boss_pid, "spawn", NULL), 0);
    workers_settle();
    return error;
}

static int begin(void **state)
{
    return begin_on(one_worker, state);
}

static int begin_on_all(void **state)
{
    return begin_on(two_workers, state);
}

static int64_t ask_it(void)
{
    int64_t answer = 0;
    int error = ask_word(moult_whereis("it"), "next", &answer);

    return error ? error : answer;
}

static void go(void)
{
    assert_int_equal(info_word(made.pid, "go"), 0);
    workers_settle();
}

static void assert_ended(int32_t reason, const char *words)
{
    workers_settle();
    assert_true(moult_pid_equal(down.pid, made.pid));
    assert_int_equal(down.reason, reason);
    assert_non_null(strstr(down.text, words));
}

/* -- what it is then -- */

static void it_serves_with_the_state_that_it_was_given(void **state)
{
    go();
    assert_true(moult_pid_equal(moult_whereis("it"), made.pid));
    assert_int_equal(ask_it(), 41);
    assert_int_equal(ask_it(), 42);
    assert_int_equal(inits, 0);
    assert_string_equal(process_find(made.pid)->class->name, "server");
}

static void without_one_it_has_the_initial_values(void **state)
{
    count = 0;
    go();
    assert_int_equal(ask_it(), 4);
}

static void what_waits_is_served_in_order(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_INFO);

    moult_put_int(&e->out, 100);
    info_word(made.pid, "go");
    process_send(NULL, made.pid, e);
    assert_int_equal(ask_it(), 141);
}

static void its_limits_are_those_of_the_child_that_is_listed(void **state)
{
    go();
    assert_int_equal(process_find(made.pid)->limit, 5);
}

static void the_end_of_who_spawned_it_ends_one_that_is_linked(void **state)
{
    signal_exit(NULL, made.pid, MOULT_KILL, NULL); /* this one is not */
    assert_gone(made.pid);
    flags = MOULT_LINKED;
    traps = true; /* so that it terminates, and does not just die */
    ask_word(boss_pid, "spawn", NULL);
    workers_settle();
    go();
    assert_int_equal(ask_it(), 41);
    signal_exit(NULL, boss_pid, -EIO, NULL);
    assert_gone(made.pid);
    assert_int_equal(ended_for, -EIO); /* it was its parent's, and no info */
}

/* -- what it can't be -- */

static void what_its_plugin_does_not_list_it_can_not_be(void **state)
{
    to_be = &stranger;
    go();
    assert_ended(-EINVAL, "lists no such server");
}

static void nor_a_machine(void **state)
{
    to_be = &door;
    go();
    assert_ended(-ENOTSUP, "neither a statem nor a manager");
}

static void a_state_that_can_not_be_read_ends_it(void **state)
{
    bad_text = "many";
    go();
    assert_ended(-EBADMSG, "count");
}

static void a_server_becomes_none(void **state)
{
    assert_int_equal(ask_word(boss_pid, "enter", NULL), -EOWNERDEAD);
    assert_gone(boss_pid);
}

/* -- on all cores -- */

static void many_become_servers_while_they_are_asked(void **state)
{
    for (unsigned i = 0; i < many(300); i++) {
        info_word(made.pid, "go");
        assert_int_equal(ask_it(), 41);
        signal_exit(NULL, made.pid, MOULT_KILL, NULL);
        while (moult_is_alive(made.pid))
            sched_yield();
        assert_int_equal(ask_word(boss_pid, "spawn", NULL), 0);
        workers_settle();
    }
}

#define TEST(test)   cmocka_unit_test_setup_teardown(test, begin, workers_end)
#define ON_ALL(test) cmocka_unit_test_setup_teardown(test, begin_on_all, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_serves_with_the_state_that_it_was_given),
        TEST(without_one_it_has_the_initial_values),
        TEST(what_waits_is_served_in_order),
        TEST(its_limits_are_those_of_the_child_that_is_listed),
        TEST(the_end_of_who_spawned_it_ends_one_that_is_linked),
        TEST(what_its_plugin_does_not_list_it_can_not_be),
        TEST(nor_a_machine),
        TEST(a_state_that_can_not_be_read_ends_it),
        TEST(a_server_becomes_none),
        ON_ALL(many_become_servers_while_they_are_asked),
    };

    return cmocka_run_group_tests_name("enter_loop", tests, NULL, NULL);
}
