/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry_fixture.h"

/* -- who emits and attaches -- */

static int begin_on_two(void **state)
{
    return begin_with(state, 2);
}

/* -- attaching and executing -- */

static void a_handler_is_given_what_was_executed(void **state)
{
    struct order o = {
        .id = "it", .function = "listen", .events = {"a.b"}, .has_config = true};

    run(attach_order, &o);
    assert_int_equal(error, 0);
    execute("a.b");
    assert_heard("[[\"listen\",\"a.b\",{\"n\":7},{\"who\":1},{\"level\":3}]]");
    assert_true(moult_pid_equal(emitter, it));
    assert_int_equal(heard_at, telemetry_monotonic_time());
}

static void what_is_not_given_is_empty(void **state)
{
    attach("it", "a.b", "listen");
    run(execute_nothing, NULL);
    assert_int_equal(error, 0);
    assert_heard("[[\"listen\",\"a.b\",{},{},null]]");
}

static void only_the_event_itself_is_heard(void **state)
{
    attach("it", "a.b", "listen");
    execute("a");
    execute("a.b.c");
    execute("a.bc");
    assert_heard("[]");
}

static void one_handler_hears_several_events_in_order(void **state)
{
    struct order o = {
        .id = "it", .function = "listen", .events = {"a.x", "a.y", "a.x"}};

    run(attach_order, &o);
    execute("a.y");
    execute("a.x");
    execute("a.z");
    execute("a.y");
    assert_int_equal(json_array_size(heard), 3);
    assert_string_equal(heard_name(0), "a.y");
    assert_string_equal(heard_name(1), "a.x");
    assert_string_equal(heard_name(2), "a.y");
}

static void all_handlers_of_an_event_hear_it(void **state)
{
    attach("one", "a.b", "listen");
    attach("two", "a.b", "listen");
    execute("a.b");
    assert_int_equal(json_array_size(heard), 2);
}

static void nobody_needs_to_listen(void **state)
{
    execute("a.b");
    attach("it", "a.c", "listen");
    execute("a.b");
    assert_heard("[]");
}

static void ask_wanted(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_wants(context);
}

static bool wanted(const char *event)
{
    run(ask_wanted, event);
    return error;
}

static void it_is_known_who_is_listened_to(void **state)
{
    assert_false(wanted("a.b"));
    attach("it", "a.b", "listen");
    assert_true(wanted("a.b"));
    assert_false(wanted("a"));
    run(detach_it, "it");
    assert_false(wanted("a.b"));
}

static void an_id_is_there_once(void **state)
{
    assert_int_equal(attach("it", "a.b", "listen"), 0);
    assert_int_equal(attach("it", "a.c", "listen"), -EEXIST);
    assert_string_equal(text, "a handler 'it' is attached already");
    execute("a.c");
    assert_heard("[]");
}

static void a_detached_handler_hears_no_more(void **state)
{
    attach("it", "a.b", "listen");
    execute("a.b");
    run(detach_it, "it");
    assert_int_equal(error, 0);
    assert_gone(listener);
    execute("a.b");
    assert_int_equal(json_array_size(heard), 1);
    run(detach_it, "it");
    assert_int_equal(error, -ENOENT);
    assert_int_equal(attach("it", "a.b", "listen"), 0);
}

static void a_handler_may_detach_itself(void **state)
{
    attach("it", "a.b", "give_up");
    execute("a.b");
    execute("a.b");
    assert_int_equal(json_array_size(heard), 1);
    assert_false(wanted("telemetry.handler.failure"));
}

static void what_cannot_be_attached_is_said(void **state)
{
    char long_name[300] = "";

    memset(long_name, 'a', sizeof(long_name) - 1);

    assert_int_equal(attach("", "a.b", "listen"), -EINVAL);
    assert_int_equal(attach(long_name, "a.b", "listen"), -EINVAL);
    assert_int_equal(attach("it", "", "listen"), -EINVAL);
    assert_int_equal(attach("it", "a..b", "listen"), -EINVAL);
    assert_int_equal(attach("it", ".a", "listen"), -EINVAL);
    assert_int_equal(attach("it", "a.", "listen"), -EINVAL);
    assert_int_equal(attach("it", long_name, "listen"), -EINVAL);
    assert_int_equal(attach("it", NULL, "listen"), -EINVAL);
    assert_int_equal(attach("it", "a.b", "nothing"), -ENOENT);
    assert_string_equal(text, "its plugin lists no function 'nothing' for telemetry");
    assert_false(wanted("a.b"));
}

static int attached; /* handlers */

static void attach_many(moult_ctx *ctx, void *context)
{
    char id[16];

    do {
        snprintf(id, sizeof(id), "h%d", attached);
        error = moult_telemetry_attach(ctx, id, "a.b", "listen", NULL);
        attached += !error;
    } while (!error);
}

