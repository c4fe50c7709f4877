/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statem_fixture - a machine that does what a book says, and writes down what it sees.
 */
#ifndef MOULT_STATEM_FIXTURE_H
#define MOULT_STATEM_FIXTURE_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "harness.h"
#include "statem.h"

/*
 * A machine with the states a, b and c that does with an event what the book says of its
 * content, a word: "next b; insert y".  What is only for one state is under "word@a".  The
 * trace has for each event its state, a sign for its type and its word: "a,x".
 */
static char trace[1024];

static struct {
    const char *word, *script;
} book[32];

static int entries;
static moult_from kept;   /* by "keep from" */
static moult_pid watched; /* by "watch" */
static uint64_t watch;

static inline void when(const char *word, const char *script)
{
    book[entries].word = word;
    book[entries++].script = script;
}

static inline const char *script_of(const char *word, const char *state)
{
    char exact[64];

    snprintf(exact, sizeof(exact), "%s@%s", word, state);
    for (int i = 0; i < entries; i++)
        if (strcmp(book[i].word, exact) == 0)
            return book[i].script;
    for (int i = 0; i < entries; i++)
        if (strcmp(book[i].word, word) == 0)
            return book[i].script;
    return "";
}

static inline void mark(const char *state, char sign, const char *what)
{
    size_t len = strlen(trace);

    snprintf(trace + len, sizeof(trace) - len, "%s%s%c%s", len ? " " : "", state, sign,
             what);
}

static inline void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

struct data {
    char state[16];
    int64_t events;
};

MOULT_STATE(data_schema, struct data, MOULT_FIELD(state, .initial_text = "a"),
            MOULT_FIELD(events));

static inline moult_out *word(moult_ctx *ctx, const char *text)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, text);
    return m;
}

/* Which verb of a script is meant, and what it is about. */
static inline const char *about(const char *line, const char *verb)
{
    size_t len = strlen(verb);

    if (strncmp(line, verb, len) != 0 || (line[len] && line[len] != ' '))
        return NULL;
    return line[len] ? line + len + 1 : line + len;
}

static inline uint64_t ms_of(const char **about)
{
    char *end;
    uint64_t ms = strtoull(*about, &end, 10);

    if (strncmp(*about, "never", 5) == 0) {
        end = (char *)*about + 5;
        ms = MOULT_INFINITY;
    }
    *about = *end ? end + 1 : end;
    return ms;
}

static inline void act(moult_ctx *ctx, const moult_event *event, const char *line)
{
    const char *a;
    uint64_t ms;
    char name[16];
    int n;

    if ((a = about(line, "insert cast")))
        moult_next_event(ctx, MOULT_EVENT_CAST, NULL, word(ctx, a));
    else if ((a = about(line, "insert")))
        moult_next_event(ctx, MOULT_EVENT_INTERNAL, NULL, word(ctx, a));
    else if ((a = about(line, "recall")))
        moult_next_event(ctx, MOULT_EVENT_CALL, event->from, word(ctx, a));
    else if ((a = about(line, "idle"))) {
        ms = ms_of(&a);
        moult_event_timeout(ctx, ms, word(ctx, a));
    } else if ((a = about(line, "within"))) {
        ms = ms_of(&a);
        moult_state_timeout(ctx, ms, word(ctx, a));
    } else if ((a = about(line, "timer")) && sscanf(a, "%15s %n", name, &n) == 1) {
        a += n;
        ms = ms_of(&a);
        moult_generic_timeout(ctx, name, ms, word(ctx, a));
    } else if ((a = about(line, "update timer")) && sscanf(a, "%15s %n", name, &n) == 1)
        moult_update_timeout(ctx, MOULT_EVENT_GENERIC_TIMEOUT, name, word(ctx, a + n));
    else if ((a = about(line, "update within")))
        moult_update_timeout(ctx, MOULT_EVENT_STATE_TIMEOUT, NULL, word(ctx, a));
    else if (about(line, "watch"))
        moult_monitor(ctx, watched, &watch);
    else if (about(line, "keep from"))
        kept = *event->from;
    else if (about(line, "answer")) {
        moult_out *m = moult_draft(ctx);

        moult_put_int(m, 11);
        moult_reply_to(ctx, &kept, m);
    }
}

