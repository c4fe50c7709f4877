/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "group.h"
#include "harness.h"
#include "json.h"
#include "listener.h"
#include "telemetry.h"

/* -- the handlers, which write down what they hear -- */

static json_t *heard; /* [[handler, event, measurements, metadata, config], ...] */
static moult_pid it, emitter, listener;
static int64_t heard_at;

static void note(const char *handler, const moult_telemetry_event *event)
{
    moult_in measurements = *event->measurements, metadata = *event->metadata,
             config = *event->config;

    json_array_append_new(heard, json_pack("[s, s, o, o, o]", handler, event->name,
                                           json_from_cbor(&measurements, NULL),
                                           json_from_cbor(&metadata, NULL),
                                           json_from_cbor(&config, NULL)));
    emitter = event->emitter;
    heard_at = event->monotonic_time;
}

static int listen(moult_ctx *ctx, const moult_telemetry_event *event)
{
    listener = moult_self(ctx);
    note("listen", event);
    return 0;
}

static int go_wrong(moult_ctx *ctx, const moult_telemetry_event *event)
{
    note("go_wrong", event);
    return -EIO;
}

/* What `it` does itself: the test asks it by calls of others. */
static int listen_to_it(moult_ctx *ctx, const moult_telemetry_event *event)
{
    if (moult_pid_equal(event->emitter, it))
        note("listen_to_it", event);
    return 0;
}

static int misread(moult_ctx *ctx, const moult_telemetry_event *event)
{
    moult_int_at(event->measurements, "nothing");
    return 0;
}

static int sleep_long(moult_ctx *ctx, const moult_telemetry_event *event)
{
    moult_sleep(ctx, 1000);
    note("sleep_long", event);
    return 0;
}

static int give_up(moult_ctx *ctx, const moult_telemetry_event *event)
{
    note("give_up", event);
    moult_telemetry_detach(ctx, "it");
    return 0;
}

static int talk(moult_ctx *ctx, const moult_telemetry_event *event)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, "word");
    moult_cast(ctx, moult_whereis("errands"), m);
    note("talk", event);
    return 0;
}

static struct code_handler functions[] = {{"listen", listen},
                                          {"go_wrong", go_wrong},
                                          {"misread", misread},
                                          {"sleep_long", sleep_long},
                                          {"give_up", give_up},
                                          {"talk", talk},
                                          {"listen_to_it", listen_to_it}};

/* -- who emits and attaches -- */

typedef void errand(moult_ctx *ctx, void *context);

static moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                       moult_in *request, moult_out *reply)
{
    errand *what = (errand *)(uintptr_t)moult_get_uint(request);

    what(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

static moult_next cast(moult_ctx *ctx, void *state, moult_in *message)
{
    if (moult_match(message, "crash"))
        return moult_stop_because(ctx, -EIO, "as told");
    return moult_match(message, "stop") ? moult_stop(MOULT_NORMAL) : moult_noreply();
}

static const moult_server errands = {
    .size = sizeof(moult_server), .handle_call = call, .handle_cast = cast};

static struct code_table table;
static int error;
static char text[128];

static void start_it(struct process *p, void *context)
{
    struct server_spec spec = {.code = context,
                               .id = "errands",
                               .name = "errands",
                               .args = "\xf6",
                               .args_len = 1};

    check(server_start(p, &spec, &it) == 0);
}

static int begin_with(void **state, unsigned workers)
{
    struct code *own;

    harness_start(workers, workers == 1);
    own = code_of(&errands, "errands");
    table =
        (struct code_table){own, 1, functions, sizeof(functions) / sizeof(*functions)};
    own->all = &table;
    heard = json_array();
    error = 1;
    assert_int_equal(actor_do(starter(), start_it, own), 0);
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, 1);
}

static int begin_on_two(void **state)
{
    return begin_with(state, 2);
}

static int end(void **state)
{
    workers_end(state);
    json_decref(heard);
    return telemetry_is_on(); /* none is left */
}

static void run(errand *what, const void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)what);
    moult_put_uint(&e->out, (uintptr_t)context);
    ask_and_wait(it, e, MOULT_INFINITY, NULL, NULL, 0);
    workers_settle();
}

static moult_out *map_of(moult_ctx *ctx, const char *key, int64_t value)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, 1);
    moult_put_int_at(m, key, value);
    return m;
}

struct order {
    const char *id, *function;
    const char *events[4];
    bool has_config;
};

