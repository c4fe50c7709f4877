/* SPDX-License-Identifier: Apache-2.0 */
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

static void when(const char *word, const char *script)
{
    book[entries].word = word;
    book[entries++].script = script;
}

static const char *script_of(const char *word, const char *state)
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

static void mark(const char *state, char sign, const char *what)
{
    size_t len = strlen(trace);

    snprintf(trace + len, sizeof(trace) - len, "%s%s%c%s", len ? " " : "", state, sign,
             what);
}

static void assert_trace(const char *expected)
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

static moult_out *word(moult_ctx *ctx, const char *text)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, text);
    return m;
}

/* Which verb of a script is meant, and what it is about. */
static const char *about(const char *line, const char *verb)
{
    size_t len = strlen(verb);

    if (strncmp(line, verb, len) != 0 || (line[len] && line[len] != ' '))
        return NULL;
    return line[len] ? line + len + 1 : line + len;
}

static uint64_t ms_of(const char **about)
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

static void act(moult_ctx *ctx, const moult_event *event, const char *line)
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

static moult_next turn(moult_ctx *ctx, const moult_event *event, const char *line,
                       moult_next next)
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

static moult_next perform(moult_ctx *ctx, const moult_event *event, const char *script)
{
    moult_next next = moult_keep_state();
    char lines[256], *line, *rest = lines;

    snprintf(lines, sizeof(lines), "%s", script);
    while ((line = strsep(&rest, ";")))
        next = turn(ctx, event, line + strspn(line, " "), next);
    return next;
}

static moult_next on_event(moult_ctx *ctx, void *data, const moult_event *event)
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

static moult_next on_other(moult_ctx *ctx, void *data, const moult_event *event)
{
    mark("*", '*', "other");
    return on_event(ctx, data, event);
}

static moult_next on_init(moult_ctx *ctx, void *data, moult_in *args)
{
    moult_event none = {0};

    return perform(ctx, &none, script_of("init", ""));
}

static void on_terminate(moult_ctx *ctx, void *data, int32_t reason)
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
static const moult_statem entering_states = {.size = sizeof(moult_statem),
                                             .state_enter = 1,
                                             .states = abc,
                                             .handle_event = on_event};
static const moult_statem any_states = {.size = sizeof(moult_statem),
                                        .handle_event = on_event};
#define MACHINE(states_)                                                     \
    {                                                                        \
        .size = sizeof(moult_server), .state = data_schema, .init = on_init, \
        .terminate = on_terminate, .statem = &(states_)                      \
    }
static const moult_server plain = MACHINE(plain_states);
static const moult_server entering = MACHINE(entering_states);
static const moult_server any = MACHINE(any_states);

static int begin(void **state)
{
    trace[0] = 0;
    entries = 0;
    return one_worker(state);
}

static moult_pid run(const moult_server *callbacks)
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

static void post(struct process *p, void *context)
{
    struct letters *l = context;
    char words[128], *w, *rest = words;

    snprintf(words, sizeof(words), "%s", l->words);
    while ((w = strsep(&rest, " ")))
        moult_cast(&p->ctx, l->to, word(&p->ctx, w));
}

static void send_all(moult_pid to, const char *words)
{
    struct letters letters = {to, words};

    assert_int_equal(actor_do(starter(), post, &letters), 0);
    workers_settle();
}

static int64_t ask_it(moult_pid pid, const char *text)
{
    int64_t reply = 0;
    int error = ask_word(pid, text, &reply);

    return error ? error : reply;
}

/* A call that is not waited for. */
struct asked {
    bool done;
    int error;
    int64_t reply;
};

static void note_reply(void *context, int error, const char *text, moult_in *in)
{
    struct asked *asked = context;

    asked->done = true;
    asked->error = error;
    if (!error)
        asked->reply = moult_get_int(in);
}

static void start_asking(moult_pid pid, const char *text, struct asked *asked)
{
    *asked = (struct asked){0};
    assert_int_equal(ask(pid, words(text), MOULT_INFINITY, note_reply, asked), 0);
    workers_settle();
}

static void assert_ended(moult_pid pid, int32_t reason)
{
    assert_gone(pid);
    assert_int_equal(actor_seen(starter()).reason, reason);
}

/* -- event_types, and which function handles them -- */

