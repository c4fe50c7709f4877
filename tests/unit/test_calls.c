/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "name.h"
#include "sanitize.h"

/* -- a server that can do all that a callee can -- */

static moult_from kept;

static moult_next callee_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    int64_t n;

    if (moult_match(request, "keep")) {
        kept = *from;
        return moult_noreply();
    }
    if (moult_match(request, "stop"))
        return moult_stop_because(ctx, -ENODEV, "the %s is on fire", "printer");
    if (moult_match(request, "normal"))
        return moult_stop(MOULT_NORMAL);
    if (moult_match(request, "refuse"))
        return moult_refuse(ctx, -ERANGE, "1 to %d", 9);
    if (moult_match_int(request, "bytes", &n)) {
        char *text = calloc(1, (size_t)n);

        moult_put_bytes(reply, text, (size_t)n);
        free(text);
        return moult_reply();
    }
    moult_put_int(reply, moult_get_int(request) + 1);
    return moult_reply();
}

static moult_next callee_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_out *m;

    if (moult_match(message, "end"))
        return moult_stop_because(ctx, -EIO, "asked to");
    m = moult_draft(ctx);
    moult_put_int(m, 77);
    moult_reply_to(ctx, &kept, m);
    return moult_noreply();
}

static const moult_server callee = {.size = sizeof(moult_server),
                                    .handle_call = callee_call,
                                    .handle_cast = callee_cast};

/* -- what actors do -- */

struct call {
    moult_pid to;
    const char *word; /* or NULL: the number 41 */
    uint64_t timeout_ms;
    int error;
    int32_t reason;
    int64_t reply;
    char text[128];
    _Atomic bool done;
};

static void call(struct process *p, void *context)
{
    struct call *c = context;
    moult_out *m = moult_draft(&p->ctx);
    moult_in reply = {0};

    if (c->word)
        moult_put_text(m, c->word);
    else
        moult_put_int(m, 41);
    c->error = moult_call(&p->ctx, c->to, m, c->timeout_ms, &reply);
    if (!c->error)
        c->reply = moult_get_int(&reply);
    c->reason = moult_call_reason(&p->ctx);
    strncpy(c->text, moult_call_text(&p->ctx), sizeof(c->text) - 1);
    atomic_store(&c->done, true);
}

static struct call call_to(moult_pid to, const char *word)
{
    struct call c = {.to = to, .word = word};

    actor_do(actor(false), call, &c);
    return c;
}

static void a_call_is_answered(void **state)
{
    struct call c = call_to(serve(&callee), NULL);

    assert_int_equal(c.error, 0);
    assert_int_equal(c.reply, 42);
    assert_string_equal(c.text, "");
}

static void a_refusal_has_its_error_and_its_words(void **state)
{
    struct call c = call_to(serve(&callee), "refuse");

    assert_int_equal(c.error, -ERANGE);
    assert_string_equal(c.text, "1 to 9");
}

static void nobody_answers_at_once(void **state)
{
    struct call c = call_to((moult_pid){0}, NULL);

    assert_int_equal(c.error, -ESRCH);
    c = call_to((moult_pid){UINT64_MAX}, NULL);
    assert_int_equal(c.error, -ESRCH);
}

static void call_self(struct process *p, void *context)
{
    struct call *c = context;

    c->to = process_pid(p);
    call(p, c);
}

static void calling_oneself_is_an_error(void **state)
{
    struct call c = {0};

    actor_do(actor(false), call_self, &c);
    assert_int_equal(c.error, -EDEADLK);
    assert_string_not_equal(c.text, "");
}

static void a_callee_that_ends_in_the_call_says_why(void **state)
{
    moult_pid pid = serve(&callee);
    struct call c = call_to(pid, "stop");

    assert_int_equal(c.error, -EOWNERDEAD);
    assert_int_equal(c.reason, -ENODEV);
    assert_string_equal(c.text, "the printer is on fire");
    assert_gone(pid);
    c = call_to(pid, NULL);
    assert_int_equal(c.error, -ESRCH);
}

static void a_callee_that_ends_normally_in_the_call_is_dead_as_well(void **state)
{
    struct call c = call_to(serve(&callee), "normal");

    assert_int_equal(c.error, -EOWNERDEAD);
    assert_int_equal(c.reason, MOULT_NORMAL);
}

