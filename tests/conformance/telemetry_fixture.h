/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telemetry_fixture - handlers that write down what they hear, and a server that emits.
 */
#ifndef MOULT_TELEMETRY_FIXTURE_H
#define MOULT_TELEMETRY_FIXTURE_H

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

static json_t *heard; /* [[handler, event, measurements, metadata, config], ...] */
static moult_pid it, emitter, listener;
static int64_t heard_at;

static inline void note(const char *handler, const moult_telemetry_event *event)
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

static inline int listen(moult_ctx *ctx, const moult_telemetry_event *event)
{
    listener = moult_self(ctx);
    note("listen", event);
    return 0;
}

static inline int go_wrong(moult_ctx *ctx, const moult_telemetry_event *event)
{
    note("go_wrong", event);
    return -EIO;
}

/* What `it` does itself: the test asks it by calls of others. */
static inline int listen_to_it(moult_ctx *ctx, const moult_telemetry_event *event)
{
    if (moult_pid_equal(event->emitter, it))
        note("listen_to_it", event);
    return 0;
}

static inline int misread(moult_ctx *ctx, const moult_telemetry_event *event)
{
    moult_int_at(event->measurements, "nothing");
    return 0;
}

static inline int sleep_long(moult_ctx *ctx, const moult_telemetry_event *event)
{
    moult_sleep(ctx, 1000);
    note("sleep_long", event);
    return 0;
}

static inline int give_up(moult_ctx *ctx, const moult_telemetry_event *event)
{
    note("give_up", event);
    moult_telemetry_detach(ctx, "it");
    return 0;
}

static inline int talk(moult_ctx *ctx, const moult_telemetry_event *event)
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

typedef void errand(moult_ctx *ctx, void *context);

static inline moult_next call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    errand *what = (errand *)(uintptr_t)moult_get_uint(request);

    what(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_reply();
}

static inline moult_next cast(moult_ctx *ctx, void *state, moult_in *message)
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

static inline void start_it(struct process *p, void *context)
{
    struct server_spec spec = {.code = context,
                               .id = "errands",
                               .name = "errands",
                               .args = "\xf6",
                               .args_len = 1};

    check(server_start(p, &spec, &it) == 0);
}

static inline int begin_with(void **state, unsigned workers)
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

static inline int begin(void **state)
{
    return begin_with(state, 1);
}

static inline int end(void **state)
{
    workers_end(state);
    json_decref(heard);
    return telemetry_is_on(); /* none is left */
}

static inline void run(errand *what, const void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)what);
    moult_put_uint(&e->out, (uintptr_t)context);
    ask_and_wait(it, e, MOULT_INFINITY, NULL, NULL, 0);
    workers_settle();
}

static inline moult_out *map_of(moult_ctx *ctx, const char *key, int64_t value)
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

static inline void keep_text(moult_ctx *ctx)
{
    snprintf(text, sizeof(text), "%s", error ? moult_call_text(ctx) : "");
}

static inline void attach_order(moult_ctx *ctx, void *context)
{
    const struct order *o = context;

    error = moult_telemetry_attach_many(ctx, o->id, o->events, o->function,
                                        o->has_config ? map_of(ctx, "level", 3) : NULL);
    keep_text(ctx);
}

static inline int attach(const char *id, const char *event, const char *function)
{
    struct order o = {.id = id, .function = function, .events = {event}};

    run(attach_order, &o);
    return error;
}

static inline void detach_it(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_detach(ctx, context);
    keep_text(ctx);
}

static inline void execute_it(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_execute(ctx, context, map_of(ctx, "n", 7),
                                    map_of(ctx, "who", 1));
}

static inline void execute(const char *event)
{
    run(execute_it, event);
    assert_int_equal(error, 0);
}

/* What was heard of last, and since. */
static inline void assert_heard(const char *expected)
{
    char *all = json_dumps(heard, JSON_COMPACT);

    assert_string_equal(all, expected);
    free(all);
    json_array_clear(heard);
}

/* The `i`th event that was heard. */
static inline const char *heard_name(size_t i)
{
    return json_string_value(json_array_get(json_array_get(heard, i), 1));
}

/* What it says under `key`. */
static inline json_t *measured(size_t i, const char *key)
{
    return json_object_get(json_array_get(json_array_get(heard, i), 2), key);
}

static inline json_t *metadata(size_t i, const char *key)
{
    return json_object_get(json_array_get(json_array_get(heard, i), 3), key);
}

static inline const char *text_at(size_t i, const char *key)
{
    const char *value = json_string_value(metadata(i, key));

    return value ? value : "";
}

static inline void execute_nothing(moult_ctx *ctx, void *context)
{
    error = moult_telemetry_execute(ctx, "a.b", NULL, NULL);
}

static inline int64_t context(size_t i)
{
    return json_integer_value(metadata(i, "telemetry_span_context"));
}

#define TELEMETRY_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

#endif
