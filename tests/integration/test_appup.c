/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrades by an appup, in the plugin and beside it, on a real host. */
#include "test.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_fixture.h"
#include "program.h"

static void write_to(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "we");

    fputs(text, out);
    fclose(out);
}

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

/* 1.0.0 runs, and what is dropped waits. */
static void start_meter(struct host *h)
{
    drop("integration/meter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    assert_int_equal(host_call_int(h, "meter", "{\"add\": 7}"), 7);
}

static bool runs(struct host *h, const char *name)
{
    json_t *all = host_ask(h, "tree", NULL);
    char *text = json_dumps(all, 0);
    bool found = strstr(text, name) != NULL;

    free(text);
    return found;
}

static void extra_reaches_code_change_up_and_down(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_meter(h);
    stage(h, "integration/meter-2.0.0", "2.0.0");
    report = host_change(h, "upgrade", "meter@2.0.0");
    assert_int_equal(int_at(report, "moved.code_change"), 1);
    assert_int_equal(int_at(report, "moved.added"), 1);
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 700);
    assert_true(runs(h, "\"log\""));
    host_change(h, "downgrade", "meter@1.0.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    assert_false(runs(h, "\"log\""));
    host_stop(h);
}

static void what_an_appup_forgets_refuses_its_plugin(void **state)
{
    struct host *h = *state;
    json_t *event;

    start_meter(h);
    drop("integration/meter_forgets");
    event = host_event(h, "plugin.refused", "vsn", "2.1.0");
    assert_has(text_at(event, "reason"),
               "number 1 of up in its appup, from 1.0.0 to 2.1.0, does not cover that "
               "'log' is new: add add_module \"log\"");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    host_stop(h);
}

static void check_says_what_an_appup_forgets(void **state)
{
    const struct ran *ran = moult(NULL, "check", built("integration/meter_forgets"),
                                  built("integration/meter-1.0.0"), NULL);

    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "'log' is new");
    ran = moult(NULL, "check", built("integration/meter-2.0.0"),
                built("integration/meter-1.0.0"), NULL);
    assert_int_equal(ran->status, 0);
}

static void a_file_beside_it_takes_the_place_of_the_plugin_s_own(void **state)
{
    struct host *h = *state;

    start_meter(h);
    write_to("plugins/meter_forgets.appup",
             "vsn = \"2.1.0\";\n"
             "up = ({ vsn = \"1.0.0\"; instructions = (\n"
             "  { update = \"meter\"; change = \"advanced\"; extra = { by = 3; }; },\n"
             "  { add_module = \"log\"; }); });\n");
    stage(h, "integration/meter_forgets", "2.1.0");
    host_change(h, "upgrade", "meter@2.1.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 21);
    assert_has(text_at(host_change_refused(h, "downgrade", "meter@1.0.0"), "message"),
               "there is no way from 2.1.0 to 1.0.0: down in the appup of 2.1.0 has "
               "nothing");
    host_stop(h);
}

/* OTP: no_appup_relup; but without one it is worked out. */
static void
a_version_without_a_way_from_what_runs_is_taken_in_and_not_gone_to(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_meter(h);
    write_to("plugins/meter.appup", "vsn = \"2.2.0\"; up = ({ vsn = \"1.5.0\"; });");
    stage(h, "integration/meter_plain", "2.2.0");
    why = host_change_refused(h, "upgrade", "meter@2.2.0");
    assert_string_equal(text_at(why, "data.step"), "plan");
    assert_has(text_at(why, "message"), "there is no way from 1.0.0 to 2.2.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    host_stop(h);
}

static void without_one_code_change_gets_no_extra(void **state)
{
    struct host *h = *state;

    start_meter(h);
    stage(h, "integration/meter_plain", "2.2.0");
    host_change(h, "upgrade", "meter@2.2.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 70);
    host_stop(h);
}

static void a_package_brings_it_along(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    char command[1200];

    start_meter(h);
    mkdir(in_folder("build"), 0700);
    snprintf(command, sizeof(command), "cp %s %s", built("integration/meter_plain"),
             in_folder("build/meter_plain.so"));
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a copy */
    write_to("build/meter.appup",
             "vsn = \"2.2.0\";\n"
             "up = ({ pattern = \".*\"; instructions = (\n"
             "  { code_change = \"meter\"; extra = { by = 5; }; },\n"
             "  { add_module = \"log\"; }); });\n");
    write_to("house.rel", "release = \"house\"; vsn = \"1\";\n"
                          "applications = { meter = \"2.2.0\"; };\n");
    ran = moult(NULL, "pack", "house.rel", "--plugins", "build", "--to",
                "plugins/house.pack", NULL);
    assert_int_equal(ran->status, 0);
    host_event(h, "release.unpack", "release", "house@1");
    host_ask(h, "install", json_pack("{s:s}", "release", "house@1"));
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 35);
    host_stop(h);
}

static json_t *plan_of(struct host *h, const char *verb, const char *target_text)
{
    json_t *params = target(target_text);

    json_object_set_new(params, "plan", json_true());
    return host_ask(h, verb, params);
}

static bool plan_has(const json_t *plan, const char *step, const char *words)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(plan, "steps"), i, one)
    {
        if (strcmp(text_at(one, "step"), step) == 0 &&
            strstr(text_at(one, "text"), words))
            return true;
    }
    return false;
}

