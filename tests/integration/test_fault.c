/* SPDX-License-Identifier: Apache-2.0 */
/* A callback that fails ends its server; what no callback can be blamed for, the host. */
#include "test.h"

#include <dirent.h>
#include <sys/wait.h>

#include "host_fixture.h"

static void start_with(struct host *h, const char *sin)
{
    char path[100];

    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    drop(path);
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "sinner", "\"bump\""), 1);
    assert_int_equal(host_call_int(h, "bystander", "\"bump\""), 1);
}

static json_t *sins(struct host *h)
{
    return host_refuses(h, "call", talk_message("sinner", "\"sin\""));
}

static unsigned reports(void)
{
    DIR *d = opendir(in_folder("data/crashes"));
    struct dirent *entry;
    unsigned count = 0;

    while (d && (entry = readdir(d)))
        count += strstr(entry->d_name, ".crash") != NULL;
    if (d)
        closedir(d);
    return count;
}

/* -- contained -- */

/* It fails, in these words; its caller is told, it is restarted, others go on. */
static void is_contained(struct host *h, const char *sin, const char *words,
                         const char *function)
{
    json_t *error, *event;
    char of[100];

    start_with(h, sin);
    error = sins(h);
    snprintf(of, sizeof(of), "(%s.c:", sin);
    assert_string_equal(text_at(error, "data.code"), "died");
    assert_has(text_at(error, "message"), words);
    assert_has(text_at(error, "message"), of);
    event = host_event(h, "server.fault", "app", sin);
    assert_string_equal(text_at(event, "reason"), text_at(error, "message"));
    assert_string_equal(text_at(event, "server"), "sinner");
    assert_string_equal(text_at(event, "vsn"), "1.0.0");
    assert_has(text_at(event, "function"), function);
    assert_true(int_at(event, "line") > 0);
    event = host_event(h, "server.exit", "server", "sinner");
    assert_has(text_at(event, "reason"), words);
    host_event(h, "server.restart", "server", "sinner");
    assert_int_equal(host_call_int(h, "sinner", "\"bump\""), 1);
    assert_int_equal(host_call_int(h, "bystander", "\"bump\""), 2);
    assert_int_equal(reports(), 1);
    host_stop(h);
}

