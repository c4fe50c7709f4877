/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"
#include "json.h"

/* A server that keeps a trace of what it handles, and an actor that looks into it. */
static char trace[128];

static void mark(const char *what)
{
    strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

struct account {
    int64_t number;
    char password[16];
};
MOULT_STATE(account_schema, struct account, MOULT_FIELD(number, .initial = 7),
            MOULT_FIELD(password, .initial_text = "hunter2", .secret = 1));

static moult_next on_call(moult_ctx *ctx, void *state, const moult_from *from,
                          moult_in *in, moult_out *reply)
{
    struct account *a = state;
    int64_t ms;

    mark("C");
    moult_put_int(reply, a->number);
    if (moult_match(in, "trap"))
        moult_trap_exit(ctx, true);
    if (moult_match(in, "crash"))
        return moult_stop_because(ctx, -EIO, "the disk is on fire");
    if (moult_match_int(in, "timeout", &ms))
        return moult_with_timeout(moult_reply(), (uint64_t)ms);
    return moult_reply();
}

static moult_next on_cast(moult_ctx *ctx, void *state, moult_in *in)
{
    struct account *a = state;
    int64_t number = 0;

    mark("A");
    if (moult_peek(in) == MOULT_INT)
        number = moult_get_int(in);
    a->number = number ? number : a->number;
    return moult_noreply();
}

static moult_next on_info(moult_ctx *ctx, void *state, moult_in *in)
{
    mark(moult_peek(in) == MOULT_NULL ? "T" : "O");
    return moult_noreply();
}

static void on_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    char text[16];

    snprintf(text, sizeof(text), "<%d>", reason);
    mark(text);
}

static const moult_server account = {.size = sizeof(moult_server),
                                     .format = 3,
                                     .state = account_schema,
                                     .handle_call = on_call,
                                     .handle_cast = on_cast,
                                     .handle_info = on_info,
                                     .terminate = on_terminate};
static const moult_server bare = {.size = sizeof(moult_server)};

static int begin(void **state)
{
    trace[0] = 0;
    return one_worker(state);
}

/* -- what an actor asks -- */

struct look {
    int (*run)(moult_ctx *ctx, struct look *look);
    moult_pid pid;
    int64_t number; /* given along, or the timeout */
    const char *map;
    int error;
    int32_t reason;
    char text[256];
    json_t *seen; /* what was given back */
};

static void run_look(struct process *p, void *context)
{
    struct look *l = context;

    l->error = l->run(&p->ctx, l);
    l->reason = moult_call_reason(&p->ctx);
    snprintf(l->text, sizeof(l->text), "%s", moult_call_text(&p->ctx));
}

static int look(moult_pid pid, int (*run)(moult_ctx *ctx, struct look *look),
                int64_t number, struct look *out)
{
    struct look l = {.run = run, .pid = pid, .number = number};

    assert_int_equal(actor_do(starter(), run_look, &l), 0);
    if (out)
        *out = l;
    else
        json_decref(l.seen);
    return l.error;
}

static int suspend_it(moult_ctx *ctx, struct look *l)
{
    return moult_sys_suspend(ctx, l->pid, 0);
}

static int resume_it(moult_ctx *ctx, struct look *l)
{
    return moult_sys_resume(ctx, l->pid, 0);
}

static int end_it(moult_ctx *ctx, struct look *l)
{
    return moult_server_stop(ctx, l->pid, (int32_t)l->number, 0);
}

static int see(int error, moult_in *in, struct look *l)
{
    if (!error)
        l->seen = json_from_cbor(in, NULL);
    return error;
}

static int see_state(moult_ctx *ctx, struct look *l)
{
    moult_in in;

    return see(moult_sys_get_state(ctx, l->pid, 0, &in), &in, l);
}

static int see_status(moult_ctx *ctx, struct look *l)
{
    moult_in in;

    return see(moult_sys_get_status(ctx, l->pid, 0, &in), &in, l);
}

static int count_it(moult_ctx *ctx, struct look *l)
{
    return moult_sys_statistics(ctx, l->pid, l->number != 0, 0);
}

