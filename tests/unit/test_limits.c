/* SPDX-License-Identifier: Apache-2.0 */
/* What a server may hold: memory by max_heap, messages by mailbox_limit. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "group.h"
#include "harness.h"

#define HEAP 100000u

/* -- a server that takes what it is told to take -- */

static moult_timer timer;
static moult_from kept;
static void *block;

static int send_bytes(moult_pid to, size_t len)
{
    moult_out *m = moult_draft_outside();
    char *bytes = calloc(1, len);

    moult_put_bytes(m, bytes, len);
    free(bytes);
    return moult_send(NULL, to, m);
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_in again = *request;
    int64_t n;

    if (moult_match(request, "keep")) {
        kept = *from;
        return moult_noreply();
    }
    if (moult_match(request, "refuse"))
        return moult_refuse(ctx, -EINVAL, "no");
    if (moult_match(request, "alloc twice")) {
        moult_alloc(ctx, HEAP);
        return moult_noreply();
    }
    moult_put_int(reply, 1);
    if (moult_match(request, "wait")) {
        moult_call(ctx, kept.caller, moult_draft(ctx), 1000, NULL);
    } else if (moult_match(request, "free")) {
        moult_free(ctx, block);
        block = NULL;
    } else if (moult_match(request, "stop timer")) {
        moult_cancel_timer(ctx, timer);
    } else if (moult_match(request, "fill itself")) {
        while (moult_cast(ctx, moult_self(ctx), moult_draft(ctx)) == 0)
            ;
    } else if (moult_match(request, "draft for ever")) {
        while (moult_out_error(moult_draft(ctx)) == 0)
            ;
    } else if (moult_match(request, "start timers for ever")) {
        while (moult_send_after(ctx, moult_self(ctx), 1000000, moult_draft(ctx)))
            ;
    } else if (moult_match_int(&again, "alloc", &n)) {
        block = moult_alloc(ctx, (size_t)n);
    } else if (moult_match_int(request, "timer", &n)) {
        moult_out *m = moult_draft(ctx);
        void *bytes = calloc(1, (size_t)n);

        moult_put_bytes(m, bytes, (size_t)n);
        free(bytes);
        timer = moult_send_after(ctx, moult_self(ctx), 1000000, m);
    }
    return moult_reply();
}

static moult_next greedy_init(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_alloc(ctx, 2 * HEAP);
    return moult_noreply();
}

static moult_next nothing(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_noreply();
}

static const moult_server taker = {.size = sizeof(moult_server),
                                   .handle_call = handle_call,
                                   .handle_cast = nothing,
                                   .handle_info = nothing};
static const moult_server greedy = {.size = sizeof(moult_server), .init = greedy_init};

/* {word: number} */
static struct envelope *wants(const char *word, int64_t number)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_map(&e->out, 1);
    moult_put_int_at(&e->out, word, number);
    return e;
}

static int ask_for(moult_pid pid, const char *word, int64_t number)
{
    return ask_and_wait(pid, wants(word, number), MOULT_INFINITY, NULL, NULL, 0);
}

static moult_pid watcher; /* the parent of those below */

static moult_pid serve_with(uint64_t max_heap, uint32_t mailbox_limit)
{
    struct started s = serve_child(watcher, &taker,
                                   (moult_child){.id = "taker",
                                                 .max_heap = max_heap,
                                                 .mailbox_limit = mailbox_limit});

    assert_int_equal(s.error, 0);
    return s.pid;
}

static moult_pid limited(void)
{
    return serve_with(HEAP, 0);
}

static int start(void **state)
{
    block = NULL;
    harness_start(1, true);
    watcher = parent();
    return 0;
}

static void assert_ended_for_memory(moult_pid pid)
{
    workers_settle();
    assert_false(alive(pid));
    assert_int_equal(actor_seen(watcher).exits, 1);
    assert_int_equal(actor_seen(watcher).reason, -ENOMEM);
}

/* Have the server wait, inside a callback and for a second, for what never comes. */
static void make_wait(moult_pid pid)
{
    kept.caller = actor(false);
    process_send(NULL, pid, words("wait"));
    workers_settle();
    assert_true(alive(pid));
}

/* -- memory -- */

static void a_server_that_allocates_beyond_its_max_heap_ends(void **state)
{
    moult_pid pid = limited();

    assert_int_equal(ask_for(pid, "alloc", HEAP / 2), 0);
    assert_int_equal(ask_for(pid, "alloc", HEAP / 2), 0);
    assert_ended_for_memory(pid);
}

