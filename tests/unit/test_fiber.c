/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber.h"
#include "sanitize.h"

static struct fiber thread;
static struct fiber *first, *second;
static char trace[64];
static size_t traced;

static void note(char mark)
{
    trace[traced++] = mark;
    trace[traced] = 0;
}

/* cmocka leaves a failed test by a long jump, which must not be from a fiber's stack. */
static int begin(void **state)
{
    traced = 0;
    trace[0] = 0;
    fiber_adopt_thread(&thread);
    return 0;
}

static void ping(void)
{
    for (int i = '0'; i < '3'; i++) {
        note((char)i);
        fiber_switch(first, second);
    }
    fiber_leave(first, &thread);
}

static void pong(void)
{
    for (char i = 'a';; i++) {
        note(i);
        fiber_switch(second, first);
    }
}

static void two_take_turns_and_keep_their_places(void **state)
{
    first = fiber_create(FIBER_STACK, ping);
    second = fiber_create(FIBER_STACK, pong);
    fiber_switch(&thread, first);
    assert_string_equal(trace, "0a1b2c");
    fiber_destroy(first);
    fiber_destroy(second);
}

static void leave_at_once(void)
{
    note('x');
    fiber_leave(first, &thread);
}

static void one_that_was_abandoned_begins_anew(void **state)
{
    first = fiber_create(16384, leave_at_once);
    for (int i = 0; i < 3; i++) {
        fiber_switch(&thread, first);
        fiber_rewind(first);
    }
    assert_string_equal(trace, "xxx");
    fiber_destroy(first);
}

static __attribute__((noinline)) uint64_t mix(uint64_t depth)
{
    volatile uint64_t here = depth * UINT64_C(0x9e3779b97f4a7c15);

    if (depth % 16 == 0)
        fiber_switch(first, &thread);
    return depth ? here ^ mix(depth - 1) : here;
}

static uint64_t mixed;

static void mix_deep(void)
{
    mixed = mix(128);
    fiber_leave(first, &thread);
}

static uint64_t mix_plain(uint64_t depth)
{
    uint64_t here = depth * UINT64_C(0x9e3779b97f4a7c15);

    return depth ? here ^ mix_plain(depth - 1) : here;
}

static void a_deep_stack_survives_its_switches(void **state)
{
    first = fiber_create(FIBER_STACK, mix_deep);
    for (int i = 0; i <= 9; i++)
        fiber_switch(&thread, first);
    assert_int_equal(mixed, mix_plain(128));
    fiber_destroy(first);
}

static void *go_on_elsewhere(void *unused)
{
    struct fiber here;

    fiber_adopt_thread(&here);
    thread = here;
    fiber_switch(&thread, first);
    return NULL;
}

static void two_steps(void)
{
    note('1');
    fiber_switch(first, &thread);
    note('2');
    fiber_leave(first, &thread);
}

static void one_goes_on_on_another_thread(void **state)
{
    pthread_t other;

    first = fiber_create(FIBER_STACK, two_steps);
    fiber_switch(&thread, first);
    pthread_create(&other, NULL, go_on_elsewhere, NULL);
    pthread_join(other, NULL);
    assert_string_equal(trace, "12");
    fiber_destroy(first);
}

static __attribute__((noinline)) int eat(int depth)
{
    volatile char space[4096];

    memset((void *)(uintptr_t)space, depth, sizeof(space));
    return depth < 100000 ? eat(depth + 1) + space[1] : space[0];
}

static void overflow(void)
{
    mixed = (uint64_t)eat(0);
    fiber_leave(first, &thread);
}

static void one_that_outgrows_its_stack_faults(void **state)
{
    pid_t child;
    int status;

    if (SANITIZED_MEMORY || SANITIZED_THREADS)
        skip(); /* they report the fault in their own way, slowly */
    child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        first = fiber_create(65536, overflow);
        fiber_switch(&thread, first);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void thousands_fit_the_address_space(void **state)
{
    size_t count = SANITIZED_THREADS ? 1000 : 20000;
    struct fiber **fibers = calloc(count, sizeof(struct fiber *));

    for (size_t i = 0; i < count; i++) {
        fibers[i] = fiber_create(FIBER_STACK, leave_at_once);
        assert_non_null(fibers[i]);
    }
    first = fibers[count - 1];
    fiber_switch(&thread, first);
    assert_string_equal(trace, "x");
    for (size_t i = 0; i < count; i++)
        fiber_destroy(fibers[i]);
    free(fibers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(two_take_turns_and_keep_their_places, begin),
        cmocka_unit_test_setup(one_that_was_abandoned_begins_anew, begin),
        cmocka_unit_test_setup(a_deep_stack_survives_its_switches, begin),
        cmocka_unit_test_setup(one_goes_on_on_another_thread, begin),
        cmocka_unit_test_setup(one_that_outgrows_its_stack_faults, begin),
        cmocka_unit_test_setup(thousands_fit_the_address_space, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
