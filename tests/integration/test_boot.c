/* SPDX-License-Identifier: Apache-2.0 */
/* What a host begins with, and where. */
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

#include "host_fixture.h"
#include "program.h"

#define IN_PLUGINS(name) in_folder("plugins/" name)

static void the_highest_version_is_begun_with(void **state)
{
    struct host *h = *state;

    drop_as("samples/counter-2.0.0", "a.so"); /* names say nothing */
    drop_as("samples/counter-1.0.0", "z.so");
    drop_as("samples/counter-1.1.0", "counter-9.0.0.so");
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "2.0.0");
    assert_non_null(host_release(h, "counter", "2.0.0", "running"));
    assert_non_null(host_release(h, "counter", "1.1.0", "staged"));
    assert_non_null(host_release(h, "counter", "1.0.0", "staged"));
    assert_int_equal(host_events(h, "upgrade"), 0);
    host_stop(h);
}

static void what_ran_last_goes_before_the_highest(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    drop("samples/counter-1.1.0");
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_change(h, "downgrade", "counter@1.0.0");
    host_stop(h);
    for (int i = 0; i < 2; i++) {
        host_start(h, NULL);
        assert_string_equal(host_vsn(h, "counter"), "1.0.0");
        assert_int_equal(host_events(h, "upgrade"), 0);
        host_stop(h);
    }
    /* One that is dropped while no host runs is not upgraded to unasked either. */
    drop("samples/counter-2.0.0");
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    host_change(h, "upgrade", "counter");
    assert_string_equal(host_vsn(h, "counter"), "2.0.0");
    host_stop(h);
}

static void a_file_that_was_deleted_is_begun_with_from_the_store(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    drop("tests/misbehaving/good_1_0_0");
    host_start(h, NULL);
    host_stop(h);
    unlink(IN_PLUGINS("counter-1.0.0.so"));
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_string_equal(host_vsn(h, "good"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 1);
    host_stop(h);
}

static void a_file_that_was_overwritten_is_begun_with_from_the_store(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    host_stop(h);
    write_file(IN_PLUGINS("counter-1.0.0.so"), "rubbish", 7);
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    host_event(h, "plugin.refused", "file", "counter-1.0.0.so");
    host_stop(h);
}

static void empty_the_store(void)
{
    DIR *dir = opendir(in_folder("data/store"));
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (strstr(entry->d_name, ".so"))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

static void what_ran_last_and_is_lost_is_told_and_replaced_by_the_highest(void **state)
{
    struct host *h = *state;

    drop("samples/counter-2.0.0");
    host_start(h, NULL);
    host_stop(h);
    empty_the_store();
    unlink(IN_PLUGINS("counter-2.0.0.so"));
    drop("samples/counter-1.1.0");
    host_start(h, NULL);
    host_event(h, "release.missing", "vsn", "2.0.0");
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_stop(h);
}

static void a_store_that_is_lost_is_made_again(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    drop("samples/counter-1.1.0");
    host_start(h, NULL);
    host_change(h, "downgrade", "counter@1.0.0");
    host_stop(h);
    empty_the_store();
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_events(h, "release.missing"), 0);
    host_stop(h);
}

static void a_broken_plugin_does_not_keep_the_others(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    drop("tests/misbehaving/crashes_in_constructor");
    drop("tests/misbehaving/wrong_abi");
    drop("integration/pretender"); /* fails to start: the name is taken */
    drop("tests/misbehaving/good_1_0_0");
    write_file(IN_PLUGINS("aa.so"), "rubbish", 7);
    host_start(h, NULL);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_string_equal(host_vsn(h, "good"), "1.0.0");
    host_event(h, "plugin.refused", "file", "aa.so");
    host_event(h, "plugin.refused", "file", "crashes_in_constructor");
    host_event(h, "plugin.refused", "file", "wrong_abi");
    host_event(h, "application.refused", "app", "pretender");
    assert_null(host_vsn(h, "pretender"));
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 1);
    host_stop(h);
}

static void an_empty_folder_is_fine(void **state)
{
    struct host *h = *state;

    rmdir(in_folder("plugins")); /* it is made */
    host_start(h, NULL);
    assert_int_equal(json_array_size(host_ask(h, "apps", NULL)), 0);
    drop("samples/counter-1.0.0");
    host_event(h, "application.start", "app", "counter");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 1);
    host_stop(h);
}

static void it_tells_when_it_is_ready(void **state)
{
    struct host *h = *state;
    struct stat st;

    drop("samples/counter-1.0.0");
    host_start(h, "--workers", "3", NULL); /* which waits for READY=1 */
    host_ask(h, "ping", NULL);
    assert_true(host_log_has("host.ready"));
    assert_true(host_log_has(h->socket));
    assert_int_equal(stat(h->socket, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(int_at(host_ask(h, "status", NULL), "workers"), 3);
    kill(h->pid, SIGTERM);
    assert_string_equal(host_told(h), "STOPPING=1");
    host_ended(h);
}

/* -- two of them -- */

static void a_second_host_on_the_same_data_is_refused(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    ran = moult(NULL, "run", "--plugins", "plugins", "--data", "data", "--socket",
                "other.sock", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "another host");
    assert_int_not_equal(access(in_folder("other.sock"), F_OK), 0);
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 1);
    assert_int_equal(host_events(h, "release.record_bad"), 0);
    host_stop(h);
}

static void a_second_host_on_the_same_socket_is_refused(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    ran = moult(NULL, "run", "--plugins", "plugins", "--data", "other", "--socket",
                "moult.sock", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "a host already runs at");
    assert_has(ran->err, "--socket");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 1);
    host_stop(h);
}