static void who_calls_it_then_hears_why(void **state)
{
    moult_pid pid = limited();

    assert_int_equal(ask_word(pid, "alloc twice", NULL), -EOWNERDEAD);
    assert_non_null(strstr(asked_text(), "its max_heap of 100000 bytes"));
    assert_ended_for_memory(pid);
}

static void what_is_given_back_may_be_had_again(void **state)
{
    moult_pid pid = limited();

    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask_for(pid, "alloc", HEAP / 2), 0);
        assert_int_equal(ask_word(pid, "free", NULL), 0);
    }
    assert_true(alive(pid));
}

static void an_init_that_takes_too_much_does_not_start(void **state)
{
    struct started s =
        serve_child(watcher, &greedy, (moult_child){.id = "greedy", .max_heap = HEAP});

    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, -ENOMEM);
    assert_non_null(strstr(s.text, "max_heap"));
}

static void messages_that_wait_are_counted(void **state)
{
    moult_pid pid = limited();

    make_wait(pid);
    for (int i = 0; i < 13; i++)
        send_bytes(pid, 8000);
    assert_ended_for_memory(pid);
}

static void many_short_messages_are_counted(void **state)
{
    moult_pid pid = limited();
    int sent = 0;

    make_wait(pid);
    while (cast_int(pid, 1) == 0)
        sent++;
    assert_int_equal(sent, HEAP / 128);
    assert_ended_for_memory(pid);
}

static void one_message_can_be_too_large(void **state)
{
    moult_pid pid = limited();

    send_bytes(pid, 2 * HEAP);
    assert_ended_for_memory(pid);
}

static void messages_and_memory_add_up(void **state)
{
    moult_pid pid = limited();

    assert_int_equal(ask_for(pid, "alloc", HEAP - 5000), 0);
    send_bytes(pid, 8000);
    assert_ended_for_memory(pid);
}

static void messages_that_were_handled_do_not_count(void **state)
{
    moult_pid pid = limited();

    for (int i = 0; i < 100; i++) {
        assert_int_equal(send_bytes(pid, 8000), 0);
        assert_int_equal(ask_word(pid, "free", NULL), 0);
    }
    assert_true(alive(pid));
}

static void calls_that_are_not_answered_are_counted(void **state)
{
    moult_pid pid = limited();

    for (uint32_t i = 0; i < HEAP / 128 + 10; i++)
        process_send(NULL, pid, words("keep"));
    assert_ended_for_memory(pid);
}

static void
what_is_said_when_a_call_is_refused_is_counted_until_it_is_over(void **state)
{
    moult_pid pid = limited();

    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_word(pid, "refuse", NULL), -EINVAL);
    assert_int_equal(process_find(pid)->ctx.heap.queued, 0);
}

static void timers_are_counted_until_they_are_stopped(void **state)
{
    moult_pid pid = limited();

    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask_for(pid, "timer", 20000), 0);
        assert_int_equal(ask_word(pid, "stop timer", NULL), 0);
    }
    assert_true(alive(pid));
    for (int i = 0; i < 5 && alive(pid); i++)
        ask_for(pid, "timer", 20000);
    cast_int(pid, 1);
    assert_ended_for_memory(pid);
}

static void what_it_sends_itself_drafts_and_times_without_end_ends_it(void **state)
{
    static const char *const sins[] = {"fill itself", "draft for ever",
                                       "start timers for ever"};

    for (uint32_t i = 0; i < 3; i++) {
        moult_pid pid = limited();

        ask_word(pid, sins[i], NULL);
        workers_settle();
        assert_false(alive(pid));
        assert_int_equal(actor_seen(watcher).exits, i + 1);
        assert_int_equal(actor_seen(watcher).reason, -ENOMEM);
    }
}

static void without_a_limit_there_is_none(void **state)
{
    moult_pid pid = serve_with(0, 0);

    make_wait(pid);
    for (int i = 0; i < 20; i++)
        assert_int_equal(send_bytes(pid, 1000000), 0);
    assert_true(alive(pid));
}

/* -- an application's -- */

static struct group shop;

static int start_shop(void **state)
{
    struct process *p;

    start(state);
    group_init(&shop, "shop");
    shop.quota.limit = HEAP;
    p = process_find(watcher);
    group_remove(p->group, p);
    p->group = &shop;
    group_add(&shop, p);
    return 0;
}

static int end_shop(void **state)
{
    workers_end(state);
    assert_int_equal(shop.quota.held, 0);
    group_finish(&shop);
    return 0;
}

static void servers_of_one_application_share_its_max_heap(void **state)
{
    moult_pid a = serve_with(0, 0), b = serve_with(0, 0);

    assert_int_equal(ask_for(a, "alloc", 60000), 0);
    assert_true(alive(a));
    ask_for(b, "alloc", 60000);
    assert_ended_for_memory(b);
    assert_true(alive(a));
}

