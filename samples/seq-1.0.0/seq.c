/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seq 1.0.0 - sequences of numbers, as many as are opened.
 *
 *     moult call seq '{"open": {"name": "odd", "kind": "arithmetic", "first": 1}}'
 *     moult call seq.odd next
 *     moult call seq taken
 *     moult call seq '{"close": "odd"}'
 *
 * Where an arithmetic one begins and how it goes on is configured, unless it is said:
 * `first` and `step`, say MOULT_SEQ_STEP=5.
 */
#include <stdio.h>
#include <string.h>

#include <moult.h>

struct sequence {
    char kind[16];
    int64_t at;    /* what "next" gives */
    int64_t other; /* fibonacci: the one after that; arithmetic: the step */
};

MOULT_STATE(sequence_state, struct sequence,
            MOULT_FIELD(kind, .initial_text = "arithmetic"), MOULT_FIELD(at),
            MOULT_FIELD(other));

/* -- kinds -- */

static void begin_arithmetic(moult_ctx *ctx, struct sequence *s)
{
    s->at = moult_env_int(ctx, "first", 0);
    s->other = moult_env_int(ctx, "step", 1);
}

static bool next_arithmetic(struct sequence *s)
{
    return !__builtin_add_overflow(s->at, s->other, &s->at);
}

static void begin_fibonacci(moult_ctx *ctx, struct sequence *s)
{
    s->at = 0;
    s->other = 1;
}

static bool next_fibonacci(struct sequence *s)
{
    int64_t sum;

    if (__builtin_add_overflow(s->at, s->other, &sum))
        return false;
    s->at = s->other;
    s->other = sum;
    return true;
}

/* A state holds the name of its kind: what it points to belongs to one version. */
static const struct kind {
    const char *name;
    void (*begin)(moult_ctx *ctx, struct sequence *s);
    bool (*next)(struct sequence *s); /* false: it would not fit, and nothing is done */
} kinds[] = {
    {"arithmetic", begin_arithmetic, next_arithmetic},
    {"fibonacci", begin_fibonacci, next_fibonacci},
};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* -- one sequence -- */

/* The text under `key` of the map at `in`, at most `size` - 1 bytes; "" if there is none. */
static void text_at(moult_in *in, const char *key, char *text, size_t size)
{
    moult_in value;
    const char *found = "";
    size_t len = 0;

    if (moult_find(in, key, &value))
        found = moult_get_text(&value, &len);
    snprintf(text, size, "%.*s", (int)len, found);
}

/* The integer under `key`, if it is there, to `*number`; false if it is something else. */
static bool int_at(moult_in *in, const char *key, int64_t *number)
{
    moult_in value;

    if (!moult_find(in, key, &value))
        return true;
    *number = moult_get_int(&value);
    return !value.error;
}

static moult_next sequence_init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct sequence *s = state;
    const struct kind *kind;

    text_at(args, "kind", s->kind, sizeof(s->kind));
    kind = kind_of(s->kind);
    if (!kind)
        return moult_stop_because(ctx, -EINVAL,
                                  "'kind' is \"arithmetic\" or \"fibonacci\"");
    kind->begin(ctx, s);
    if (kind->begin == begin_arithmetic &&
        (!int_at(args, "first", &s->at) || !int_at(args, "step", &s->other)))
        return moult_stop_because(ctx, -EINVAL, "'first' and 'step' are integers");
    return moult_noreply();
}

/* -- what whoever listens is told of -- */

static moult_out *kind_map(moult_ctx *ctx, const struct sequence *s)
{
    moult_out *map = moult_draft(ctx);

    moult_put_map(map, 1);
    moult_put_text_at(map, "kind", s->kind);
    return map;
}

static int go_on(moult_ctx *ctx, void *sequence, moult_span *span)
{
    struct sequence *s = sequence;

    span->metadata = kind_map(ctx, s);
    return kind_of(s->kind)->next(s) ? 0 : -EOVERFLOW;
}

static moult_next sequence_call(moult_ctx *ctx, void *state, const moult_from *from,
                                moult_in *request, moult_out *reply)
{
    struct sequence *s = state;

    if (!moult_match(request, "next"))
        return moult_unhandled(ctx);
    moult_put_int(reply, s->at);
    if (moult_telemetry_span(ctx, "seq.next", kind_map(ctx, s), go_on, s) < 0)
        return moult_refuse(ctx, -EOVERFLOW, "the one after it would not fit 64 bits");
    return moult_reply();
}

