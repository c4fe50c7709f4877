/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "ending.h"
#include "group.h"
#include "harness.h"
#include "supervisor.h"

/* -- children that leave a trace: "+a" a has started, "-a" it was terminated -- */

static char trace[512];
static _Atomic int
    failures; /* of the inits of children named "f..." that are still to come */

static void mark(char sign, const char *id)
{
    size_t len = strlen(trace);

    if (len + strlen(id) + 2 < sizeof(trace))
        snprintf(trace + len, sizeof(trace) - len, "%c%s", sign, id);
}

static _Atomic bool waits; /* the init of "for ever" */

static moult_next child_init(moult_ctx *ctx, void *state, moult_in *args)
{
    const char *id = process_label(process_of(ctx));

    if (id[0] == 'f' && failures > 0) {
        failures--;
        return moult_stop_because(ctx, -ENXIO, "no device for %s", id);
    }
    if (id[0] == 'i')
        return moult_ignore();
    if (strcmp(id, "for ever") == 0) {
        atomic_store(&waits, true);
        moult_sleep(ctx, MOULT_INFINITY);
    }
    moult_trap_exit(ctx, true);
    mark('+', id);
    return moult_noreply();
}

static moult_next child_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop((int32_t)moult_get_int(message));
}

static void child_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    mark('-', process_label(process_of(ctx)));
}

static const moult_server child = {.size = sizeof(moult_server),
                                   .init = child_init,
                                   .handle_cast = child_cast,
                                   .terminate = child_terminate};

/* One that takes for ever to terminate. */
static void slow_terminate(moult_ctx *ctx, void *state, int32_t reason)
{
    struct await a = {0};

    mark('-', process_label(process_of(ctx)));
    process_await(process_of(ctx), &a, MOULT_INFINITY);
}

static const moult_server slow = {.size = sizeof(moult_server),
                                  .init = child_init,
                                  .handle_cast = child_cast,
                                  .terminate = slow_terminate};

/* -- a supervisor of up to 16 codes -- */

static struct group group;
static const struct code *codes[16];
static struct supervisor_spec spec;
static moult_pid boss;

static int begin(void **state)
{
    trace[0] = 0;
    failures = 0;
    group_init(&group, "app");
    spec = (struct supervisor_spec){
        .branch = {.codes = codes}, .app = "app", .group = &group};
    return one_worker(state);
}

static int end(void **state)
{
    workers_end(state);
    assert_int_equal(group.count, 0);
    group_finish(&group);
    return 0;
}

static void add(const moult_server *callbacks, moult_child spec_of_child)
{
    codes[spec.branch.count++] = code_of_child(callbacks, spec_of_child);
}

static void add_plain(const char *ids)
{
    static const char *const all[] = {"a", "b", "c", "d"};

    for (; *ids; ids++)
        add(&child, (moult_child){.id = all[*ids - 'a']});
}

static void start_it(struct process *p, void *context)
{
    struct started *s = context;

    s->error = supervisor_start(p, &spec, &s->pid);
    s->reason = moult_call_reason(&p->ctx);
    strncpy(s->text, moult_call_text(&p->ctx), sizeof(s->text) - 1);
}

static struct started start(void)
{
    struct started s = {0};

    assert_int_equal(actor_do(starter(), start_it, &s), 0);
    boss = s.pid;
    return s;
}

static void start_well(void)
{
    assert_int_equal(start().error, 0);
    workers_settle();
}

static void end_it(struct process *p, void *context)
{
    end_process(p, boss, *(uint64_t *)context);
}

/* End the supervisor, some time; as its parent does. */
static uint64_t shutdown_ms = MOULT_INFINITY;

static void end_later(void)
{
    actor_post(starter(), end_it, &shutdown_ms);
    workers_settle();
}

/* Not supervisor_of(): a program has its own copy of the class, and so its own address. */
static struct supervisor *it(void)
{
    return process_find(boss)->data;
}

static struct child *nth(uint32_t n)
{
    struct child *c = it()->children.first;

    while (n--)
        c = c->next;
    return c;
}

static void crash(uint32_t n, int32_t reason)
{
    cast_int(nth(n)->pid, reason);
    workers_settle();
}

static void assert_trace(const char *expected)
{
    workers_settle();
    assert_string_equal(trace, expected);
    trace[0] = 0;
}