static void there_are_1024_handlers_at_most(void **state)
{
    attached = 0;
    run(attach_many, NULL);
    assert_int_equal(attached, 1024);
    assert_int_equal(error, -ENOSPC);
    run(detach_it, "h7");
    assert_int_equal(error, 0);
    run(attach_many, NULL); /* one takes its place */
    assert_int_equal(attached, 1025);
}

static void attach_to_many(moult_ctx *ctx, void *context)
{
    const size_t *count = context;
    const char *events[1026];

    for (size_t i = 0; i < *count; i++)
        events[i] = "a.b";
    events[*count] = NULL;
    error = moult_telemetry_attach_many(ctx, "it", events, "listen", NULL);
    keep_text(ctx);
}

static void one_listens_to_1024_events_at_most(void **state)
{
    size_t most = 1024, more = 1025;

    run(attach_to_many, &more);
    assert_int_equal(error, -EINVAL);
    assert_string_equal(text, "it is attached to 1 to 1024 events");
    run(attach_to_many, &most);
    assert_int_equal(error, 0);
}

static void execute_badly(moult_ctx *ctx, void *context)
{
    moult_out *no_map = moult_draft(ctx), *half = moult_draft(ctx);

    moult_put_int(no_map, 1);
    moult_put_map(half, 2);
    moult_put_int_at(half, "n", 1);
    error = moult_telemetry_execute(ctx, "a.b", no_map, NULL);
    check(error == -EINVAL);
    error = moult_telemetry_execute(ctx, "a.b", NULL, half);
}

static void what_is_no_whole_map_is_refused(void **state)
{
    attach("it", "a.b", "listen");
    run(execute_badly, NULL);
    assert_int_equal(error, -EINVAL);
    assert_heard("[]");
}

/* -- listing -- */

static void list_it(moult_ctx *ctx, void *context)
{
    moult_in list;
    size_t i;
    json_t *all, *entry;

    error = moult_telemetry_list_handlers(ctx, context, &list);
    all = json_from_cbor(&list, NULL);
    json_array_extend(heard, all);
    json_decref(all);
    json_array_foreach(heard, i, entry) json_object_del(entry, "pid");
}

static json_t *list(const char *prefix)
{
    json_array_clear(heard);
    run(list_it, prefix);
    assert_int_equal(error, 0);
    return heard;
}

static void handlers_are_listed_by_the_first_words_of_events(void **state)
{
    struct order o = {.id = "it", .function = "listen", .events = {"a.b", "a.bc"}};

    run(attach_order, &o);
    attach("other", "a.b.c", "go_wrong");
    assert_int_equal(json_array_size(list("")), 3);
    assert_int_equal(json_array_size(list("a")), 3);
    assert_int_equal(json_array_size(list("a.b")), 2);
    assert_int_equal(json_array_size(list("b")), 0);
    list("a.b.c");
    assert_heard("[{\"id\":\"other\",\"event\":\"a.b.c\",\"app\":\"test\",\"handler\":"
                 "\"go_wrong\",\"dropped\":0}]");
}

/* -- failing -- */

static void a_failing_handler_is_detached_from_all_its_events(void **state)
{
    struct order o = {.id = "bad", .function = "go_wrong", .events = {"a.b", "a.c"}};
    uint64_t from = event_next();

    run(attach_order, &o);
    attach("good", "a.b", "listen");
    execute("a.b");
    assert_int_equal(json_array_size(heard), 2);
    assert_int_equal(events_named("telemetry.failure", from), 1);
    execute("a.c");
    execute("a.b");
    assert_int_equal(json_array_size(heard), 3);
    assert_int_equal(json_array_size(list("")), 1);
}

static void a_failure_is_an_event(void **state)
{
    struct order o = {
        .id = "bad", .function = "go_wrong", .events = {"a.b"}, .has_config = true};

    attach("watch", "telemetry.handler.failure", "listen");
    run(attach_order, &o);
    execute("a.b");
    assert_string_equal(heard_name(1), "telemetry.handler.failure");
    assert_non_null(measured(1, "monotonic_time"));
    assert_non_null(measured(1, "system_time"));
    assert_string_equal(text_at(1, "id"), "bad");
    assert_string_equal(text_at(1, "event"), "a.b");
    assert_string_equal(text_at(1, "handler"), "go_wrong");
    assert_string_equal(text_at(1, "kind"), "error");
    assert_int_equal(json_integer_value(metadata(1, "reason")), -EIO);
    assert_string_equal(text_at(1, "text"), moult_strerror(-EIO));
    assert_int_equal(
        json_integer_value(json_object_get(metadata(1, "config"), "level")), 3);
}

static void a_handler_that_reads_what_is_not_there_fails(void **state)
{
    attach("watch", "telemetry.handler.failure", "listen");
    attach("bad", "a.b", "misread");
    execute("a.b");
    assert_string_equal(text_at(0, "id"), "bad");
    assert_int_equal(json_integer_value(metadata(0, "reason")), -EBADMSG);
}

static void a_handler_of_failures_that_fails_is_detached_too(void **state)
{
    attach("watch", "telemetry.handler.failure", "go_wrong");
    attach("bad", "a.b", "go_wrong");
    execute("a.b");
    assert_int_equal(json_array_size(heard), 2);
    assert_int_equal(json_array_size(list("")), 0);
}

