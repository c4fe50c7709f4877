/* SPDX-License-Identifier: Apache-2.0 */
/* What all code in the host shares stays as it is, whatever a plugin does to it. */
#include "test.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "commons.h"
#include "host_fixture.h"
#include "program.h"

static void start_with(struct host *h, const char *sin)
{
    char path[100];

    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    drop(path);
    host_start(h, "--workers", "1", NULL);
    assert_int_equal(host_call_int(h, "sinner", "\"bump\""), 1);
}

/* A line of /proc/PID/status that begins with `key`, without it. */
static const char *status_of(const struct host *h, const char *key)
{
    static char line[256];
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)h->pid);
    f = fopen(path, "re");
    assert_non_null(f);
    do
        assert_non_null(fgets(line, sizeof(line), f));
    while (strncmp(line, key, strlen(key)) != 0);
    fclose(f);
    return line + strlen(key);
}

static void is_told(struct host *h, const char *sin, const char *what,
                    const char *outcome)
{
    json_t *event = host_event(h, "plugin.trespass", "what", what);

    assert_string_equal(text_at(event, "app"), sin);
    assert_string_equal(text_at(event, "vsn"), "1.0.0");
    assert_string_equal(text_at(event, "outcome"), outcome);
}

#if COMMONS_GUARDED
static void is_prevented(struct host *h, const char *sin, const char *what)
{
    is_told(h, sin, what, "prevented");
    assert_int_equal(host_call_int(h, "bystander", "\"bump\""), 1);
}

/* It goes on; the next version takes its place, and its code is unloaded. */
static void next_version(struct host *h, const char *sin)
{
    char path[100];

    snprintf(path, sizeof(path), "tests/misbehaving/%s_no_more", sin);
    drop(path);
    host_event(h, "upgrade.commit", "app", sin);
}

static void no_handler_is_installed_over_the_hosts(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_with(h, "installs_a_handler");
    error = host_refuses(h, "call", talk_message("sinner", "\"sin\""));
    assert_has(text_at(error, "message"), "SIGSEGV at address 0x0");
    is_prevented(h, "installs_a_handler", "sigaction");
    host_stop(h); /* by SIGTERM */
}

static void a_fault_is_contained_although_signals_were_to_be_blocked(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_with(h, "blocks_signals");
    error = host_refuses(h, "call", talk_message("sinner", "\"sin\""));
    assert_has(text_at(error, "message"), "SIGSEGV at address 0x0");
    is_prevented(h, "blocks_signals", "pthread_sigmask");
    host_stop(h);
}

static void the_locale_stays(void **state)
{
    struct host *h = *state;

    start_with(h, "sets_the_locale");
    host_call(h, "sinner", "\"sin\"");
    is_prevented(h, "sets_the_locale", "setlocale");
    host_stop(h);
}

static void the_umask_stays(void **state)
{
    struct host *h = *state;
    char before[256];

    start_with(h, "sets_the_umask");
    snprintf(before, sizeof(before), "%s", status_of(h, "Umask:"));
    host_call(h, "sinner", "\"sin\"");
    assert_string_equal(status_of(h, "Umask:"), before);
    is_prevented(h, "sets_the_umask", "umask");
    host_stop(h);
}

static void the_working_directory_stays(void **state)
{
    struct host *h = *state;

    start_with(h, "changes_the_folder");
    host_call(h, "sinner", "\"sin\"");
    is_prevented(h, "changes_the_folder", "chdir");
    host_stop(h);
}

/* Without those that it has for a moment only, while it makes a helper ready, say. */
static unsigned lasting_descriptors(struct host *h)
{
    unsigned fewest = host_descriptors(h);

    for (int i = 0; i < 100; i++) {
        unsigned now;

        host_call(h, "sinner", "\"get\"");
        now = host_descriptors(h);
        fewest = now < fewest ? now : fewest;
    }
    return fewest;
}

static void descriptors_of_the_host_stay_open(void **state)
{
    struct host *h = *state;
    unsigned open;

    start_with(h, "closes_descriptors");
    open = lasting_descriptors(h);
    host_call(h, "sinner", "\"sin\"");
    is_prevented(h, "closes_descriptors", "close(0)");
    assert_int_equal(lasting_descriptors(h), open);
    next_version(h, "closes_descriptors");
    host_stop(h);
}

