/* SPDX-License-Identifier: Apache-2.0 */
#include "event_fixture.h"

/* -- who owns handlers: a server that notes what it is told -- */

static void assert_told(const char *handler, int32_t reason, const char *swapped,
                        const char *text)
{
    workers_settle();
    assert_int_equal(told, 1);
    assert_string_equal(gone_texts[0], handler);
    assert_int_equal(gone.reason, reason);
    assert_string_equal(gone_texts[1], swapped);
    assert_string_equal(gone_texts[2], text);
    assert_true(moult_pid_equal(gone.manager, pid));
    told = 0;
}

static void assert_removed(int32_t how, int32_t reason)
{
    workers_settle();
    assert_int_equal(removed.how, how);
    assert_int_equal(removed.reason, reason);
}

/* -- add_handler -- */

static void the_newest_handler_is_told_first(void **state)
{
    add_both();
    assert_handlers("b a");
    tell(NOTIFY, NULL, "ring");
    assert_trace("b:ring a:ring");
}

static void handlers_of_one_kind_are_told_apart_by_what_follows_its_name(void **state)
{
    assert_int_equal(tell(ADD, "a/1", "one"), 0);
    assert_int_equal(tell(ADD, "a/2", "two"), 0);
    assert_handlers("a/2 a/1");
    assert_int_equal(tell(DELETE, "a/1", NULL), 0);
    assert_string_equal(last.result, "one");
    assert_handlers("a/2");
    assert_int_equal(tell(DELETE, "a", NULL), -ENOENT);
}

static void the_same_handler_may_be_there_twice(void **state)
{
    assert_int_equal(tell(ADD, "a", "one"), 0);
    assert_int_equal(tell(ADD, "a", "two"), 0);
    assert_handlers("a a");
    assert_int_equal(tell(DELETE, "a", NULL), 0);
    assert_string_equal(last.result, "two");
    assert_handlers("a");
}

static void a_kind_that_there_is_not_is_refused(void **state)
{
    assert_int_equal(tell(ADD, "c", NULL), -ENOENT);
    assert_string_equal(last.text, "there is no kind of handlers for 'c'");
    assert_int_equal(tell(ADD, "", NULL), -EINVAL);
    assert_handlers("");
}

static void an_init_that_refuses_adds_nothing(void **state)
{
    assert_int_equal(tell(ADD, "a", "refuse"), -EACCES);
    assert_string_equal(last.text, "not now");
    assert_int_equal(tell(ADD_SUP, "a", "stop"), -ECANCELED);
    assert_int_equal(tell(ADD, "a", "reply"), -EPROTO);
    assert_handlers("");
    assert_trace("a+refuse a+stop a+reply"); /* and none of them terminates */
    assert_int_equal(process_find(pid)->ctx.heap.used,
                     sizeof(struct handlers) + 32); /* a block's own bytes */
}

static moult_next late_init(moult_ctx *ctx, void *state, moult_in *args,
                            moult_in *swapped)
{
    mark("late", '+', swapped ? "swapped" : "");
    return moult_refuse(ctx, -EIO, "no bell");
}

static const moult_handler first_bell = {.size = sizeof(moult_handler),
                                         .name = "first",
                                         .at_start = 1,
                                         .init = a_init,
                                         .state = bell_state,
                                         .handle_event = a_event,
                                         .terminate = a_end};

static const moult_handler second_bell = {.size = sizeof(moult_handler),
                                          .name = "second",
                                          .at_start = 1,
                                          .handle_event = b_event,
                                          .state = bell_state};

static const moult_handler late_bell = {
    .size = sizeof(moult_handler), .name = "late", .at_start = 1, .init = late_init};

static const moult_manager two_at_start = {
    .size = sizeof(moult_manager),
    .handlers =
        (const moult_handler *const[]){&first_bell, &a_bell, &second_bell, NULL}};

static const moult_server starting = {.size = sizeof(moult_server),
                                      .manager = &two_at_start};

