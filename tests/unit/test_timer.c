/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "timer.h"

#define TIMERS 512u
#define FAR    ((uint64_t)1 << 30) /* ms: 64 to the fifth, what the wheel holds */

/* A timer and what the model knows about it. */
struct alarm {
    struct timer timer;
    bool waits;
    uint32_t fired;
};

static struct wheel wheel;
static uint64_t now_ms;

static void fire(struct timer *t)
{
    struct alarm *a = (struct alarm *)t;

    assert_true(a->waits);
    assert_true(t->due_ms <= wheel.now_ms); /* never early */
    a->waits = false;
    a->fired++;
}

static void begin(uint64_t at_ms)
{
    now_ms = at_ms;
    wheel_init(&wheel, now_ms);
}

static void arm(struct alarm *a, uint64_t due_ms)
{
    memset(&a->timer, 0, sizeof(a->timer));
    a->timer.fire = fire;
    a->waits = true;
    timer_start(&a->timer, &wheel, due_ms);
}

static void advance(uint64_t to_ms)
{
    now_ms = to_ms;
    wheel_advance(&wheel, to_ms);
}

static uint64_t some_delay(void)
{
    static const uint64_t reach[] = {2, 70, 5000, 300000, 20000000, FAR, 3 * FAR};

    return random_bits() % reach[random_below(sizeof(reach) / sizeof(*reach))];
}

/* Whatever is due has fired, and nothing else has. */
static void check(const struct alarm *alarms)
{
    uint64_t next = TIMER_NEVER;

    for (uint32_t i = 0; i < TIMERS; i++) {
        if (!alarms[i].waits)
            continue;
        assert_true(alarms[i].timer.due_ms > now_ms);
        if (alarms[i].timer.due_ms < next)
            next = alarms[i].timer.due_ms;
    }
    assert_true(atomic_load(&wheel.next_ms) <= next);
}

static void walk(uint64_t from_ms, uint32_t steps)
{
    static struct alarm alarms[TIMERS];

    memset(alarms, 0, sizeof(alarms));
    begin(from_ms);
    for (uint32_t step = 0; step < steps; step++) {
        struct alarm *a = &alarms[random_below(TIMERS)];

        if (!a->waits) {
            arm(a, now_ms + 1 + some_delay());
        } else if (random_below(3) == 0) {
            assert_true(timer_cancel(&a->timer));
            assert_false(timer_cancel(&a->timer));
            a->waits = false;
        }
        if (random_below(4) == 0) {
            advance(now_ms + some_delay() % (1 + some_delay()));
            check(alarms);
        }
    }
    advance(now_ms + 4 * FAR);
    for (uint32_t i = 0; i < TIMERS; i++)
        assert_false(alarms[i].waits);
}

static void each_fires_once_when_due_and_none_is_early(void **state)
{
    walk(12345678, 20000);
}

static void nothing_is_lost_where_the_wheel_comes_round(void **state)
{
    for (uint64_t turn = 1; turn < 4; turn++)
        walk(turn * FAR - 100, 2000);
}

static void one_of_six_ms_is_six_ms_also_across_the_turn_of_the_wheel(void **state)
{
    struct alarm a = {0};

    begin(FAR - 1);
    arm(&a, FAR + 5);
    advance(FAR + 4);
    assert_int_equal(a.fired, 0);
    advance(FAR + 5);
    assert_int_equal(a.fired, 1);
}

static void one_that_is_further_than_the_wheel_fires_when_due(void **state)
{
    struct alarm a = {0};
    uint64_t due = 1000 + 5 * FAR + 17;

    begin(1000);
    arm(&a, due);
    while (now_ms + FAR / 3 < due)
        advance(now_ms + FAR / 3);
    advance(due - 1);
    assert_int_equal(a.fired, 0);
    advance(due);
    assert_int_equal(a.fired, 1);
}

static void one_that_was_due_already_fires_at_the_next_tick(void **state)
{
    struct alarm a = {0};

    begin(1000);
    arm(&a, 500);
    advance(1001);
    assert_int_equal(a.fired, 1);
}

static void starting_tells_whether_it_is_the_first(void **state)
{
    struct alarm a = {0}, b = {0}, c = {0};

    begin(0);
    a.timer.fire = b.timer.fire = c.timer.fire = fire;
    assert_true(timer_start(&a.timer, &wheel, 100));
    assert_false(timer_start(&b.timer, &wheel, 200));
    assert_true(timer_start(&c.timer, &wheel, 50));
}

static void one_that_never_started_can_be_cancelled(void **state)
{
    struct timer t = {0};

    assert_false(timer_cancel(&t));
}

/* -- with threads -- */

#define ROUNDS 2000u

static struct {
    struct timer timers[ROUNDS];
    uint8_t fired[ROUNDS], freed[ROUNDS]; /* the wheel's lock orders them */
    _Atomic bool done;
} race;

static void fire_unless_freed(struct timer *t)
{
    size_t i = (size_t)(t - race.timers);

    assert_true(!race.freed[i]);
    race.fired[i]++;
}

static void *advance_on(void *unused)
{
    while (!atomic_load(&race.done))
        wheel_advance(&wheel, atomic_load(&wheel.next_ms) == TIMER_NEVER
                                  ? wheel.now_ms
                                  : atomic_load(&wheel.next_ms));
    return NULL;
}

static void who_cancelled_knows_that_it_does_not_fire_any_more(void **state)
{
    pthread_t thread;
    uint32_t cancelled = 0;

    memset(&race, 0, sizeof(race));
    begin(0);
    pthread_create(&thread, NULL, advance_on, NULL);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        bool waited;

        race.timers[i].fire = fire_unless_freed;
        timer_start(&race.timers[i], &wheel, i + 1 + i % 3);
        for (uint32_t spin = random_below(100); spin--;)
            __asm__ volatile("");
        waited = timer_cancel(&race.timers[i]);
        race.freed[i] = 1;
        assert_int_equal(race.fired[i], !waited);
        cancelled += waited;
    }
    atomic_store(&race.done, true);
    pthread_join(thread, NULL);
    print_message("%u of %u were cancelled in time\n", cancelled, ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fires_once_when_due_and_none_is_early),
        cmocka_unit_test(nothing_is_lost_where_the_wheel_comes_round),
        cmocka_unit_test(one_of_six_ms_is_six_ms_also_across_the_turn_of_the_wheel),
        cmocka_unit_test(one_that_is_further_than_the_wheel_fires_when_due),
        cmocka_unit_test(one_that_was_due_already_fires_at_the_next_tick),
        cmocka_unit_test(starting_tells_whether_it_is_the_first),
        cmocka_unit_test(one_that_never_started_can_be_cancelled),
        cmocka_unit_test(who_cancelled_knows_that_it_does_not_fire_any_more),
    };

    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