static void keep_text(moult_ctx *ctx)
{
    snprintf(text, sizeof(text), "%s", error ? moult_call_text(ctx) : "");
}

static void attach_order(moult_ctx *ctx, void *context)
{
    const struct order *o = context;

    error = moult_telemetry_attach_many(ctx, o->id, o->events, o->function,
                                        o->has_config ? map_of(ctx, "level", 3) : NULL);
    keep_text(ctx);
}

static int attach(const char *id, const char *event, const char *function)
{
    struct order o = {.id = id, .function = function, .events = {event}};

    run(attach_order, &o);
    return error;
}

static void detach_it(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_detach(ctx, context);
    keep_text(ctx);
}

static void execute_it(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_execute(ctx, context, map_of(ctx, "n", 7),
                                    map_of(ctx, "who", 1));
}

static void execute(const char *event)
{
    run(execute_it, event);
    assert_int_equal(error, 0);
}

/* What was heard of last, and since. */
static void assert_heard(const char *expected)
{
    char *all = json_dumps(heard, JSON_COMPACT);

    assert_string_equal(all, expected);
    free(all);
    json_array_clear(heard);
}

/* The `i`th event that was heard. */
static const char *heard_name(size_t i)
{
    return json_string_value(json_array_get(json_array_get(heard, i), 1));
}

/* What it says under `key`. */
static json_t *measured(size_t i, const char *key)
{
    return json_object_get(json_array_get(json_array_get(heard, i), 2), key);
}

static json_t *metadata(size_t i, const char *key)
{
    return json_object_get(json_array_get(json_array_get(heard, i), 3), key);
}

static const char *text_at(size_t i, const char *key)
{
    const char *value = json_string_value(metadata(i, key));

    return value ? value : "";
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

static void execute_nothing(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_execute(ctx, "a.b", NULL, NULL);
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

/* -- spans -- */

struct work {
    int result;
    bool says, exits, is_nested;
};

static int work(moult_ctx *ctx, void *context, moult_span *span)
{
    const struct work *w = context;
    struct work inner = {.result = 1};

    if (w->is_nested)
        moult_telemetry_span(ctx, "inner", NULL, work, &inner);
    if (w->exits)
        moult_sleep(ctx, MOULT_INFINITY);
    else
        moult_sleep(ctx, 2);
    if (w->says) {
        span->measurements = moult_draft(ctx);
        moult_put_map(span->measurements, 2);
        moult_put_int_at(span->measurements, "duration", 1);
        moult_put_int_at(span->measurements, "extra", 5);
        span->metadata = map_of(ctx, "found", 9);
    }
    return w->result;
}

static void span_it(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_span(ctx, "a", map_of(ctx, "who", 1), work, context);
}

static void attach_spans(void)
{
    struct order o = {.id = "it",
                      .function = "listen",
                      .events = {"a.start", "a.stop", "a.exception"}};
    struct order inner = {
        .id = "inner", .function = "listen", .events = {"inner.start", "inner.stop"}};

    run(attach_order, &o);
    run(attach_order, &inner);
}

/* Have `it` run `what`, which takes 2 ms of the virtual clock. */
static void run_for_long(errand *what, const struct work *w)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)what);
    moult_put_uint(&e->out, (uintptr_t)w);
    assert_int_equal(ask(it, e, MOULT_INFINITY, NULL, NULL), 0);
    pass(2);
}

static void in_span(const struct work *w)
{
    run_for_long(span_it, w);
}

static int64_t context(size_t i)
{
    return json_integer_value(metadata(i, "telemetry_span_context"));
}

static void a_span_starts_and_stops(void **state)
{
    struct work w = {.result = 4};

    attach_spans();
    in_span(&w);
    assert_int_equal(error, 4);
    assert_int_equal(json_array_size(heard), 2);
    assert_string_equal(heard_name(0), "a.start");
    assert_non_null(measured(0, "monotonic_time"));
    assert_non_null(measured(0, "system_time"));
    assert_int_equal(json_integer_value(metadata(0, "who")), 1);
    assert_string_equal(heard_name(1), "a.stop");
    assert_int_equal(json_integer_value(measured(1, "duration")), 2000000);
    assert_non_null(measured(1, "monotonic_time"));
    assert_null(metadata(1, "who"));
    assert_int_not_equal(context(0), 0);
    assert_int_equal(context(0), context(1));
}