static inline moult_next turn(moult_ctx *ctx, const moult_event *event,
                              const char *line, moult_next next)
{
    const char *a;

    if ((a = about(line, "next"))) {
        moult_next to = moult_next_state(ctx, a);

        to.verdict |= next.verdict;
        return to;
    }
    if (about(line, "repeat"))
        return moult_repeat_state();
    if (about(line, "postpone"))
        return moult_with_postpone(next);
    if ((a = about(line, "reply"))) {
        moult_put_int(event->reply, atoi(a));
        return moult_with_reply(next);
    }
    if (about(line, "say reply"))
        return moult_with_reply(next);
    if (about(line, "refuse"))
        return moult_refuse(ctx, -ERANGE, "not now");
    if ((a = about(line, "stop reply"))) {
        moult_put_int(event->reply, atoi(a));
        return moult_stop_reply(-EIO);
    }
    if ((a = about(line, "stop")))
        return moult_stop(-atoi(a));
    if (about(line, "nonsense"))
        return (moult_next){.verdict = 99};
    if (about(line, "wait"))
        return moult_with_timeout(next, 5);
    act(ctx, event, line);
    return next;
}

static inline moult_next perform(moult_ctx *ctx, const moult_event *event,
                                 const char *script)
{
    moult_next next = moult_keep_state();
    char lines[256], *line, *rest = lines;

    snprintf(lines, sizeof(lines), "%s", script);
    while ((line = strsep(&rest, ";")))
        next = turn(ctx, event, line + strspn(line, " "), next);
    return next;
}

static inline moult_next on_event(moult_ctx *ctx, void *data, const moult_event *event)
{
    static const char signs[] = ">?,.+tsg";
    struct data *d = data;
    char what[64];
    size_t len;
    const char *text = "";

    check(strcmp(d->state, event->state) == 0);
    d->events++;
    if (event->type == MOULT_EVENT_ENTER) {
        mark(event->state, '>', event->old_state);
        return perform(ctx, event, script_of("enter", event->state));
    }
    if (moult_peek(event->content) == MOULT_TEXT) {
        text = moult_get_text(event->content, &len);
        snprintf(what, sizeof(what), "%.*s", (int)len, text);
    } else {
        snprintf(what, sizeof(what), "-");
    }
    if (event->name) {
        char both[80];

        snprintf(both, sizeof(both), "%s=%s", event->name, what);
        mark(event->state, signs[event->type], both);
    } else {
        mark(event->state, signs[event->type], what);
    }
    return perform(ctx, event, script_of(what, event->state));
}

static inline moult_next on_init(moult_ctx *ctx, void *data, moult_in *args)
{
    moult_event none = {0};

    return perform(ctx, &none, script_of("init", ""));
}

static inline void on_terminate(moult_ctx *ctx, void *data, int32_t reason)
{
    struct data *d = data;
    char text[16];

    snprintf(text, sizeof(text), "%d", reason);
    mark(d->state, '!', text);
}

static const moult_statem_state abc[] = {
    {"a", on_event}, {"b", on_event}, {"c", NULL}, {0}};

static const moult_statem plain_states = {
    .size = sizeof(moult_statem), .states = abc, .handle_event = on_event};

static const moult_statem any_states = {.size = sizeof(moult_statem),
                                        .handle_event = on_event};

#define MACHINE(states_)                                                     \
    {                                                                        \
        .size = sizeof(moult_server), .state = data_schema, .init = on_init, \
        .terminate = on_terminate, .statem = &(states_)                      \
    }
static const moult_server plain = MACHINE(plain_states);
static const moult_server any = MACHINE(any_states);

static inline int begin(void **state)
{
    trace[0] = 0;
    entries = 0;
    return one_worker(state);
}

static inline moult_pid run(const moult_server *callbacks)
{
    moult_pid pid = serve(callbacks);

    workers_settle();
    return pid;
}

/* Casts that are all there before the first of them is handled. */
struct letters {
    moult_pid to;
    const char *words; /* with spaces between them */
};

static inline void post(struct process *p, void *context)
{
    struct letters *l = context;
    char words[128], *w, *rest = words;

    snprintf(words, sizeof(words), "%s", l->words);
    while ((w = strsep(&rest, " ")))
        moult_cast(&p->ctx, l->to, word(&p->ctx, w));
}

static inline void send_all(moult_pid to, const char *words)
{
    struct letters letters = {to, words};

    assert_int_equal(actor_do(starter(), post, &letters), 0);
    workers_settle();
}

/* A call that is not waited for. */
struct asked {
    bool done;
    int error;
    int64_t reply;
};

static inline void note_reply(void *context, int error, const char *text, moult_in *in)
{
    struct asked *asked = context;

    asked->done = true;
    asked->error = error;
    if (!error)
        asked->reply = moult_get_int(in);
}

static inline void start_asking(moult_pid pid, const char *text, struct asked *asked)
{
    *asked = (struct asked){0};
    assert_int_equal(ask(pid, words(text), MOULT_INFINITY, note_reply, asked), 0);
    workers_settle();
}

static inline void assert_ended(moult_pid pid, int32_t reason)
{
    assert_gone(pid);
    assert_int_equal(actor_seen(starter()).reason, reason);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

#endif
