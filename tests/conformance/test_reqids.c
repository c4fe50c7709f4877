/* SPDX-License-Identifier: Apache-2.0 */
/* Collections of calls that are not waited for one by one. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "harness.h"

/* -- who is asked: it answers with what it is told, when it is told to -- */

static moult_from kept[64];
static int64_t numbers[64];
static unsigned kept_count;

static moult_next late_call(moult_ctx *ctx, void *state, const moult_from *from,
                            moult_in *in, moult_out *reply)
{
    if (moult_match(in, "stop"))
        return moult_stop(-EIO);
    if (moult_match(in, "refuse"))
        return moult_refuse(ctx, -ERANGE, "too much");
    if (moult_peek(in) != MOULT_INT)
        return moult_noreply();
    kept[kept_count] = *from;
    numbers[kept_count++] = moult_get_int(in);
    return moult_noreply();
}

static const moult_server late = {.size = sizeof(moult_server),
                                  .handle_call = late_call};

static moult_next quick_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *in, moult_out *reply)
{
    moult_put_int(reply, moult_get_int(in) + 1);
    return moult_reply();
}

static const moult_server quick = {.size = sizeof(moult_server),
                                   .handle_call = quick_call};

/* The request number `i` is answered with 100 times that. */
static void answer(unsigned i)
{
    moult_out *m = moult_draft_outside();

    moult_put_int(m, numbers[i] * 100);
    moult_reply_to(NULL, &kept[i], m);
}

/* -- who asks -- */

typedef void errand(moult_ctx *ctx, void *context);

static moult_reqids all;
static char told[512];

static void note(const char *format, ...)
{
    size_t len = strlen(told);
    va_list args;

    va_start(args, format);
    vsnprintf(told + len, sizeof(told) - len, format, args);
    va_end(args);
}

static void note_response(moult_response r, uint64_t label)
{
    note("%d:[%d %d %d %.*s]", (int)label, r.error, r.reason,
         r.error ? 0 : (int)moult_get_int(&r.reply), (int)r.text_len, r.text);
}

static moult_next asker_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    errand *run = (errand *)(uintptr_t)moult_get_uint(request);

    run(ctx, (void *)(uintptr_t)moult_get_uint(request));
    moult_put_null(reply);
    return moult_with_hibernate(moult_reply());
}

static moult_next asker_info(moult_ctx *ctx, void *state, moult_in *message)
{
    moult_response r;
    uint64_t label;

    if (moult_reqids_check(ctx, all, message, &r, &label)) {
        note("checked ");
        note_response(r, label);
    } else if (moult_match_response(message, &r)) {
        note("unknown ");
        note_response(r, 0);
    }
    return moult_noreply();
}

static const moult_server asker = {
    .size = sizeof(moult_server), .handle_call = asker_call, .handle_info = asker_info};

static moult_pid it, other;
static uint64_t last_ref;

static void make(moult_ctx *ctx, void *context)
{
    all = moult_reqids_new(ctx);
    check(all != 0);
}

static struct envelope *order(errand *run, void *context)
{
    struct envelope *e = envelope_create(ENVELOPE_CALL);

    moult_put_uint(&e->out, (uintptr_t)run);
    moult_put_uint(&e->out, (uintptr_t)context);
    return e;
}

static void run(errand *what, void *context)
{
    ask_and_wait(it, order(what, context), MOULT_INFINITY, NULL, NULL, 0);
    workers_settle();
}

static void finished(void *context, int error, const char *text, moult_in *in)
{
}

/* The same, without waiting for it to end. */
static void begin_to(errand *what, void *context)
{
    ask(it, order(what, context), MOULT_INFINITY, finished, NULL);
    workers_settle();
}

static int begin_on(int workers(void **), void **state)
{
    workers(state);
    told[0] = 0;
    kept_count = 0;
    it = serve(&asker);
    other = serve(&late);
    run(make, NULL);
    return 0;
}

static int begin(void **state)
{
    return begin_on(one_worker, state);
}

static int begin_on_all(void **state)
{
    return begin_on(two_workers, state);
}

static void assert_told(const char *expected)
{
    workers_settle();
    assert_string_equal(told, expected);
    told[0] = 0;
}

static moult_out *number(moult_ctx *ctx, int64_t n)
{
    moult_out *m = moult_draft(ctx);

    moult_put_int(m, n);
    return m;
}

static moult_out *word(moult_ctx *ctx, const char *what)
{
    moult_out *m = moult_draft(ctx);

    moult_put_text(m, what);
    return m;
}