static void the_owner_of_a_kept_call_says_why_it_ended(void **state)
{
    moult_pid pid = serve(&callee);
    struct call c = {.to = pid, .word = "keep", .timeout_ms = MOULT_INFINITY};

    actor_post(actor(false), call, &c);
    workers_settle();
    assert_false(c.done);
    cast_word(pid, "end");
    workers_settle();
    assert_true(c.done);
    assert_int_equal(c.error, -EOWNERDEAD);
    assert_int_equal(c.reason, -EIO);
    assert_string_equal(c.text, "asked to");
}

/* An actor that blocks in a call of its own while it is called. */
static void a_call_that_is_queued_is_told_of_the_callees_end(void **state)
{
    moult_pid keeper = serve(&callee), busy = actor(false);
    struct call outer = {.to = busy, .timeout_ms = MOULT_INFINITY};
    struct call inner = {.to = keeper, .word = "keep", .timeout_ms = MOULT_INFINITY};

    actor_post(busy, call, &inner);
    workers_settle();
    actor_post(actor(false), call, &outer);
    workers_settle();
    assert_false(outer.done);
    signal_exit(NULL, busy, -EPIPE, "broken");
    workers_settle();
    assert_false(inner.done);
    assert_true(outer.done);
    assert_int_equal(outer.error, -EOWNERDEAD);
    assert_int_equal(outer.reason, -EPIPE);
    assert_string_equal(outer.text, "broken");
}

static void one_that_keeps_silent_times_out(void **state)
{
    struct call c = {.to = serve(&callee), .word = "keep", .timeout_ms = 100};

    actor_post(actor(false), call, &c);
    pass(99);
    assert_false(c.done);
    pass(1);
    assert_true(c.done);
    assert_int_equal(c.error, -ETIMEDOUT);
}

static void zero_is_five_seconds(void **state)
{
    struct call c = {.to = serve(&callee), .word = "keep"};

    actor_post(actor(false), call, &c);
    pass(4999);
    assert_false(c.done);
    pass(1);
    assert_int_equal(c.error, -ETIMEDOUT);
}

static void a_late_reply_is_dropped_and_never_delivered(void **state)
{
    moult_pid pid = serve(&callee), caller = actor(false);
    struct call late = {.to = pid, .word = "keep", .timeout_ms = 10},
                next = {.to = pid};
    struct seen seen;

    actor_post(caller, call, &late);
    pass(10);
    assert_int_equal(late.error, -ETIMEDOUT);
    cast_word(pid, "reply");
    actor_do(caller, call, &next);
    assert_int_equal(next.error, 0);
    assert_int_equal(next.reply, 42);
    seen = actor_seen(caller);
    assert_int_equal(seen.replies + seen.casts + seen.infos, 0);
}

static void the_callee_may_reply_later(void **state)
{
    moult_pid pid = serve(&callee);
    struct call c = {.to = pid, .word = "keep"};

    actor_post(actor(false), call, &c);
    workers_settle();
    cast_word(pid, "reply");
    workers_settle();
    assert_true(c.done);
    assert_int_equal(c.error, 0);
    assert_int_equal(c.reply, 77);
}

static void reply_for_another(struct process *p, void *context)
{
    int64_t *number = context;
    moult_out *m = moult_draft(&p->ctx);

    moult_put_int(m, *number);
    moult_reply_to(&p->ctx, &kept, m);
}

static void anybody_may_reply_and_a_second_reply_vanishes(void **state)
{
    moult_pid pid = serve(&callee), caller = actor(false);
    struct call c = {.to = pid, .word = "keep"};
    int64_t first = 1, second = 2;
    struct process *p;

    actor_post(caller, call, &c);
    workers_settle();
    actor_do(actor(false), reply_for_another, &first);
    actor_do(actor(false), reply_for_another, &second);
    cast_word(pid, "reply");
    workers_settle();
    assert_int_equal(c.reply, 1);
    assert_int_equal(actor_seen(caller).replies, 0);
    p = process_find(pid);
    assert_int_equal(p->relations->owed.count, 0); /* it was told */
}

