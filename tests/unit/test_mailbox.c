/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include "mailbox.h"

#define SENDERS 4
#define EACH    20000

static struct envelope *numbered(enum envelope_kind kind, uint64_t number)
{
    struct envelope *e = envelope_create(kind);

    assert_non_null(e);
    e->ref = number;
    return e;
}

static uint64_t word(enum mailbox_state state)
{
    return mailbox_word(NULL, 0, state);
}

static void drop(mailbox *box)
{
    struct envelope *e = mailbox_take(box), *next;

    for (; e; e = next) {
        next = e->next;
        envelope_destroy(e);
    }
}

static void what_is_taken_is_in_the_order_of_arrival(void **state)
{
    mailbox box = word(MAILBOX_RUN);
    struct envelope *e, *next;

    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_CAST, i), 100), 0);
    assert_int_equal(mailbox_count(box), 10);
    e = mailbox_in_order(mailbox_take(&box));
    for (uint64_t i = 0; i < 10; i++, e = next) {
        assert_int_equal(e->ref, i);
        next = e->next;
        envelope_destroy(e);
    }
    assert_null(e);
    assert_int_equal(mailbox_count(box), 0);
    assert_false(mailbox_has(&box));
}

struct sender {
    mailbox *box;
    uint64_t index;
    _Atomic uint32_t *woken;
};

static void *send_numbers(void *argument)
{
    struct sender *s = argument;

    for (uint64_t i = 0; i < EACH; i++) {
        struct envelope *e = numbered(ENVELOPE_CAST, s->index << 32 | i);
        int woken = mailbox_push(s->box, e, MAILBOX_LIMIT);

        assert_true(woken >= 0);
        atomic_fetch_add(s->woken, (uint32_t)woken);
    }
    return NULL;
}

/* Take what is there; how many, and each sender's are in order. */
static uint32_t take_numbers(mailbox *box, uint64_t next[SENDERS])
{
    struct envelope *e = mailbox_in_order(mailbox_take(box)), *later;
    uint32_t count = 0;

    for (; e; e = later, count++) {
        assert_int_equal(e->ref & 0xffffffff, next[e->ref >> 32]++);
        later = e->next;
        envelope_destroy(e);
    }
    return count;
}

static void threads_keep_their_order_and_wake_who_rests_exactly_once(void **state)
{
    mailbox box = word(MAILBOX_IDLE);
    _Atomic uint32_t woken = 0;
    uint32_t taken = 0, rests = 0;
    uint64_t next[SENDERS] = {0};
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];

    for (uint64_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&box, i, &woken};
        pthread_create(&threads[i], NULL, send_numbers, &senders[i]);
    }
    while (taken < SENDERS * EACH) {
        if (mailbox_state(atomic_load(&box)) != MAILBOX_RUN)
            continue;
        taken += take_numbers(&box, next);
        rests += mailbox_rest(&box, MAILBOX_IDLE);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(rests > 0);
    /* It rested once more at the start, and is not woken from its last rest. */
    assert_int_equal(woken, rests + (mailbox_state(box) == MAILBOX_RUN));
}

static void one_that_is_closed_refuses_everything(void **state)
{
    mailbox box = word(MAILBOX_RUN);
    struct envelope *e = numbered(ENVELOPE_CAST, 0);

    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_CAST, 1), 100), 0);
    envelope_destroy(mailbox_close(&box));
    assert_int_equal(mailbox_push(&box, e, 100), -ESRCH);
    envelope_reset(e, ENVELOPE_EXIT);
    assert_int_equal(mailbox_push(&box, e, 100), -ESRCH);
    assert_false(mailbox_claim(&box, MAILBOX_IDLE));
    envelope_destroy(e);
}

static void one_that_is_full_refuses_messages_and_never_signals(void **state)
{
    mailbox box = word(MAILBOX_RUN);
    struct envelope *e = numbered(ENVELOPE_CALL, 0);

    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_INFO, i), 3), 0);
    assert_int_equal(mailbox_push(&box, e, 3), -EAGAIN);
    assert_int_equal(mailbox_push(&box, e, 0), -EAGAIN);
    envelope_reset(e, ENVELOPE_EXIT);
    assert_int_equal(mailbox_push(&box, e, 0), 0);
    assert_int_equal(mailbox_count(box), 4);
    drop(&box);
}