/* -- start and end -- */

static void children_start_in_order_and_end_in_reverse(void **state)
{
    add_plain("abc");
    start_well();
    assert_trace("+a+b+c");
    end_later();
    assert_trace("-c-b-a");
    assert_false(alive(boss));
}

static void a_child_that_fails_to_start_ends_those_before_it(void **state)
{
    struct started s;

    add_plain("ab");
    add(&child, (moult_child){.id = "f"});
    add_plain("c");
    failures = 1;
    s = start();
    assert_int_equal(s.error, -EOWNERDEAD);
    assert_int_equal(s.reason, MOULT_SHUTDOWN);
    assert_string_equal(s.text, "child 'f' failed to start: no device for f");
    assert_trace("+a+b-b-a");
    assert_false(alive(boss));
    assert_int_equal(group.count, 0);
}

static void a_child_that_ignores_is_kept_without_a_process(void **state)
{
    add_plain("a");
    add(&child, (moult_child){.id = "i"});
    add_plain("b");
    start_well();
    assert_trace("+a+b");
    assert_int_equal(nth(1)->state, CHILD_STOPPED);
    assert_int_equal(nth(1)->pid.bits, 0);
    end_later();
    assert_trace("-b-a");
}

static void one_that_is_killed_takes_its_children_with_it(void **state)
{
    moult_pid pid;

    add_plain("ab");
    start_well();
    pid = nth(0)->pid;
    signal_exit(NULL, boss, MOULT_KILL, NULL);
    assert_gone(boss);
    assert_gone(pid);
    assert_int_equal(group.count, 0);
}

/* -- shutdown -- */

static void one_that_does_not_end_in_time_is_killed(void **state)
{
    moult_pid pid;

    add_plain("a");
    add(&slow, (moult_child){.id = "s", .shutdown_ms = 100});
    start_well();
    pid = nth(1)->pid;
    end_later();
    pass(99);
    assert_true(alive(pid));
    assert_trace("+a+s-s");
    pass(1);
    assert_gone(pid);
    assert_trace("-a");
}

static void zero_is_five_seconds_and_infinity_has_no_end(void **state)
{
    add(&slow, (moult_child){.id = "n", .shutdown_ms = MOULT_SHUTDOWN_INFINITY});
    add(&slow, (moult_child){.id = "z"});
    start_well();
    end_later();
    pass(4999);
    assert_trace("+n+z-z");
    pass(1);
    assert_trace("-n");
    pass(100000000);
    assert_true(alive(nth(0)->pid));
    signal_exit(NULL, nth(0)->pid, MOULT_KILL, NULL);
    assert_gone(boss);
}

static void brutal_kill_asks_nobody(void **state)
{
    add(&slow, (moult_child){.id = "s", .shutdown_ms = MOULT_BRUTAL_KILL});
    start_well();
    end_later();
    assert_trace("+s");
    assert_false(alive(boss));
}

/* -- restart -- */

static void who_is_restarted_after_what(void **state)
{
    static const int32_t reasons[] = {MOULT_NORMAL, MOULT_SHUTDOWN, -EIO, MOULT_KILLED};
    static const bool restarted[3][4] = {
        [MOULT_PERMANENT] = {true, true, true, true},
        [MOULT_TRANSIENT] = {false, false, true, true},
        [MOULT_TEMPORARY] = {false, false, false, false}};

    for (int32_t kind = MOULT_PERMANENT; kind <= MOULT_TEMPORARY; kind++)
        for (int i = 0; i < 4; i++)
            add(&child, (moult_child){.id = "x", .restart = kind});
    spec.branch.intensity = 100;
    start_well();
    for (uint32_t n = 11; n < 12; n--) {
        moult_pid before = nth(n)->pid;

        crash(n, reasons[n % 4]);
        assert_false(alive(before));
        if (n / 4 == MOULT_TEMPORARY) {
            assert_int_equal(it()->children.count, n); /* it is forgotten */
            continue;
        }
        assert_int_equal(nth(n)->state,
                         restarted[n / 4][n % 4] ? CHILD_RUNNING : CHILD_STOPPED);
        assert_int_equal(nth(n)->restarts, restarted[n / 4][n % 4]);
        assert_int_equal(alive(nth(n)->pid), restarted[n / 4][n % 4]);
    }
    assert_int_equal(group.restarts, 4 + 2);
    end_later();
}