static void a_plan_says_each_step_and_server_and_does_nothing(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *plan;

    start_meter(h);
    stage(h, "integration/meter-2.0.0", "2.0.0");
    plan = plan_of(h, "upgrade", "meter@2.0.0");
    assert_string_equal(text_at(plan, "by"), "number 1 of up in its appup");
    assert_true(plan_has(plan, "rehearse", "of 1 live state a copy"));
    assert_true(plan_has(plan, "add", "'log' is started"));
    assert_true(plan_has(plan, "migrate",
                         "'meter' moves by code_change: its state has another format "
                         "(1 -> 2), with extra {\"by\":100}"));
    assert_true(plan_has(plan, "purge", "1.0.0 is unloaded"));
    assert_true(int_at(plan, "pause_us") > 0);
    assert_string_equal(text_at(plan, "pause_by"), "assumed");
    assert_string_equal(host_vsn(h, "meter"), "1.0.0");
    host_change(h, "upgrade", "meter@2.0.0");
    plan = plan_of(h, "downgrade", "meter@1.0.0");
    assert_string_equal(text_at(plan, "by"), "number 1 of down in its appup");
    assert_true(plan_has(plan, "retire", "'log' is ended"));
    assert_string_equal(text_at(plan, "pause_by"), "measured");
    ran = moult(h->socket, "downgrade", "meter@1.0.0", "--plan", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "as number 1 of down in its appup says; a pause of about");
    assert_has(ran->out, "log         1  removed      it is no more");
    host_stop(h);
}

static void a_plan_shows_what_is_configured_otherwise(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *plan;

    write_to("plugins/meter-1.0.0.app", "env = { rate = 1; gone = true; };");
    write_to("plugins/meter-1.1.0.app", "env = { rate = 2; fresh = \"x\"; };");
    start_meter(h);
    stage(h, "integration/meter-1.1.0", "1.1.0");
    plan = plan_of(h, "upgrade", "meter@1.1.0");
    assert_string_equal(text_at(plan, "by"), "derived");
    assert_int_equal(json_array_size(at(plan, "env")), 3);
    ran = moult(h->socket, "upgrade", "meter@1.1.0", "--plan", NULL);
    assert_has(ran->out, "worked out from both versions; a pause of about");
    assert_has(ran->out, "rate: 1 -> 2");
    assert_has(ran->out, "fresh: null -> \"x\"");
    assert_has(ran->out, "gone: true -> null");
    host_stop(h);
}

/* -- by way of others -- */

static void what_can_t_be_come_to_at_once_is_by_way_of_another(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *plan, *report;

    start_meter(h);
    stage(h, "integration/meter-2.0.0", "2.0.0");
    stage(h, "integration/meter-3.0.0", "3.0.0");
    plan = plan_of(h, "upgrade", "meter@3.0.0");
    assert_int_equal(json_array_size(at(plan, "via")), 1);
    assert_true(plan_has(plan, "migrate", "(1 -> 2 -> 3), with extra {\"by\":100}"));
    report = host_change(h, "upgrade", "meter@3.0.0");
    assert_string_equal(json_string_value(json_array_get(at(report, "via"), 0)),
                        "2.0.0");
    assert_int_equal(int_at(report, "rehearsed"), 1);
    assert_int_equal(int_at(report, "moved.code_change"), 1);
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 1400);
    assert_string_equal(host_vsn(h, "meter"), "3.0.0");
    ran = moult(h->socket, "downgrade", "meter@1.0.0", "--plan", NULL);
    assert_has(ran->out, "meter 3.0.0 -> 2.0.0 -> 1.0.0, a plan");
    host_change(h, "downgrade", "meter@1.0.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    host_stop(h);
}