static void an_idle_one_wakes_for_anything(void **state)
{
    mailbox box = word(MAILBOX_IDLE);

    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_CAST, 0), 9), 1);
    assert_int_equal(mailbox_state(box), MAILBOX_RUN);
    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_CAST, 1), 9), 0);
    drop(&box);
    assert_true(mailbox_rest(&box, MAILBOX_IDLE));
    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_LINK, 2), 9), 1);
    drop(&box);
}

static void one_that_waits_wakes_for_signals_alone(void **state)
{
    mailbox box = word(MAILBOX_WAIT);

    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_CALL, 0), 9), 0);
    assert_int_equal(mailbox_state(box), MAILBOX_WAIT);
    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_REPLY, 1), 9), 1);
    assert_int_equal(mailbox_state(box), MAILBOX_RUN);
    drop(&box);
}

static void one_that_is_held_wakes_only_when_it_is_claimed(void **state)
{
    mailbox box = word(MAILBOX_HELD);

    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_CALL, 0), 9), 0);
    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_EXIT, 1), 9), 0);
    assert_int_equal(mailbox_state(box), MAILBOX_HELD);
    assert_false(mailbox_claim(&box, MAILBOX_WAIT));
    assert_true(mailbox_claim(&box, MAILBOX_HELD));
    assert_false(mailbox_claim(&box, MAILBOX_HELD));
    assert_int_equal(mailbox_count(box), 2);
    drop(&box);
}

static void nobody_rests_on_what_has_arrived(void **state)
{
    mailbox box = word(MAILBOX_RUN);

    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_CAST, 0), 9), 0);
    assert_false(mailbox_rest(&box, MAILBOX_IDLE));
    assert_false(mailbox_rest(&box, MAILBOX_WAIT));
    drop(&box);
    assert_true(mailbox_rest(&box, MAILBOX_WAIT));
}

static void the_count_stops_where_its_bits_end(void **state)
{
    mailbox box = mailbox_word(NULL, MAILBOX_COUNT_MAX, MAILBOX_RUN);

    assert_int_equal(mailbox_push(&box, numbered(ENVELOPE_EXIT, 7), 0), 0);
    assert_int_equal(mailbox_count(box), MAILBOX_COUNT_MAX);
    assert_int_equal(mailbox_state(box), MAILBOX_RUN);
    assert_int_equal(mailbox_newest(box)->ref, 7);
    drop(&box);
}

static void
a_nudge_wakes_one_that_waits_and_keeps_one_that_runs_from_resting(void **state)
{
    mailbox box = word(MAILBOX_WAIT);

    assert_true(mailbox_nudge(&box));
    assert_int_equal(box, word(MAILBOX_RUN));
    assert_false(mailbox_nudge(&box));
    assert_false(mailbox_rest(&box, MAILBOX_WAIT));
    assert_true(mailbox_has(&box));
    assert_null(mailbox_take(&box));
    assert_true(mailbox_rest(&box, MAILBOX_WAIT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_in_the_order_of_arrival),
        cmocka_unit_test(threads_keep_their_order_and_wake_who_rests_exactly_once),
        cmocka_unit_test(one_that_is_closed_refuses_everything),
        cmocka_unit_test(one_that_is_full_refuses_messages_and_never_signals),
        cmocka_unit_test(an_idle_one_wakes_for_anything),
        cmocka_unit_test(one_that_waits_wakes_for_signals_alone),
        cmocka_unit_test(one_that_is_held_wakes_only_when_it_is_claimed),
        cmocka_unit_test(nobody_rests_on_what_has_arrived),
        cmocka_unit_test(the_count_stops_where_its_bits_end),
        cmocka_unit_test(
            a_nudge_wakes_one_that_waits_and_keeps_one_that_runs_from_resting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
