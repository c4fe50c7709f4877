/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What members do while an upgrade wants them at rest.  The gate is a server outside the
 * group that keeps its callers until the test opens it: who waits there is inside a
 * callback.
 */
#include "test.h"

#include <stdlib.h>

#include "group.h"
#include "harness.h"

static struct group members;
static struct hold hold;
static moult_pid inside; /* a member that starts others */

/* -- servers -- */

static moult_from at_gate[64];
static _Atomic uint32_t waiting;

static moult_next gate_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *request, moult_out *reply)
{
    at_gate[waiting] = *from;
    atomic_fetch_add(&waiting, 1);
    return moult_noreply();
}

static const moult_server gate_server = {.size = sizeof(moult_server),
                                         .handle_call = gate_call};

static moult_pid gate, peer, via;

static void open_gate(void)
{
    while (waiting) {
        moult_out *m = moult_draft_outside();

        moult_put_null(m);
        moult_reply_to(NULL, &at_gate[--waiting], m);
    }
}

static int64_t call_with(moult_ctx *ctx, moult_pid to, const char *word)
{
    moult_out *m = moult_draft(ctx);
    moult_in reply;
    int error;

    moult_put_text(m, word);
    error = moult_call(ctx, to, m, MOULT_INFINITY, &reply);
    return error ? error : moult_get_int(&reply);
}

struct counts {
    int64_t casts, calls;
};
MOULT_STATE(counts_state, struct counts, MOULT_FIELD(casts), MOULT_FIELD(calls));

/* Counts; "gate" waits there first, "via" asks the peer through who stands outside. */
static moult_next member_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct counts *c = state;

    c->calls++;
    if (moult_match(request, "casts")) {
        moult_put_int(reply, c->casts);
    } else if (moult_match(request, "gate then peer")) {
        call_with(ctx, gate, "wait");
        moult_put_int(reply, call_with(ctx, peer, "calls"));
    } else if (moult_match(request, "via")) {
        moult_put_int(reply, call_with(ctx, via, "gate then peer"));
    } else if (moult_match(request, "gate then via")) {
        call_with(ctx, gate, "wait");
        moult_put_int(reply, call_with(ctx, via, "peer"));
    } else if (moult_match(request, "peer")) {
        moult_put_int(reply, call_with(ctx, peer, "calls"));
    } else if (moult_match(request, "gate then casts")) {
        call_with(ctx, gate, "wait");
        for (int i = 0; i < 3; i++)
            moult_cast(ctx, peer, moult_draft(ctx));
        moult_put_int(reply, call_with(ctx, peer, "casts"));
    } else {
        moult_put_int(reply, c->calls);
    }
    return moult_reply();
}

static moult_next member_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct counts *c = state;

    c->casts++;
    if (moult_match(message, "end"))
        return moult_stop(MOULT_NORMAL);
    return moult_noreply();
}

static const moult_server member_server = {.size = sizeof(moult_server),
                                           .state = counts_state,
                                           .handle_call = member_call,
                                           .handle_cast = member_cast};

static moult_pid member(void)
{
    return serve_by(inside, &member_server, NULL).pid;
}

/* -- beginning and end -- */

static void begin(unsigned workers)
{
    static bool made;

    if (!made)
        hold_init(&hold);
    made = true;
    harness_start(workers, false);
    group_init(&members, "members");
    inside = actor_in(&members, true);
    gate = serve(&gate_server);
    atomic_store(&waiting, 0);
}

static int begin_one(void **state)
{
    begin(1);
    return 0;
}

static int begin_two(void **state)
{
    begin(2);
    return 0;
}

static int end(void **state)
{
    harness_stop();
    assert_int_equal(members.count, 0);
    assert_int_equal(hold.busy, 0);
    assert_null(hold.groups);
    group_finish(&members);
    return 0;
}

static enum mailbox_state state_of(moult_pid pid)
{
    return mailbox_state(atomic_load(&process_find(pid)->inbox));
}

/* An asker from outside: `word` to `to`, and what came back. */
struct asked {
    moult_pid to;
    const char *word;
    int64_t reply;
    _Atomic bool done;
};

static void ask_it(struct process *p, void *context)
{
    struct asked *a = context;

    a->reply = call_with(&p->ctx, a->to, a->word);
    atomic_store(&a->done, true);
}