static void each_kind_of_message_is_an_event_of_its_type(void **state)
{
    moult_pid pid = run(&plain);

    when("ask", "reply 7");
    when("in", "insert x; insert cast y");
    cast_word(pid, "c");
    info_word(pid, "i");
    assert_int_equal(ask_it(pid, "ask"), 7);
    cast_word(pid, "in");
    assert_trace("a,c a.i a?ask a,in a+x a,y");
}

static void a_state_without_a_function_is_handled_by_handle_event(void **state)
{
    static const moult_statem both = {
        .size = sizeof(moult_statem), .states = abc, .handle_event = on_other};
    static const moult_server mixed = MACHINE(both);
    moult_pid pid = run(&mixed);

    when("go", "next c");
    send_all(pid, "go x");
    assert_trace("a,go **other c,x");
}

static void handle_event_takes_any_text_as_a_state(void **state)
{
    moult_pid pid = run(&any);

    when("go", "next connected 3");
    send_all(pid, "go x");
    assert_trace("a,go connected 3,x");
}

/* -- postpone -- */

static void postponed_events_come_again_the_oldest_first_before_newer_ones(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("y@a", "postpone");
    when("go", "next b");
    send_all(pid, "x y go z");
    assert_trace("a,x a,y a,go b,x b,y b,z");
}

static void the_event_that_changes_the_state_may_be_postponed_itself(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("go@a", "next b; postpone");
    send_all(pid, "x go z");
    assert_trace("a,x a,go b,x b,go b,z");
}

static void only_a_change_of_state_retries(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("same", "next a");
    when("again", "repeat");
    when("go", "next b");
    send_all(pid, "x same again keep");
    assert_trace("a,x a,same a,again a,keep");
    send_all(pid, "go");
    assert_trace("a,go b,x");
}

static void what_is_postponed_again_waits_for_the_next_change(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("x@b", "postpone");
    when("go@a", "next b");
    when("go@b", "next c");
    send_all(pid, "x go y go");
    assert_trace("a,x a,go b,x b,y b,go c,x");
}

static void a_retried_event_that_changes_the_state_goes_before_the_rest(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("y@a", "postpone");
    when("go", "next b");
    when("x@b", "next c");
    send_all(pid, "x y go z");
    assert_trace("a,x a,y a,go b,x c,y c,z");
}

static void beyond_the_limit_what_is_postponed_is_refused(void **state)
{
    uint64_t from = event_next();
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("go", "next b");
    process_find(pid)->limit = 1;
    cast_word(pid, "x");
    workers_settle();
    assert_int_equal(ask_it(pid, "x"), -EAGAIN);
    assert_int_equal(events_named("statem.overflow", from), 1);
    cast_word(pid, "go");
    workers_settle();
    assert_trace("a,x a?x a,go b,x");
}

static void what_waits_in_it_counts_as_its_memory_until_it_is_handled(void **state)
{
    moult_pid pid = run(&plain);
    const struct heap *heap = &process_find(pid)->ctx.heap;

    when("x@a", "postpone; idle 10 late; timer g 30 generic; insert z");
    when("y@a", "postpone; update timer g longer-content");
    when("go", "next b; timer g never");
    send_all(pid, "x y");
    assert_true(heap->queued >= 4 * sizeof(struct envelope));
    send_all(pid, "go");
    assert_trace("a,x a+z a,y a,go b,x b,y");
    assert_int_equal(heap->queued, 0);
}

/* -- next_event -- */

static void inserted_events_come_first_and_in_their_order(void **state)
{
    moult_pid pid = run(&plain);

    when("in", "insert i1; insert i2");
    when("i1", "insert j1; insert j2");
    send_all(pid, "in z");
    assert_trace("a,in a+i1 a+j1 a+j2 a+i2 a,z");
}

static void inserted_events_come_before_postponed_ones(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "postpone");
    when("go", "next b; insert i");
    send_all(pid, "x go z");
    assert_trace("a,x a,go b+i b,x b,z");
}

static void an_inserted_event_may_be_postponed(void **state)
{
    moult_pid pid = run(&plain);

    when("in", "insert i1; insert i2; insert i3");
    when("i1@a", "postpone");
    when("i2@a", "next b");
    send_all(pid, "in z");
    assert_trace("a,in a+i1 a+i2 b+i1 b+i3 b,z");
}