static void those_that_are_there_at_start_are_in_the_order_listed(void **state)
{
    pid = serve(&starting);
    assert_handlers("second first");
    tell(NOTIFY, NULL, "ring");
    assert_trace("a+- b:ring a:ring");
}

static const moult_manager one_failing = {
    .size = sizeof(moult_manager),
    .handlers = (const moult_handler *const[]){&first_bell, &late_bell, NULL}};

static const moult_server failing = {.size = sizeof(moult_server),
                                     .manager = &one_failing};

static void one_of_those_that_does_not_start_keeps_the_manager_from_it(void **state)
{
    struct started s = serve_by(parent(), &failing, NULL);

    assert_int_equal(s.reason, -EIO);
    assert_string_equal(s.text, "handler 'late': no bell");
    assert_trace("a+- late+ a--");
    assert_removed(MOULT_REMOVED_MANAGER, MOULT_SHUTDOWN);
}

/* -- delete_handler -- */

static void delete_hands_over_args_and_gives_what_terminate_gave(void **state)
{
    add_both();
    assert_int_equal(tell(DELETE, "a", "bye"), 0);
    assert_string_equal(last.result, "one");
    assert_removed(MOULT_REMOVED_DELETE, MOULT_NORMAL);
    tell(NOTIFY, NULL, "ring");
    assert_trace("a-bye b:ring");
}

static void what_gives_nothing_gives_null(void **state)
{
    assert_int_equal(tell(ADD, "a", "mute"), 0);
    assert_int_equal(tell(DELETE, "a", NULL), 0);
    assert_string_equal(last.result, "-");
    assert_int_equal(tell(ADD, "plain", NULL), 0);
    assert_int_equal(tell(DELETE, "plain", NULL), 0);
    assert_string_equal(last.result, "-");
}

static void what_is_not_there_can_not_be_deleted(void **state)
{
    assert_int_equal(tell(DELETE, "a", NULL), -ENOENT);
    assert_string_equal(last.text, "there is no handler 'a'");
}

/* -- swap_handler -- */

static void a_swap_hands_the_result_to_the_init_of_what_comes(void **state)
{
    add_both();
    assert_int_equal(swap(owner, SWAP, "a", "a/2"), 0);
    assert_removed(MOULT_REMOVED_SWAP, MOULT_NORMAL);
    assert_handlers("a/2 b");
    assert_trace("a-going a+coming a<one");
}

static void a_swap_for_what_is_not_there_adds(void **state)
{
    assert_int_equal(swap(owner, SWAP, "a", "b"), 0);
    assert_handlers("b");
    assert_trace("b+coming b<-");
}

static void a_swap_whose_init_fails_leaves_neither(void **state)
{
    struct errand e = {.what = SWAP, .handler = "a", .to = "b", .to_word = "refuse"};

    add_both();
    tell(DELETE, "b", NULL);
    assert_int_equal(errand_of(owner, e), -EACCES);
    assert_handlers("");
    e.to = "c";
    assert_int_equal(errand_of(owner, e), -ENOENT);
}

/* -- add_sup_handler and swap_sup_handler -- */

static void an_owner_is_told_why_its_handler_went(void **state)
{
    moult_pid who = serve(&owning);

    assert_int_equal(have_add(who, "a"), 0);
    tell(DELETE, "a", NULL);
    assert_told("a", MOULT_NORMAL, "", "");
    assert_int_equal(have_add(who, "a"), 0);
    tell(NOTIFY, NULL, "leave");
    assert_told("a", MOULT_NORMAL, "", "");
    assert_removed(MOULT_REMOVED_SELF, MOULT_NORMAL);
    assert_int_equal(have_add(who, "b"), 0);
    tell(NOTIFY, NULL, "fail");
    assert_told("b", -EIO, "", "it broke");
    assert_removed(MOULT_REMOVED_FAILURE, -EIO);
    assert_int_equal(have_add(who, "a"), 0);
    tell(NOTIFY, NULL, "reply");
    assert_told("a", -EPROTO, "", "a callback returned a value that it may not return");
    assert_true(alive(who));
}