static void a_killed_child_is_restarted(void **state)
{
    add_plain("a");
    start_well();
    signal_exit(NULL, nth(0)->pid, MOULT_KILL, NULL);
    assert_trace("+a+a");
    end_later();
}

static void the_exit_of_a_stranger_is_nothing_to_it(void **state)
{
    add_plain("a");
    start_well();
    signal_exit(NULL, boss, -EIO, NULL);
    signal_exit(NULL, boss, MOULT_SHUTDOWN, NULL);
    workers_settle();
    assert_true(alive(boss));
    assert_trace("+a");
    end_later();
}

/* -- intensity, in whole seconds -- */

static void one_restart_in_five_seconds_is_the_default(void **state)
{
    add_plain("a");
    start_well();
    crash(0, -EIO);
    pass(6000);
    crash(0, -EIO);
    assert_true(alive(boss));
    pass(5999); /* five whole seconds */
    assert_true(alive(boss));
    crash(0, -EIO);
    assert_gone(boss);
}

static void as_many_as_the_intensity_are_allowed_and_no_more(void **state)
{
    add_plain("ab");
    spec.branch.intensity = 3;
    spec.branch.period_s = 10;
    start_well();
    for (int i = 0; i < 3; i++)
        crash(0, -EIO);
    assert_true(alive(boss));
    crash(1, -EIO); /* whoever it is */
    assert_gone(boss);
}

static void what_is_exactly_a_period_old_counts_still(void **state)
{
    add_plain("a");
    spec.branch.intensity = 2;
    spec.branch.period_s = 10;
    start_well();
    crash(0, -EIO);
    pass(10000);
    crash(0, -EIO);
    assert_true(alive(boss));
    crash(0, -EIO);
    assert_gone(boss);
}

static void what_is_older_than_a_period_counts_no_more(void **state)
{
    add_plain("a");
    spec.branch.intensity = 2;
    spec.branch.period_s = 10;
    start_well();
    for (int i = 0; i < 20; i++) {
        crash(0, -EIO);
        pass(5500);
        assert_true(alive(boss));
    }
    end_later();
}

static void giving_up_ends_all_in_reverse_and_says_so(void **state)
{
    uint64_t from = event_next();

    add_plain("abc");
    start_well();
    assert_trace("+a+b+c");
    crash(1, -EIO);
    assert_trace("-b+b");
    crash(1, -EIO);
    assert_trace("-b-c-a");
    assert_false(alive(boss));
    assert_int_equal(actor_seen(starter()).reason, MOULT_SHUTDOWN);
    assert_int_equal(events_named("supervisor.gave_up", from), 1);
    assert_int_equal(events_named("server.exit", from), 2);
    assert_int_equal(events_named("server.restart", from), 1);
}

static void a_restart_that_fails_is_tried_again_and_counts(void **state)
{
    uint64_t from = event_next();

    add(&child, (moult_child){.id = "f"});
    spec.branch.intensity = 5;
    start_well();
    failures = 4;
    crash(0, -EIO);
    assert_true(alive(boss));
    assert_int_equal(nth(0)->state, CHILD_RUNNING);
    assert_int_equal(nth(0)->restarts, 5);
    assert_int_equal(events_named("server.start_failed", from), 4);
    pass(6000);
    failures = 5;
    crash(0, -EIO);
    assert_gone(boss);
}

static int count_children(const char *status)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    struct moult_out out;
    moult_in in, list, value;
    int found = 0;

    e->code = SYSTEM_CHILDREN;
    moult_put_uint(&e->out, 1000);
    out_init(&out, NULL, 0);
    assert_int_equal(ask_and_wait(boss, e, MOULT_INFINITY, &out, NULL, 0), 0);
    in = out_read(&out);
    assert_true(moult_find(&in, "children", &list));
    for (size_t n = moult_get_array(&list); n--; moult_skip(&list))
        found += moult_find(&list, "status", &value) && moult_match(&value, status);
    assert_int_equal(list.error, 0);
    out_release(&out);
    return found;
}