static int see_counts(moult_ctx *ctx, struct look *l)
{
    moult_in in;

    return see(moult_sys_get_statistics(ctx, l->pid, 0, &in), &in, l);
}

static int log_it(moult_ctx *ctx, struct look *l)
{
    return moult_sys_log(ctx, l->pid, (uint32_t)l->number, 0);
}

static int see_log(moult_ctx *ctx, struct look *l)
{
    moult_in in;

    return see(moult_sys_get_log(ctx, l->pid, 0, &in), &in, l);
}

static int trace_it(moult_ctx *ctx, struct look *l)
{
    return moult_sys_trace(ctx, l->pid, l->number != 0, 0);
}

static int replace_number(moult_ctx *ctx, struct look *l)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, 1);
    moult_put_int_at(m, "number", l->number);
    return moult_sys_replace_state(ctx, l->pid, m, 0);
}

static int replace_by_text(moult_ctx *ctx, struct look *l)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, 1);
    moult_put_text_at(m, "number", "many");
    return moult_sys_replace_state(ctx, l->pid, m, 0);
}

static json_int_t number_in(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

static void assert_text(const json_t *json, const char *key, const char *expected)
{
    const char *text = json_string_value(json_object_get(json, key));

    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void set_timeout(moult_pid pid, int64_t ms)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_map(&e->out, 1);
    moult_put_int_at(&e->out, "timeout", ms);
    assert_int_equal(ask_and_wait(pid, e, MOULT_INFINITY, NULL, NULL, 0), 0);
    trace[0] = 0;
}

/* -- suspend and resume -- */

static void suspends_are_not_counted(void **state)
{
    moult_pid pid = serve(&account);

    assert_int_equal(look(pid, resume_it, 0, NULL), 0);
    assert_int_equal(look(pid, suspend_it, 0, NULL), 0);
    assert_int_equal(look(pid, suspend_it, 0, NULL), 0);
    cast_word(pid, "x");
    assert_trace("");
    assert_int_equal(look(pid, resume_it, 0, NULL), 0);
    assert_trace("A");
    assert_int_equal(ask_word(pid, "x", NULL), 0);
}

static void what_comes_meanwhile_is_served_in_order_when_it_goes_on(void **state)
{
    moult_pid pid = serve(&account);

    look(pid, suspend_it, 0, NULL);
    cast_int(pid, 1);
    info_word(pid, "x");
    cast_int(pid, 2);
    assert_trace("");
    look(pid, resume_it, 0, NULL);
    assert_trace("AOA");
    assert_int_equal(ask_word(pid, "x", NULL), 0);
}

struct heard {
    int error;
    bool done;
};

static void hear(void *context, int error, const char *text, moult_in *in)
{
    *(struct heard *)context = (struct heard){error, true};
}

static void a_call_times_out_meanwhile_and_is_served_later(void **state)
{
    moult_pid pid = serve(&account);
    struct heard heard = {0};

    look(pid, suspend_it, 0, NULL);
    assert_int_equal(ask(pid, words("x"), 100, hear, &heard), 0);
    pass(100);
    assert_int_equal(heard.error, -ETIMEDOUT);
    assert_trace("");
    look(pid, resume_it, 0, NULL);
    assert_trace("C");
}

static int shut_it_down(moult_ctx *ctx, struct look *l)
{
    return moult_exit(ctx, l->pid, MOULT_SHUTDOWN);
}

static void it_still_ends_with_its_parent(void **state)
{
    moult_pid pid = serve(&account);

    ask_word(pid, "trap", NULL);
    look(pid, suspend_it, 0, NULL);
    cast_word(pid, "x");
    signal_exit(NULL, pid, -EIO, NULL); /* another's exit waits */
    assert_trace("C");
    look(pid, shut_it_down, 0, NULL); /* its starter's does not */
    assert_gone(pid);
    assert_trace("<1>");
}

static void callers_are_told_if_it_ends_meanwhile(void **state)
{
    moult_pid pid = serve(&account);
    struct heard heard = {0};

    look(pid, suspend_it, 0, NULL);
    assert_int_equal(ask(pid, words("x"), MOULT_INFINITY, hear, &heard), 0);
    workers_settle();
    assert_false(heard.done);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
    assert_int_equal(heard.error, -EOWNERDEAD);
}

static void its_mailbox_is_as_large_as_before(void **state)
{
    struct started s = serve_child(starter(), &account,
                                   (moult_child){.id = "small", .mailbox_limit = 3});

    look(s.pid, suspend_it, 0, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cast_word(s.pid, "x"), 0);
        workers_settle(); /* each is taken, and kept */
    }
    assert_int_equal(cast_word(s.pid, "x"), -EAGAIN);
    look(s.pid, resume_it, 0, NULL);
    assert_trace("AAA");
    assert_int_equal(cast_word(s.pid, "x"), 0);
}