static void what_a_span_says_of_its_stop_cannot_replace_its_own(void **state)
{
    struct work w = {.says = true};

    attach_spans();
    in_span(&w);
    assert_int_equal(json_integer_value(measured(1, "duration")), 2000000);
    assert_int_equal(json_integer_value(measured(1, "extra")), 5);
    assert_int_equal(json_integer_value(metadata(1, "found")), 9);
    assert_int_equal(context(0), context(1));
}

static void a_span_that_fails_is_an_exception(void **state)
{
    struct work w = {.result = -ENODEV, .says = true};

    attach_spans();
    in_span(&w);
    assert_int_equal(error, -ENODEV);
    assert_string_equal(heard_name(1), "a.exception");
    assert_int_equal(json_integer_value(measured(1, "duration")), 2000000);
    assert_null(measured(1, "extra"));
    assert_int_equal(json_integer_value(metadata(1, "who")), 1);
    assert_int_equal(json_integer_value(metadata(1, "reason")), -ENODEV);
    assert_string_equal(text_at(1, "kind"), "error");
    assert_string_equal(text_at(1, "text"), moult_strerror(-ENODEV));
    assert_int_equal(context(0), context(1));
}

static void spans_may_be_within_spans(void **state)
{
    struct work w = {.is_nested = true};

    attach_spans();
    in_span(&w);
    pass(2);
    assert_int_equal(json_array_size(heard), 4);
    assert_string_equal(heard_name(0), "a.start");
    assert_string_equal(heard_name(1), "inner.start");
    assert_string_equal(heard_name(2), "inner.stop");
    assert_string_equal(heard_name(3), "a.stop");
    assert_int_not_equal(context(0), context(1));
    assert_int_equal(context(0), context(3));
    assert_int_equal(json_integer_value(measured(3, "duration")), 4000000);
}

static void who_is_killed_in_a_span_tells_of_no_end(void **state)
{
    struct work w = {.exits = true};

    attach_spans();
    in_span(&w);
    signal_exit(NULL, it, MOULT_KILL, NULL);
    assert_gone(it);
    assert_int_equal(json_array_size(heard), 1);
}

static int break_down(moult_ctx *ctx, void *context, moult_span *span)
{
    /* As the barrier does of a fault. */
    process_fail_callback(process_find(it), -EFAULT, "SIGSEGV in work");
}

static void break_in_span(moult_ctx *ctx, void *context)
{
    moult_telemetry_span(ctx, "a", map_of(ctx, "who", 1), break_down, NULL);
}

static void a_fault_in_a_span_is_an_exception(void **state)
{
    attach_spans();
    run(break_in_span, NULL);
    assert_int_equal(json_array_size(heard), 2);
    assert_string_equal(heard_name(1), "a.exception");
    assert_string_equal(text_at(1, "text"), "SIGSEGV in work");
    assert_int_equal(json_integer_value(metadata(1, "who")), 1);
}

static void a_span_that_nobody_listens_to_only_runs(void **state)
{
    struct work w = {.result = 4, .says = true};

    in_span(&w);
    assert_int_equal(error, 4);
    assert_heard("[]");
}

static void own_context(moult_ctx *ctx, void *w)
{
    moult_telemetry_span(ctx, "a", map_of(ctx, "telemetry_span_context", 5), work, w);
}

static void a_context_that_is_given_stays(void **state)
{
    struct work w = {0};

    attach_spans();
    run_for_long(own_context, &w);
    assert_int_equal(context(0), 5);
    assert_int_equal(context(1), 5);
}

/* -- applications and their versions -- */

static moult_child only_child;
static struct code *child_code;
static const struct code *child_list[1];

static struct application_spec spec_of(const char *vsn, const struct code_table *all)
{
    only_child = (moult_child){.id = "child", .server = &errands, .name = "child"};
    child_code = code_of_child(&errands, only_child);
    child_code->all = &table;
    child_list[0] = child_code;
    return (struct application_spec){
        .name = "x", .vsn = vsn, .top = {.codes = child_list, .count = 1, .all = all}};
}

static void start_application(struct application_spec *spec, struct application **app)
{
    struct fault why = {0};

    *spec = spec_of("1.0", &table);
    assert_int_equal(applications_start(), 0);
    assert_int_equal(application_start(spec, app, &why), 0);
    it = moult_whereis("child");
}

static void handlers_go_with_their_application(void **state)
{
    struct application_spec spec;
    struct application *app;

    start_application(&spec, &app);
    attach("it", "a.b", "listen");
    execute("a.b");
    application_stop(app);
    assert_gone(listener);
    assert_false(telemetry_is_on());
}