static void a_thread_may_reply(void **state)
{
    struct call c = {.to = serve(&callee), .word = "keep"};
    moult_out *m;

    actor_post(actor(false), call, &c);
    workers_settle();
    m = moult_draft_outside();
    moult_put_int(m, 5);
    assert_int_equal(moult_reply_to(NULL, &kept, m), 0);
    workers_settle();
    assert_int_equal(c.reply, 5);
    assert_int_equal(moult_refuse_to(NULL, &kept, -EPERM, "again"), 0);
}

static void refuse_kept(struct process *p, void *unused)
{
    moult_refuse_to(&p->ctx, &kept, -EACCES, "no entry");
}

static void a_kept_call_can_be_refused(void **state)
{
    struct call c = {.to = serve(&callee), .word = "keep"};

    actor_post(actor(false), call, &c);
    workers_settle();
    actor_do(actor(false), refuse_kept, NULL);
    workers_settle();
    assert_int_equal(c.error, -EACCES);
    assert_string_equal(c.text, "no entry");
}

/* Replied to by another while the callback that was asked still runs. */
static moult_pid helper, keeper;
static moult_from delegated;

static void reply_outside_in(struct process *p, void *unused)
{
    moult_out *m = moult_draft(&p->ctx);
    int64_t number = 0;

    moult_put_int(m, 6);
    moult_reply_to(&p->ctx, &delegated, m);
    reply_for_another(p, &number);
}

static moult_next delegate_call(moult_ctx *ctx, void *state, const moult_from *from,
                                moult_in *request, moult_out *reply)
{
    moult_out *m = moult_draft(ctx);

    delegated = *from;
    actor_post(helper, reply_outside_in, NULL);
    moult_put_text(m, "keep");
    moult_call(ctx, keeper, m, 0, NULL);
    return moult_noreply();
}

static const moult_server delegate = {.size = sizeof(moult_server),
                                      .handle_call = delegate_call};

static void a_call_that_was_answered_during_its_callback_is_not_owed(void **state)
{
    moult_pid pid;
    struct process *p;
    int64_t reply;

    helper = actor(false);
    keeper = serve(&callee);
    pid = serve(&delegate);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ask_word(pid, "go", &reply), 0);
        assert_int_equal(reply, 6);
    }
    workers_settle();
    p = process_find(pid);
    assert_true(!p->relations || p->relations->owed.count == 0);
}

/* -- chains and circles -- */

static moult_next relay_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    moult_out *m = moult_draft(ctx);
    moult_in in;
    const char *text;
    char name[32];
    moult_pid to;
    size_t len;
    int error;

    if (moult_get_array(request) != 2)
        return moult_refuse(ctx, -EINVAL, "a list of a word and a number");
    text = moult_get_text(request, &len);
    snprintf(name, sizeof(name), "%.*s", (int)len, text);
    to = moult_whereis(name);
    moult_put_int(m, moult_get_int(request));
    error = moult_call(ctx, to, m, 100, &in);
    if (error)
        return moult_refuse(ctx, error, "relayed: %s", moult_call_text(ctx));
    moult_put_int(reply, moult_get_int(&in));
    return moult_reply();
}

static const moult_server relay = {.size = sizeof(moult_server),
                                   .handle_call = relay_call};

static moult_pid circle_of[2];

static moult_next circle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    moult_out *m = moult_draft(ctx);
    int error;

    if (moult_match(request, "there")) {
        moult_put_text(m, "back");
        error = moult_call(ctx, circle_of[1], m, 100, NULL);
    } else if (moult_match(request, "back")) {
        moult_put_text(m, "idle");
        error = moult_call(ctx, circle_of[0], m, 100, NULL);
    } else {
        moult_put_int(reply, 1);
        return moult_reply();
    }
    return moult_refuse(ctx, error, "%s", moult_call_text(ctx));
}

static const moult_server circle = {.size = sizeof(moult_server),
                                    .handle_call = circle_call};

static void a_chain_of_calls_is_answered_through(void **state)
{
    moult_pid first = serve_as(&relay, "first").pid;
    int64_t reply = 0;

    assert_int_equal(serve_as(&callee, "last").error, 0);
    assert_int_equal(ask_int(first, "last", 9, &reply), 0);
    assert_int_equal(reply, 10);
    assert_int_equal(ask_int(first, "nobody", 9, &reply), -ESRCH);
    assert_memory_equal(asked_text(), "relayed: ", 9);
}