static void a_handler_ends_with_its_owner(void **state)
{
    moult_pid who = serve(&owning), other = serve(&owning);

    assert_int_equal(have_add(who, "a/1"), 0);
    assert_int_equal(have_add(other, "b"), 0);
    assert_int_equal(have_add(who, "a/2"), 0);
    trace[0] = 0;
    signal_exit(NULL, who, -EIO, NULL);
    assert_gone(who);
    assert_removed(MOULT_REMOVED_OWNER, -EIO);
    assert_trace("a-- a--");
    assert_handlers("b");
    assert_int_equal(told, 0);
}

static void an_owner_is_tied_as_long_as_one_of_its_handlers_is_there(void **state)
{
    moult_pid who = serve(&owning);

    assert_int_equal(have_add(who, "a/1"), 0);
    assert_int_equal(have_add(who, "a/2"), 0);
    tell(DELETE, "a/1", NULL);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
    assert_false(alive(who)); /* by its link */
}

static void an_owner_of_none_is_not_tied(void **state)
{
    moult_pid who = serve(&owning);

    assert_int_equal(have_add(who, "a"), 0);
    tell(DELETE, "a", NULL);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
    assert_true(alive(who));
}

static void a_handler_that_was_plainly_added_is_tied_to_nobody(void **state)
{
    moult_pid who = actor(false);

    assert_int_equal(by(who, ADD, "a", "one"), 0);
    signal_exit(NULL, who, MOULT_KILL, NULL);
    assert_gone(who);
    assert_handlers("a");
}

static void what_is_swapped_in_is_tied_to_the_same_owner(void **state)
{
    moult_pid who = serve(&owning);

    assert_int_equal(have_add(who, "a"), 0);
    assert_int_equal(swap(owner, SWAP, "a", "b"), 0);
    assert_told("a", MOULT_NORMAL, "b", "");
    signal_exit(NULL, who, MOULT_KILL, NULL);
    assert_gone(who);
    assert_removed(MOULT_REMOVED_OWNER, MOULT_KILLED);
    assert_handlers("");
}

static void swap_sup_ties_it_to_who_swaps(void **state)
{
    moult_pid who = serve(&owning), other = serve(&owning);

    assert_int_equal(have_add(who, "a"), 0);
    assert_int_equal(
        have(other, (struct errand){.what = SWAP_SUP, .handler = "a", .to = "b"}), 0);
    assert_told("a", MOULT_NORMAL, "b", "");
    signal_exit(NULL, who, MOULT_KILL, NULL);
    assert_gone(who);
    assert_handlers("b");
    signal_exit(NULL, other, MOULT_KILL, NULL);
    assert_gone(other);
    assert_handlers("");
}

/* -- notify, sync_notify, call, info -- */

static void sync_notify_waits_for_all(void **state)
{
    add_both();
    assert_int_equal(tell(SYNC, NULL, "ring"), 0);
    assert_string_equal(trace, "b:ring a:ring"); /* without settling */
}

static void a_call_is_answered_by_one(void **state)
{
    add_both();
    tell(NOTIFY, NULL, "ring");
    assert_int_equal(tell(CALL, "a", "how often"), 0);
    assert_string_equal(last.result, "1");
    assert_trace("b:ring a:ring a?how often");
}

static void a_call_may_be_refused(void **state)
{
    add_both();
    assert_int_equal(tell(CALL, "a", "refuse"), -EPERM);
    assert_string_equal(last.text, "not you");
    assert_handlers("b a");
}