static void an_inserted_call_is_answered(void **state)
{
    moult_pid pid = run(&plain);

    when("first", "recall second; next b");
    when("second", "reply 8");
    assert_int_equal(ask_it(pid, "first"), 8);
    when("third", "recall fourth");
    when("fourth", "refuse");
    assert_int_equal(ask_it(pid, "third"), -ERANGE);
    assert_trace("a?first b?second b?third b?fourth");
}

static void an_event_that_can_not_be_inserted_ends_it(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "recall y"); /* of a cast: there is no `from` */
    cast_word(pid, "x");
    assert_trace("a,x a!-22");
    assert_ended(pid, -EINVAL);
}

/* -- calls -- */

static void a_call_is_answered_in_a_transition_or_later(void **state)
{
    moult_pid pid = run(&plain);
    struct asked asked;

    when("go", "reply 3; next b");
    when("later", "keep from");
    when("now", "answer");
    assert_int_equal(ask_it(pid, "go"), 3);
    start_asking(pid, "later", &asked);
    assert_false(asked.done);
    cast_word(pid, "now");
    workers_settle();
    assert_int_equal(asked.reply, 11);
    assert_trace("a?go b?later b,now");
}

static void a_postponed_call_is_answered_when_it_comes_again(void **state)
{
    moult_pid pid = run(&plain);
    struct asked asked;

    when("x@a", "postpone");
    when("x@b", "reply 6");
    when("go", "next b");
    start_asking(pid, "x", &asked);
    assert_false(asked.done);
    cast_word(pid, "go");
    workers_settle();
    assert_int_equal(asked.reply, 6);
    assert_trace("a?x a,go b?x");
}

static void a_call_may_be_answered_and_postponed(void **state)
{
    moult_pid pid = run(&plain);

    when("x@a", "reply 1; postpone");
    when("x@b", "reply 2");
    when("go", "next b");
    assert_int_equal(ask_it(pid, "x"), 1);
    cast_word(pid, "go");
    assert_trace("a?x a,go b?x");
}

static void a_refused_call_leaves_the_state(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "refuse");
    assert_int_equal(ask_it(pid, "x"), -ERANGE);
    assert_string_equal(asked_text(), "not now");
    cast_word(pid, "y");
    assert_trace("a?x a,y");
}

static void stop_and_reply_replies_first_and_terminates_then(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "stop reply 4");
    assert_int_equal(ask_it(pid, "x"), 4);
    assert_trace("a?x a!-5");
    assert_ended(pid, -EIO);
}

static void calls_that_are_postponed_or_owed_fail_when_it_ends(void **state)
{
    moult_pid pid = run(&plain);
    struct asked asked[2];

    when("x", "postpone");
    when("end", "stop 5");
    start_asking(pid, "x", &asked[0]);
    start_asking(pid, "y", &asked[1]);
    cast_word(pid, "end");
    workers_settle();
    assert_int_equal(asked[0].error, -EOWNERDEAD);
    assert_int_equal(asked[1].error, -EOWNERDEAD);
    assert_ended(pid, -EIO);
}

/* -- timeouts -- */

static void an_event_timeout_comes_if_nothing_else_does(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "idle 50 late");
    cast_word(pid, "x");
    workers_settle();
    pass(49);
    assert_trace("a,x");
    pass(1);
    pass(500);
    assert_trace("atlate");
}

static void any_event_cancels_an_event_timeout(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "idle 50 late; within 20 early");
    cast_word(pid, "x");
    workers_settle();
    pass(500);
    assert_trace("a,x asearly");
    when("in", "idle 50 late; insert i");
    cast_word(pid, "in");
    workers_settle();
    pass(500);
    assert_trace("a,in a+i");
}

static void a_look_at_its_state_cancels_no_timeout(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    moult_pid pid = run(&plain);
    struct moult_out out;
    moult_in in, inner, name;

    when("x", "next b; idle 50 late");
    cast_word(pid, "x");
    workers_settle();
    pass(30);
    e->code = SYSTEM_STATE;
    out_init(&out, NULL, 0);
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, &out, NULL, 0), 0);
    in = out_read(&out);
    assert_true(moult_find(&in, "state", &inner) &&
                moult_find(&inner, "state", &name) && moult_match(&name, "b"));
    out_release(&out);
    pass(20);
    assert_trace("a,x btlate");
}

