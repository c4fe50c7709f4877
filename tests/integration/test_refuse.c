/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are refused: told as an event, in `releases` and on stderr; all goes on. */
#include "test.h"

#include <elf.h>
#include <errno.h>

#include "host_fixture.h"

static void start_counting(struct host *h)
{
    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
}

/* What was dropped as `name` is refused, and the reason has these words. */
static json_t *is_refused(struct host *h, const char *name, const char *words)
{
    json_t *event = host_event(h, "plugin.refused", "file", name), *release = NULL;
    const char *reason = text_at(event, "reason");
    char needle[600];
    size_t i;

    json_array_foreach(at(host_ask(h, "releases", NULL), "versions"), i, release)
    {
        const char *file = json_string_value(json_object_get(release, "file"));

        if (file && strstr(file, name) &&
            strcmp(text_at(release, "status"), "refused") == 0)
            break;
        release = NULL;
    }
    if (!release)
        fail_msg("'releases' does not have %s", name);
    assert_has(reason, words);
    assert_string_equal(text_at(release, "reason"), reason);
    snprintf(needle, sizeof(needle), "%s", name);
    assert_true(host_log_has(needle));
    assert_true(host_log_has(words));
    return event;
}

static void goes_on(struct host *h)
{
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    assert_int_equal(host_events(h, "upgrade.commit"), 0);
    assert_int_equal(host_events(h, "server.exit"), 0);
    assert_false(host_maps(h, "/plugins/"));
}

static void drop_bytes(const void *bytes, size_t len, const char *name)
{
    char path[200];

    snprintf(path, sizeof(path), "plugins/%s", name);
    write_file(in_folder(path), bytes, len);
}

static void what_is_no_elf_file(void **state)
{
    struct host *h = *state;

    start_counting(h);
    drop_bytes("", 0, "empty.so");
    host_event(h, "plugin.refused", "file", "empty.so");
    drop_bytes("#!/bin/sh\nexit 0\n", 17, "script.so");
    is_refused(h, "script.so", "ELF");
    goes_on(h);
    host_stop(h);
}

static void a_file_that_is_cut_anywhere(void **state)
{
    struct host *h = *state;
    size_t len, cut;
    char *bytes = read_whole(built("samples/counter-1.1.0"), &len), name[64];

    start_counting(h);
    for (int i = 0; i < 75; i++) {
        cut = i < 15 ? (size_t)1 << i : len * (size_t)(i - 14) / 61;
        if (i == 74)
            cut = len - 1;
        if (cut >= len)
            continue;
        snprintf(name, sizeof(name), "cut-%zu.so", cut);
        drop_bytes(bytes, cut, name);
        is_refused(h, name, "");
    }
    free(bytes);
    goes_on(h);
    drop("samples/counter-1.1.0"); /* whole, it is welcome */
    host_event(h, "upgrade.commit", "to", "1.1.0");
    host_stop(h);
}

static void another_architecture(void **state)
{
    struct host *h = *state;
    size_t len;
    char *bytes = read_whole(built("samples/counter-1.1.0"), &len);
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)bytes;

    start_counting(h);
    header->e_machine = header->e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    drop_bytes(bytes, len, "foreign.so");
    is_refused(h, "foreign.so", header->e_machine == EM_AARCH64 ? "AArch64" : "x86-64");
    header->e_machine = EM_RISCV;
    drop_bytes(bytes, len, "foreign2.so");
    is_refused(h, "foreign2.so", "RISC-V");
    free(bytes);
    goes_on(h);
    host_stop(h);
}

static void what_a_file_says_of_itself(void **state)
{
    static const char *const sins[][2] = {
        {"not_a_plugin", "MOULT_PLUGIN"},
        {"no_symbol", "moult_plugin"},
        {"wrong_abi", "ABI 2.0"},
        {"newer_abi", "ABI 1.99"},
        {"undefined_symbol", "a_function_that_nobody_has"},
        {"misspelt_symbol", "moult_replay"},
        {"private_symbol", "fault"},
        {"bad_schema", "count"},
        {"duplicate_ids", "twin"},
        {"bad_args", "JSON"},
        {"saves_only", "load"},
        {"loses_a_field", "save and load must agree"},
        {"writes_bad_cbor", "save"},
    };
    struct host *h = *state;
    char plugin_path[100];

    start_counting(h);
    for (size_t i = 0; i < sizeof(sins) / sizeof(sins[0]); i++) {
        snprintf(plugin_path, sizeof(plugin_path), "tests/misbehaving/%s", sins[i][0]);
        drop(plugin_path);
        is_refused(h, sins[i][0], sins[i][1]);
    }
    goes_on(h);
    host_stop(h);
}

