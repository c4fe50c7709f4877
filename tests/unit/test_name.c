/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>
#include <string.h>

#include "harness.h"
#include "name.h"

static void take(struct process *p, void *name)
{
    check(name_register(p, name, NULL) == 0);
}

static void a_name_finds_its_process(void **state)
{
    moult_pid pid = actor(false);
    char name[NAME_MAX_LEN + 1];

    actor_do(pid, take, (void *)(uintptr_t) "alice");
    assert_true(moult_pid_equal(moult_whereis("alice"), pid));
    assert_true(moult_pid_is_none(moult_whereis("bob")));
    assert_true(moult_pid_is_none(moult_whereis("")));
    assert_true(moult_pid_is_none(moult_whereis(NULL)));
    name_of(pid, name);
    assert_string_equal(name, "alice");
    name_of(starter(), name);
    assert_string_equal(name, "");
}

static void take_what_is_taken(struct process *p, void *context)
{
    moult_pid *holder = context;

    check(name_register(p, "alice", holder) == -EEXIST);
    check(name_register(p, "bob", NULL) == 0);
    check(name_register(p, "carol", NULL) == -EINVAL);
}

static void a_name_has_one_holder_and_a_process_one_name(void **state)
{
    moult_pid first = actor(false), second = actor(false), holder = {0};

    actor_do(first, take, (void *)(uintptr_t) "alice");
    actor_do(second, take_what_is_taken, &holder);
    assert_true(moult_pid_equal(holder, first));
    assert_true(moult_pid_equal(moult_whereis("bob"), second));
    assert_true(moult_pid_is_none(moult_whereis("carol")));
}

static void take_odd_ones(struct process *p, void *context)
{
    char longest[NAME_MAX_LEN + 2];

    memset(longest, 'n', sizeof(longest));
    longest[NAME_MAX_LEN + 1] = 0;
    check(name_register(p, longest, NULL) == -EINVAL);
    check(name_register(p, "", NULL) == -EINVAL);
    check(name_register(p, NULL, NULL) == -EINVAL);
    longest[NAME_MAX_LEN] = 0;
    check(name_register(p, longest, NULL) == 0);
    check(moult_pid_equal(name_find(longest), process_pid(p)));
}

static void names_have_1_to_255_bytes(void **state)
{
    actor_do(actor(false), take_odd_ones, NULL);
}

static void a_name_ends_with_its_process(void **state)
{
    moult_pid pid = actor(false);

    actor_do(pid, take, (void *)(uintptr_t) "alice");
    signal_exit(NULL, pid, MOULT_SHUTDOWN, NULL);
    workers_settle();
    assert_true(moult_pid_is_none(moult_whereis("alice")));
    actor_do(actor(false), take, (void *)(uintptr_t) "alice");
}

static _Atomic bool looked_enough;

static void *look(void *context)
{
    uint32_t *found = context;

    while (!atomic_load(&looked_enough))
        *found += !moult_pid_is_none(moult_whereis("now and then"));
    return NULL;
}

static void take_and_end(struct process *p, void *unused)
{
    check(name_register(p, "now and then", NULL) == 0);
    process_exit(p, MOULT_NORMAL, NULL);
}

static void threads_look_names_up_while_they_come_and_go(void **state)
{
    pthread_t threads[2];
    uint32_t found[2] = {0};

    atomic_store(&looked_enough, false);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, look, &found[i]);
    for (int i = 0; i < 500; i++) {
        actor_do(actor(false), take_and_end, NULL);
        workers_settle(); /* it is free again */
    }
    atomic_store(&looked_enough, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    print_message("found %u and %u times\n", found[0], found[1]);
}

static void names_can_be_started_again_and_again(void **state)
{
    for (int i = 0; i < 3; i++) {
        moult_pid pid;

        harness_start(1, true);
        pid = actor(false);
        actor_do(pid, take, (void *)(uintptr_t) "alice");
        assert_true(moult_pid_equal(moult_whereis("alice"), pid));
        harness_stop();
        assert_true(moult_pid_is_none(moult_whereis("alice")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_finds_its_process, one_worker,
                                        workers_end),
        cmocka_unit_test_setup_teardown(a_name_has_one_holder_and_a_process_one_name,
                                        one_worker, workers_end),
        cmocka_unit_test_setup_teardown(names_have_1_to_255_bytes, one_worker,
                                        workers_end),
        cmocka_unit_test_setup_teardown(a_name_ends_with_its_process, one_worker,
                                        workers_end),
        cmocka_unit_test_setup_teardown(threads_look_names_up_while_they_come_and_go,
                                        two_workers, workers_end),
        cmocka_unit_test(names_can_be_started_again_and_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