static void a_state_timeout_ends_with_the_state(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "within 50 late");
    when("same", "next a");
    when("go", "next b");
    cast_word(pid, "x");
    workers_settle();
    pass(30);
    send_all(pid, "y same");
    pass(20);
    assert_trace("a,x a,y a,same aslate"); /* neither events nor the same state */
    send_all(pid, "x go");
    pass(500);
    assert_trace("a,x a,go");
}

static void a_state_timeout_set_in_a_transition_is_of_the_new_state(void **state)
{
    moult_pid pid = run(&plain);

    when("go", "within 50 late; next b");
    cast_word(pid, "go");
    workers_settle();
    pass(50);
    assert_trace("a,go bslate");
}

static void generic_timeouts_end_only_when_told(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer one 50 first; timer two 60 second; timer three 70 third");
    when("go", "next b; timer two never");
    send_all(pid, "x go y");
    pass(500);
    assert_trace("a,x a,go b,y bgone=first bgthree=third");
}

static void a_timeout_set_again_replaces_the_one_that_runs(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer t 50 first; within 50 one");
    when("y", "timer t 100 second; within 90 two");
    cast_word(pid, "x");
    workers_settle();
    pass(40);
    cast_word(pid, "y");
    workers_settle();
    pass(89);
    assert_trace("a,x a,y");
    pass(11);
    assert_trace("astwo agt=second");
}

static void a_timeout_that_fired_before_it_was_cancelled_is_dropped(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer t 50 late; timer u 50 other");
    when("late", "timer u never");
    cast_word(pid, "x");
    workers_settle();
    pass(50); /* both are in the mailbox when the first is handled */
    assert_trace("a,x agt=late");
}

static void update_changes_the_content_alone(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer t 50 old; within 60 old");
    when("y", "update timer t new; update within new");
    cast_word(pid, "x");
    workers_settle();
    pass(30);
    cast_word(pid, "y");
    workers_settle();
    pass(19);
    assert_trace("a,x a,y");
    pass(11);
    assert_trace("agt=new asnew");
}

static void an_update_of_none_comes_at_once(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "update timer t new");
    send_all(pid, "x y");
    assert_trace("a,x agt=new a,y");
}

static void a_timeout_of_zero_comes_after_the_queue_and_before_what_waits(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "within 0 now; timer t 0 too; insert i; insert j");
    send_all(pid, "x y");
    assert_trace("a,x a+i a+j asnow agt=too a,y");
}

static void an_event_timeout_of_zero_is_cancelled_by_what_is_queued(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "idle 0 now; insert i");
    when("z", "idle 0 now");
    send_all(pid, "x y z");
    assert_trace("a,x a+i a,y a,z atnow");
}

static void a_timeout_of_zero_ends_with_the_state_too(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "within 0 now; timer t 0 too; insert go");
    when("go", "next b");
    send_all(pid, "x y");
    assert_trace("a,x a+go bgt=too b,y");
}

static void ask_system(moult_pid pid, int32_t code)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    e->code = code;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
}

static void what_times_out_while_it_is_suspended_comes_in_its_turn(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "within 10 late; timer g 30 later; insert now");
    send_all(pid, "x");
    assert_trace("a,x a+now");
    ask_system(pid, SYS_SUSPEND);
    cast_word(pid, "y");
    pass(20);
    cast_word(pid, "z");
    ask_system(pid, SYSTEM_STATE);
    assert_trace("");
    ask_system(pid, SYS_RESUME);
    assert_trace("a,y aslate a,z");
    pass(10);
    assert_trace("agg=later");
}

static void its_status_says_what_waits_in_it(void **state)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    moult_pid pid = run(&plain);
    moult_in status, value, name;
    moult_out reply;

    when("x", "postpone");
    when("t", "within 10 late; timer g 30 later");
    send_all(pid, "x x t");
    out_init(&reply, NULL, 0);
    e->code = SYSTEM_STATUS;
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, &reply, NULL, 0), 0);
    status = out_read(&reply);
    assert_int_equal(moult_int_at(&status, "postponed"), 2);
    assert_true(moult_find(&status, "timeouts", &value));
    assert_int_equal(moult_get_array(&value), 2);
    assert_true(moult_find(&value, "type", &name) && moult_match(&name, "state"));
    moult_skip(&value);
    assert_true(moult_find(&value, "type", &name) && moult_match(&name, "generic"));
    assert_true(moult_find(&value, "name", &name) && moult_match(&name, "g"));
    assert_true(moult_find(&status, "state", &value));
    assert_true(moult_find(&value, "state", &name) && moult_match(&name, "a"));
    out_release(&reply);
}