static void ask_later(struct asked *a, moult_pid to, const char *word)
{
    *a = (struct asked){.to = to, .word = word, .reply = -1};
    actor_post(actor(false), ask_it, a);
}

static void wait_at_gate(uint32_t count)
{
    workers_settle();
    assert_int_equal(waiting, count);
}

/* -- tests -- */

static void members_that_are_idle_are_taken_and_let_go(void **state)
{
    moult_pid pids[50];
    int64_t casts;

    for (int i = 0; i < 50; i++)
        pids[i] = member();
    workers_settle();
    group_hold(&members, &hold);
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    assert_true(hold.frozen);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(state_of(pids[i]), MAILBOX_HELD);
        for (int n = 0; n < i; n++)
            cast_int(pids[i], n);
    }
    workers_settle();
    assert_int_equal(group_release(&members, &hold), 50 * 49 / 2);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(ask_word(pids[i], "casts", &casts), 0);
        assert_int_equal(casts, i);
    }
}

static void what_was_sent_meanwhile_arrives_afterwards_in_order(void **state)
{
    moult_pid pid = actor_in(&members, false);

    workers_settle();
    group_hold(&members, &hold);
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    for (int64_t i = 1; i <= 100; i++)
        cast_int(pid, i);
    group_release(&members, &hold);
    assert_int_equal(actor_seen(pid).casts, 100);
    assert_int_equal(actor_seen(pid).disorder, 0);
}

static void an_empty_group_is_at_rest(void **state)
{
    struct group nobody;

    group_init(&nobody, "nobody");
    group_hold(&nobody, &hold);
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    assert_int_equal(group_release(&nobody, &hold), 0);
    group_finish(&nobody);
}

static void one_inside_a_callback_rests_when_it_has_returned(void **state)
{
    struct asked a;
    moult_pid pid = member();

    peer = member();
    ask_later(&a, pid, "gate then peer");
    wait_at_gate(1);
    group_hold(&members, &hold);
    assert_int_equal(hold_freeze(&hold, 30), -ETIMEDOUT);
    assert_int_equal(state_of(pid), MAILBOX_WAIT);
    assert_int_equal(state_of(peer), MAILBOX_HELD);
    open_gate();
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    assert_int_equal(state_of(pid), MAILBOX_HELD);
    workers_settle();
    assert_true(a.done); /* the peer at rest has served it */
    assert_int_equal(a.reply, 1);
    group_release(&members, &hold);
}

static void a_member_reaches_another_at_rest_through_one_outside(void **state)
{
    struct asked a;
    moult_pid pid = member();

    peer = member();
    via = serve(&member_server);
    ask_later(&a, pid, "gate then via");
    wait_at_gate(1);
    group_hold(&members, &hold);
    open_gate();
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    workers_settle();
    assert_int_equal(a.reply, 1);
    group_release(&members, &hold);
}

static void also_if_that_one_was_asked_before_the_hold(void **state)
{
    struct asked a;
    moult_pid pid = member();

    peer = member();
    via = serve(&member_server);
    ask_later(&a, pid, "via"); /* who waits at the gate and then asks the peer */
    wait_at_gate(1);
    group_hold(&members, &hold);
    open_gate();
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    workers_settle();
    assert_int_equal(a.reply, 1);
    group_release(&members, &hold);
}

static void also_if_others_stand_before_it_in_that_ones_queue(void **state)
{
    struct asked a, b;
    moult_pid pid = member();

    peer = member();
    via = serve(&member_server);
    ask_later(&b, via, "gate then peer"); /* for somebody outside */
    wait_at_gate(1);
    ask_later(&a, pid, "via");
    workers_settle();
    group_hold(&members, &hold);
    open_gate();
    while (!waiting) /* `via` is asked by `pid` only after the peer has served it */
        hold_freeze(&hold, 1);
    open_gate();
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    workers_settle();
    assert_int_equal(a.reply, 2);
    assert_int_equal(b.reply, 1);
    group_release(&members, &hold);
}

static void casts_come_before_the_call_that_follows_them(void **state)
{
    struct asked a;
    moult_pid pid = member();

    peer = member();
    ask_later(&a, pid, "gate then casts");
    wait_at_gate(1);
    group_hold(&members, &hold);
    open_gate();
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    workers_settle();
    assert_int_equal(a.reply, 3);
    group_release(&members, &hold);
}