static void others_are_served_between_two_attempts(void **state)
{
    add(&child, (moult_child){.id = "f"});
    add_plain("a");
    spec.branch.intensity = 1000000;
    start_well();
    failures = 1000000;
    cast_int(nth(0)->pid, -EIO);
    while (count_children("restarting") == 0)
        ;
    assert_int_equal(count_children("running"), 1);
    failures = 0;
    workers_settle();
    assert_int_equal(count_children("running"), 2);
    end_later();
}

/* -- instances -- */

static void instances_have_their_own_ids_and_names(void **state)
{
    moult_pid second;

    add(&child, (moult_child){.id = "w", .name = "worker", .count = 3});
    start_well();
    assert_trace("+w.0+w.1+w.2");
    second = moult_whereis("worker.1");
    assert_true(moult_pid_equal(second, nth(1)->pid));
    assert_true(moult_pid_is_none(moult_whereis("worker")));
    crash(1, -EIO);
    assert_trace("-w.1+w.1");
    assert_false(moult_pid_equal(moult_whereis("worker.1"), second));
    assert_true(moult_pid_equal(moult_whereis("worker.1"), nth(1)->pid));
    assert_int_equal(count_children("running"), 3);
    end_later();
    assert_trace("-w.2-w.1-w.0");
}

static void ten_thousand_children_start_and_end(void **state)
{
    uint32_t count = many(10000);

    add(&child, (moult_child){.id = "w", .count = count});
    start_well();
    assert_int_equal(group.count, count + 1);
    crash(count / 2, -EIO);
    assert_int_equal(nth(count / 2)->restarts, 1);
    assert_int_equal(group.count, count + 1);
    end_later();
    assert_gone(boss);
    assert_int_equal(group.count, 0);
}

/* -- change -- */

static int change(enum system_request what, const struct code *const *list,
                  size_t count, char *text)
{
    return supervisor_ask(boss, what, list, count, text, 256);
}

static void children_can_be_added_and_removed(void **state)
{
    const struct code *added[2];
    char text[256];

    add_plain("a");
    start_well();
    added[0] = code_of(&child, "x");
    added[1] = code_of(&child, "y");
    assert_int_equal(change(SYSTEM_ADD, added, 2, text), 0);
    assert_trace("+a+x+y");
    assert_int_equal(count_children("running"), 3);
    assert_int_equal(change(SYSTEM_REMOVE, added, 1, text), 0);
    assert_trace("-x");
    assert_int_equal(count_children("running"), 2);
    end_later();
    assert_trace("-y-a");
}

static void adding_is_all_or_nothing(void **state)
{
    const struct code *added[3];
    char text[256];

    add_plain("a");
    start_well();
    added[0] = code_of(&child, "x");
    added[1] = code_of(&child, "f");
    added[2] = code_of(&child, "y");
    failures = 1;
    assert_int_equal(change(SYSTEM_ADD, added, 3, text), -EOWNERDEAD);
    assert_string_equal(text, "child 'f' failed to start: no device for f");
    assert_trace("+a+x-x");
    assert_int_equal(it()->children.count, 1);
    end_later();
}

static char added_text[256];

static void *add_one(void *code)
{
    const struct code *added[] = {code};

    return change(SYSTEM_ADD, added, 1, added_text) == -ETIMEDOUT ? code : NULL;
}

static void an_added_one_whose_init_takes_a_minute_is_not_added(void **state)
{
    struct code *added = code_of(&child, "for ever");
    pthread_t thread;
    void *refused;

    add_plain("a");
    start_well();
    assert_int_equal(pthread_create(&thread, NULL, add_one, added), 0);
    while (!atomic_load(&waits))
        sched_yield();
    workers_settle();
    pass(59999);
    assert_string_equal(added_text, "");
    pass(1);
    pthread_join(thread, &refused);
    assert_ptr_equal(refused, added);
    assert_string_equal(
        added_text,
        "child 'for ever' failed to start: its init did not return in 60000 "
        "ms");
    assert_int_equal(it()->children.count, 1);
    end_later();
}

static void one_that_is_removed_while_it_is_tried_again_is_forgotten(void **state)
{
    const struct code *removed[1];
    char text[256];

    add_plain("a");
    add(&child, (moult_child){.id = "f"});
    spec.branch.intensity = 1000000;
    start_well();
    failures = 1000000;
    cast_int(nth(1)->pid, -EIO);
    while (count_children("restarting") == 0)
        ;
    removed[0] = codes[1];
    assert_int_equal(change(SYSTEM_REMOVE, removed, 1, text), 0);
    workers_settle();
    assert_int_equal(count_children("running"), 1);
    assert_int_equal(it()->children.count, 1);
    end_later();
}

