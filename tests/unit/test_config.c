/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

static char folder[64], file[96];

static int make_folder(void **state)
{
    strcpy(folder, "/tmp/moult-config.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/moult.conf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(file);
    return rmdir(folder);
}

static int bare_environment(void **state)
{
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("MOULT_SOCKET");
    setenv("HOME", "/home/me", 1);
    return 0;
}

static void write_file(const char *text)
{
    FILE *out = fopen(file, "w");

    fputs(text, out);
    fclose(out);
}

/* Fails the test unless the file `text` is refused with `words`. */
static void is_refused(const char *text, const char *words)
{
    const struct config_options options = {.file = file};
    struct config c;
    struct fault why = {0};

    write_file(text);
    assert_int_equal(config_gather(&options, &c, &why), -EINVAL);
    if (!strstr(why.text, words))
        fail_msg("'%s' lacks '%s'", why.text, words);
    assert_null(c.data);
}

/* Empty lines and a setting, `len` bytes in all. */
static void write_long(size_t len)
{
    static const char setting[] = "workers = 3;\n";
    char *text = malloc(len + 1);

    assert_non_null(text);
    memset(text, '\n', len);
    memcpy(text + len - strlen(setting), setting, sizeof(setting));
    write_file(text);
    free(text);
}

static void a_file_has_sixteen_megabytes_at_most(void **state)
{
    const struct config_options options = {.file = file};
    struct config c;
    struct fault why = {0};

    write_long(16u << 20);
    assert_int_equal(config_gather(&options, &c, &why), 0);
    assert_int_equal(c.workers, 3);
    config_finish(&c);
    write_long((16u << 20) + 1);
    assert_int_equal(config_gather(&options, &c, &why), -EFBIG);
    assert_non_null(strstr(why.text, "moult.conf' has more than 16777216 bytes"));
}

static void without_anything_the_home_folder_serves(void **state)
{
    const struct config_options options = {0};
    struct config c;

    assert_int_equal(config_gather(&options, &c, NULL), 0);
    assert_string_equal(c.data, "/home/me/.local/state/moult");
    assert_string_equal(c.plugins, "/home/me/.local/state/moult/plugins");
    assert_string_equal(c.socket, "/home/me/.local/state/moult/moult.sock");
    assert_true(c.workers >= 1);
    assert_false(c.stage_only);
    assert_false(c.log_json);
    config_finish(&c);
}

static void the_environment_says_where(void **state)
{
    const struct config_options options = {0};
    struct config c;
    char *socket;

    setenv("XDG_STATE_HOME", "/states", 1);
    setenv("XDG_RUNTIME_DIR", "/run/me", 1);
    assert_int_equal(config_gather(&options, &c, NULL), 0);
    assert_string_equal(c.data, "/states/moult");
    assert_string_equal(c.socket, "/run/me/moult.sock");
    socket = config_default_socket();
    assert_string_equal(socket, c.socket);
    free(socket);
    config_finish(&c);
    setenv("MOULT_SOCKET", "/s", 1);
    socket = config_default_socket();
    assert_string_equal(socket, "/s");
    free(socket);
}

static void a_relative_folder_in_the_environment_is_not_used(void **state)
{
    char *socket;

    setenv("XDG_RUNTIME_DIR", "run", 1);
    socket = config_default_socket();
    assert_string_equal(socket, "/home/me/.local/state/moult/moult.sock");
    free(socket);
}

static void options_go_before_the_file(void **state)
{
    const struct config_options options = {
        .file = file, .data = "/other", .workers = "3", .log = "text"};
    struct config c;

    write_file(
        "data = \"/x\"; workers = 7; log = \"json\"; on_drop = \"stage\";\n"
        "permanent = \"manual\"; rehearse = \"sample 12\"; max_processes = 1000;\n"
        "max_pause_ms = 50; max_move_ms = 5;\n");
    assert_int_equal(config_gather(&options, &c, NULL), 0);
    assert_true(c.manual);
    assert_int_equal(c.rehearse, 12);
    assert_int_equal(c.max_processes, 1000);
    assert_int_equal(c.terms.max_pause_ms, 50);
    assert_int_equal(c.terms.max_move_ms, 5);
    assert_string_equal(c.data, "/other");
    assert_int_equal(c.workers, 3);
    assert_false(c.log_json);
    assert_true(c.stage_only);
    config_finish(&c);
}

static void paths_are_relative_to_where_they_stand(void **state)
{
    const struct config_options options = {.file = file, .plugins = "here"};
    char expected[200], *cwd = getcwd(NULL, 0);
    struct config c;

    write_file("socket = \"s\";\ndata = \"data\";\n");
    assert_int_equal(config_gather(&options, &c, NULL), 0);
    snprintf(expected, sizeof(expected), "%s/s", folder);
    assert_string_equal(c.socket, expected);
    snprintf(expected, sizeof(expected), "%s/here", cwd);
    assert_string_equal(c.plugins, expected);
    config_finish(&c);
    free(cwd);
}

static void a_wrong_setting_is_refused_by_file_and_line(void **state)
{
    is_refused("\nplugin = \"x\";\n", "moult.conf:2: 'plugin' is no setting");
    is_refused("workers = 0;\n",
               "moult.conf:1: 'workers' must be an integer between 1");
    is_refused("workers = \"2\";\n", "'workers' must be an integer");
    is_refused("workers = 1.5;\n", "'workers' must be an integer");
    is_refused("max_processes = 99;\n", "moult.conf:1: 'max_processes' must be an "
                                        "integer between 100 and 268435455");
    is_refused("max_processes = 268435456;\n", "'max_processes' must be an integer");
    is_refused("data = 3;\n", "'data' must be a string");
    is_refused("data = \"\";\n", "'data' must not be empty");
    is_refused("on_drop = \"run\";\n",
               "'on_drop' must be \"upgrade\" or \"stage\", not \"run\"");
    is_refused("permanent = \"yes\";\n", "'permanent' must be \"auto\" or \"manual\"");
    is_refused("max_pause_ms = 0;\n", "'max_pause_ms' must be an integer");
    is_refused("max_move_ms = \"5\";\n", "'max_move_ms' must be an integer");
    is_refused("rehearse = \"some\";\n", "'rehearse' must be \"all\"");
    is_refused("rehearse = \"sample 0\";\n", "'rehearse' must be");
    is_refused("rehearse = \"sample -1\";\n", "'rehearse' must be");
    is_refused("rehearse = \"sample 5x\";\n", "'rehearse' must be");
    is_refused("rehearse = \"sample 99999999999999999999\";\n", "'rehearse' must be");
    is_refused("data = \"x\";\ndata = \"y\";\n", "moult.conf:2: ");
    is_refused("data = \"x\n", "moult.conf:");
}

static void an_application_may_have_a_max_heap(void **state)
{
    const struct config_options options = {.file = file};
    struct config c;

    write_file("applications = { counter = { max_heap = \"64M\"; };\n"
               "  my-other_1 = { max_heap = \"5000000000\"; }; third = {}; };\n");
    assert_int_equal(config_gather(&options, &c, NULL), 0);
    assert_int_equal(c.application_count, 3);
    assert_string_equal(c.applications[0].name, "counter");
    assert_int_equal(c.applications[0].max_heap, 64 << 20);
    assert_string_equal(c.applications[1].name, "my-other_1");
    assert_int_equal(c.applications[1].max_heap, 5000000000);
    assert_int_equal(c.applications[2].max_heap, 0);
    assert_int_equal(c.applications[2].start, APPLICATION_TEMPORARY);
    config_finish(&c);
}

static void an_application_may_have_a_start_and_an_env(void **state)
{
    const struct config_options options = {.file = file};
    struct config c;

    write_file("applications = { web = { start = \"permanent\";\n"
               "  env = {\n port = 80; hosts = (\"a\", { b = 1; }); }; }; };");
    assert_int_equal(config_gather(&options, &c, NULL), 0);
    assert_int_equal(c.applications[0].start, APPLICATION_PERMANENT);
    assert_int_equal(c.applications[0].env_count, 2);
    assert_string_equal(c.applications[0].env[0].key, "port");
    assert_int_equal(json_integer_value(c.applications[0].env[0].value), 80);
    assert_non_null(strstr(c.applications[0].env[0].from, "moult.conf:3: 'web.port'"));
    assert_int_equal(json_array_size(c.applications[0].env[1].value), 2);
    config_finish(&c);
}

static void the_log_may_have_a_level_and_a_format(void **state)
{
    const struct config_options options = {.file = file};
    struct config c;

    write_file("log = { level = \"debug\"; format = \"json\"; };\n"
               "applications = { web = { log = \"error\"; }; other = { log = \"none\"; "
               "}; mute = {}; };");
    assert_int_equal(config_gather(&options, &c, NULL), 0);
    assert_true(c.log_json);
    assert_int_equal(c.log_level, EVENT_DEBUG);
    assert_int_equal(c.applications[0].log_level, EVENT_ERROR);
    assert_int_equal(c.applications[1].log_level, EVENT_NONE);
    assert_int_equal(c.applications[2].log_level, -1);
    config_finish(&c);
    is_refused("log = {\n level = 3; };", "moult.conf:2: 'level' must be \"debug\"");
    is_refused("log = { format = \"xml\"; };", "'log.format' must be \"text\" or");
    is_refused("log = { colour = 1; };", "'log.colour' is no setting");
}

static void a_wrong_start_or_env_is_refused_by_file_and_line(void **state)
{
    is_refused("applications = {\n web = { start = \"always\"; }; };",
               "moult.conf:2: 'start' must be \"permanent\", \"transient\" or");
    is_refused("applications = { web = {\n env = 3; }; };",
               "moult.conf:2: 'env' must be a group");
}

static void a_wrong_max_heap_is_refused_by_file_and_line(void **state)
{
    static const char *const wrong[] = {"0",        "4096",     "\"-1\"",
                                        "\"4095\"", "\"\"",     "\"3K\"",
                                        "\"64X\"",  "\"64MB\"", "\"999999999G\""};
    char text[100];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        snprintf(text, sizeof(text), "applications = {\n a = { max_heap = %s; }; };",
                 wrong[i]);
        is_refused(text, "moult.conf:2: 'max_heap' must be a number of bytes");
    }
    is_refused("applications = 3;", "'applications' must be a group of groups");
    is_refused("applications = { a = 3; };", "'a' must be a group");
    is_refused("applications = { a = { heap = 3; }; };",
               "'heap' is no setting of an application");
}