static void the_way_with_the_fewest_versions_is_taken(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_meter(h);
    stage(h, "integration/meter-1.1.0", "1.1.0");
    stage(h, "integration/meter-2.0.0", "2.0.0");
    stage(h, "integration/meter_plain", "2.2.0");
    stage(h, "integration/meter_from_2_2_0", "3.1.0");
    report = host_change(h, "upgrade", "meter@3.1.0");
    assert_int_equal(json_array_size(at(report, "via")), 1);
    assert_string_equal(json_string_value(json_array_get(at(report, "via"), 0)),
                        "2.2.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 140);
    host_change(h, "downgrade", "meter@2.0.0"); /* 2.2.0 has the same format */
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 70);
    host_stop(h);
}

static void without_one_between_it_is_refused(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_meter(h);
    stage(h, "integration/meter-1.1.0", "1.1.0");
    stage(h, "integration/meter-3.0.0", "3.0.0");
    why = host_change_refused(h, "upgrade", "meter@3.0.0");
    assert_string_equal(text_at(why, "data.step"), "plan");
    assert_has(
        text_at(why, "message"),
        "code_change of server 'meter' in 3.0.0 goes no further back than format "
        "2, and in 1.0.0 it has 1");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    host_stop(h);
}

static void a_state_that_is_refused_on_the_way_is_found_by_the_rehearsal(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_meter(h);
    stage(h, "integration/meter_plain", "2.2.0");
    stage(h, "integration/meter-3.0.0", "3.0.0");
    host_call(h, "meter", "{\"add\": 50000}");
    why = host_change_refused(h, "upgrade", "meter@3.0.0");
    assert_string_equal(text_at(why, "data.step"), "rehearse");
    assert_string_equal(text_at(why, "data.server"), "meter");
    assert_string_equal(text_at(why, "data.field"), "code_change");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 50007);
    assert_string_equal(host_vsn(h, "meter"), "1.0.0");
    host_stop(h);
}

static void
without_a_rehearsal_the_migration_finds_it_and_nothing_has_changed(void **state)
{
    struct host *h = *state;
    json_t *why;

    drop("integration/meter-1.0.0");
    host_start(h, "--on-drop", "stage", "--rehearse", "off", NULL);
    stage(h, "integration/meter_plain", "2.2.0");
    stage(h, "integration/meter-3.0.0", "3.0.0");
    host_call(h, "meter", "{\"add\": 50007}");
    why = host_change_refused(h, "upgrade", "meter@3.0.0");
    assert_string_equal(text_at(why, "data.step"), "migrate");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 50007);
    assert_false(runs(h, "\"log\""));
    host_stop(h);
}

/* -- other applications, and itself as a whole -- */

/* 2.2.0 by an appup that says this of others. */
static void stage_with(struct host *h, const char *up, const char *down)
{
    static const char *const both =
        "vsn = \"2.2.0\";\n"
        "up = ({ vsn = \"1.0.0\"; instructions = ({ code_change = \"meter\"; },\n"
        "  { add_module = \"log\"; }%s); });\n"
        "down = ({ vsn = \"1.0.0\"; instructions = ({ code_change = \"meter\"; },\n"
        "  { delete_module = \"log\"; }%s); });\n";
    char text[1024];

    snprintf(text, sizeof(text), both, up, down);
    write_to("plugins/meter_plain.appup", text);
    stage(h, "integration/meter_plain", "2.2.0");
}

#define ADDS    ", { add_application = \"echo\"; }"
#define REMOVES ", { remove_application = \"echo\"; }"