static void two_that_call_each_other_time_out_and_hang_nobody(void **state)
{
    moult_pid other = serve(&callee);
    struct call c;
    int64_t reply;

    circle_of[0] = serve(&circle);
    circle_of[1] = serve(&circle);
    c = (struct call){.to = circle_of[0], .word = "there"};
    actor_post(actor(false), call, &c);
    workers_settle();
    assert_false(c.done);
    assert_int_equal(ask_word(other, "refuse", NULL), -ERANGE);
    pass(100);
    assert_true(c.done);
    assert_int_equal(c.error, -ETIMEDOUT);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask_word(circle_of[i], "idle", &reply), 0);
}

/* -- ends and crowds -- */

static void a_caller_can_be_killed_while_it_waits(void **state)
{
    moult_pid pid = serve(&callee), caller = actor(true);
    struct call c = {.to = pid, .word = "keep", .timeout_ms = MOULT_INFINITY};

    actor_post(caller, call, &c);
    workers_settle();
    signal_exit(NULL, caller, MOULT_KILL, NULL);
    assert_gone(caller);
    assert_false(c.done);
    cast_word(pid, "reply");
    assert_int_equal(call_to(pid, NULL).reply, 42);
}

static void reply_then_kill(struct process *p, void *context)
{
    int64_t number = 1;

    reply_for_another(p, &number);
    signal_exit(p, *(moult_pid *)context, MOULT_KILL, NULL);
}

static void a_reply_and_a_kill_that_arrive_together_leave_nothing_behind(void **state)
{
    moult_pid pid = serve(&callee), caller = actor(true), killer = actor(false);
    struct call c = {.to = pid, .word = "keep", .timeout_ms = MOULT_INFINITY};

    actor_post(caller, call, &c);
    workers_settle();
    actor_do(killer, reply_then_kill, &caller);
    assert_gone(caller);
}

static void thousands_of_callers_can_wait_at_once(void **state)
{
    uint32_t count = SANITIZED_THREADS ? 1000 : 10000;
    struct call *calls = calloc(count, sizeof(*calls));
    moult_pid pid = serve(&callee);

    for (uint32_t i = 0; i < count; i++) {
        calls[i] =
            (struct call){.to = pid, .word = "keep", .timeout_ms = MOULT_INFINITY};
        actor_post(actor(false), call, &calls[i]);
    }
    workers_settle(); /* all have asked */
    assert_int_equal(call_to(pid, NULL).reply, 42);
    cast_word(pid, "end");
    workers_settle();
    for (uint32_t i = 0; i < count; i++) {
        assert_true(calls[i].done);
        assert_int_equal(calls[i].error, -EOWNERDEAD);
    }
    free(calls);
}

static void ask_for_bytes(struct process *p, void *context)
{
    size_t *len = context;
    moult_out *m = moult_draft(&p->ctx);
    moult_in reply;

    moult_put_map(m, 1);
    moult_put_int_at(m, "bytes", 1 << 20);
    check(moult_call(&p->ctx, moult_whereis("big"), m, 0, &reply) == 0);
    moult_get_bytes(&reply, len);
}

static void a_reply_may_have_a_mebibyte(void **state)
{
    size_t len = 0;

    serve_as(&callee, "big");
    actor_do(actor(false), ask_for_bytes, &len);
    assert_int_equal(len, 1 << 20);
}

static void a_full_mailbox_refuses_a_call_and_a_cast(void **state)
{
    moult_pid silent = serve(&callee), busy = actor(false);
    struct call inner = {.to = silent, .word = "keep", .timeout_ms = MOULT_INFINITY};
    struct call c = {.to = busy};

    actor_post(busy, call, &inner);
    workers_settle();
    process_find(busy)->limit = 3;
    for (int i = 0; i < 3; i++)
        assert_int_equal(cast_int(busy, i), 0);
    assert_int_equal(cast_int(busy, 3), -EAGAIN);
    actor_do(actor(false), call, &c);
    assert_int_equal(c.error, -EAGAIN);
    cast_word(silent, "reply");
    workers_settle();
    assert_int_equal(actor_seen(busy).casts, 3);
}

/* -- stale pids -- */