#define CONTAINED(sin, words, function)              \
    static void sin(void **state)                    \
    {                                                \
        is_contained(*state, #sin, words, function); \
    }

#define INTERPOSED(sin, words, function)             \
    static void sin(void **state)                    \
    {                                                \
        NEEDS_INTERPOSITION;                         \
        is_contained(*state, #sin, words, function); \
    }

/* The function is what the compiler has left of it. */
CONTAINED(crashes_in_call, "SIGSEGV at address 0x0 in ", "")
CONTAINED(divides_by_zero, "division by zero in ", "")
CONTAINED(illegal_instruction, "SIGILL in ", "")
CONTAINED(calls_null, "SIGSEGV at address 0x0 in ", "")
CONTAINED(overflows_its_stack, "stack overflow in deeper", "deeper")
CONTAINED(reads_a_truncated_mapping, "SIGBUS at address ", "")
CONTAINED(crashes_in_qsort, "SIGSEGV at address 0x0 in compare", "compare")
INTERPOSED(aborts_in_call, "abort() in ", "")
CONTAINED(exits_in_call, "exit(3) in ", "")
INTERPOSED(exits_at_once_in_call, "_exit(4) in ", "")
CONTAINED(asserts_in_call, "assertion 'nothing && \"to be something\"' failed in ", "")
CONTAINED(overflows_in_printf, "stack overflow in deeper", "deeper")
CONTAINED(overflows_in_the_host, "stack overflow in deeper", "deeper")
CONTAINED(complains_and_exits, "errx(3, 'no such file?') in ", "")
INTERPOSED(exits_its_thread, "pthread_exit() in ", "")
INTERPOSED(raises_abort, "raise(SIGABRT) in ", "")
INTERPOSED(kills_itself, "kill(SIGKILL) in ", "")
CONTAINED(smashes_its_stack, "stack smashing in smash", "smash")
#ifndef __SANITIZE_ADDRESS__ /* which sees these first, and ends the host */
INTERPOSED(crashes_in_memcpy, "SIGSEGV at address ", "")
INTERPOSED(crashes_in_strlen, "SIGSEGV at address 0x0 in ", "")
INTERPOSED(frees_twice, "moult_free of what is no block in ", "")

static void memory_and_string_functions_of_libc_end_their_caller_only(void **state)
{
    char message[32];
    struct host *h = *state;
    json_t *names, *name;
    size_t i;

    NEEDS_INTERPOSITION;
    drop("tests/misbehaving/hands_libc_nonsense");
    host_start(h, NULL);
    names = host_call(h, "sinner", "\"names\"");
    assert_true(json_array_size(names) > 90);
    json_array_foreach(names, i, name)
    {
        json_t *answer;

        snprintf(message, sizeof(message), "{\"call\": %zu}", i);
        answer = talk_answer(
            h->talk, talk_ask(h->talk, "call", talk_message("sinner", message)));
        if (!json_object_get(answer, "error"))
            fail_msg("%s came back", json_string_value(name));
        assert_has(text_at(answer, "error.message"), "SIGSEGV at address 0x");
        assert_has(text_at(answer, "error.message"), " of hands_libc_nonsense 1.0.0");
        host_event(h, "server.restart", "server", "sinner");
    }
    host_stop(h);
}
#endif

static void an_exception_that_nobody_catches(void **state)
{
    struct host *h = *state;
    json_t *error;

    NEEDS_INTERPOSITION;
    start_with(h, "throws");
    for (int i = 0; i < 3; i++) {
        error = sins(h);
        assert_has(text_at(error, "message"), "std::terminate() in throw_nowhere ");
        assert_has(text_at(error, "message"), "(throws_nowhere.cpp:");
        host_event(h, "server.restart", "server", "sinner");
    }
    assert_int_equal(host_call_int(h, "bystander", "\"bump\""), 2);
    assert_true(host_log_has("nobody catches this"));
    host_stop(h);
}

/* Whichever library the linker found abort in. */
static void an_abort_that_asks_for_libcs_is_contained_too(void **state)
{
    struct host *h = *state;

    NEEDS_INTERPOSITION;
    start_with(h, "aborts_by_libc");
    assert_has(text_at(sins(h), "message"), "abort() in ");
    assert_int_equal(host_call_int(h, "bystander", "\"bump\""), 2);
    host_stop(h);
}

static size_t resident_kb(const struct host *h)
{
    char path[64], line[200];
    size_t kb = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)h->pid);
    f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtoul(line + 6, NULL, 10);
    fclose(f);
    return kb;
}

#define FILLS \
    2500 /* faults, two events each at least, until the 4096 that are kept are full */

#define THREAD_KB 200u /* what is touched for one more that helps out */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* which have more */
#define MOST_KB 100000
#else
#define MOST_KB 1000 /* a kB a fault would be as much */
#endif

static void many_leave_nothing_behind(struct host *h, const char *sin)
{
    unsigned descriptors = 0, threads = 0, more;
    size_t kb = 0;

    start_with(h, sin);
    for (int i = 0; i < FILLS + 1000; i++) {
        if (i == FILLS) {
            descriptors = host_descriptors(h);
            threads = host_threads(h);
            kb = resident_kb(h);
        }
        sins(h);
        host_event(h, "server.restart", "server", "sinner");
    }
    assert_int_equal(host_descriptors(h), descriptors);
    assert_true(host_threads(h) <= threads + 8); /* that help out while some are slow */
    more = host_threads(h) > threads ? host_threads(h) - threads : 0;
    assert_in_range(resident_kb(h), 0, kb + MOST_KB + more * THREAD_KB);
    assert_int_equal(host_call_int(h, "bystander", "\"bump\""), 2);
    assert_int_equal(reports(), 1);
    host_stop(h);
}

static void a_thousand_faults_leave_nothing_behind(void **state)
{
    many_leave_nothing_behind(*state, "crashes_in_call");
}

static void a_thousand_aborts_leave_nothing_behind(void **state)
{
    NEEDS_INTERPOSITION;
    many_leave_nothing_behind(*state, "aborts_in_call");
}

static void a_thousand_overflows_in_printf_leave_nothing_behind(void **state)
{
    NEEDS_INTERPOSITION;
    many_leave_nothing_behind(*state, "overflows_in_printf");
}

/* -- in other callbacks -- */

static void a_server_that_fails_in_init_is_not_started(void **state)
{
    struct host *h = *state;
    json_t *event;

    drop("tests/misbehaving/crashes_in_init");
    host_start(h, NULL);
    event = host_event(h, "server.fault", "app", "crashes_in_init");
    assert_string_equal(text_at(event, "function"), "init");
    assert_null(host_vsn(h, "crashes_in_init"));
    host_stop(h);
}