static void there_is_only_one_process(void **state)
{
    struct host *h = *state;

    start_with(h, "forks");
    host_call(h, "sinner", "\"sin\"");
    is_prevented(h, "forks", "fork");
    assert_int_equal(host_events(h, "plugin.trespass"), 1);
    host_stop(h);
}

static void what_is_told_once_is_not_told_again(void **state)
{
    struct host *h = *state;

    start_with(h, "sets_the_umask");
    for (int i = 0; i < 100; i++)
        host_call(h, "sinner", "\"sin\"");
    assert_int_equal(host_events(h, "plugin.trespass"), 1);
    host_stop(h);
}

static void code_stays_while_a_thread_of_its_own_runs(void **state)
{
    struct host *h = *state;
    json_t *event;

    start_with(h, "leaves_a_running_thread");
    host_call(h, "sinner", "\"sin\"");
    next_version(h, "leaves_a_running_thread");
    event = host_event(h, "image.lingers", "app", "leaves_a_running_thread");
    assert_has(text_at(event, "reason"), "threads that it started still run");
    assert_true(host_maps(h, "leaves_a_running_thread-1.0.0"));
    assert_int_equal(host_call_int(h, "sinner", "\"bump\""), 2);
    host_stop(h);
}

static void no_destructor_of_thread_data_finds_its_plugin_gone(void **state)
{
    struct host *h = *state;

    start_with(h, "keeps_thread_data");
    host_call(h, "sinner", "\"sin\"");
    next_version(h, "keeps_thread_data");
    is_told(h, "keeps_thread_data", "thread-specific data", "undone");
    host_event(h, "image.close", "vsn", "1.0.0");
    host_stop(h); /* the worker that has the data ends here */
}

static void handlers_of_exit_are_called_when_their_plugin_goes(void **state)
{
    struct host *h = *state;

    start_with(h, "asks_to_be_called_at_exit");
    host_call(h, "sinner", "\"sin\"");
    is_prevented(h, "asks_to_be_called_at_exit", "on_exit");
    next_version(h, "asks_to_be_called_at_exit");
    host_event(h, "image.close", "vsn", "1.0.0");
    assert_int_equal(access(in_folder("called_at_exit"), F_OK), 0);
    host_stop(h);
}

static void the_vet_warns_of_what_a_constructor_changes(void **state)
{
    const struct ran *ran =
        moult("none", "check", built("tests/misbehaving/changes_in_constructor"), NULL);

    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "setlocale, which a host has prevented");
    assert_has(ran->out, "umask, which a host has prevented");
}
#endif

static void what_goes_around_is_put_back(void **state)
{
    struct host *h = *state;
    char before[256];

    start_with(h, "goes_around");
    talk_close(talk_open(h->socket)); /* whose descriptor the host closes */
    snprintf(before, sizeof(before), "%s", status_of(h, "Umask:"));
    host_call(h, "sinner", "\"sin\"");
    is_told(h, "goes_around", "the action of signal 15", "undone");
    is_told(h, "goes_around", "the umask", "undone");
    is_told(h, "goes_around", "the working directory", "undone");
    assert_int_equal(host_events(h, "plugin.trespass"), 3);
    assert_string_equal(status_of(h, "Umask:"), before);
    host_stop(h); /* by SIGTERM */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if COMMONS_GUARDED
        HOST_TEST(no_handler_is_installed_over_the_hosts),
        HOST_TEST(a_fault_is_contained_although_signals_were_to_be_blocked),
        HOST_TEST(the_locale_stays),
        HOST_TEST(the_umask_stays),
        HOST_TEST(the_working_directory_stays),
        HOST_TEST(descriptors_of_the_host_stay_open),
        HOST_TEST(there_is_only_one_process),
        HOST_TEST(what_is_told_once_is_not_told_again),
        HOST_TEST(code_stays_while_a_thread_of_its_own_runs),
        HOST_TEST(no_destructor_of_thread_data_finds_its_plugin_gone),
        HOST_TEST(handlers_of_exit_are_called_when_their_plugin_goes),
        HOST_TEST(the_vet_warns_of_what_a_constructor_changes),
#endif
        HOST_TEST(what_goes_around_is_put_back),
    };

    return cmocka_run_group_tests_name("trespass", tests, NULL, NULL);
}