static const moult_server sequence = {.size = sizeof(moult_server),
                                      .state = sequence_state,
                                      .init = sequence_init,
                                      .handle_call = sequence_call};

/* -- who opens and closes them -- */

static moult_pid pool(void)
{
    return moult_whereis("sequences");
}

static void name_of(moult_in *in, char *name, size_t size)
{
    size_t len;
    const char *text = moult_get_text(in, &len);

    snprintf(name, size, "seq.%.*s", (int)len, text);
}

static moult_next open_one(moult_ctx *ctx, moult_in *args, moult_out *reply)
{
    moult_out *given = moult_draft(ctx);
    char name[64];
    moult_child spec = {.id = "sequence", .server = &sequence, .name = name};
    moult_in value;
    const void *item;
    size_t len;
    int error;

    if (!moult_find(args, "name", &value))
        return moult_refuse(ctx, -EINVAL, "open takes a map with name and kind");
    name_of(&value, name, sizeof(name));
    item = moult_get_item(args, &len);
    moult_put_item(given, item, len);
    error = moult_start_child(ctx, pool(), &spec, given, NULL);
    if (error)
        return moult_refuse(ctx, error, "%s", moult_call_text(ctx));
    moult_put_text(reply, name);
    return moult_reply();
}

static moult_next close_one(moult_ctx *ctx, moult_in *in, moult_out *reply)
{
    char name[64];
    int error;

    name_of(in, name, sizeof(name));
    error = moult_terminate_pid(ctx, pool(), moult_whereis(name));
    if (error)
        return moult_refuse(ctx, error, "there is no sequence '%s'", name);
    moult_put_null(reply);
    return moult_reply();
}

/* How many numbers were taken from all of them, as telemetry tells; it may lag behind. */
struct seq {
    int64_t taken;
};

MOULT_STATE(seq_state, struct seq, MOULT_FIELD(taken));

static int note_next(moult_ctx *ctx, const moult_telemetry_event *event)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, "taken");
    moult_cast(ctx, moult_whereis("seq"), m);
    return 0;
}

static const moult_telemetry_handler handlers[] = {{"note_next", note_next},
                                                   {NULL, NULL}};

/* Started again it is attached still: -EEXIST is as good. */
static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    int error =
        moult_telemetry_attach(ctx, "seq.taken", "seq.next.stop", "note_next", NULL);

    if (error && error != -EEXIST)
        return moult_stop_because(ctx, error, "%s", moult_call_text(ctx));
    return moult_noreply();
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct seq *s = state;

    if (!moult_match(message, "taken"))
        return moult_unhandled(ctx);
    s->taken++;
    return moult_noreply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    const struct seq *s = state;
    moult_children_count count;
    moult_in value;

    if (moult_match_map(request, "open", &value))
        return open_one(ctx, &value, reply);
    if (moult_match_map(request, "close", &value))
        return close_one(ctx, &value, reply);
    if (moult_match(request, "taken")) {
        moult_put_int(reply, s->taken);
        return moult_reply();
    }
    if (!moult_match(request, "count"))
        return moult_refuse(ctx, -EINVAL,
                            "seq takes {\"open\": {\"name\", \"kind\"}}, "
                            "{\"close\": name}, \"count\" and \"taken\"");
    if (moult_count_children(ctx, pool(), &count) < 0)
        return moult_refuse(ctx, -EIO, "%s", moult_call_text(ctx));
    moult_put_int(reply, count.active);
    return moult_reply();
}

static const moult_server seq = {.size = sizeof(moult_server),
                                 .state = seq_state,
                                 .init = init,
                                 .handle_call = handle_call,
                                 .handle_cast = handle_cast};

static const moult_supervisor sequences = {
    .size = sizeof(moult_supervisor), .strategy = MOULT_DYNAMIC, .max_children = 1000};

static const moult_child children[] = {
    {.id = "sequences", .supervisor = &sequences, .name = "sequences"},
    {.id = "seq", .server = &seq, .name = "seq"},
    {.id = NULL}};

static const moult_child templates[] = {{.id = "sequence", .server = &sequence},
                                        {.id = NULL}};

static const moult_env env[] = {{.key = "first", .type = MOULT_ENV_INT, .value = "0"},
                                {.key = "step", .type = MOULT_ENV_INT, .value = "1"},
                                {.key = NULL}};

MOULT_PLUGIN(.description = "sequences of numbers", .children = children,
             .templates = templates, .env = env, .telemetry = handlers);