/* Ask three, labelled 1 to 3. */
static void ask_three(moult_ctx *ctx, void *context)
{
    for (int i = 1; i <= 3; i++)
        check(moult_reqids_send(ctx, all, other, number(ctx, i), (uint64_t)i) == 0);
}

typedef int taking(moult_ctx *ctx, moult_reqids all, uint64_t timeout_ms,
                   moult_response *response, uint64_t *label);

static void take_with(moult_ctx *ctx, taking *take, uint64_t timeout_ms)
{
    moult_response r;
    uint64_t label;
    int error = take(ctx, all, timeout_ms, &r, &label);

    if (error)
        note("%s ", error == -ETIMEDOUT ? "late" : error == -ENOENT ? "none" : "?");
    else
        note_response(r, label);
}

static void receive(moult_ctx *ctx, void *context)
{
    take_with(ctx, moult_reqids_receive, 100);
}

static void wait(moult_ctx *ctx, void *context)
{
    take_with(ctx, moult_reqids_wait, 100);
}

static void look(moult_ctx *ctx, void *context)
{
    take_with(ctx, moult_reqids_wait, MOULT_NOW);
}

static void receive_two(moult_ctx *ctx, void *context)
{
    receive(ctx, NULL);
    receive(ctx, NULL);
}

static void tell_size(moult_ctx *ctx, void *context)
{
    note("%d ", (int)moult_reqids_size(ctx, all));
}

/* -- receiving -- */

static void what_comes_first_is_received_first(void **state)
{
    run(ask_three, NULL);
    begin_to(receive_two, NULL);
    answer(1);
    workers_settle();
    answer(2);
    assert_told("2:[0 0 200 ]3:[0 0 300 ]");
    run(tell_size, NULL);
    assert_told("1 ");
}

static void ask_and_look(moult_ctx *ctx, void *context)
{
    ask_three(ctx, NULL);
    moult_reqids_send(ctx, all, other, word(ctx, "refuse"), 4);
    look(ctx, NULL);
    receive(ctx, NULL);
}

static void without_time_it_only_looks(void **state)
{
    NEEDS_ONE_WORKER;
    run(ask_and_look, NULL);
    assert_told("late 4:[-34 0 0 too much]");
}

static void receive_all(moult_ctx *ctx, void *context)
{
    for (int i = 0; i < 4; i++)
        receive(ctx, NULL);
}

static void of_none_nothing_is_to_come(void **state)
{
    run(ask_three, NULL);
    begin_to(receive_all, NULL);
    for (unsigned i = 0; i < 3; i++)
        answer(i);
    assert_told("1:[0 0 100 ]2:[0 0 200 ]3:[0 0 300 ]none ");
}

static void who_ends_fails_its_request_alone(void **state)
{
    run(ask_three, NULL);
    answer(0);
    begin_to(receive, NULL); /* as an info it has come already */
    assert_told("checked 1:[0 0 100 ]");
    signal_exit(NULL, other, -EIO, NULL);
    workers_settle();
    assert_non_null(strstr(told, ":[-130 -5 0 Input/output error]"));
    assert_non_null(strstr(told, "checked "));
}

static void when_time_is_up_all_are_given_up(void **state)
{
    run(ask_three, NULL);
    begin_to(receive, NULL);
    pass(100);
    assert_told("late ");
    run(tell_size, NULL);
    assert_told("0 ");
    answer(0);
    answer(1);
    assert_told("");
}

static void or_they_may_still_come(void **state)
{
    run(ask_three, NULL);
    begin_to(wait, NULL);
    pass(100);
    assert_told("late ");
    begin_to(wait, NULL);
    answer(2);
    assert_told("3:[0 0 300 ]");
    answer(0);
    assert_told("checked 1:[0 0 100 ]");
}

/* -- in handle_info -- */

static void what_nobody_waits_for_is_checked(void **state)
{
    run(ask_three, NULL);
    answer(1);
    assert_told("checked 2:[0 0 200 ]");
    answer(1); /* once */
    assert_told("");
    run(tell_size, NULL);
    assert_told("2 ");
}

static void forget_it(moult_ctx *ctx, void *context)
{
    moult_reqids_delete(ctx, all);
    moult_reqids_delete(ctx, all);
    tell_size(ctx, NULL);
}

static void without_their_collection_they_come_all_the_same(void **state)
{
    run(ask_three, NULL);
    run(forget_it, NULL);
    answer(0);
    assert_told("0 unknown 0:[0 0 100 ]");
    run(receive, NULL);
    assert_told("none ");
}

static void make_another(moult_ctx *ctx, void *context)
{
    *(moult_reqids *)context = all;
    make(ctx, NULL);
}