/* Make it fail in `callback` by a call, or a cast, of `message`. */
static void is_contained_in(struct host *h, const char *callback, const char *method,
                            const char *message)
{
    char sin[64], path[100];
    json_t *event;

    snprintf(sin, sizeof(sin), "crashes_in_%s", strrchr(callback, '_') + 1);
    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    drop(path);
    host_start(h, NULL);
    host_ask(h, method, talk_message("sinner", message));
    event = host_event(h, "server.fault", "app", sin);
    assert_string_equal(text_at(event, "function"), callback);
    assert_string_equal(text_at(event, "server"), "sinner");
    event = host_event(h, "server.exit", "server", "sinner");
    assert_has(text_at(event, "reason"), callback);
    host_event(h, "server.restart", "server", "sinner");
    host_stop(h);
}

static void a_server_that_fails_in_handle_continue_is_restarted(void **state)
{
    is_contained_in(*state, "handle_continue", "call", "\"continue\"");
}

static void a_server_that_fails_in_handle_info_is_restarted(void **state)
{
    is_contained_in(*state, "handle_info", "call", "\"send\"");
}

static void a_server_that_fails_in_handle_cast_is_restarted(void **state)
{
    is_contained_in(*state, "handle_cast", "cast", "1");
}

static void a_server_that_fails_in_terminate_has_ended_all_the_same(void **state)
{
    struct host *h = *state;
    json_t *event;

    drop("tests/misbehaving/crashes_in_terminate");
    host_start(h, NULL);
    host_refuses(h, "call", talk_message("sinner", "\"stop\""));
    event = host_event(h, "server.fault", "app", "crashes_in_terminate");
    assert_string_equal(text_at(event, "function"), "terminate");
    host_event(h, "server.restart", "server", "sinner");
    host_stop(h);
}

static void a_server_that_fails_in_save_goes_on_and_has_not_told(void **state)
{
    struct host *h = *state;
    json_t *event;

    drop("tests/misbehaving/crashes_in_save");
    host_start(h, NULL);
    assert_has(text_at(host_refuses(h, "state", json_pack("{s:s}", "name", "sinner")),
                       "message"),
               "SIGSEGV at address 0x0 in save");
    event = host_event(h, "server.fault", "app", "crashes_in_save");
    assert_string_equal(text_at(event, "function"), "save");
    host_refuses(h, "state", json_pack("{s:s}", "name", "sinner"));
    assert_int_equal(host_events(h, "server.restart"), 0);
    host_stop(h);
}

/* -- in an upgrade -- */

static void an_upgrade_rolls_back(struct host *h, const char *sin, const char *vsn,
                                  const char *function)
{
    char to[64], path[100];
    json_t *error;

    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    snprintf(to, sizeof(to), "counter@%s", vsn);
    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop(path);
    host_event(h, "plugin.staged", "vsn", vsn);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
    error = host_change_refused(h, "upgrade", to);
    assert_has(text_at(error, "data.reason"), "SIGSEGV at address 0x0 in ");
    assert_string_equal(text_at(error, "data.step"), "migrate");
    assert_string_equal(text_at(error, "data.server"), "counter");
    assert_string_equal(text_at(error, "data.field"), function);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    assert_int_equal(host_events(h, "server.exit"), 0);
    assert_false(host_maps(h, "crashes_live"));
    host_stop(h);
}

/* It is found while states are copied for the rehearsal, or if there is none, moved. */
static void save_refuses_an_upgrade(struct host *h, const char *rehearse,
                                    const char *step)
{
    json_t *error;

    drop("tests/misbehaving/crashes_in_save");
    host_start(h, "--on-drop", "stage", "--rehearse", rehearse, NULL);
    drop("tests/misbehaving/crashes_in_save_next");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    error = host_change_refused(h, "upgrade", "crashes_in_save@2.0.0");
    assert_has(text_at(error, "data.reason"), "SIGSEGV at address 0x0 in save");
    assert_string_equal(text_at(error, "data.step"), step);
    assert_string_equal(text_at(error, "data.server"), "sinner");
    assert_string_equal(text_at(error, "data.field"), "save");
    assert_string_equal(host_vsn(h, "crashes_in_save"), "1.0.0");
    assert_int_equal(host_events(h, "server.exit"), 0);
    host_stop(h);
}

static void a_fault_in_save_refuses_the_rehearsal(void **state)
{
    save_refuses_an_upgrade(*state, "all", "rehearse");
}