static void strangers_calls_wait_for_the_end(void **state)
{
    struct asked a;
    moult_pid pid = member();

    workers_settle();
    group_hold(&members, &hold);
    ask_later(&a, pid, "calls");
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    workers_settle();
    assert_false(a.done);
    assert_int_equal(group_release(&members, &hold), 1);
    workers_settle();
    assert_int_equal(a.reply, 1);
}

static void nobody_wakes_once_it_is_frozen(void **state)
{
    moult_pid pid = member();
    struct envelope *e = envelope_create(ENVELOPE_CAST);
    int64_t casts;

    workers_settle();
    group_hold(&members, &hold);
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    e->urgency = ENVELOPE_URGENCY_MOST;
    assert_int_equal(process_send(NULL, pid, e), 0);
    workers_settle();
    assert_int_equal(state_of(pid), MAILBOX_HELD);
    assert_int_equal(group_release(&members, &hold), 1);
    assert_int_equal(ask_word(pid, "casts", &casts), 0);
    assert_int_equal(casts, 1);
}

static void an_attempt_that_failed_lets_all_go_on(void **state)
{
    struct asked a;
    moult_pid pid = member();
    int64_t reply;

    peer = member();
    ask_later(&a, pid, "gate then peer");
    wait_at_gate(1);
    group_hold(&members, &hold);
    assert_int_equal(hold_freeze(&hold, 20), -ETIMEDOUT);
    group_release(&members, &hold);
    assert_int_equal(hold.busy, 0);
    assert_int_equal(ask_word(peer, "calls", &reply), 0);
    open_gate();
    workers_settle();
    assert_true(a.done);
    group_hold(&members, &hold);
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    group_release(&members, &hold);
}

static void start_another(struct process *p, void *context)
{
    struct server_spec spec = {.code = code_of(&member_server, "late"), .id = "late"};

    call_with(&p->ctx, gate, "wait");
    check(server_start(p, &spec, context) == 0);
}

static void a_member_that_is_started_meanwhile_is_held_as_well(void **state)
{
    moult_pid late = {0};
    int64_t reply;

    actor_post(inside, start_another, &late);
    wait_at_gate(1);
    group_hold(&members, &hold);
    open_gate();
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    assert_true(late.bits);
    assert_int_equal(state_of(late), MAILBOX_HELD);
    group_release(&members, &hold);
    assert_int_equal(ask_word(late, "calls", &reply), 0);
}

static void one_that_is_created_before_and_launched_after_is_held_as_well(void **state)
{
    struct process_options options = {.class = process_find(inside)->class,
                                      .group = &members};
    struct process *p = process_create(&options);

    p->data = calloc(1, 256);
    workers_settle();
    group_hold(&members, &hold);
    process_launch(p, NULL);
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    assert_int_equal(state_of(process_pid(p)), MAILBOX_HELD);
    group_release(&members, &hold);
}

static void wait_and_end(struct process *p, void *unused)
{
    call_with(&p->ctx, gate, "wait");
    process_exit(p, MOULT_NORMAL, NULL);
}

static void members_that_end_meanwhile_are_not_waited_for(void **state)
{
    moult_pid ends = actor_in(&members, false), killed = actor_in(&members, false);

    actor_post(ends, wait_and_end, NULL);
    actor_post(killed, wait_and_end, NULL);
    wait_at_gate(2);
    group_hold(&members, &hold);
    signal_exit(NULL, killed, MOULT_KILL, NULL);
    open_gate();
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    assert_gone(ends);
    assert_gone(killed);
    group_release(&members, &hold);
}

static void several_groups_rest_at_once(void **state)
{
    struct group others;
    moult_pid first, second;

    group_init(&others, "others");
    first = member();
    second = actor_in(&others, false);
    workers_settle();
    group_hold(&members, &hold);
    group_hold(&others, &hold);
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    assert_int_equal(state_of(first), MAILBOX_HELD);
    assert_int_equal(state_of(second), MAILBOX_HELD);
    group_release(&members, &hold);
    assert_int_equal(state_of(second), MAILBOX_HELD);
    group_release(&others, &hold);
    signal_exit(NULL, second, MOULT_KILL, NULL);
    assert_gone(second);
    group_finish(&others);
}

/* -- under load -- */

static _Atomic bool enough;