static void its_timeouts_end_with_it(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "timer t 50 late; within 60 one; stop 5");
    when("y", "timer t 50 late; within 60 one");
    send_all(pid, "y x");
    assert_ended(pid, -EIO);
    pass(500);
    assert_trace("a,y a,x a!-5");
}

/* -- enter -- */

static void states_are_entered_first_from_themselves(void **state)
{
    run(&entering);
    assert_trace("a>a");
}

static void a_change_enters_before_anything_else(void **state)
{
    moult_pid pid = run(&entering);

    when("x@a", "postpone");
    when("go", "next b; insert i");
    send_all(pid, "x go");
    assert_trace("a>a a,x a,go b>a b+i b,x");
}

static void only_a_change_or_repeat_enters(void **state)
{
    moult_pid pid = run(&entering);

    when("same", "next a");
    when("again", "repeat");
    send_all(pid, "same keep again");
    assert_trace("a>a a,same a,keep a,again a>a");
}

static void timeouts_of_an_enter_are_of_the_state_entered(void **state)
{
    moult_pid pid = run(&entering);

    when("enter@a", "within 50 left");
    when("enter@b", "within 50 late");
    when("go", "next b");
    trace[0] = 0;
    cast_word(pid, "go");
    workers_settle();
    pass(50);
    assert_trace("a,go b>a bslate");
}

static void an_enter_may_reply_and_stop(void **state)
{
    moult_pid pid = run(&entering);
    struct asked asked;

    when("later", "keep from; next b");
    when("enter@b", "answer; stop 5");
    start_asking(pid, "later", &asked);
    assert_int_equal(asked.reply, 11);
    assert_trace("a>a a?later b>a b!-5");
    assert_ended(pid, -EIO);
}

static void assert_enter_ends_it(const char *script, int32_t reason)
{
    moult_pid pid = run(&entering);

    entries = 0;
    when("go", "next b");
    when("enter@b", script);
    cast_word(pid, "go");
    assert_ended(pid, reason);
    trace[0] = 0;
}

static void an_enter_neither_moves_nor_postpones_nor_inserts(void **state)
{
    assert_enter_ends_it("next c", -EPROTO);
    assert_enter_ends_it("postpone", -EPROTO);
    assert_enter_ends_it("insert i", -EPROTO);
    assert_enter_ends_it("say reply", -EPROTO);
}

/* -- init -- */

static void init_may_choose_the_state_and_act(void **state)
{
    moult_pid pid;

    when("init", "next b; insert i; within 50 late");
    pid = run(&entering);
    assert_trace("b>b b+i");
    pass(50);
    assert_trace("bslate");
    assert_true(alive(pid));
}

static void assert_start_fails(const char *script, int error, const char *text)
{
    struct started s;

    entries = 0;
    when("init", script);
    s = serve_as(&entering, NULL);
    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, error);
    assert_string_equal(s.text, text);
    assert_trace("");
}

static void an_init_that_can_not_be_fails_the_start(void **state)
{
    assert_start_fails("next nowhere", -EINVAL, "it has no state 'nowhere' to go to");
    assert_start_fails("postpone", -EPROTO,
                       "a callback postpones what can't be postponed");
    assert_start_fails("recall x", -EINVAL,
                       "an event that can't be was inserted: Invalid argument");
    assert_start_fails("stop 5", -EIO, "Input/output error");
}

/* -- ends -- */

static void stop_terminates_with_its_reason(void **state)
{
    moult_pid pid = run(&plain);

    when("x", "stop 5");
    when("y", "next b");
    send_all(pid, "y x z");
    assert_trace("a,y b,x b!-5");
    assert_ended(pid, -EIO);
}

static void assert_ends_it(const char *script, int32_t reason)
{
    moult_pid pid = run(&plain);

    entries = 0;
    when("x", script);
    cast_word(pid, "x");
    assert_ended(pid, reason);
    trace[0] = 0;
}