static void kill_listener(moult_ctx *ctx, void *context)
{
    moult_exit(ctx, listener, MOULT_KILL);
}

static void a_handler_that_is_killed_is_detached(void **state)
{
    uint64_t from = event_next();

    attach("it", "a.b", "listen");
    execute("a.b");
    run(kill_listener, NULL);
    assert_false(wanted("a.b"));
    assert_int_equal(events_named("telemetry.failure", from), 0);
}

/* -- a slow one -- */

static void a_slow_handler_holds_up_nobody(void **state)
{
    attach("slow", "a.b", "sleep_long");
    attach("it", "a.b", "listen");
    execute("a.b");
    execute("a.b");
    assert_int_equal(json_array_size(heard), 2);
    pass(1000);
    assert_int_equal(json_array_size(heard), 3);
    pass(1000);
    assert_int_equal(json_array_size(heard), 4);
}

static void execute_many(moult_ctx *ctx, void *context)
{
    for (unsigned i = 0; i < MOULT_TELEMETRY_WAITING + 5; i++)
        moult_telemetry_execute(ctx, "a.b", NULL, NULL);
}

static void what_a_slow_handler_has_no_room_for_is_dropped_and_counted(void **state)
{
    attach("slow", "a.b", "sleep_long");
    execute("a.b");
    run(execute_many, NULL);
    list("");
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(heard, 0), "dropped")), 5);
}

/* -- on all cores -- */

static _Atomic int64_t counted;

static int count_one(moult_ctx *ctx, const moult_telemetry_event *event)
{
    atomic_fetch_add(&counted, 1);
    return 0;
}

#define EMITTERS 4
#define EVENTS   500u

static void emit_and_attach(struct process *p, void *context)
{
    moult_ctx *ctx = &p->ctx;

    for (unsigned i = 0; i < EVENTS; i++) {
        moult_telemetry_execute(ctx, "a.b", map_of(ctx, "n", i), NULL);
        if (i % 50 == 0)
            moult_telemetry_list_handlers(ctx, "", &(moult_in){0});
    }
}

static void attach_again(moult_ctx *ctx, void *context)
{
    for (unsigned i = 0; i < 200; i++) {
        moult_telemetry_attach(ctx, "comes and goes", "a.b", "listen_to_it", NULL);
        moult_telemetry_detach(ctx, "comes and goes");
    }
}

static void handlers_come_and_go_while_others_emit(void **state)
{
    moult_pid emitters[EMITTERS];

    functions[0].run = count_one;
    counted = 0;
    attach("it", "a.b", "listen");
    for (unsigned i = 0; i < EMITTERS; i++)
        actor_post(emitters[i] = actor(false), emit_and_attach, NULL);
    run(attach_again, NULL);
    for (unsigned i = 0; i < EMITTERS; i++)
        actor_seen(emitters[i]);
    workers_settle();
    functions[0].run = listen;
    assert_int_equal(counted, EMITTERS * EVENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TELEMETRY_TEST(a_handler_is_given_what_was_executed),
        TELEMETRY_TEST(what_is_not_given_is_empty),
        TELEMETRY_TEST(only_the_event_itself_is_heard),
        TELEMETRY_TEST(one_handler_hears_several_events_in_order),
        TELEMETRY_TEST(all_handlers_of_an_event_hear_it),
        TELEMETRY_TEST(nobody_needs_to_listen),
        TELEMETRY_TEST(it_is_known_who_is_listened_to),
        TELEMETRY_TEST(an_id_is_there_once),
        TELEMETRY_TEST(a_detached_handler_hears_no_more),
        TELEMETRY_TEST(a_handler_may_detach_itself),
        TELEMETRY_TEST(what_cannot_be_attached_is_said),
        TELEMETRY_TEST(there_are_1024_handlers_at_most),
        TELEMETRY_TEST(one_listens_to_1024_events_at_most),
        TELEMETRY_TEST(what_is_no_whole_map_is_refused),
        TELEMETRY_TEST(handlers_are_listed_by_the_first_words_of_events),
        TELEMETRY_TEST(a_failing_handler_is_detached_from_all_its_events),
        TELEMETRY_TEST(a_failure_is_an_event),
        TELEMETRY_TEST(a_handler_that_reads_what_is_not_there_fails),
        TELEMETRY_TEST(a_handler_of_failures_that_fails_is_detached_too),
        TELEMETRY_TEST(a_handler_that_is_killed_is_detached),
        TELEMETRY_TEST(a_slow_handler_holds_up_nobody),
        TELEMETRY_TEST(what_a_slow_handler_has_no_room_for_is_dropped_and_counted),
        cmocka_unit_test_setup_teardown(handlers_come_and_go_while_others_emit,
                                        begin_on_two, end),
    };

    return cmocka_run_group_tests_name("telemetry", tests, NULL, NULL);
}