/* Casts for ever between one inside and one outside. */
static moult_next ball_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_out *m;
    moult_pid from = moult_get_pid(message);

    if (atomic_load(&enough))
        return moult_noreply();
    m = moult_draft(ctx);
    moult_put_pid(m, moult_self(ctx));
    moult_cast(ctx, from, m);
    return moult_noreply();
}

static const moult_server player = {.size = sizeof(moult_server),
                                    .handle_cast = ball_cast};

static void go_on(struct process *p, void *unused)
{
    if (!atomic_load(&enough))
        actor_again(p, go_on, NULL);
}

static void one_that_casts_to_itself_for_ever_comes_to_rest(void **state)
{
    moult_pid pid = actor_in(&members, false);

    atomic_store(&enough, false);
    actor_post(pid, go_on, NULL);
    for (int i = 0; i < 100; i++) {
        group_hold(&members, &hold);
        assert_int_equal(hold_freeze(&hold, 1000), 0);
        group_release(&members, &hold);
    }
    atomic_store(&enough, true);
    workers_settle();
}

static void endless_casts_across_the_border_delay_nobody(void **state)
{
    atomic_store(&enough, false);
    for (int i = 0; i < 32; i++) {
        moult_pid in = serve_by(inside, &player, NULL).pid, out = serve(&player);
        moult_out *m = moult_draft_outside();

        moult_put_pid(m, out);
        moult_cast(NULL, in, m);
    }
    for (int i = 0; i < 20; i++) {
        group_hold(&members, &hold);
        assert_int_equal(hold_freeze(&hold, 2000), 0);
        group_release(&members, &hold);
    }
    atomic_store(&enough, true);
    workers_settle();
}

#define MEMBERS 8
#define CLIENTS 4

static moult_pid ring[MEMBERS], relays[MEMBERS];

/*
 * [number, depth, seed]: asks a member of a higher number, directly or through its relay,
 * until the depth is used up; so nobody waits for himself.
 */
static int64_t ask_on(moult_ctx *ctx, int64_t me, int64_t depth, uint64_t seed)
{
    moult_out *m;
    moult_in reply;
    moult_pid to;
    int error;

    if (depth == 0 || me + 1 >= MEMBERS)
        return 1;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    me += 1 + (int64_t)(seed >> 33) % (MEMBERS - me - 1);
    to = seed >> 62 == 0 ? relays[me] : ring[me];
    m = moult_draft(ctx);
    moult_put_array(m, 3);
    moult_put_int(m, me);
    moult_put_int(m, depth - 1);
    moult_put_uint(m, seed >> 1);
    error = moult_call(ctx, to, m, MOULT_INFINITY, &reply);
    return error ? error : 1 + moult_get_int(&reply);
}

static moult_next busy_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *request, moult_out *reply)
{
    int64_t me, depth;

    moult_get_array(request);
    me = moult_get_int(request);
    depth = moult_get_int(request);
    moult_put_int(reply, ask_on(ctx, me, depth, moult_get_uint(request)));
    return moult_reply();
}

/* A relay asks the member for whom the call is, and passes its answer on. */
static moult_next relay_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    moult_out *m = moult_draft(ctx);
    moult_in in = *request, answer;
    int64_t me;
    int error;

    moult_get_array(&in);
    me = moult_get_int(&in);
    moult_put_item(m, request->at, (size_t)(request->end - request->at));
    error = moult_call(ctx, ring[me], m, MOULT_INFINITY, &answer);
    moult_put_int(reply, error ? error : moult_get_int(&answer));
    return moult_reply();
}

static const moult_server busy = {.size = sizeof(moult_server),
                                  .handle_call = busy_call};
static const moult_server relay = {.size = sizeof(moult_server),
                                   .handle_call = relay_call};

struct client {
    uint64_t calls;
    int64_t failed;
};

static void call_on(struct process *p, void *context)
{
    struct client *c = context;
    uint64_t seed = process_pid(p).bits;

    while (!atomic_load(&enough) && !c->failed) {
        int64_t reply = ask_on(&p->ctx, -1, 1 + (int64_t)(seed % 4), seed * 77777);

        seed++;
        c->calls++;
        c->failed = reply < 0 ? reply : 0;
    }
}

static void call_once(struct process *p, void *unused)
{
    check(ask_on(&p->ctx, -1, 1, process_ref()) == 2);
}