static void a_message_to_a_pid_that_was_never_reaches_who_came_after(void **state)
{
    moult_pid old = actor(false), young;
    struct process *p = process_find(old);
    struct envelope *e = words("hello");
    struct call c;

    signal_exit(NULL, old, MOULT_KILL, NULL);
    assert_gone(old);
    young = actor(false);
    assert_ptr_equal(process_find(young), p); /* the slot is used again */
    assert_int_equal(cast_int(old, 1), -ESRCH);
    c = call_to(old, NULL);
    assert_int_equal(c.error, -ESRCH);
    /* As one that slipped through between the check and the push. */
    e->kind = ENVELOPE_CAST;
    e->to_generation = pid_generation(old);
    if (mailbox_push(&p->inbox, e, 100) > 0)
        worker_schedule(p);
    assert_int_equal(actor_seen(young).casts, 0);
}

static void slip_in(struct process *p, void *context)
{
    moult_pid *old = context;
    struct process *young = process_at(pid_index(*old));
    struct await a = {.ref = ++p->last_ref};
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    e->from = process_pid(p);
    e->ref = a.ref;
    e->to_generation = pid_generation(*old);
    if (mailbox_push(&young->inbox, e, 100) > 0)
        worker_schedule(young);
    check(process_await(p, &a, MOULT_INFINITY) == 0);
    check(a.reply->code == MOULT_NOPROC);
    envelope_destroy(a.reply);
}

static void a_call_that_slips_through_to_who_came_after_is_answered_noproc(void **state)
{
    moult_pid old = actor(false), young;

    signal_exit(NULL, old, MOULT_KILL, NULL);
    assert_gone(old);
    young = actor(false);
    assert_int_equal(pid_index(young), pid_index(old));
    assert_int_equal(actor_do(actor(false), slip_in, &old), 0);
    assert_true(alive(young));
}

/* -- under load, on two workers -- */

#define CALLERS 8
#define CALLS   2000

static void call_often(struct process *p, void *context)
{
    struct call *c = context;

    for (uint32_t i = 0; i < many(CALLS) && !c->error; i++) {
        call(p, c);
        if (!c->error && c->reply != 42)
            c->error = -EBADMSG;
    }
}

static void many_call_few_and_all_are_answered(void **state)
{
    struct call calls[CALLERS];
    moult_pid callees[3];

    for (int i = 0; i < 3; i++)
        callees[i] = serve(&callee);
    for (int i = 0; i < CALLERS; i++) {
        calls[i] = (struct call){.to = callees[i % 3], .timeout_ms = MOULT_INFINITY};
        actor_post(actor(false), call_often, &calls[i]);
    }
    workers_settle();
    for (int i = 0; i < CALLERS; i++) {
        assert_true(calls[i].done);
        assert_int_equal(calls[i].error, 0);
    }
}

/* Timeouts of a millisecond that come just as the caller goes to rest. */
static void wait_shortly(struct process *p, void *context)
{
    struct call *c = context;

    for (uint32_t i = 0; i < many(200); i++) {
        struct await a = {.ref = ++p->last_ref};

        if (process_await(p, &a, i % 2) != -ETIMEDOUT)
            return;
    }
    c->error = -ETIMEDOUT;
}

static void every_wait_ends_when_its_time_is_up(void **state)
{
    struct call calls[CALLERS] = {{.error = 0}};
    moult_pid waiters[CALLERS];

    for (int i = 0; i < CALLERS; i++)
        actor_post(waiters[i] = actor(false), wait_shortly, &calls[i]);
    for (int i = 0; i < CALLERS; i++) {
        actor_seen(waiters[i]); /* comes after it */
        assert_int_equal(calls[i].error, -ETIMEDOUT);
    }
}

struct caster {
    moult_pid to;
    _Atomic uint32_t *sent;
};

static void *cast_from_outside(void *context)
{
    struct caster *c = context;

    for (uint32_t i = 0; i < many(20000); i++)
        if (cast_int(c->to, 1) == 0)
            atomic_fetch_add(c->sent, 1);
    return NULL;
}

static void threads_outside_the_host_may_cast(void **state)
{
    _Atomic uint32_t sent = 0;
    struct caster caster = {actor(false), &sent};
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, cast_from_outside, &caster);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(sent, 3 * many(20000));
    assert_int_equal(actor_seen(caster.to).casts, sent);
}

struct stream {
    moult_pid to;
    int64_t from;
};