static void a_socket_file_that_a_killed_host_left_is_no_hindrance(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    host_kill(h);
    assert_int_equal(access(in_folder("moult.sock"), F_OK), 0);
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 1);
    host_stop(h);
}

/* -- settings -- */

static void without_options_it_has_its_places(void **state)
{
    struct host *h = *state;
    char states[300], runtime[300], socket[300];
    const char *const run[] = {MOULT, "run", NULL};
    const char *const variables[] = {states, runtime, "NOTIFY_SOCKET=notify", NULL};
    const char *const status[] = {MOULT, "status", "--json", NULL};
    const struct ran *ran;
    struct talk *talk;

    snprintf(states, sizeof(states), "XDG_STATE_HOME=%s/state", folder);
    snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=%s/run", folder);
    mkdir(in_folder("state"), 0700);
    mkdir(in_folder("state/moult"), 0700);
    mkdir(in_folder("state/moult/plugins"), 0700);
    mkdir(in_folder("run"), 0700);
    copy_file(built("samples/counter-1.0.0"), in_folder("state/moult/plugins/a.so"));
    snprintf(h->socket, sizeof(h->socket), "%s/run/moult.sock", folder);

    h->pid = program_start(run, variables, NULL, in_folder("host.log"));
    h->exit = program_watch(h->pid);
    assert_string_equal(host_told(h), "READY=1");
    ran = program_run(status, variables);
    assert_int_equal(ran->status, 0);
    snprintf(socket, sizeof(socket), "%s/run/moult.sock", folder);
    assert_has(ran->out, socket);
    assert_has(ran->out, in_folder("state/moult/plugins"));
    talk = talk_open(h->socket);
    assert_int_equal(json_integer_value(talk_result(
                         talk, "call", talk_message("counter", "\"bump\""))),
                     1);
    talk_close(talk);
    assert_int_equal(access(in_folder("state/moult/releases.json"), F_OK), 0);
    host_stop(h);
}

static void a_bad_setting_is_refused_by_name(void **state)
{
    const struct ran *ran;

    ran = moult(NULL, "run", "--workers", "0", NULL);
    assert_int_equal(ran->status, 2);
    assert_has(ran->err, "--workers");
    write_file(in_folder("a.conf"), "workers = 2;\non_drop = \"maybe\";\n", 32);
    ran = moult(NULL, "run", "--config", "a.conf", NULL);
    assert_int_equal(ran->status, 2);
    assert_has(ran->err, "a.conf:2");
    assert_has(ran->err, "maybe");
    write_file(in_folder("a.conf"), "worker = 2;\n", 12);
    ran = moult(NULL, "run", "--config", "a.conf", NULL);
    assert_int_equal(ran->status, 2);
    assert_has(ran->err, "'worker' is no setting");
    ran = moult(NULL, "run", "--config", "none.conf", NULL);
    assert_int_equal(ran->status, 2);
    assert_has(ran->err, "none.conf");
}

static void a_file_has_settings_and_options_go_before_it(void **state)
{
    struct host *h = *state;
    static const char settings[] =
        "workers = 3;\nlog = \"json\";\nplugins = \"here\";\n";
    json_t *status;

    write_file(in_folder("moult.conf"), settings, sizeof(settings) - 1);
    drop("samples/counter-1.0.0");
    host_start(h, "--config", "moult.conf", NULL); /* which says --plugins plugins */
    status = host_ask(h, "status", NULL);
    assert_int_equal(int_at(status, "workers"), 3);
    assert_string_equal(text_at(status, "plugins"), in_folder("plugins"));
    assert_true(host_log_has("\"event\":\"host.ready\""));
    host_stop(h);
}

static void an_init_that_does_not_come_back_is_told_of_and_keeps_nobody(void **state)
{
    struct host *h = *state;
    int status;

    drop("tests/misbehaving/loops_in_init_for_ever");
    host_begin(h, NULL);
    host_logs("server.slow");
    host_logs("function=spin"); /* a line may be written in two */
    assert_false(host_log_has("host.ready"));
    kill(h->pid, SIGTERM);
    host_logs("host.signal");
    status = host_wait(h);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(host_log_has("host.stopped"));
    assert_false(host_log_has("host.ready"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(the_highest_version_is_begun_with),
        HOST_TEST(what_ran_last_goes_before_the_highest),
        HOST_TEST(a_file_that_was_deleted_is_begun_with_from_the_store),
        HOST_TEST(a_file_that_was_overwritten_is_begun_with_from_the_store),
        HOST_TEST(what_ran_last_and_is_lost_is_told_and_replaced_by_the_highest),
        HOST_TEST(a_store_that_is_lost_is_made_again),
        HOST_TEST(a_broken_plugin_does_not_keep_the_others),
        HOST_TEST(an_empty_folder_is_fine),
        HOST_TEST(an_init_that_does_not_come_back_is_told_of_and_keeps_nobody),
        HOST_TEST(it_tells_when_it_is_ready),
        HOST_TEST(a_second_host_on_the_same_data_is_refused),
        HOST_TEST(a_second_host_on_the_same_socket_is_refused),
        HOST_TEST(a_socket_file_that_a_killed_host_left_is_no_hindrance),
        HOST_TEST(without_options_it_has_its_places),
        HOST_TEST(a_bad_setting_is_refused_by_name),
        HOST_TEST(a_file_has_settings_and_options_go_before_it),
    };

    return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