static int listen_anew(moult_ctx *ctx, const moult_telemetry_event *event)
{
    note("listen_anew", event);
    return 0;
}

static void an_upgrade_takes_handlers_to_the_new_function(void **state)
{
    struct code_handler newer[] = {{"other", go_wrong}, {"listen", listen_anew}};
    struct code_table all = {.handlers = newer, .handler_count = 2};
    struct application_spec spec, next;
    struct application *app;
    struct fault why = {0};

    start_application(&spec, &app);
    next = spec_of("2.0", &all);
    attach("it", "a.b", "listen");
    assert_int_equal(listeners_check(&app->group, &next, &why), 0);
    listeners_become(&app->group, &next);
    execute("a.b");
    assert_heard("[[\"listen_anew\",\"a.b\",{\"n\":7},{\"who\":1},null]]");
    application_stop(app);
}

static void a_version_without_the_function_is_refused(void **state)
{
    struct code_handler newer[] = {{"other", go_wrong}};
    struct code_table all = {.handlers = newer, .handler_count = 1};
    struct application_spec spec, next;
    struct application *app;
    struct fault why = {0};

    start_application(&spec, &app);
    next = spec_of("2.0", &all);
    attach("it", "a.b", "listen");
    assert_int_equal(listeners_check(&app->group, &next, &why), -ENOENT);
    assert_string_equal(
        why.text,
        "telemetry handler 'it' runs 'listen', which version 2.0 does not list");
    application_stop(app);
}

/* -- the host's own events -- */

static moult_pid other;

static void call_other(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_uint(m, (uintptr_t)execute_nothing);
    moult_put_uint(m, 0);
    error = moult_call(ctx, other, m, 0, NULL);
}

static void calls_are_spans(void **state)
{
    struct order o = {
        .id = "it",
        .function = "listen_to_it",
        .events = {"moult.call.start", "moult.call.stop", "moult.call.exception"}};
    char pid[PID_TEXT];

    other = serve(&errands);
    run(attach_order, &o);
    run(call_other, NULL);
    assert_int_equal(error, 0);
    assert_int_equal(json_array_size(heard), 2);
    assert_string_equal(heard_name(0), "moult.call.start");
    assert_string_equal(text_at(0, "app"), "test");
    assert_string_equal(text_at(0, "to"), pid_print(other, pid));
    assert_string_equal(heard_name(1), "moult.call.stop");
    assert_string_equal(text_at(1, "caller"), pid_print(it, pid));
    assert_non_null(measured(1, "duration"));
    signal_exit(NULL, other, MOULT_KILL, NULL);
    run(call_other, NULL);
    assert_int_equal(error, -ESRCH);
    assert_string_equal(heard_name(3), "moult.call.exception");
    assert_int_equal(json_integer_value(metadata(3, "reason")), -ESRCH);
}

static void cast_other(moult_ctx *ctx, void *context)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, "word");
    error = moult_cast(ctx, other, m);
}

static void casts_are_events(void **state)
{
    char pid[PID_TEXT];

    other = serve(&errands);
    run(cast_other, NULL);
    attach("it", "moult.cast", "listen_to_it");
    run(cast_other, NULL);
    assert_int_equal(json_array_size(heard), 1);
    assert_int_equal(json_integer_value(measured(0, "bytes")), 5);
    assert_string_equal(text_at(0, "sender"), pid_print(it, pid));
    assert_string_equal(text_at(0, "to"), pid_print(other, pid));
    run(detach_it, "it");
    run(cast_other, NULL);
    assert_int_equal(json_array_size(heard), 1);
}

static void what_handlers_cast_is_not_told_of(void **state)
{
    other = serve(&errands);
    attach("it", "moult.cast", "talk");
    run(cast_other, NULL);
    assert_int_equal(json_array_size(heard), 1);
}

static void servers_tell_of_their_start_and_end(void **state)
{
    struct order o = {
        .id = "it",
        .function = "listen",
        .events = {"moult.server.start", "moult.server.stop", "moult.server.crash"}};

    run(attach_order, &o);
    other = serve(&errands);
    cast_word(other, "stop");
    assert_gone(other);
    other = serve(&errands);
    cast_word(other, "crash");
    assert_gone(other);
    assert_int_equal(json_array_size(heard), 4);
    assert_string_equal(heard_name(0), "moult.server.start");
    assert_string_equal(text_at(0, "server"), "server");
    assert_string_equal(text_at(0, "app"), "test");
    assert_string_equal(heard_name(1), "moult.server.stop");
    assert_int_equal(json_integer_value(metadata(1, "reason")), MOULT_NORMAL);
    assert_string_equal(heard_name(3), "moult.server.crash");
    assert_int_equal(json_integer_value(metadata(3, "reason")), -EIO);
    assert_string_equal(text_at(3, "text"), "as told");
}