static void a_timeout_begins_anew_when_it_is_looked_at(void **state)
{
    moult_pid pid = serve(&account);

    set_timeout(pid, 300);
    pass(200);
    look(pid, see_status, 0, NULL);
    pass(200);
    look(pid, see_state, 0, NULL);
    pass(299);
    assert_trace("");
    pass(1);
    assert_trace("T");
}

static void a_timeout_waits_while_suspended_and_begins_anew(void **state)
{
    moult_pid pid = serve(&account);

    set_timeout(pid, 100);
    pass(50);
    look(pid, suspend_it, 0, NULL);
    pass(1000);
    look(pid, see_state, 0, NULL);
    pass(1000);
    assert_trace("");
    look(pid, resume_it, 0, NULL);
    pass(99);
    assert_trace("");
    pass(1);
    assert_trace("T");
}

static void a_message_that_waits_cancels_the_timeout_that_waits(void **state)
{
    moult_pid pid = serve(&account);

    set_timeout(pid, 100);
    look(pid, suspend_it, 0, NULL);
    cast_word(pid, "x");
    look(pid, resume_it, 0, NULL);
    pass(1000);
    assert_trace("A");
}

/* -- the state -- */

static void its_state_can_be_seen_and_replaced(void **state)
{
    moult_pid pid = serve(&account);
    struct look seen;
    int64_t number;

    assert_int_equal(look(pid, replace_number, 12, NULL), 0);
    assert_int_equal(ask_word(pid, "x", &number), 0);
    assert_int_equal(number, 12);
    assert_int_equal(look(pid, see_state, 0, &seen), 0);
    assert_int_equal(number_in(seen.seen, "number"), 12);
    assert_text(seen.seen, "password", "hunter2");
    json_decref(seen.seen);
}

static void a_state_that_cannot_be_read_changes_nothing(void **state)
{
    moult_pid pid = serve(&account);
    struct look refused;
    int64_t number;

    cast_int(pid, 9);
    assert_int_equal(look(pid, replace_by_text, 0, &refused), -EBADMSG);
    assert_non_null(strstr(refused.text, "number"));
    assert_int_equal(ask_word(pid, "x", &number), 0);
    assert_int_equal(number, 9);
    assert_int_equal(look(serve(&bare), replace_number, 1, NULL), -ENOTSUP);
}

static void a_suspended_server_can_be_looked_at_and_changed(void **state)
{
    moult_pid pid = serve(&account);
    struct look seen;

    look(pid, suspend_it, 0, NULL);
    look(pid, replace_number, 3, NULL);
    assert_int_equal(look(pid, see_status, 0, &seen), 0);
    assert_text(seen.seen, "status", "suspended");
    assert_int_equal(number_in(json_object_get(seen.seen, "state"), "number"), 3);
    json_decref(seen.seen);
    assert_trace("");
}

static void its_status_says_what_it_is(void **state)
{
    struct look seen;

    assert_int_equal(look(serve(&account), see_status, 0, &seen), 0);
    assert_text(seen.seen, "id", "server");
    assert_text(seen.seen, "application", "test");
    assert_text(seen.seen, "vsn", "1");
    assert_text(seen.seen, "behaviour", "server");
    assert_text(seen.seen, "status", "running");
    assert_int_equal(number_in(seen.seen, "format"), 3);
    json_decref(seen.seen);
}

static void nobody_can_ask_it_of_itself_or_of_nobody(void **state)
{
    assert_int_equal(look(starter(), suspend_it, 0, NULL), -EDEADLK);
    assert_int_equal(look((moult_pid){0}, suspend_it, 0, NULL), -ESRCH);
}