static void what_can_not_be_ends_it(void **state)
{
    assert_ends_it("nonsense", -EPROTO);
    assert_ends_it("wait", -EPROTO);
    assert_ends_it("say reply", -EPROTO);
    assert_ends_it("refuse", -EPROTO);
    assert_ends_it("next nowhere", -EINVAL);
    assert_ends_it("next a state whose name is far too long", -EINVAL);
}

static void a_shutdown_ends_it_as_any_server(void **state)
{
    moult_pid pid = run(&plain);

    signal_exit(NULL, pid, MOULT_SHUTDOWN, NULL);
    assert_ended(pid, MOULT_SHUTDOWN);
    assert_trace("");
}

static void the_end_of_another_is_an_info(void **state)
{
    moult_pid pid = run(&plain);

    watched = actor(false);
    when("x", "watch");
    cast_word(pid, "x");
    workers_settle();
    signal_exit(NULL, watched, -EIO, NULL);
    assert_trace("a,x a.-"); /* a map, no word */
}

/* -- code_change -- */

static const moult_statem_state renamed_list[] = {
    {"b", on_event}, {"renamed", on_event}, {0}};
static const moult_statem renamed_states = {.size = sizeof(moult_statem),
                                            .state_enter = 1,
                                            .states = renamed_list,
                                            .handle_event = on_event};
MOULT_STATE(renamed_data, struct data, MOULT_FIELD(state, .initial_text = "renamed"),
            MOULT_FIELD(events));
static const moult_server renamed = {
    .size = sizeof(moult_server), .state = renamed_data, .statem = &renamed_states};

static void code_change_renames_and_is_no_change_of_state(void **state)
{
    moult_pid pid = run(&entering);
    struct process *p = process_find(pid);
    struct server *s = p->data;
    struct data *d = s->state;

    when("x", "postpone");
    when("x@b", "");
    when("t", "within 50 late; timer g 70 generic");
    when("go", "next b");
    send_all(pid, "x t");
    assert_trace("a>a a,x a,t");
    strcpy(d->state, "renamed"); /* as carry_state() would have it */
    server_swap(p, code_of(&renamed, "server"), d, NULL);
    send_all(pid, "y");
    pass(50);
    assert_trace("renamed,y renamedslate");
    send_all(pid, "go");
    assert_trace("renamed,go b>renamed b,x");
    pass(20);
    assert_trace("bgg=generic");
}

static void a_version_that_lacks_the_state_is_refused(void **state)
{
    struct data d = {.state = "a"};
    struct fault why = {0};
    struct code *code = code_of(&renamed, "server");

    assert_int_equal(statem_check_state(code, &d, &why), -ENOTSUP);
    assert_non_null(strstr(why.text, "is in state 'a', which 1 does not have"));
    assert_false(statem_has_all(code_of(&plain, "server"), code));
    assert_false(statem_has_all(code_of(&any, "server"), code));
    assert_true(statem_has_all(code, code_of(&any, "server")));
    assert_true(statem_has_all(code, code));
}

/* -- on all cores -- */

enum { MACHINES = 8, ROUNDS = 200 };

struct gauge {
    char state[8];
    int64_t passed;
};
MOULT_STATE(gauge_schema, struct gauge, MOULT_FIELD(state, .initial_text = "shut"),
            MOULT_FIELD(passed));

static moult_next on_gate(moult_ctx *ctx, void *data, const moult_event *event)
{
    struct gauge *g = data;
    bool is_open = event->state[0] == 'o';

    if (event->type == MOULT_EVENT_STATE_TIMEOUT)
        return moult_next_state(ctx, "shut");
    if (event->type == MOULT_EVENT_CALL) {
        moult_put_int(event->reply, g->passed);
        return is_open ? moult_reply() : moult_postpone();
    }
    if (moult_match(event->content, "pass")) {
        g->passed += is_open;
        return is_open ? moult_keep_state() : moult_postpone();
    }
    moult_state_timeout(ctx, 1, NULL);
    return moult_next_state(ctx, "open");
}

static const moult_statem gate_states = {
    .size = sizeof(moult_statem),
    .states = (const moult_statem_state[]){{"shut", on_gate}, {"open", on_gate}, {0}}};
static const moult_server gate = {
    .size = sizeof(moult_server), .state = gauge_schema, .statem = &gate_states};