/* Members come and go all the time as well, by one that tells itself to go on. */
static void come_and_go(struct process *p, void *context)
{
    const struct code *code = context;
    struct server_spec spec = {.code = code, .id = "guest"};
    moult_out *m = moult_draft(&p->ctx);
    moult_pid pid;

    check(server_start(p, &spec, &pid) == 0);
    moult_put_text(m, "end");
    moult_cast(&p->ctx, pid, m);
    if (!atomic_load(&enough))
        actor_again(p, come_and_go, context);
}

static uint64_t now_us(void)
{
    return clock_ns() / 1000;
}

static void a_thousand_holds_under_load_all_freeze_and_lose_nothing(void **state)
{
    struct client clients[CLIENTS] = {{0}};
    moult_pid pids[CLIENTS], host = actor_in(&members, true), asker = actor(false);
    uint64_t longest = 0, began = now_us(), calls = 0;
    uint32_t rounds = many(1000);

    atomic_store(&enough, false);
    for (int i = 0; i < MEMBERS; i++)
        ring[i] = serve_by(inside, &busy, NULL).pid;
    for (int i = 0; i < MEMBERS; i++)
        relays[i] = serve(&relay);
    actor_post(host, come_and_go, code_of(&member_server, "guest"));
    for (int i = 0; i < CLIENTS; i++)
        actor_post(pids[i] = actor(false), call_on, &clients[i]);
    for (uint32_t i = 0; i < rounds; i++) {
        uint64_t start = now_us();

        group_hold(&members, &hold);
        assert_int_equal(hold_freeze(&hold, 5000), 0);
        longest = now_us() - start > longest ? now_us() - start : longest;
        for (int n = 0; n < MEMBERS; n++)
            assert_int_equal(state_of(ring[n]), MAILBOX_HELD);
        group_release(&members, &hold);
        actor_do(asker, call_once, NULL); /* so that the load gets on */
    }
    atomic_store(&enough, true);
    for (int i = 0; i < CLIENTS; i++) {
        actor_seen(pids[i]); /* comes after its calls */
        assert_int_equal(clients[i].failed, 0);
        calls += clients[i].calls;
    }
    actor_seen(host);
    print_message("%u holds in %llu ms, the longest %llu us, among %llu calls\n",
                  rounds, (unsigned long long)(now_us() - began) / 1000,
                  (unsigned long long)longest, (unsigned long long)calls);
}

#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, begin_one, end)
#define ON_TWO(test) cmocka_unit_test_setup_teardown(test, begin_two, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(members_that_are_idle_are_taken_and_let_go),
        ON_TWO(members_that_are_idle_are_taken_and_let_go),
        ON_ONE(what_was_sent_meanwhile_arrives_afterwards_in_order),
        ON_ONE(an_empty_group_is_at_rest),
        ON_ONE(one_inside_a_callback_rests_when_it_has_returned),
        ON_TWO(one_inside_a_callback_rests_when_it_has_returned),
        ON_ONE(a_member_reaches_another_at_rest_through_one_outside),
        ON_TWO(a_member_reaches_another_at_rest_through_one_outside),
        ON_ONE(also_if_that_one_was_asked_before_the_hold),
        ON_TWO(also_if_that_one_was_asked_before_the_hold),
        ON_ONE(also_if_others_stand_before_it_in_that_ones_queue),
        ON_ONE(casts_come_before_the_call_that_follows_them),
        ON_TWO(casts_come_before_the_call_that_follows_them),
        ON_ONE(strangers_calls_wait_for_the_end),
        ON_ONE(nobody_wakes_once_it_is_frozen),
        ON_ONE(an_attempt_that_failed_lets_all_go_on),
        ON_TWO(an_attempt_that_failed_lets_all_go_on),
        ON_ONE(a_member_that_is_started_meanwhile_is_held_as_well),
        ON_ONE(one_that_is_created_before_and_launched_after_is_held_as_well),
        ON_ONE(members_that_end_meanwhile_are_not_waited_for),
        ON_ONE(several_groups_rest_at_once),
        ON_ONE(one_that_casts_to_itself_for_ever_comes_to_rest),
        ON_TWO(one_that_casts_to_itself_for_ever_comes_to_rest),
        ON_ONE(endless_casts_across_the_border_delay_nobody),
        ON_TWO(endless_casts_across_the_border_delay_nobody),
        ON_ONE(a_thousand_holds_under_load_all_freeze_and_lose_nothing),
        ON_TWO(a_thousand_holds_under_load_all_freeze_and_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
