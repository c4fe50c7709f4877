/* SPDX-License-Identifier: Apache-2.0 */
/* This program's own functions play the plugin here; tests/integration has real ones. */
#include "test.h"

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "barrier.h"
#include "name.h"
#include "origin.h"
#include "process.h"
#include "send_timer.h"
#include "signals.h"

static char *volatile nowhere;
static const struct origin self = {
    .path = "/proc/self/exe", .app = "tester", .vsn = "1.2.3"};

/* cmocka takes the signals for itself before each test. */
static void guard(void)
{
    origin_add((const void *)(uintptr_t)guard, &self);
    barrier_start();
}

static int unguard(void **state)
{
    origin_remove((const void *)(uintptr_t)guard);
    return workers_end(state);
}

/* -- sins -- */

/* Undefined behaviour is what this is about. */
#define SINFUL __attribute__((no_sanitize("address", "thread", "undefined")))

enum { LINE_OF_NULL = __LINE__ + 4 };

SINFUL static void sin_null(struct process *p, void *context)
{
    *nowhere = 1;
}

static void sin_exit(struct process *p, void *context)
{
    exit(7);
}

SINFUL static void sin_after_waiting(struct process *p, void *context)
{
    struct await a = {.ref = 0};

    process_await(p, &a, 1);
    *nowhere = 1;
}

SINFUL static void sin_in_possession(struct process *p, void *context)
{
    moult_pid holder;

    moult_alloc(&p->ctx, 1000);
    name_register(p, "mine", &holder);
    send_timer_start(p, *(moult_pid *)context, 1000, envelope_create(ENVELOPE_INFO));
    moult_put_text(moult_draft(&p->ctx), "never sent");
    *nowhere = 1;
}

/* -- what comes of it -- */

static void the_caller_is_told_where_and_why(void **state)
{
    moult_pid sinner = actor(false), other = actor(false);
    uint64_t from = event_next();
    char expected[100];

    guard();
    assert_int_equal(actor_do(sinner, sin_null, NULL), -EOWNERDEAD);
    snprintf(expected, sizeof(expected),
             "SIGSEGV at address 0x0 in sin_null (test_barrier.c:%d) of tester 1.2.3",
             LINE_OF_NULL);
    assert_string_equal(asked_text(), expected);
    assert_gone(sinner);
    assert_true(alive(other));
    assert_int_equal(events_named("server.fault", from), 1);
}

static void an_exit_is_the_same_without_a_signal(void **state)
{
    moult_pid sinner = actor(false);

    guard();
    assert_int_equal(actor_do(sinner, sin_exit, NULL), -EOWNERDEAD);
    assert_true(strncmp(asked_text(), "exit(7) in sin_exit (test_barrier.c:", 36) == 0);
    assert_gone(sinner);
}

static void one_may_fail_on_another_stack_than_it_began(void **state)
{
    moult_pid sinner = actor(false);

    guard();
    actor_post(sinner, sin_after_waiting, NULL);
    pass(2);
    assert_gone(sinner);
}

static void what_it_had_is_released(void **state)
{
    moult_pid sinner = actor(false), other = actor(false);

    guard();
    assert_int_equal(actor_do(sinner, sin_in_possession, &other), -EOWNERDEAD);
    assert_gone(sinner);
    sinner = actor(false);
    assert_int_equal(actor_do(sinner, sin_in_possession, &other), -EOWNERDEAD);
    assert_true(strstr(asked_text(), "SIGSEGV") != NULL); /* and not: it is taken */
    assert_gone(sinner);
    assert_int_equal(name_find("mine").bits, 0);
    pass(2000);
    assert_int_equal(actor_seen(other).infos, 0);
}

static void link_to(struct process *p, void *context)
{
    check(signal_link(p, *(moult_pid *)context) == 0);
}

static void monitor(struct process *p, void *context)
{
    uint64_t ref;

    check(signal_monitor(p, *(moult_pid *)context, &ref) == 0);
}

static void links_and_monitors_are_told_signal_function_and_line(void **state)
{
    moult_pid sinner = actor(false), linked = actor(true), watcher = actor(false),
              taken_along = actor(false);
    char expected[100];

    guard();
    actor_do(linked, link_to, &sinner);
    actor_do(taken_along, link_to, &sinner);
    actor_do(watcher, monitor, &sinner);
    assert_int_equal(actor_do(sinner, sin_null, NULL), -EOWNERDEAD);
    assert_gone(sinner);
    snprintf(expected, sizeof(expected),
             "SIGSEGV at address 0x0 in sin_null (test_barrier.c:%d) of tester 1.2.3",
             LINE_OF_NULL);
    assert_int_equal(actor_seen(linked).exits, 1);
    assert_int_equal(actor_seen(linked).reason, -EFAULT);
    assert_string_equal(actor_seen(linked).text, expected);
    assert_int_equal(actor_seen(watcher).downs, 1);
    assert_int_equal(actor_seen(watcher).reason, -EFAULT);
    assert_string_equal(actor_seen(watcher).text, expected);
    assert_gone(taken_along);
}

#define ROUNDS 1000

static void two_may_fail_at_once_again_and_again(void **state)
{
    uint64_t from = event_next();
    moult_pid last = {0};

    guard();
    for (unsigned i = 0; i < ROUNDS; i++) {
        actor_post(actor(false), i % 3 ? sin_null : sin_exit, NULL);
        actor_post(last = actor(false), sin_null, NULL);
    }
    assert_gone(last);
    assert_int_equal(events_named("server.fault", from), 2 * ROUNDS);
}

/* -- who can't be blamed -- */

static int status_of(void (*function)(void))
{
    struct rlimit none = {0, 0};
    int status, null;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        function();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

SINFUL static void follow_null(void)
{
    barrier_start();
    *nowhere = 1;
}

static void exit_with_7(void)
{
    quick_exit(7); /* exit() looks for leaks, under ASan */
}

static void on_other_threads_all_is_as_it_was(void **state)
{
    int status = status_of(follow_null);

    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = status_of(abort);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = status_of(exit_with_7);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_caller_is_told_where_and_why, two_workers,
                                        unguard),
        cmocka_unit_test_setup_teardown(an_exit_is_the_same_without_a_signal,
                                        two_workers, unguard),
        cmocka_unit_test_setup_teardown(one_may_fail_on_another_stack_than_it_began,
                                        one_worker, unguard),
        cmocka_unit_test_setup_teardown(what_it_had_is_released, one_worker, unguard),
        cmocka_unit_test_setup_teardown(
            links_and_monitors_are_told_signal_function_and_line, one_worker, unguard),
        cmocka_unit_test_setup_teardown(on_other_threads_all_is_as_it_was, two_workers,
                                        unguard),
        cmocka_unit_test_setup_teardown(two_may_fail_at_once_again_and_again,
                                        two_workers, unguard),
    };

    return cmocka_run_group_tests_name("barrier", tests, NULL, NULL);
}