static void a_wrong_option_is_refused_by_name(void **state)
{
    const char *const wrong[] = {"0", "-1", "1025", "two", "2x", ""};
    struct config_options options = {0};
    struct config c;

    for (size_t i = 0; i < 6; i++) {
        struct fault why = {0};

        options.workers = wrong[i];
        assert_int_equal(config_gather(&options, &c, &why), -EINVAL);
        assert_string_equal(why.text, "--workers must be an integer between 1 and 256");
    }
}

static void a_missing_file_is_told(void **state)
{
    const struct config_options options = {.file = "/nowhere.conf"};
    struct fault why = {0};
    struct config c;

    assert_int_equal(config_gather(&options, &c, &why), -ENOENT);
    assert_string_equal(why.text,
                        "unable to read '/nowhere.conf': No such file or directory");
}

#define BARE(f) cmocka_unit_test_setup(f, bare_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE(without_anything_the_home_folder_serves),
        BARE(the_environment_says_where),
        BARE(a_relative_folder_in_the_environment_is_not_used),
        BARE(options_go_before_the_file),
        BARE(paths_are_relative_to_where_they_stand),
        BARE(a_wrong_setting_is_refused_by_file_and_line),
        BARE(an_application_may_have_a_max_heap),
        BARE(an_application_may_have_a_start_and_an_env),
        BARE(the_log_may_have_a_level_and_a_format),
        BARE(a_wrong_start_or_env_is_refused_by_file_and_line),
        BARE(a_wrong_max_heap_is_refused_by_file_and_line),
        BARE(a_wrong_option_is_refused_by_name),
        BARE(a_missing_file_is_told),
        BARE(a_file_has_sixteen_megabytes_at_most),
    };

    return cmocka_run_group_tests_name("config", tests, make_folder, remove_folder);
}