static void an_application_that_is_added_starts_and_one_removed_stops(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *report;

    start_meter(h);
    stage(h, "integration/echo", "1.0.0");
    stage_with(h, ADDS, REMOVES);
    ran = moult(h->socket, "upgrade", "meter@2.2.0", "--plan", NULL);
    assert_has(ran->out, "echo 1.0.0: would start");
    assert_null(host_vsn(h, "echo"));
    report = host_change(h, "upgrade", "meter@2.2.0");
    assert_string_equal(
        text_at(json_array_get(at(report, "started"), 0), "application"), "echo");
    assert_string_equal(host_vsn(h, "echo"), "1.0.0");
    assert_string_equal(recorded_vsn("echo"), "1.0.0");
    report = host_change(h, "downgrade", "meter@1.0.0");
    assert_string_equal(
        text_at(json_array_get(at(report, "stopped"), 0), "application"), "echo");
    assert_null(host_vsn(h, "echo"));
    assert_string_equal(recorded_vsn("echo"), "");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    host_stop(h);
}

static void one_that_is_not_here_can_t_be_added(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_meter(h);
    stage_with(h, ADDS, "");
    why = host_change_refused(h, "upgrade", "meter@2.2.0");
    assert_string_equal(text_at(why, "data.step"), "plan");
    assert_has(text_at(why, "message"), "adds application 'echo', which is not here");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    host_stop(h);
}

static void a_release_has_what_its_appups_add(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_meter(h);
    stage(h, "integration/echo", "1.0.0");
    stage_with(h, ADDS, REMOVES);
    write_to("plugins/house.rel", "release = \"house\"; vsn = \"1\";\n"
                                  "applications = { meter = \"2.2.0\"; };\n");
    host_event(h, "release.unpack", "release", "house@1");
    why = host_refuses(h, "install", json_pack("{s:s}", "release", "house@1"));
    assert_has(text_at(why, "message"), "an appup adds application 'echo'");
    write_to("plugins/home.rel",
             "release = \"home\"; vsn = \"1\";\n"
             "applications = { meter = \"2.2.0\"; echo = \"1.0.0\"; };\n");
    host_event(h, "release.unpack", "release", "home@1");
    host_ask(h, "install", json_pack("{s:s}", "release", "home@1"));
    assert_string_equal(host_vsn(h, "echo"), "1.0.0");
    host_stop(h);
}

static void a_function_is_called_before_the_pause_and_after_it(void **state)
{
    struct host *h = *state;
    json_t *plan, *event;

    start_meter(h);
    stage(h, "integration/meter_calls", "2.3.0");
    plan = plan_of(h, "upgrade", "meter@2.3.0");
    assert_true(plan_has(plan, "apply", "'note' is called, and may refuse"));
    host_change(h, "upgrade", "meter@2.3.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), (7 + 5) * 10 + 3);
    host_change(h, "downgrade",
                "meter@1.0.0"); /* by functions of the version that went */
    event = host_event(h, "upgrade.apply_failed", "function", "note");
    assert_has(text_at(event, "reason"), "a meter does not run backward");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 12 + 1);
    assert_null(host_release(h, "meter", "2.3.0", "running"));
    host_stop(h);
}

static void a_function_may_refuse_the_upgrade_before(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_meter(h);
    write_to("plugins/meter_calls.appup",
             "vsn = \"2.3.0\"; up = ({ vsn = \"1.0.0\"; instructions = (\n"
             "  { apply = \"note\"; args = -5; }, { code_change = \"meter\"; },\n"
             "  { add_module = \"log\"; }); });\n");
    stage(h, "integration/meter_calls", "2.3.0");
    why = host_change_refused(h, "upgrade", "meter@2.3.0");
    assert_string_equal(text_at(why, "data.step"), "apply");
    assert_string_equal(text_at(why, "data.field"), "note");
    assert_has(text_at(why, "message"),
               "meter.appup:2: 'note' refuses: a meter does not run backward");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 7);
    assert_false(runs(h, "\"log\""));
    host_stop(h);
}

static void a_function_that_is_not_there_refuses_the_plugin(void **state)
{
    struct host *h = *state;
    json_t *event;

    start_meter(h);
    write_to("plugins/meter_calls.appup",
             "vsn = \"2.3.0\"; up = ({ vsn = \"1.0.0\"; instructions = (\n"
             "  { apply = \"notes\"; }); });\n");
    drop("integration/meter_calls");
    event = host_event(h, "plugin.refused", "app", "meter");
    assert_has(text_at(event, "reason"),
               ":2: the appup of the plugin has no function 'notes'");
    host_stop(h);
}