static void a_fault_in_save_rolls_the_upgrade_back(void **state)
{
    save_refuses_an_upgrade(*state, "off", "migrate");
}

static void a_fault_in_code_change_rolls_the_upgrade_back(void **state)
{
    an_upgrade_rolls_back(*state, "crashes_in_live_change", "3.4.0", "code_change");
}

static void a_fault_in_load_rolls_the_upgrade_back(void **state)
{
    an_upgrade_rolls_back(*state, "crashes_in_live_load", "3.5.0", "load");
}

/* -- fatal -- */

/* The host dies of it as it would have without the barrier, and has left a report. */
static void is_fatal(struct host *h, const char *sin, int number, const char *because)
{
    const char *words = number == SIGABRT ? "SIGABRT" : "SIGSEGV";
    int status;

    start_with(h, sin);
    talk_ask(h->talk, "call", talk_message("sinner", "\"sin\""));
    status = host_wait(h);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    assert_int_equal(reports(), 1);
    assert_true(host_log_has("a fatal fault"));
    assert_true(host_log_has(words));
    assert_true(host_log_has(because));
    assert_true(host_log_has("server: sinner"));
    assert_true(host_log_has("message: 6373696e")); /* "sin" */
    assert_true(host_log_has("build-id"));
}

#ifndef __SANITIZE_ADDRESS__
static void a_heap_that_is_spoilt_is_fatal(void **state)
{
    NEEDS_INTERPOSITION;
    is_fatal(*state, "crashes_in_malloc", SIGABRT, "because: the signal was sent");
}

static void a_fault_in_the_hosts_own_code_is_fatal(void **state)
{
    is_fatal(*state, "crashes_the_host", SIGSEGV,
             "because: it failed in the host's own code");
}
#endif

static void a_fault_that_might_leave_a_lock_held_is_fatal(void **state)
{
    is_fatal(*state, "crashes_under_a_lock", SIGSEGV,
             "because: the callback that failed was called by a library");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(crashes_in_call),
        HOST_TEST(divides_by_zero),
        HOST_TEST(illegal_instruction),
        HOST_TEST(calls_null),
        HOST_TEST(overflows_its_stack),
        HOST_TEST(reads_a_truncated_mapping),
        HOST_TEST(crashes_in_qsort),
        HOST_TEST(aborts_in_call),
        HOST_TEST(exits_in_call),
        HOST_TEST(exits_at_once_in_call),
        HOST_TEST(asserts_in_call),
        HOST_TEST(overflows_in_printf),
        HOST_TEST(overflows_in_the_host),
        HOST_TEST(complains_and_exits),
        HOST_TEST(exits_its_thread),
        HOST_TEST(raises_abort),
        HOST_TEST(kills_itself),
        HOST_TEST(smashes_its_stack),
        HOST_TEST(an_exception_that_nobody_catches),
        HOST_TEST(a_thousand_overflows_in_printf_leave_nothing_behind),
#ifndef __SANITIZE_ADDRESS__
        HOST_TEST(crashes_in_memcpy),
        HOST_TEST(crashes_in_strlen),
        HOST_TEST(frees_twice),
        HOST_TEST(memory_and_string_functions_of_libc_end_their_caller_only),
        HOST_TEST(a_heap_that_is_spoilt_is_fatal),
        HOST_TEST(a_fault_in_the_hosts_own_code_is_fatal),
#endif
        HOST_TEST(an_abort_that_asks_for_libcs_is_contained_too),
        HOST_TEST(a_thousand_faults_leave_nothing_behind),
        HOST_TEST(a_thousand_aborts_leave_nothing_behind),
        HOST_TEST(a_server_that_fails_in_init_is_not_started),
        HOST_TEST(a_server_that_fails_in_handle_continue_is_restarted),
        HOST_TEST(a_server_that_fails_in_handle_info_is_restarted),
        HOST_TEST(a_server_that_fails_in_handle_cast_is_restarted),
        HOST_TEST(a_server_that_fails_in_terminate_has_ended_all_the_same),
        HOST_TEST(a_server_that_fails_in_save_goes_on_and_has_not_told),
        HOST_TEST(a_fault_in_save_refuses_the_rehearsal),
        HOST_TEST(a_fault_in_save_rolls_the_upgrade_back),
        HOST_TEST(a_fault_in_code_change_rolls_the_upgrade_back),
        HOST_TEST(a_fault_in_load_rolls_the_upgrade_back),
        HOST_TEST(a_fault_that_might_leave_a_lock_held_is_fatal),
    };

    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