static void what_came_in_another_way_is_not_waited_for(void **state)
{
    moult_reqids first = 0;

    run(ask_three, NULL);
    run(make_another, &first); /* so that handle_info looks there */
    for (unsigned i = 0; i < 3; i++)
        answer(i);
    workers_settle();
    told[0] = 0;
    all = first;
    run(receive, NULL);
    assert_told("none ");
}

/* -- what is in one -- */

static void add(moult_ctx *ctx, void *context)
{
    check(moult_send_request(ctx, other, number(ctx, 7), &last_ref) == 0);
    check(moult_reqids_add(ctx, all, last_ref, 70) == 0);
    check(moult_reqids_add(ctx, all, last_ref, 71) == -EEXIST);
    check(moult_reqids_add(ctx, all, last_ref + 1, 0) == -ENOENT);
    check(moult_reqids_add(ctx, all + 1, last_ref, 0) == -ENOENT);
}

static void tell_list(moult_ctx *ctx, void *context)
{
    moult_reqid list[2] = {{0}};

    check(moult_reqids_to_list(ctx, all, NULL, 0) == 1);
    check(moult_reqids_to_list(ctx, all, list, 2) == 1);
    check(list[0].ref == last_ref && list[0].label == 70);
    check(moult_reqids_to_list(ctx, all + 1, list, 2) == 0);
}

static void a_request_is_added_once(void **state)
{
    run(add, NULL);
    run(tell_list, NULL);
    answer(0);
    assert_told("checked 70:[0 0 700 ]");
}

static void make_too_many(moult_ctx *ctx, void *context)
{
    moult_reqids last = 0;
    int made = 1; /* at the beginning */

    while ((all = moult_reqids_new(ctx))) {
        last = all;
        made++;
    }
    note("%d ", made);
    moult_reqids_delete(ctx, last);
    note(moult_reqids_new(ctx) ? "one " : "none ");
}

static void there_are_a_thousand_at_most(void **state)
{
    run(make_too_many, NULL);
    assert_told("1000 one ");
}

static void ask_in_vain(moult_ctx *ctx, void *context)
{
    moult_reqids none = all + 1000;

    note("%d ", moult_reqids_send(ctx, all, (moult_pid){0}, number(ctx, 1), 1));
    note("%d ", moult_reqids_send(ctx, none, other, number(ctx, 1), 1));
    tell_size(ctx, NULL);
}

static void what_can_not_be_asked_is_not_in_it(void **state)
{
    char expected[64];

    run(ask_in_vain, NULL);
    snprintf(expected, sizeof(expected), "%d %d 0 ", -ESRCH, -ENOENT);
    assert_told(expected);
    assert_int_equal(kept_count, 0);
}

/* -- on all cores -- */

#define MANY 2000

static void ask_many(moult_ctx *ctx, void *context)
{
    moult_pid to = *(moult_pid *)context;
    unsigned count = many(MANY);
    uint64_t label, sum = 0, answers = 0;
    moult_response r;

    for (unsigned i = 0; i < count; i++)
        check(moult_reqids_send(ctx, all, to, number(ctx, i), i) == 0);
    while (moult_reqids_receive(ctx, all, MOULT_INFINITY, &r, &label) == 0) {
        check(moult_get_int(&r.reply) == (int64_t)label + 1);
        sum += label;
        answers++;
    }
    check(answers == count && sum == (uint64_t)count * (count - 1) / 2);
    note("done");
}

static void all_of_many_are_received_once(void **state)
{
    moult_pid to = serve(&quick);

    run(ask_many, &to);
    assert_told("done");
}

#define TEST(test)   cmocka_unit_test_setup_teardown(test, begin, workers_end)
#define ON_ALL(test) cmocka_unit_test_setup_teardown(test, begin_on_all, workers_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_comes_first_is_received_first),
        TEST(without_time_it_only_looks),
        TEST(of_none_nothing_is_to_come),
        TEST(who_ends_fails_its_request_alone),
        TEST(when_time_is_up_all_are_given_up),
        TEST(or_they_may_still_come),
        TEST(what_nobody_waits_for_is_checked),
        TEST(without_their_collection_they_come_all_the_same),
        TEST(what_came_in_another_way_is_not_waited_for),
        TEST(a_request_is_added_once),
        TEST(what_can_not_be_asked_is_not_in_it),
        TEST(there_are_a_thousand_at_most),
        ON_ALL(all_of_many_are_received_once),
    };

    return cmocka_run_group_tests_name("reqids", tests, NULL, NULL);
}