/* -- counting, remembering, telling -- */

static void statistics_count_from_when_they_are_asked_for(void **state)
{
    moult_pid pid = serve(&account);
    struct look seen;

    look(pid, see_counts, 0, &seen);
    assert_true(json_is_null(seen.seen));
    json_decref(seen.seen);
    cast_word(pid, "x");
    look(pid, count_it, 1, NULL);
    cast_word(pid, "x");
    ask_word(pid, "x", NULL);
    pass(20);
    look(pid, see_counts, 0, &seen);
    assert_int_equal(number_in(seen.seen, "in"), 2);
    assert_int_equal(number_in(seen.seen, "out"), 1);
    assert_int_equal(number_in(seen.seen, "for_ms"), 20);
    json_decref(seen.seen);
    look(pid, count_it, 0, NULL);
    look(pid, see_counts, 0, &seen);
    assert_true(json_is_null(seen.seen));
    json_decref(seen.seen);
}

static void a_log_keeps_the_last_messages(void **state)
{
    moult_pid pid = serve(&account);
    struct look seen;

    assert_int_equal(look(pid, log_it, 1001, NULL), -ERANGE);
    assert_int_equal(look(pid, log_it, 2, NULL), 0);
    cast_int(pid, 1);
    cast_int(pid, 2);
    ask_word(pid, "x", NULL);
    look(pid, see_log, 0, &seen);
    assert_int_equal(json_array_size(seen.seen), 2);
    assert_text(json_array_get(seen.seen, 0), "kind", "call");
    assert_text(json_array_get(seen.seen, 0), "message", "x");
    assert_text(json_array_get(seen.seen, 1), "event", "out");
    assert_int_equal(number_in(json_array_get(seen.seen, 1), "message"), 2);
    json_decref(seen.seen);
    look(pid, log_it, 0, NULL);
    look(pid, see_log, 0, &seen);
    assert_int_equal(json_array_size(seen.seen), 0);
    json_decref(seen.seen);
}

static void a_trace_tells_what_comes_and_goes(void **state)
{
    moult_pid pid = serve(&account);

    look(pid, trace_it, 1, NULL);
    look(pid, trace_it, 1, NULL); /* twice is the same as once */
    ask_word(pid, "x", NULL);
    cast_word(pid, "x");
    workers_settle();
    assert_int_equal(actor_seen(starter()).infos, 3);
    look(pid, trace_it, 0, NULL);
    ask_word(pid, "x", NULL);
    assert_int_equal(actor_seen(starter()).infos, 3);
}

static void look_at_all(struct process *p, void *context)
{
    const moult_pid *of = context;
    int error = moult_sys_trace(&p->ctx, of[0], true, 0);

    check(error == (of[1].bits ? -EUSERS : 0));
}

static void eight_are_told_at_most(void **state)
{
    moult_pid of[] = {serve(&account), {0}};

    for (int i = 0; i < 8; i++)
        actor_do(actor(false), look_at_all, of);
    of[1] = of[0];
    actor_do(actor(false), look_at_all, of);
}

static void look_at(struct process *p, void *context)
{
    struct look *l = context;

    l->error = moult_sys_trace(&p->ctx, l->pid, true, 0);
}

static void a_trace_ends_with_who_is_told(void **state)
{
    moult_pid pid = serve(&account), watcher = actor(false);
    struct look l = {.pid = pid};

    assert_int_equal(actor_do(watcher, look_at, &l), 0);
    signal_exit(NULL, watcher, MOULT_KILL, NULL);
    assert_gone(watcher);
    assert_int_equal(ask_word(pid, "x", NULL), 0);
    assert_int_equal(ask_word(pid, "x", NULL), 0);
    assert_trace("CC");
}

static moult_next trace_given(moult_ctx *ctx, void *state, moult_in *in)
{
    moult_pid pid = moult_get_pid(in);

    moult_sys_trace(ctx, pid, true, 0);
    return moult_noreply();
}

static char dropped[64];

static moult_next hear_dropped(moult_ctx *ctx, void *state, moult_in *in)
{
    moult_in value;

    if (moult_find(in, "count", &value))
        snprintf(dropped, sizeof(dropped), "%d", (int)moult_get_int(&value));
    return moult_noreply();
}