static void a_call_of_none_is_refused(void **state)
{
    assert_int_equal(tell(ADD, "plain", NULL), 0);
    assert_int_equal(tell(CALL, "a", "x"), -ENOENT);
    assert_string_equal(last.text, "there is no handler 'a'");
    assert_int_equal(tell(CALL, "plain", "x"), -ENOSYS);
    assert_string_equal(last.text, "handler 'plain' takes no calls");
    assert_int_equal(ask_word(pid, "plain", NULL), -EINVAL);
    assert_string_equal(asked_text(), "call one of its handlers: {\"name\": request}");
}

static void a_cast_is_an_event_and_a_message_an_info(void **state)
{
    add_both();
    cast_word(pid, "ring");
    info_word(pid, "knock");
    assert_trace("b:ring a:ring b.knock a.knock");
}

static void the_end_of_a_stranger_is_an_info(void **state)
{
    add_both();
    signal_exit(NULL, pid, -EIO, NULL);
    assert_trace("b.- a.-");
    assert_true(alive(pid));
}

static void a_handler_that_asks_its_own_manager_is_told_so(void **state)
{
    add_both();
    tell(NOTIFY, NULL, "ask itself");
    assert_handlers("");
}

static void a_kind_without_callbacks_does_nothing(void **state)
{
    assert_int_equal(tell(ADD, "plain", NULL), 0);
    assert_int_equal(tell(SYNC, NULL, "ring"), 0);
    info_word(pid, "knock");
    assert_handlers("plain");
}

/* -- going -- */

static void a_handler_may_leave(void **state)
{
    uint64_t from = event_next();

    add_both();
    tell(NOTIFY, NULL, "leave");
    assert_trace("b:leave b-- a:leave a--");
    assert_removed(MOULT_REMOVED_SELF, MOULT_NORMAL);
    assert_handlers("");
    assert_int_equal(events_named("handler.failed", from), 0);
}

static void a_handler_may_reply_and_leave(void **state)
{
    add_both();
    tell(NOTIFY, NULL, "ring");
    assert_int_equal(tell(CALL, "a", "leave"), 0);
    assert_string_equal(last.result, "1");
    assert_handlers("b");
    assert_removed(MOULT_REMOVED_SELF, MOULT_NORMAL);
}

static void a_handler_that_fails_is_removed_and_told_of(void **state)
{
    uint64_t from = event_next();

    add_both();
    tell(NOTIFY, NULL, "fail silently");
    assert_trace("b:fail silently b-- a:fail silently a--");
    assert_removed(MOULT_REMOVED_FAILURE, -ENOSPC);
    assert_int_equal(events_named("handler.failed", from), 2);
    assert_handlers("");
    assert_true(alive(pid));
}

static void what_comes_after_a_failure_is_handled_by_the_rest(void **state)
{
    add_both();
    assert_int_equal(tell(CALL, "b", "fail"), -EFAULT);
    assert_string_equal(last.text, "it broke");
    assert_int_equal(tell(ADD, "b", "two"), 0);
    assert_int_equal(tell(CALL, "b", "noreply"), -EFAULT);
    tell(NOTIFY, NULL, "ring");
    assert_handlers("a");
    assert_trace("b?fail b-- b+two b?noreply b-- a:ring");
}

static void what_a_handler_allocated_goes_with_it(void **state)
{
    const struct heap *heap = &process_find(pid)->ctx.heap;
    uint64_t before = heap->used;

    add_both();
    tell(NOTIFY, NULL, "alloc");
    workers_settle();
    assert_true(heap->used > before + 2 * (uint64_t)5000);
    tell(DELETE, "a", NULL);
    assert_true(heap->used > before + 5000);
    assert_true(heap->used < before + 2 * (uint64_t)5000);
    tell(NOTIFY, NULL, "fail");
    workers_settle();
    assert_int_equal(heap->used, before);
}

static void shut_down(struct process *p, void *context)
{
    signal_exit(p, pid, MOULT_SHUTDOWN, NULL);
}