static void knock(struct process *p, void *context)
{
    const moult_pid *gates = context;

    for (int i = 0; i < ROUNDS * MACHINES; i++) {
        moult_cast(&p->ctx, gates[i % MACHINES], word(&p->ctx, "pass"));
        if (i % 7 == 0)
            moult_cast(&p->ctx, gates[i % MACHINES], word(&p->ctx, "turn"));
    }
}

static void machines_on_all_cores_lose_no_event(void **state)
{
    moult_pid gates[MACHINES], knocker = actor(false);
    int64_t passed;

    for (int i = 0; i < MACHINES; i++)
        gates[i] = serve(&gate);
    assert_int_equal(actor_do(knocker, knock, gates), 0);
    for (int i = 0; i < MACHINES; i++) {
        do {
            cast_word(gates[i], "turn");
            assert_int_equal(ask_word(gates[i], "passed", &passed), 0);
        } while (passed < ROUNDS);
        assert_int_equal(passed, ROUNDS);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_message_is_an_event_of_its_type),
        TEST(a_state_without_a_function_is_handled_by_handle_event),
        TEST(handle_event_takes_any_text_as_a_state),
        TEST(postponed_events_come_again_the_oldest_first_before_newer_ones),
        TEST(the_event_that_changes_the_state_may_be_postponed_itself),
        TEST(only_a_change_of_state_retries),
        TEST(what_is_postponed_again_waits_for_the_next_change),
        TEST(a_retried_event_that_changes_the_state_goes_before_the_rest),
        TEST(beyond_the_limit_what_is_postponed_is_refused),
        TEST(what_waits_in_it_counts_as_its_memory_until_it_is_handled),
        TEST(inserted_events_come_first_and_in_their_order),
        TEST(inserted_events_come_before_postponed_ones),
        TEST(an_inserted_event_may_be_postponed),
        TEST(an_inserted_call_is_answered),
        TEST(an_event_that_can_not_be_inserted_ends_it),
        TEST(a_call_is_answered_in_a_transition_or_later),
        TEST(a_postponed_call_is_answered_when_it_comes_again),
        TEST(a_call_may_be_answered_and_postponed),
        TEST(a_refused_call_leaves_the_state),
        TEST(stop_and_reply_replies_first_and_terminates_then),
        TEST(calls_that_are_postponed_or_owed_fail_when_it_ends),
        TEST(an_event_timeout_comes_if_nothing_else_does),
        TEST(any_event_cancels_an_event_timeout),
        TEST(a_look_at_its_state_cancels_no_timeout),
        TEST(a_state_timeout_ends_with_the_state),
        TEST(a_state_timeout_set_in_a_transition_is_of_the_new_state),
        TEST(generic_timeouts_end_only_when_told),
        TEST(a_timeout_set_again_replaces_the_one_that_runs),
        TEST(a_timeout_that_fired_before_it_was_cancelled_is_dropped),
        TEST(update_changes_the_content_alone),
        TEST(an_update_of_none_comes_at_once),
        TEST(a_timeout_of_zero_comes_after_the_queue_and_before_what_waits),
        TEST(an_event_timeout_of_zero_is_cancelled_by_what_is_queued),
        TEST(a_timeout_of_zero_ends_with_the_state_too),
        TEST(what_times_out_while_it_is_suspended_comes_in_its_turn),
        TEST(its_status_says_what_waits_in_it),
        TEST(its_timeouts_end_with_it),
        TEST(states_are_entered_first_from_themselves),
        TEST(a_change_enters_before_anything_else),
        TEST(only_a_change_or_repeat_enters),
        TEST(timeouts_of_an_enter_are_of_the_state_entered),
        TEST(an_enter_may_reply_and_stop),
        TEST(an_enter_neither_moves_nor_postpones_nor_inserts),
        TEST(init_may_choose_the_state_and_act),
        TEST(an_init_that_can_not_be_fails_the_start),
        TEST(stop_terminates_with_its_reason),
        TEST(what_can_not_be_ends_it),
        TEST(a_shutdown_ends_it_as_any_server),
        TEST(the_end_of_another_is_an_info),
        TEST(code_change_renames_and_is_no_change_of_state),
        TEST(a_version_that_lacks_the_state_is_refused),
        cmocka_unit_test_setup_teardown(machines_on_all_cores_lose_no_event,
                                        two_workers, workers_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