static void become(uint32_t intensity, size_t count)
{
    struct branch next = spec.branch;

    next.intensity = intensity;
    next.count = count;
    supervisor_became(it(), &next, NULL);
}

static void another_version_may_allow_more_restarts_or_less(void **state)
{
    add_plain("a");
    spec.branch.intensity = 2;
    start_well();
    crash(0, -EIO);
    crash(0, -EIO);
    become(40, 1); /* it rests: nobody else is at it */
    for (int i = 0; i < 38; i++)
        crash(0, -EIO);
    assert_true(alive(boss));
    become(3, 1);
    crash(0, -EIO);
    assert_gone(boss);
}

static void another_version_may_order_its_children_anew(void **state)
{
    add_plain("abc");
    start_well();
    codes[0] = code_of(&child, "c");
    codes[1] = code_of(&child, "a");
    codes[2] = code_of(&child, "b");
    become(1, 3);
    end_later();
    assert_trace("+a+b+c-b-a-c");
}

static void a_call_to_it_is_refused(void **state)
{
    add_plain("a");
    start_well();
    assert_int_equal(ask_word(boss, "hello", NULL), -ENOSYS);
    end_later();
}

/* -- on two workers -- */

static int begin_two(void **state)
{
    begin(state);
    harness_stop();
    return two_workers(state);
}

/* Children that leave no trace, which would be a race here. */
static const moult_server quiet = {.size = sizeof(moult_server),
                                   .handle_cast = child_cast};

static void a_storm_of_crashes_leaves_all_running(void **state)
{
    uint32_t count = 50, rounds = many(40);

    add(&quiet, (moult_child){.id = "w", .name = "storm", .count = count});
    spec.branch.intensity = 1000000;
    event_set_level(EVENT_ERROR);
    start_well();
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t n = 0; n < count; n++) {
            char name[32];

            snprintf(name, sizeof(name), "storm.%u", n);
            if (n % 2)
                cast_int(moult_whereis(name), -EIO);
            else
                signal_exit(NULL, moult_whereis(name), MOULT_KILL, NULL);
        }
    }
    workers_settle();
    assert_int_equal(count_children("running"), count);
    assert_int_equal(group.count, count + 1);
    end_later();
    assert_gone(boss);
    event_set_level(EVENT_INFO);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(children_start_in_order_and_end_in_reverse),
        TEST(a_child_that_fails_to_start_ends_those_before_it),
        TEST(a_child_that_ignores_is_kept_without_a_process),
        TEST(one_that_is_killed_takes_its_children_with_it),
        TEST(one_that_does_not_end_in_time_is_killed),
        TEST(zero_is_five_seconds_and_infinity_has_no_end),
        TEST(brutal_kill_asks_nobody),
        TEST(who_is_restarted_after_what),
        TEST(a_killed_child_is_restarted),
        TEST(the_exit_of_a_stranger_is_nothing_to_it),
        TEST(one_restart_in_five_seconds_is_the_default),
        TEST(as_many_as_the_intensity_are_allowed_and_no_more),
        TEST(what_is_exactly_a_period_old_counts_still),
        TEST(what_is_older_than_a_period_counts_no_more),
        TEST(giving_up_ends_all_in_reverse_and_says_so),
        TEST(a_restart_that_fails_is_tried_again_and_counts),
        TEST(others_are_served_between_two_attempts),
        TEST(instances_have_their_own_ids_and_names),
        TEST(ten_thousand_children_start_and_end),
        TEST(children_can_be_added_and_removed),
        TEST(adding_is_all_or_nothing),
        TEST(an_added_one_whose_init_takes_a_minute_is_not_added),
        TEST(one_that_is_removed_while_it_is_tried_again_is_forgotten),
        TEST(another_version_may_allow_more_restarts_or_less),
        TEST(another_version_may_order_its_children_anew),
        TEST(a_call_to_it_is_refused),
        cmocka_unit_test_setup_teardown(a_storm_of_crashes_leaves_all_running,
                                        begin_two, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
