/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>

#include "folder.h"
#include "moult.h"
#include "route.h"
#include "sanitize.h"
#include "vet.h"

static struct vet *vet;
static struct fault why;

static int start(void **state)
{
    return vet_start(NULL, &vet, NULL);
}

static int stop(void **state)
{
    vet_stop(vet);
    vet = NULL;
    return 0;
}

static int run(const char *name, const char *with, json_t **lints)
{
    struct vet_report report;
    /* Slow enough for sanitizers, short for what hangs. */
    unsigned timeout_ms = strstr(name, "hangs") || strstr(name, "loops") ? 300 : 20000;
    int err;

    why = (struct fault){0};
    err = vet_run(vet, plugin(name), with ? plugin(with) : NULL, timeout_ms, &report,
                  &why);
    if (lints)
        *lints = err ? NULL : json_incref(report.lints);
    if (!err)
        json_decref(report.lints);
    return err;
}

static void assert_passes(const char *name, const char *with)
{
    if (run(name, with, NULL))
        fail_msg("%s with %s: \"%s\"", name, with ? with : "none", why.text);
}

static void assert_refused(const char *name, const char *with, const char *word,
                           const char *other)
{
    int err = run(name, with, NULL);

    if (!err || !strstr(why.text, word) || !strstr(why.text, other))
        fail_msg("%s: %d, \"%s\"", name, err, why.text);
    assert_string_equal(why.step, "vet");
}

static void assert_lint(const char *name, const char *with, const char *word)
{
    json_t *lints = NULL;
    char *text;

    assert_int_equal(run(name, with, &lints), 0);
    text = json_dumps(lints, 0);
    if (!strstr(text, word))
        fail_msg("%s: %s", name, text);
    free(text);
    json_decref(lints);
}

static void a_good_plugin_passes_without_lints(void **state)
{
    json_t *lints = NULL;

    assert_int_equal(run("good_1_0_0", NULL, &lints), 0);
    assert_int_equal(json_array_size(lints), 0);
    json_decref(lints);
}

static void good_versions_pass_with_one_another(void **state)
{
    assert_passes("good_1_1_0", "good_1_0_0");
    assert_passes("good_1_0_0", "good_1_1_0");
    assert_passes("good_2_0_0", "good_1_1_0");
    assert_passes("good_1_0_0", "good_2_0_0");
    assert_passes("good_1_0_0", "good_1_0_0");
}

static void a_crash_an_exit_an_abort_and_a_hang_are_told_apart(void **state)
{
    assert_refused("crashes_in_constructor", NULL, "its constructor crashed",
                   "SIGSEGV");
    assert_refused("exits_in_constructor", NULL, "its constructor ended the process",
                   "exit status 0");
    assert_refused("aborts_in_constructor", NULL, "its constructor called abort()",
                   "the moon is full");
    assert_refused("hangs_in_constructor", NULL,
                   "its constructor did not come to an end", "300 ms");
    assert_refused("crashes_in_destructor", NULL, "its destructor crashed", "SIGSEGV");
}

static void where_it_failed_is_told_by_function_and_line(void **state)
{
    NEEDS_INTERPOSITION;
    assert_refused("change_crashes", "good_1_0_0", "(Segmentation fault)",
                   " in code_change (bad_change.c:");
    assert_refused("change_loops", "good_1_0_0", "within 300 ms",
                   " in code_change (bad_change.c:");
    assert_refused("change_refuses", "good_1_0_0", "0 is too many (bad_change.c:", "");
    assert_refused("change_writes_nothing", "good_1_0_0", "one map", "(bad_change.c:");
    assert_refused("crashes_in_constructor", NULL,
                   "(crashes_in_constructor.c:", "its constructor");
    assert_string_equal(why.field, "begin");
    assert_refused("aborts_in_constructor", NULL,
                   "(aborts_in_constructor.c:", "the moon is full");
    assert_refused("exits_in_constructor", NULL,
                   "(exits_in_constructor.c:", "exit status 0");
    assert_refused("hangs_in_constructor", NULL, "(hangs_in_constructor.c:", "300 ms");
    assert_refused("crashes_in_destructor", NULL, "(crashes_in_destructor.c:", "");
    assert_refused("loses_a_field", NULL, "must agree", "(loses_a_field.c:");
    assert_refused("change_calls_null", "good_1_0_0", "SIGSEGV",
                   " in code_change (bad_change.c:");
    assert_refused("change_recurses", "good_1_0_0", "SIGSEGV",
                   " in deeper (bad_change.c:");
}