/* OTP: eval_appup_with_restart. */
static void an_application_that_is_restarted_begins_anew(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    json_t *report;

    start_meter(h);
    write_to("plugins/meter_plain.appup",
             "vsn = \"2.2.0\";\n"
             "up = ({ vsn = \"1.0.0\"; instructions = ({ restart_application = "
             "\"meter\"; }); });\n"
             "down = ({ vsn = \"1.0.0\"; instructions = ({ restart_application = "
             "\"meter\"; }); });\n");
    stage(h, "integration/meter_plain", "2.2.0");
    ran = moult(h->socket, "upgrade", "meter@2.2.0", "--plan", NULL);
    assert_has(ran->out,
               "'meter' is stopped and started as 2.2.0: what it holds is lost");
    report = host_change(h, "upgrade", "meter@2.2.0");
    assert_true(json_is_true(at(report, "restarted")));
    assert_string_equal(host_vsn(h, "meter"), "2.2.0");
    assert_int_equal(host_call_int(h, "meter", "{\"add\": 3}"), 3);
    assert_true(runs(h, "\"log\""));
    assert_null(host_release(h, "meter", "1.0.0", "running"));
    host_change(h, "downgrade", "meter@1.0.0");
    assert_string_equal(host_vsn(h, "meter"), "1.0.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 0);
    host_stop(h);
}

static void one_that_was_restarted_is_so_again_if_the_upgrade_is_refused(void **state)
{
    struct host *h = *state;
    json_t *params;

    drop("integration/meter-1.0.0");
    drop("integration/tallies-1.0.0");
    host_start(h, "--on-drop", "stage", "--rehearse", "off", NULL);
    write_to("plugins/meter_plain.appup",
             "vsn = \"2.2.0\";\n"
             "up = ({ vsn = \"1.0.0\"; instructions = ({ restart_application = "
             "\"meter\"; }); });\n");
    stage(h, "integration/meter_plain", "2.2.0");
    stage(h, "integration/tallies_change_refuses_some", "3.0.5");
    host_call(h, "tally.0", "{\"add\": 101}");
    params = json_pack("{s:[s, s]}", "targets", "meter@2.2.0", "tallies@3.0.5");
    assert_string_equal(text_at(host_refuses(h, "upgrade", params), "data.step"),
                        "migrate");
    assert_string_equal(host_vsn(h, "meter"), "1.0.0");
    assert_int_equal(host_call_int(h, "meter", "{\"add\": 2}"), 2);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(extra_reaches_code_change_up_and_down),
        HOST_TEST(what_an_appup_forgets_refuses_its_plugin),
        HOST_TEST(check_says_what_an_appup_forgets),
        HOST_TEST(a_file_beside_it_takes_the_place_of_the_plugin_s_own),
        HOST_TEST(a_version_without_a_way_from_what_runs_is_taken_in_and_not_gone_to),
        HOST_TEST(a_plan_says_each_step_and_server_and_does_nothing),
        HOST_TEST(a_plan_shows_what_is_configured_otherwise),
        HOST_TEST(a_package_brings_it_along),
        HOST_TEST(what_can_t_be_come_to_at_once_is_by_way_of_another),
        HOST_TEST(the_way_with_the_fewest_versions_is_taken),
        HOST_TEST(without_one_between_it_is_refused),
        HOST_TEST(a_state_that_is_refused_on_the_way_is_found_by_the_rehearsal),
        HOST_TEST(without_a_rehearsal_the_migration_finds_it_and_nothing_has_changed),
        HOST_TEST(an_application_that_is_added_starts_and_one_removed_stops),
        HOST_TEST(one_that_is_not_here_can_t_be_added),
        HOST_TEST(a_release_has_what_its_appups_add),
        HOST_TEST(a_function_is_called_before_the_pause_and_after_it),
        HOST_TEST(a_function_may_refuse_the_upgrade_before),
        HOST_TEST(a_function_that_is_not_there_refuses_the_plugin),
        HOST_TEST(an_application_that_is_restarted_begins_anew),
        HOST_TEST(one_that_was_restarted_is_so_again_if_the_upgrade_is_refused),
        HOST_TEST(without_one_code_change_gets_no_extra),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