static const moult_server watcher = {.size = sizeof(moult_server),
                                     .handle_cast = trace_given,
                                     .handle_info = hear_dropped};

static void who_does_not_listen_holds_up_nobody_and_learns_what_it_missed(void **state)
{
    NEEDS_ONE_WORKER;
    moult_pid pid = serve(&account);
    struct started w =
        serve_child(starter(), &watcher, (moult_child){.id = "w", .mailbox_limit = 2});
    moult_out *m = moult_draft_outside();

    moult_put_pid(m, pid);
    moult_cast(NULL, w.pid, m);
    workers_settle();
    look(w.pid, suspend_it, 0, NULL);
    for (int i = 0; i < 5; i++)
        cast_word(pid, "x");
    assert_trace("AAAAA");
    look(w.pid, resume_it, 0, NULL);
    workers_settle();
    cast_word(pid, "x");
    workers_settle();
    assert_string_equal(dropped, "3");
}

/* -- secrets -- */

static int hide_messages(int32_t what, moult_in *value, moult_out *out)
{
    moult_put_text(out, what == MOULT_SHOW_STATE ? "a state" : "a message");
    return 0;
}

static int refuse_to_show(int32_t what, moult_in *value, moult_out *out)
{
    moult_put_text(out, "a sec");
    return -EIO;
}

static json_t *event_of(const char *name, uint64_t from)
{
    uint64_t missed = 0;
    json_t *event;

    while ((event = event_read(&from, &missed))) {
        if (strcmp(json_string_value(json_object_get(event, "event")), name) == 0)
            return event;
        json_decref(event);
    }
    return NULL;
}

static void a_secret_field_is_in_no_status_and_no_report(void **state)
{
    uint64_t from = event_next();
    moult_pid pid = serve(&account);
    struct look seen;
    json_t *event;

    look(pid, see_status, 0, &seen);
    assert_text(json_object_get(seen.seen, "state"), "password", "(secret)");
    json_decref(seen.seen);
    assert_int_equal(ask_word(pid, "crash", NULL), -EOWNERDEAD);
    event = event_of("server.crash", from);
    assert_non_null(event);
    assert_text(event, "reason", "the disk is on fire");
    assert_text(event, "message", "crash");
    assert_text(json_object_get(event, "state"), "password", "(secret)");
    assert_int_equal(number_in(json_object_get(event, "state"), "number"), 7);
    json_decref(event);
}

static void assert_shown(const moult_server *server, const char *state,
                         const char *message)
{
    uint64_t from = event_next();
    moult_pid pid = serve(server);
    struct look seen;
    json_t *event;

    look(pid, log_it, 10, NULL);
    look(pid, see_status, 0, &seen);
    assert_text(seen.seen, "state", state);
    json_decref(seen.seen);
    ask_word(pid, "x", NULL);
    look(pid, see_log, 0, &seen);
    assert_text(json_array_get(seen.seen, 0), "message", message);
    assert_text(json_array_get(seen.seen, 1), "message", "(hidden)");
    json_decref(seen.seen);
    ask_word(pid, "crash", NULL);
    event = event_of("server.crash", from);
    assert_text(event, "state", state);
    assert_text(event, "message", message);
    json_decref(event);
}

static void format_status_says_what_is_shown(void **state)
{
    moult_server server = account;

    server.format_status = hide_messages;
    assert_shown(&server, "a state", "a message");
}

static void nothing_is_shown_if_format_status_fails(void **state)
{
    moult_server server = account;

    server.format_status = refuse_to_show;
    assert_shown(&server, "(hidden)", "(hidden)");
}

static void an_end_in_good_order_is_not_reported(void **state)
{
    uint64_t from = event_next();

    assert_int_equal(look(serve(&account), end_it, MOULT_NORMAL, NULL), 0);
    assert_int_equal(look(serve(&account), end_it, MOULT_SHUTDOWN, NULL), 0);
    assert_int_equal(events_named("server.crash", from), 0);
    assert_int_equal(look(serve(&account), end_it, -EIO, NULL), 0);
    assert_int_equal(events_named("server.crash", from), 1);
}