static const char *this_abi(void)
{
    static char text[24];

    snprintf(text, sizeof(text), "%u.%u", MOULT_ABI_MAJOR, MOULT_ABI_MINOR);
    return text;
}

static void what_is_wrong_with_a_plugin_is_told(void **state)
{
    assert_refused("bad_schema", NULL, "count", "bad_schema.c");
    assert_string_equal(why.app, "bad_schema");
    assert_string_equal(why.server, "bad");
    assert_refused("duplicate_ids", NULL, "two children", "'twin'");
    assert_refused("undefined_symbol", NULL, "undefined symbol",
                   "a_function_that_nobody_has");
    assert_refused("wrong_abi", NULL, "ABI 2.0", this_abi());
    assert_refused("loses_a_field", NULL, "'forgetful'", "save and load");
    assert_refused("writes_bad_cbor", NULL, "'bad'", "one map");
    assert_string_equal(why.field, "save");
}

static void formats_without_a_way_are_refused_and_named(void **state)
{
    assert_refused("no_way", "good_1_0_0", "server 'tally' has format 0 in 1.0.0",
                   "7 in 3.0.0");
    assert_string_equal(why.server, "tally");
    assert_string_equal(why.field, "code_change");
}

static void a_code_change_that_sins_is_refused(void **state)
{
    assert_refused("change_refuses", "good_1_0_0", "from format 0 to 7",
                   "0 is too many");
    assert_refused("change_crashes", "good_1_0_0",
                   "code_change from format 0 to 7 of server 'tally'", "SIGSEGV");
    assert_string_equal(why.server, "tally");
    assert_string_equal(why.field, "code_change");
    assert_refused("change_loops", "good_1_0_0", "code_change from format 0 to 7",
                   "300 ms");
    assert_refused("change_writes_nothing", "good_1_0_0", "one map", "'tally'");
}

static void a_trial_has_limits_and_no_descriptor_of_the_host(void **state)
{
    int ends[2];

    stop(state);
    assert_int_equal(pipe(ends), 0); /* as a careless library opens them */
    start(state);
    if (SANITIZED_MEMORY + SANITIZED_THREADS) /* their shadow exceeds any limit */
        assert_refused("looks_around", NULL, "memory without end", "");
    else
        assert_passes("looks_around", NULL);
    close(ends[0]);
    close(ends[1]);
}

static void a_way_has_sixteen_legs_at_most(void **state)
{
    const char *via[ROUTE_LEGS_MAX], *from = plugin("good_1_0_0");
    const struct vet_job job = {.path = plugin("good_1_1_0"),
                                .with = from,
                                .via = via,
                                .via_count = ROUTE_LEGS_MAX};
    struct vet_report report;

    for (size_t i = 0; i < ROUTE_LEGS_MAX; i++)
        via[i] = from;
    why = (struct fault){0};
    assert_int_equal(vet_run_job(vet, &job, &report, &why), -EINVAL);
    assert_non_null(strstr(why.text, "more than 16 versions"));
}

static void another_application_is_refused(void **state)
{
    assert_refused("duplicate_ids", NULL, "two", "");
    assert_refused("good_1_0_0", "never_unloads", "'good'", "'never_unloads'");
}

static void what_it_leaves_behind_is_told(void **state)
{
    assert_lint("never_unloads", NULL, "does not unload");
    assert_lint("leaks_a_descriptor", NULL, "descriptors open (1)");
    assert_refused("leaves_a_thread", NULL, "threads running", "destructor");
}

/* {"count": n}, for n below 24 or, with 0x18 before it, below 256. */
static const char state_5[] = "\xa1\x65"
                              "count\x05";
static const char state_200[] = "\xa1\x65"
                                "count\x18\xc8";

static int rehearse(const char *name, const struct vet_state *states, size_t count,
                    struct vet_report *report)
{
    const struct vet_job job = {.path = plugin(name),
                                .with = plugin("good_1_0_0"),
                                .states = states,
                                .state_count = count,
                                .timeout_ms = 20000};
    int err;

    why = (struct fault){0};
    err = vet_run_job(vet, &job, report, &why);
    if (!err)
        json_decref(report->lints);
    return err;
}