static void what_refuses_a_state_is_named_by_server_function_and_line(void **state)
{
    struct host *h = *state;
    json_t *event;

    drop("tests/misbehaving/good_1_0_0");
    host_start(h, NULL);
    drop("tests/misbehaving/change_crashes");
    event = host_event(h, "plugin.refused", "file", "change_crashes");
    assert_string_equal(text_at(event, "server"), "tally");
    assert_string_equal(text_at(event, "field"), "code_change");
    assert_has(text_at(event, "reason"), " in code_change (bad_change.c:");
    drop("tests/misbehaving/change_refuses");
    event = host_event(h, "plugin.refused", "file", "change_refuses");
    assert_string_equal(text_at(event, "field"), "code_change");
    assert_has(text_at(event, "reason"), "0 is too many (bad_change.c:");
    assert_int_equal(host_call_int(h, "tally", "\"get\""), 100);
    host_stop(h);
}

static void a_name_that_another_application_has(void **state)
{
    struct host *h = *state;
    json_t *event;

    start_counting(h);
    drop("integration/pretender");
    event = host_event(h, "application.refused", "app", "pretender");
    assert_has(text_at(event, "reason"), "'counter' is taken by");
    assert_has(text_at(host_release(h, "pretender", NULL, "refused"), "reason"),
               "'counter' is taken by");
    assert_true(host_log_has("'counter' is taken by"));
    assert_null(host_vsn(h, "pretender"));
    goes_on(h);
    host_stop(h);
}

/* The new child is started before anything moves. */
static void an_upgrade_whose_new_child_wants_a_name_that_is_taken(void **state)
{
    struct host *h = *state;
    json_t *event;

    drop("integration/grower-1.0.0");
    start_counting(h);
    drop("integration/grower_clash");
    event = host_event(h, "upgrade.refused", "app", "grower");
    assert_has(text_at(event, "reason"), "'counter' is taken by");
    assert_string_equal(host_vsn(h, "grower"), "1.0.0");
    assert_string_equal(json_string_value(host_call(h, "root", "\"vsn\"")), "1.0.0");
    goes_on(h);
    host_stop(h);
}

static void what_was_refused_is_tried_again_when_it_changes(void **state)
{
    struct host *h = *state;
    unsigned count;

    start_counting(h);
    drop_as("tests/misbehaving/crashes_in_constructor", "a.so");
    is_refused(h, "a.so", "SIGSEGV");
    count = host_events(h, "plugin.refused");
    drop_as("tests/misbehaving/crashes_in_constructor", "a.so");
    drop_as("samples/counter-1.1.0", "a.so");
    host_event(h, "upgrade.commit", "to", "1.1.0");
    assert_int_equal(host_events(h, "plugin.refused"), count);
    host_stop(h);
}

static void a_file_that_may_not_be_read(void **state)
{
    struct host *h = *state;

    if (geteuid() == 0)
        skip(); /* who may read everything */
    start_counting(h);
    copy_file(built("samples/counter-1.1.0"), in_folder("secret.so"));
    chmod(in_folder("secret.so"), 0);
    assert_int_equal(rename(in_folder("secret.so"), in_folder("plugins/secret.so")), 0);
    host_event(h, "plugin.refused", "file", "secret.so");
    goes_on(h);
    host_stop(h);
}

static void unpacking_a_bad_file_is_answered_with_the_reason(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_counting(h);
    error =
        host_refuses(h, "unpack", json_pack("{s:[s]}", "files", plugin("wrong_abi")));
    assert_has(text_at(error, "message"), "ABI 2.0");
    assert_string_equal(text_at(error, "data.step"), "read");
    error = host_refuses(h, "unpack", json_pack("{s:[s]}", "files", "/nowhere/a.so"));
    assert_string_equal(text_at(error, "data.code"), "not_found");
    goes_on(h);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(what_is_no_elf_file),
        HOST_TEST(a_file_that_is_cut_anywhere),
        HOST_TEST(another_architecture),
        HOST_TEST(what_a_file_says_of_itself),
        HOST_TEST(what_refuses_a_state_is_named_by_server_function_and_line),
        HOST_TEST(a_name_that_another_application_has),
        HOST_TEST(an_upgrade_whose_new_child_wants_a_name_that_is_taken),
        HOST_TEST(what_was_refused_is_tried_again_when_it_changes),
        HOST_TEST(a_file_that_may_not_be_read),
        HOST_TEST(unpacking_a_bad_file_is_answered_with_the_reason),
    };

    return cmocka_run_group_tests_name("refuse", tests, NULL, NULL);
}