static void cast_in_order(struct process *p, void *context)
{
    struct stream *s = context;

    for (int64_t i = 1; i <= (int64_t)many(20000); i++) {
        moult_out *m = moult_draft(&p->ctx);

        moult_put_int(m, i);
        check(moult_cast(&p->ctx, s->to, m) == 0);
    }
}

static void casts_of_one_to_one_arrive_in_order_across_workers(void **state)
{
    struct stream streams[4];

    for (int i = 0; i < 4; i++) {
        streams[i] = (struct stream){.to = actor(false)};
        actor_post(actor(false), cast_in_order, &streams[i]);
    }
    workers_settle();
    for (int i = 0; i < 4; i++) {
        struct seen seen = actor_seen(streams[i].to);

        assert_int_equal(seen.casts, many(20000));
        assert_int_equal(seen.disorder, 0);
    }
}

static void some_are_killed_while_all_call(void **state)
{
    struct call calls[CALLERS];
    moult_pid callees[3], callers[CALLERS];

    for (int i = 0; i < 3; i++)
        callees[i] = serve(&callee);
    for (int i = 0; i < CALLERS; i++) {
        calls[i] = (struct call){.to = callees[i % 3], .timeout_ms = MOULT_INFINITY};
        actor_post(callers[i] = actor(false), call_often, &calls[i]);
    }
    for (int i = 0; i < CALLERS; i += 3)
        signal_exit(NULL, callers[i], MOULT_KILL, NULL);
    signal_exit(NULL, callees[1], MOULT_KILL, NULL);
    workers_settle();
    for (int i = 0; i < CALLERS; i++)
        if (i % 3 == 2)
            assert_int_equal(calls[i].error, 0);
        else if (i % 3 == 1)
            assert_true(calls[i].error == 0 || calls[i].error == -EOWNERDEAD ||
                        calls[i].error == -ESRCH);
}

#define ON_ONE(test) cmocka_unit_test_setup_teardown(test, one_worker, workers_end)
#define ON_TWO(test) cmocka_unit_test_setup_teardown(test, two_workers, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(a_call_is_answered),
        ON_ONE(a_refusal_has_its_error_and_its_words),
        ON_ONE(nobody_answers_at_once),
        ON_ONE(calling_oneself_is_an_error),
        ON_ONE(a_callee_that_ends_in_the_call_says_why),
        ON_ONE(a_callee_that_ends_normally_in_the_call_is_dead_as_well),
        ON_ONE(the_owner_of_a_kept_call_says_why_it_ended),
        ON_ONE(a_call_that_is_queued_is_told_of_the_callees_end),
        ON_ONE(one_that_keeps_silent_times_out),
        ON_ONE(zero_is_five_seconds),
        ON_ONE(a_late_reply_is_dropped_and_never_delivered),
        ON_ONE(the_callee_may_reply_later),
        ON_ONE(anybody_may_reply_and_a_second_reply_vanishes),
        ON_ONE(a_thread_may_reply),
        ON_ONE(a_kept_call_can_be_refused),
        ON_ONE(a_call_that_was_answered_during_its_callback_is_not_owed),
        ON_ONE(a_chain_of_calls_is_answered_through),
        ON_ONE(two_that_call_each_other_time_out_and_hang_nobody),
        ON_ONE(a_caller_can_be_killed_while_it_waits),
        ON_ONE(a_reply_and_a_kill_that_arrive_together_leave_nothing_behind),
        ON_ONE(thousands_of_callers_can_wait_at_once),
        ON_TWO(thousands_of_callers_can_wait_at_once),
        ON_ONE(a_reply_may_have_a_mebibyte),
        ON_TWO(a_reply_may_have_a_mebibyte),
        ON_ONE(a_full_mailbox_refuses_a_call_and_a_cast),
        ON_ONE(a_message_to_a_pid_that_was_never_reaches_who_came_after),
        ON_ONE(a_call_that_slips_through_to_who_came_after_is_answered_noproc),
        ON_ONE(many_call_few_and_all_are_answered),
        ON_TWO(many_call_few_and_all_are_answered),
        ON_TWO(every_wait_ends_when_its_time_is_up),
        ON_TWO(threads_outside_the_host_may_cast),
        ON_TWO(casts_of_one_to_one_arrive_in_order_across_workers),
        ON_TWO(some_are_killed_while_all_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
