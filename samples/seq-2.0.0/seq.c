/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seq 2.0.0 - sequences of numbers that know where they are, and go back, too.
 *
 *     moult call seq '{"open": {"name": "odd", "kind": "arithmetic", "first": 1}}'
 *     moult call seq.odd next
 *     moult call seq taken
 *     moult call seq.odd back
 *     moult call seq '{"close": "odd"}'
 *
 * Where one begins and how it goes on is configured, unless it is said: `first` and
 * `step`, say MOULT_SEQ_STEP=5.  A geometric one begins at 1 if `first` is 0.
 */
#include <stdio.h>
#include <string.h>

#include <moult.h>

/* Format 1: which number it is at.  Format 0 had the number, and what comes after it. */
struct sequence {
    char kind[16];
    int64_t first, step; /* of a fibonacci one both are 0 */
    int64_t n;           /* "next" gives this one, counted from 0 */
};

MOULT_STATE(sequence_state, struct sequence,
            MOULT_FIELD(kind, .initial_text = "arithmetic"), MOULT_FIELD(first),
            MOULT_FIELD(step), MOULT_FIELD(n));

/* -- kinds: number `n` of a sequence; false if it does not fit -- */

static bool arithmetic(const struct sequence *s, int64_t n, int64_t *number)
{
    return !__builtin_mul_overflow(n, s->step, number) &&
           !__builtin_add_overflow(s->first, *number, number);
}

static bool fibonacci(const struct sequence *s, int64_t n, int64_t *number)
{
    int64_t at = 0, following = 1, sum;

    for (int64_t i = 0; i < n; i++) {
        if (__builtin_add_overflow(at, following, &sum))
            return false;
        at = following;
        following = sum;
    }
    *number = at;
    return true;
}

static bool geometric(const struct sequence *s, int64_t n, int64_t *number)
{
    *number = s->first ? s->first : 1;
    for (int64_t i = 0; i < n; i++)
        if (__builtin_mul_overflow(*number, s->step, number))
            return false;
    return true;
}

/* A state holds the name of its kind: what it points to belongs to one version. */
static const struct kind {
    const char *name;
    bool (*number)(const struct sequence *s, int64_t n, int64_t *number);
    bool has_step;
} kinds[] = {
    {"arithmetic", arithmetic, true},
    {"fibonacci", fibonacci, false},
    {"geometric", geometric, true},
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
        return moult_stop_because(
            ctx, -EINVAL, "'kind' is \"arithmetic\", \"fibonacci\" or \"geometric\"");
    if (kind->has_step) {
        s->first = moult_env_int(ctx, "first", 0);
        s->step = moult_env_int(ctx, "step", 1);
        if (!int_at(args, "first", &s->first) || !int_at(args, "step", &s->step))
            return moult_stop_because(ctx, -EINVAL, "'first' and 'step' are integers");
    }
    return moult_noreply();
}

/* -- what whoever listens is told of -- */

static moult_out *about(moult_ctx *ctx, const struct sequence *s)
{
    moult_out *map = moult_draft(ctx);

    moult_put_map(map, 2);
    moult_put_text_at(map, "kind", s->kind);
    moult_put_int_at(map, "n", s->n);
    return map;
}

struct step {
    struct sequence *s;
    int64_t by, number;
};

static int go_on(moult_ctx *ctx, void *context, moult_span *span)
{
    struct step *step = context;
    struct sequence *s = step->s;

    span->metadata = about(ctx, s);
    if (!kind_of(s->kind)->number(s, step->by < 0 ? s->n - 1 : s->n, &step->number))
        return -EOVERFLOW;
    s->n += step->by;
    return 0;
}

static moult_next sequence_call(moult_ctx *ctx, void *state, const moult_from *from,
                                moult_in *request, moult_out *reply)
{
    struct sequence *s = state;
    struct step step = {s, 1, 0};
    int error;

    if (moult_match(request, "back"))
        step.by = -1;
    else if (!moult_match(request, "next"))
        return moult_unhandled(ctx);
    if (step.by < 0 && s->n == 0)
        return moult_refuse(ctx, -ERANGE, "it is at its beginning");
    error = moult_telemetry_span(ctx, step.by < 0 ? "seq.back" : "seq.next",
                                 about(ctx, s), go_on, &step);
    if (error)
        return moult_refuse(ctx, error, "the next one does not fit 64 bits");
    moult_put_int(reply, step.number);
    return moult_reply();
}

/* -- from format 0 and back -- */

/* The place in Fibonacci's of `at`, which `following` follows: there are two of 1. */
static int64_t place_of(int64_t at, int64_t following)
{
    int64_t n = 0, number = 0, next = 1;

    while (fibonacci(NULL, n, &number) && fibonacci(NULL, n + 1, &next) &&
           (number != at || next != following))
        n++;
    return n;
}

/* Where an arithmetic one began nobody knows any more: it begins where it is. */
static int upgrade(moult_in *from, moult_out *to, const struct sequence *s)
{
    int64_t at = moult_int_at(from, "at"), other = moult_int_at(from, "other");
    bool is_fibonacci = kind_of(s->kind)->number == fibonacci;

    moult_put_map(to, 4);
    moult_put_text_at(to, "kind", s->kind);
    moult_put_int_at(to, "first", is_fibonacci ? 0 : at);
    moult_put_int_at(to, "step", is_fibonacci ? 0 : other);
    moult_put_int_at(to, "n", is_fibonacci ? place_of(at, other) : 0);
    return 0;
}

static int downgrade(const moult_change *change, moult_in *from, moult_out *to,
                     struct sequence *s)
{
    const struct kind *kind = kind_of(s->kind);
    int64_t at, other = 0;

    s->first = moult_int_at(from, "first");
    s->step = moult_int_at(from, "step");
    s->n = moult_int_at(from, "n");
    if (kind->number == geometric || !kind->number(s, s->n, &at) ||
        (kind->number == fibonacci && !fibonacci(s, s->n + 1, &other))) {
        snprintf(change->why, change->why_size, "a %s sequence has no place in %s",
                 s->kind, change->to_vsn);
        return -ENOTSUP;
    }
    moult_put_map(to, 3);
    moult_put_text_at(to, "kind", s->kind);
    moult_put_int_at(to, "at", at);
    moult_put_int_at(to, "other", kind->number == fibonacci ? other : s->step);
    return 0;
}

static int code_change(const moult_change *change, moult_in *from, moult_out *to)
{
    struct sequence s = {0};

    text_at(from, "kind", s.kind, sizeof(s.kind));
    if (!kind_of(s.kind))
        return -EBADMSG;
    return change->to == 1 ? upgrade(from, to, &s) : downgrade(change, from, to, &s);
}

static const moult_server sequence = {.size = sizeof(moult_server),
                                      .format = 1,
                                      .state = sequence_state,
                                      .init = sequence_init,
                                      .handle_call = sequence_call,
                                      .code_change = code_change};

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

MOULT_PLUGIN(.description = "sequences of numbers, forwards and backwards",
             .children = children, .templates = templates, .env = env,
             .telemetry = handlers);