static void what_a_server_had_is_there_for_others_when_it_has_ended(void **state)
{
    moult_pid a = serve_with(0, 0), b = serve_with(0, 0);

    assert_int_equal(ask_for(a, "alloc", 60000), 0);
    ask_for(a, "alloc", 60000);
    assert_ended_for_memory(a);
    assert_int_equal(ask_for(b, "alloc", 90000), 0);
    workers_settle();
    assert_true(alive(b));
}

static void messages_count_against_an_applications_max_heap(void **state)
{
    moult_pid a = serve_with(0, 0), b = serve_with(0, 0);

    assert_int_equal(ask_for(a, "alloc", 60000), 0);
    send_bytes(b, 70000);
    assert_ended_for_memory(b);
    assert_true(alive(a));
}

/* -- mailboxes -- */

static void a_full_mailbox_refuses_calls_and_casts(void **state)
{
    moult_pid pid = serve_with(0, 3);

    make_wait(pid);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cast_int(pid, i), 0);
    assert_int_equal(cast_int(pid, 3), -EAGAIN);
    assert_int_equal(ask_word(pid, "free", NULL), -EAGAIN);
    assert_string_equal(asked_text(), "the mailbox is full: 3 messages may wait there");
    assert_true(alive(pid));
}

static void that_it_was_full_is_told_once_when_it_gets_on(void **state)
{
    uint64_t from = event_next();
    moult_pid pid = serve_with(0, 3);

    make_wait(pid);
    for (int i = 0; i < 9; i++)
        cast_int(pid, i);
    pass(2000);
    assert_int_equal(events_named("mailbox.full", from), 1);
    assert_int_equal(cast_int(pid, 1), 0);
    make_wait(pid);
    for (int i = 0; i < 9; i++)
        cast_int(pid, i);
    pass(2000);
    assert_int_equal(events_named("mailbox.full", from), 2);
}

static void what_waited_before_there_was_a_limit_is_not_taken_off_it(void **state)
{
    static struct hold hold;
    moult_pid pid = serve_with(0, 0);
    struct process *p = process_find(pid);

    hold_init(&hold);
    group_hold(p->group, &hold);
    assert_int_equal(hold_freeze(&hold, 1000), 0);
    assert_int_equal(send_bytes(pid, HEAP / 16), 0);
    assert_int_equal(process_reserve_bounds(p), 0);
    process_set_limits(p, 0, HEAP);
    assert_int_equal(send_bytes(pid, HEAP / 16), 0);
    assert_true(atomic_load(&process_bounds(p)->outside) > 0);
    group_release(p->group, &hold);
    workers_settle();
    assert_int_equal(atomic_load(&process_bounds(p)->outside), 0);
    assert_int_equal(ask_for(pid, "alloc", HEAP / 2), 0);
}

#define LIMIT_TEST(f) cmocka_unit_test_setup_teardown(f, start, workers_end)
#define SHOP_TEST(f)  cmocka_unit_test_setup_teardown(f, start_shop, end_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIMIT_TEST(a_server_that_allocates_beyond_its_max_heap_ends),
        LIMIT_TEST(who_calls_it_then_hears_why),
        LIMIT_TEST(what_is_given_back_may_be_had_again),
        LIMIT_TEST(an_init_that_takes_too_much_does_not_start),
        LIMIT_TEST(messages_that_wait_are_counted),
        LIMIT_TEST(many_short_messages_are_counted),
        LIMIT_TEST(one_message_can_be_too_large),
        LIMIT_TEST(messages_and_memory_add_up),
        LIMIT_TEST(messages_that_were_handled_do_not_count),
        LIMIT_TEST(calls_that_are_not_answered_are_counted),
        LIMIT_TEST(what_is_said_when_a_call_is_refused_is_counted_until_it_is_over),
        LIMIT_TEST(timers_are_counted_until_they_are_stopped),
        LIMIT_TEST(what_it_sends_itself_drafts_and_times_without_end_ends_it),
        LIMIT_TEST(without_a_limit_there_is_none),
        LIMIT_TEST(what_waited_before_there_was_a_limit_is_not_taken_off_it),
        SHOP_TEST(servers_of_one_application_share_its_max_heap),
        SHOP_TEST(what_a_server_had_is_there_for_others_when_it_has_ended),
        SHOP_TEST(messages_count_against_an_applications_max_heap),
        LIMIT_TEST(a_full_mailbox_refuses_calls_and_casts),
        LIMIT_TEST(that_it_was_full_is_told_once_when_it_gets_on),
    };

    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