static void supervisors_tell_of_restarts(void **state)
{
    struct application_spec spec;
    struct application *app;
    moult_pid before = it;

    start_application(&spec, &app);
    it = before;
    attach("it", "moult.supervisor.restart", "listen");
    cast_word(moult_whereis("child"), "crash");
    workers_settle();
    assert_int_equal(json_array_size(heard), 1);
    assert_string_equal(text_at(0, "server"), "child");
    assert_int_equal(json_integer_value(measured(0, "restarts")), 1);
    application_stop(app);
}

/* Without a pause, in which the receiver would run. */
static void fill_other(moult_ctx *ctx, void *context)
{
    for (unsigned i = 0; i < 2100; i++)
        cast_word(other, "word");
}

static void a_mailbox_that_has_become_long_is_told_of_once(void **state)
{
    attach("it", "moult.mailbox.high_water", "listen");
    other = serve(&errands);
    run(fill_other, NULL);
    assert_int_equal(json_array_size(heard), 1);
    assert_in_range(json_integer_value(measured(0, "messages")), 1025, 2100);
    assert_int_equal(json_integer_value(measured(0, "limit")), 1000000);
    assert_string_equal(text_at(0, "server"), "server");
    run(fill_other, NULL);
    assert_int_equal(json_array_size(heard), 2);
}

static void measure(moult_ctx *ctx, void *context)
{
    moult_telemetry_measure();
}

static void the_scheduler_is_measured_on_demand(void **state)
{
    run(measure, NULL);
    attach("it", "moult.scheduler", "listen");
    run(measure, NULL);
    assert_int_equal(json_array_size(heard), 1);
    assert_int_equal(json_integer_value(measured(0, "workers")), 1);
    assert_int_equal(json_integer_value(measured(0, "busy")), 1);
    assert_in_range(json_integer_value(measured(0, "processes")), 3, 10);
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

#define TELEMETRY_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

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
        TELEMETRY_TEST(what_is_no_whole_map_is_refused),
        TELEMETRY_TEST(handlers_are_listed_by_the_first_words_of_events),
        TELEMETRY_TEST(a_failing_handler_is_detached_from_all_its_events),
        TELEMETRY_TEST(a_failure_is_an_event),
        TELEMETRY_TEST(a_handler_that_reads_what_is_not_there_fails),
        TELEMETRY_TEST(a_handler_of_failures_that_fails_is_detached_too),
        TELEMETRY_TEST(a_handler_that_is_killed_is_detached),
        TELEMETRY_TEST(a_slow_handler_holds_up_nobody),
        TELEMETRY_TEST(what_a_slow_handler_has_no_room_for_is_dropped_and_counted),
        TELEMETRY_TEST(a_span_starts_and_stops),
        TELEMETRY_TEST(what_a_span_says_of_its_stop_cannot_replace_its_own),
        TELEMETRY_TEST(a_span_that_fails_is_an_exception),
        TELEMETRY_TEST(spans_may_be_within_spans),
        TELEMETRY_TEST(who_is_killed_in_a_span_tells_of_no_end),
        TELEMETRY_TEST(a_fault_in_a_span_is_an_exception),
        TELEMETRY_TEST(a_span_that_nobody_listens_to_only_runs),
        TELEMETRY_TEST(a_context_that_is_given_stays),
        TELEMETRY_TEST(handlers_go_with_their_application),
        TELEMETRY_TEST(an_upgrade_takes_handlers_to_the_new_function),
        TELEMETRY_TEST(a_version_without_the_function_is_refused),
        TELEMETRY_TEST(calls_are_spans),
        TELEMETRY_TEST(casts_are_events),
        TELEMETRY_TEST(what_handlers_cast_is_not_told_of),
        TELEMETRY_TEST(servers_tell_of_their_start_and_end),
        TELEMETRY_TEST(supervisors_tell_of_restarts),
        TELEMETRY_TEST(a_mailbox_that_has_become_long_is_told_of_once),
        TELEMETRY_TEST(the_scheduler_is_measured_on_demand),
        cmocka_unit_test_setup_teardown(handlers_come_and_go_while_others_emit,
                                        begin_on_two, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