static void states_are_carried_and_the_bad_one_is_named(void **state)
{
    static const struct vet_state states[] = {
        {"tally", state_5, sizeof(state_5) - 1},
        {"gone", state_5, sizeof(state_5) - 1},
        {"tally", state_200, sizeof(state_200) - 1}};
    struct vet_report report;

    assert_int_equal(rehearse("good_2_0_0", states, 3, &report), 0);
    assert_int_equal(rehearse("change_refuses_some", states, 2, &report), 0);
    assert_int_equal(rehearse("change_refuses_some", states, 3, &report), -ERANGE);
    assert_int_equal(report.state, 2);
    assert_string_equal(why.step, "rehearse");
    assert_non_null(strstr(why.text, "200 is too many"));
    assert_int_equal(rehearse("change_crashes_some", states, 3, &report), -ENOEXEC);
    assert_int_equal(report.state, 2);
    assert_non_null(strstr(why.text, "crashed"));
}

static void many_states_are_carried(void **state)
{
    const size_t count = 20000;
    struct vet_state *states = calloc(count, sizeof(*states));
    struct vet_report report;

    for (size_t i = 0; i < count; i++)
        states[i] = (struct vet_state){"tally", state_5, sizeof(state_5) - 1};
    assert_int_equal(rehearse("good_2_0_0", states, count, &report), 0);
    /* The child ends before it has read them all. */
    assert_int_equal(rehearse("crashes_in_constructor", states, count, &report),
                     -ENOEXEC);
    free(states);
}

/* Whose child the process `pid` (a text) is. */
static long parent_of(const char *pid)
{
    char path[300], line[512] = "";
    char *name_end;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    f = fopen(path, "re");
    if (!f)
        return 0;
    name_end = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    fclose(f);
    return name_end ? strtol(name_end + 4, NULL, 10) : 0; /* ") S 123" */
}

/* The one process whose parent we are. */
static pid_t find_helper(void)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    long found = 0;

    assert_non_null(proc);
    while (!found && (entry = readdir(proc))) {
        long pid = strtol(entry->d_name, NULL, 10);

        if (pid > 0 && parent_of(entry->d_name) == getpid())
            found = pid;
    }
    closedir(proc);
    return (pid_t)found;
}

static void a_helper_that_died_is_started_again(void **state)
{
    pid_t helper = find_helper();

    assert_true(helper > 0);
    assert_int_equal(kill(helper, SIGKILL), 0);
    assert_passes("good_1_0_0", NULL);
    assert_int_not_equal(find_helper(), helper);
}

static void a_program_that_is_no_helper_is_given_up(void **state)
{
    struct vet_report report;
    struct vet *other = NULL;

    assert_true(vet_start("/no/such/program", &other, NULL) < 0);
    assert_null(other);
    assert_int_equal(vet_start("/bin/true", &other, NULL), 0);
    why = (struct fault){0};
    assert_int_equal(vet_run(other, plugin("good_1_0_0"), NULL, 0, &report, &why),
                     -EPIPE);
    assert_non_null(strstr(why.text, "helper"));
    vet_stop(other);
}

static void trials_leave_nothing_open(void **state)
{
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

    close(before);
    for (int i = 0; i < 20; i++) {
        assert_passes("good_1_0_0", NULL);
        assert_refused("exits_in_constructor", NULL, "exit", "");
    }
    after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    assert_int_equal(after, before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_plugin_passes_without_lints),
        TEST(good_versions_pass_with_one_another),
        TEST(a_crash_an_exit_an_abort_and_a_hang_are_told_apart),
        TEST(where_it_failed_is_told_by_function_and_line),
        TEST(what_is_wrong_with_a_plugin_is_told),
        TEST(formats_without_a_way_are_refused_and_named),
        TEST(a_code_change_that_sins_is_refused),
        TEST(a_trial_has_limits_and_no_descriptor_of_the_host),
        TEST(a_way_has_sixteen_legs_at_most),
        TEST(another_application_is_refused),
        TEST(what_it_leaves_behind_is_told),
        TEST(states_are_carried_and_the_bad_one_is_named),
        TEST(many_states_are_carried),
        TEST(a_helper_that_died_is_started_again),
        TEST(a_program_that_is_no_helper_is_given_up),
        TEST(trials_leave_nothing_open),
    };

    if (argc == 2 && strcmp(argv[1], "vet") == 0)
        return vet_main(VET_FD);
    return cmocka_run_group_tests_name("vet", tests, NULL, NULL);
}