/* -- stop -- */

static void stop_ends_it_by_terminate_and_waits(void **state)
{
    moult_pid pid = serve(&account);

    assert_int_equal(look(pid, end_it, MOULT_NORMAL, NULL), 0);
    assert_false(alive(pid));
    assert_trace("<0>");
    assert_int_equal(actor_seen(starter()).reason, MOULT_NORMAL);
    pid = serve(&account);
    look(pid, suspend_it, 0, NULL);
    assert_int_equal(look(pid, end_it, -ENOSPC, NULL), 0);
    assert_trace("<-28>");
    assert_int_equal(actor_seen(starter()).reason, -ENOSPC);
}

static void ends_otherwise(moult_ctx *ctx, void *state, int32_t reason)
{
    moult_exit(ctx, moult_self(ctx), -EIO);
    moult_sys_suspend(ctx, moult_parent(ctx), 1); /* where it notices */
}

static void stop_says_if_it_ended_for_another_reason(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server),
                                        .terminate = ends_otherwise};
    struct look l;

    assert_int_equal(look(serve(&server), end_it, MOULT_NORMAL, &l), -EOWNERDEAD);
    assert_int_equal(l.reason, -EIO);
}

static int end_it_in_time(moult_ctx *ctx, struct look *l)
{
    return moult_server_stop(ctx, l->pid, MOULT_NORMAL, 50);
}

static void never_comes_back(moult_ctx *ctx, void *state, int32_t reason)
{
    moult_in in;

    moult_call(ctx, moult_parent(ctx), moult_draft(ctx), MOULT_INFINITY, &in);
}

static void stop_in_time(struct process *p, void *context)
{
    run_look(p, context);
}

static void stop_gives_up_in_time_and_names_nobody_who_is_not_there(void **state)
{
    static const moult_server server = {.size = sizeof(moult_server),
                                        .terminate = never_comes_back};
    moult_pid pid = serve(&server), boss = actor(false);
    struct look l = {.run = end_it_in_time, .pid = pid};

    actor_post(boss, stop_in_time, &l);
    workers_settle();
    pass(50);
    assert_int_equal(l.error, -ETIMEDOUT);
    assert_int_equal(look((moult_pid){0}, end_it, 0, NULL), -ESRCH);
    assert_int_equal(look(starter(), end_it, 0, NULL), -EDEADLK);
    signal_exit(NULL, pid, MOULT_KILL, NULL);
    assert_gone(pid);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(suspends_are_not_counted),
        TEST(what_comes_meanwhile_is_served_in_order_when_it_goes_on),
        TEST(a_call_times_out_meanwhile_and_is_served_later),
        TEST(it_still_ends_with_its_parent),
        TEST(callers_are_told_if_it_ends_meanwhile),
        TEST(its_mailbox_is_as_large_as_before),
        TEST(a_timeout_begins_anew_when_it_is_looked_at),
        TEST(a_timeout_waits_while_suspended_and_begins_anew),
        TEST(a_message_that_waits_cancels_the_timeout_that_waits),
        TEST(its_state_can_be_seen_and_replaced),
        TEST(a_state_that_cannot_be_read_changes_nothing),
        TEST(a_suspended_server_can_be_looked_at_and_changed),
        TEST(its_status_says_what_it_is),
        TEST(nobody_can_ask_it_of_itself_or_of_nobody),
        TEST(statistics_count_from_when_they_are_asked_for),
        TEST(a_log_keeps_the_last_messages),
        TEST(a_trace_tells_what_comes_and_goes),
        TEST(eight_are_told_at_most),
        TEST(a_trace_ends_with_who_is_told),
        TEST(who_does_not_listen_holds_up_nobody_and_learns_what_it_missed),
        TEST(a_secret_field_is_in_no_status_and_no_report),
        TEST(format_status_says_what_is_shown),
        TEST(nothing_is_shown_if_format_status_fails),
        TEST(an_end_in_good_order_is_not_reported),
        TEST(stop_ends_it_by_terminate_and_waits),
        TEST(stop_says_if_it_ended_for_another_reason),
        TEST(stop_gives_up_in_time_and_names_nobody_who_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