static void all_terminate_when_the_manager_is_shut_down(void **state)
{
    moult_pid who = serve(&owning);

    add_both();
    assert_int_equal(have_add(who, "a/2"), 0);
    trace[0] = 0;
    actor_do(starter(), shut_down, NULL);
    assert_gone(pid);
    assert_trace("a-- b-- a--");
    assert_removed(MOULT_REMOVED_MANAGER, MOULT_SHUTDOWN);
    assert_told("a/2", MOULT_SHUTDOWN, "", "");
    assert_true(alive(who)); /* it was let go before */
}

/* -- on all cores -- */

enum { RINGERS = 4, RINGS = 500 };

static void ring_often(struct process *p, void *context)
{
    for (int i = 0; i < RINGS; i++) {
        moult_notify(&p->ctx, pid, draft(&p->ctx, "ring"));
        if (i % 50 == 0) {
            moult_add_handler(&p->ctx, pid, "plain", NULL);
            moult_delete_handler(&p->ctx, pid, "plain", NULL, NULL);
        }
    }
    moult_sync_notify(&p->ctx, pid, draft(&p->ctx, "ring"));
}

static void many_ringers_lose_no_ring(void **state)
{
    moult_pid ringers[RINGERS];

    assert_int_equal(tell(ADD, "a", "one"), 0);
    for (int i = 0; i < RINGERS; i++)
        actor_post(ringers[i] = actor(false), ring_often, NULL);
    for (int i = 0; i < RINGERS; i++)
        actor_seen(ringers[i]); /* it has done so then */
    assert_int_equal(tell(CALL, "a", "how often"), 0);
    assert_int_equal(strtol(last.result, NULL, 10), RINGERS * (RINGS + 1));
}

static int begin_two(void **state)
{
    two_workers(state);
    owner = actor(true);
    pid = serve(&manager);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_handler_is_told_first),
        TEST(handlers_of_one_kind_are_told_apart_by_what_follows_its_name),
        TEST(the_same_handler_may_be_there_twice),
        TEST(a_kind_that_there_is_not_is_refused),
        TEST(an_init_that_refuses_adds_nothing),
        TEST(those_that_are_there_at_start_are_in_the_order_listed),
        TEST(one_of_those_that_does_not_start_keeps_the_manager_from_it),
        TEST(delete_hands_over_args_and_gives_what_terminate_gave),
        TEST(what_gives_nothing_gives_null),
        TEST(what_is_not_there_can_not_be_deleted),
        TEST(a_swap_hands_the_result_to_the_init_of_what_comes),
        TEST(a_swap_for_what_is_not_there_adds),
        TEST(a_swap_whose_init_fails_leaves_neither),
        TEST(an_owner_is_told_why_its_handler_went),
        TEST(a_handler_ends_with_its_owner),
        TEST(an_owner_is_tied_as_long_as_one_of_its_handlers_is_there),
        TEST(an_owner_of_none_is_not_tied),
        TEST(a_handler_that_was_plainly_added_is_tied_to_nobody),
        TEST(what_is_swapped_in_is_tied_to_the_same_owner),
        TEST(swap_sup_ties_it_to_who_swaps),
        TEST(sync_notify_waits_for_all),
        TEST(a_call_is_answered_by_one),
        TEST(a_call_may_be_refused),
        TEST(a_call_of_none_is_refused),
        TEST(a_cast_is_an_event_and_a_message_an_info),
        TEST(the_end_of_a_stranger_is_an_info),
        TEST(a_handler_that_asks_its_own_manager_is_told_so),
        TEST(a_kind_without_callbacks_does_nothing),
        TEST(a_handler_may_leave),
        TEST(a_handler_may_reply_and_leave),
        TEST(a_handler_that_fails_is_removed_and_told_of),
        TEST(what_comes_after_a_failure_is_handled_by_the_rest),
        TEST(what_a_handler_allocated_goes_with_it),
        TEST(all_terminate_when_the_manager_is_shut_down),
        cmocka_unit_test_setup_teardown(many_ringers_lose_no_ring, begin_two,
                                        workers_end),
    };

    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
