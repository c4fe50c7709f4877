/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OTP's release handler does by an appup or a relup, on a real host.  Named for what
 * must be true, with the case of release_handler_SUITE (RH), systools_rc_SUITE (RC) or
 * systools_SUITE (ST) behind it.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "host_fixture.h"
#include "program.h"

static const char *const staging[] = {"--on-drop", "stage", NULL};

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

/* FILE.appup of a plugin, from 1.0.0 up and back. */
static void appup(const char *file, const char *vsn, const char *up, const char *down)
{
    FILE *out = fopen(in_folder(file), "we");

    fprintf(out,
            "vsn = \"%s\";\n"
            "up = ({ vsn = \"1.0.0\"; instructions = (%s); });\n"
            "down = ({ vsn = \"1.0.0\"; instructions = (%s); });\n",
            vsn, up, down);
    fclose(out);
}

static bool has_step(const json_t *plan, const char *step, const char *words)
{
    const json_t *one;
    size_t i;

    json_array_foreach(at(plan, "steps"), i, one)
    {
        if (strcmp(text_at(one, "step"), step) == 0 &&
            strstr(text_at(one, "text"), words))
            return true;
    }
    return false;
}

static json_t *plan_of(struct host *h, const char *what)
{
    return host_ask(h, "upgrade",
                    json_pack("{s:[s], s:b}", "targets", what, "plan", true));
}

static const char *pid_of(struct host *h, const char *name)
{
    return text_at(host_ask(h, "info", json_pack("{s:s}", "name", name)), "pid");
}

/* -- stop and start -- */

#define ANEW \
    "{ stop = \"a\"; }, { start = \"a\"; }, { update = \"b\"; }, { update = \"c\"; }"

/* crew 1.0.0, whose a and b have counted one, and 1.1.0, with a state of another layout. */
static void start_crew(struct host *h, const char *up, const char *down)
{
    drop("integration/gate");
    drop("integration/crew-1.0.0");
    host_start_with(h, NULL, staging);
    host_call_int(h, "a", "{\"do\": [\"bump\"]}");
    host_call_int(h, "b", "{\"do\": [\"bump\"]}");
    appup("plugins/crew-1.1.0.appup", "1.1.0", up, down);
    stage(h, "integration/crew-1.1.0", "1.1.0");
}

/* RH instructions: stop, start. */
static void who_is_stopped_and_started_begins_anew_and_the_others_go_on(void **state)
{
    struct host *h = *state;
    json_t *report;
    char a[64], b[64];

    start_crew(h, ANEW, ANEW);
    strcpy(a, pid_of(h, "a"));
    strcpy(b, pid_of(h, "b"));
    assert_true(has_step(plan_of(h, "crew@1.1.0"), "stop",
                         "'a' is stopped: what it holds is lost"));
    assert_true(has_step(plan_of(h, "crew@1.1.0"), "start", "'a' is started anew"));
    report = host_change(h, "upgrade", "crew@1.1.0");
    assert_int_equal(int_at(report, "moved.anew"), 1);
    assert_int_equal(int_at(report, "moved.schema"), 2);
    assert_string_not_equal(pid_of(h, "a"), a);
    assert_string_equal(pid_of(h, "b"), b);
    assert_int_equal(host_call_int(h, "a", "\"count\""), 0);
    assert_int_equal(host_call_int(h, "b", "\"count\""), 1);
    assert_string_equal(json_string_value(host_call(h, "a", "\"vsn\"")), "1.1.0");
    assert_int_equal(host_events(h, "server.restart"), 0);
    host_change(h, "downgrade", "crew@1.0.0");
    assert_string_equal(json_string_value(host_call(h, "a", "\"vsn\"")), "1.0.0");
    assert_int_equal(host_call_int(h, "b", "\"count\""), 1);
    assert_null(host_release(h, "crew", "1.1.0", "running"));
    host_stop(h);
}

/* There an upgrade that fails behind a stop ends the node. */
static void who_was_stopped_is_started_as_it_was_if_the_upgrade_is_refused(void **state)
{
    struct host *h = *state;
    json_t *why;
    json_int_t id;

    start_crew(
        h,
        "{ stop = \"a\"; }, { start = \"a\"; }, { update = \"b\"; timeout = 100; },"
        " { update = \"c\"; }",
        "");
    id = talk_ask(h->talk, "call", talk_message("b", "{\"do\": [\"gate\"]}"));
    host_event(h, "plugin.log", "text", "someone waits");
    why = at(talk_answer(h->talk, talk_ask(h->talk, "upgrade", target("crew@1.1.0"))),
             "error");
    assert_string_equal(text_at(why, "data.step"), "drain");
    assert_string_equal(json_string_value(host_call(h, "a", "\"vsn\"")), "1.0.0");
    assert_int_equal(host_call_int(h, "a", "\"count\""), 0);
    host_call_int(h, "gate", "\"open\"");
    talk_answer(h->talk, id);
    host_stop(h);
}

/* A supervisor takes what is below it along, in both versions. */
static void a_supervisor_is_started_anew_with_what_is_new_below_it(void **state)
{
    struct host *h = *state;

    drop("integration/orchard-1.0.0");
    host_start_with(h, NULL, staging);
    host_call_int(h, "x", "{\"add\": 3}");
    host_call_int(h, "hive.0", "{\"add\": 4}");
    appup("plugins/orchard-1.1.0.appup", "1.1.0",
          "{ stop = \"pool\"; }, { start = \"pool\"; }, { update = \"hive\"; },"
          "{ update = \"grove/tree\"; }, { add_module = \"barn\"; }",
          "");
    stage(h, "integration/orchard-1.1.0", "1.1.0");
    host_change(h, "upgrade", "orchard@1.1.0");
    assert_int_equal(host_call_int(h, "x", "{\"add\": 1}"), 1);
    assert_int_equal(host_call_int(h, "z", "{\"add\": 1}"), 1);
    assert_int_equal(host_call_int(h, "hive.0", "{\"add\": 1}"), 5);
    assert_int_equal(host_call_int(h, "hive.3", "{\"add\": 1}"), 1);
    host_refuses(h, "call", talk_message("y", "{\"add\": 1}"));
    assert_null(host_release(h, "orchard", "1.0.0", "running"));
    host_stop(h);
}

/* -- timeouts -- */

/* RC translate: timeout. */
static void each_has_as_long_to_come_to_rest_as_its_update_says(void **state)
{
    struct host *h = *state;
    json_int_t held, upgrade;
    json_t *why;

    start_crew(h,
               "{ update = \"a\"; }, { update = \"b\"; timeout = 100; },"
               "{ update = \"c\"; }",
               "");
    held = talk_ask(h->talk, "call", talk_message("b", "{\"do\": [\"gate\"]}"));
    host_event(h, "plugin.log", "text", "someone waits");
    upgrade = talk_ask(h->talk, "upgrade", target("crew@1.1.0"));
    why = at(talk_answer(h->talk, upgrade), "error");
    assert_has(text_at(why, "message"), "within 100 ms: 'b', waits inside");
    host_call_int(h, "gate", "\"open\"");
    talk_answer(h->talk, held);
    held = talk_ask(h->talk, "call", talk_message("a", "{\"do\": [\"gate\"]}"));
    host_event(h, "plugin.log", "text", "someone waits");
    upgrade = talk_ask(h->talk, "upgrade", target("crew@1.1.0"));
    host_event(h, "upgrade.waits", "app", "crew"); /* for more than that, for a */
    host_call_int(h, "gate", "\"open\"");
    assert_non_null(at(talk_answer(h->talk, upgrade), "result"));
    host_stop(h);
}

/* -- purging -- */

/* The queen of hive 1.1.0 runs, and a bee of 1.0.0 does still. */
static void start_hive(struct host *h, const char *more)
{
    FILE *out;

    drop("integration/gate");
    drop("integration/hive-1.0.0");
    host_start_with(h, NULL, staging);
    stage(h, "integration/hive-1.1.0", "1.1.0");
    out = fopen(in_folder("plugins/hive-1.2.0.appup"), "we");
    fprintf(out,
            "vsn = \"1.2.0\"; up = ({ pattern = \"1\\\\.1\\\\..*\"; instructions = (\n"
            "{ update = \"queen\"; %s }, { update = \"drone\"; }); });",
            more);
    fclose(out);
    stage(h, "integration/hive-1.2.0", "1.2.0");
    assert_int_equal(host_call_int(h, "queen", "\"spawn\""), 0);
    host_change(h, "upgrade", "hive@1.1.0");
}

static const char *bee(struct host *h)
{
    return json_string_value(host_call(h, "bee", "\"vsn\""));
}

/* RH instructions: soft_purge, old_processes. */
static void a_soft_pre_purge_refuses_while_older_code_still_runs(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_hive(h, "pre_purge = \"soft_purge\";");
    assert_has(text_at(host_release(h, "hive", "1.0.0", NULL), "reason"), "bee");
    why = host_change_refused(h, "upgrade", "hive@1.2.0");
    assert_string_equal(text_at(why, "data.step"), "plan");
    assert_has(text_at(why, "message"), "wants nothing to run a version before 1.1.0");
    assert_string_equal(bee(h), "1.0.0");
    host_ask(h, "purge",
             json_pack("{s:s, s:b}", "target", "hive@1.0.0", "brutal", true));
    host_change(h, "upgrade", "hive@1.2.0");
    host_stop(h);
}

/* RH instructions: brutal_purge, before. */
static void a_brutal_pre_purge_kills_what_runs_older_code(void **state)
{
    struct host *h = *state;

    start_hive(h, "pre_purge = \"brutal_purge\";");
    assert_int_equal(int_at(host_change(h, "upgrade", "hive@1.2.0"), "killed"), 1);
    host_refuses(h, "call", talk_message("bee", "\"vsn\""));
    assert_int_equal(host_call_int(h, "queen", "\"count\""), 7);
    host_stop(h);
}

/* RH instructions: brutal_purge, after; what is older is not its concern. */
static void a_brutal_post_purge_kills_what_runs_the_code_that_is_left(void **state)
{
    struct host *h = *state;

    start_hive(h, "post_purge = \"brutal_purge\";");
    /* What the nurse of 1.1.0 has spawned. */
    assert_int_equal(int_at(host_change(h, "upgrade", "hive@1.2.0"), "killed"), 1);
    assert_string_equal(bee(h), "1.0.0");
    host_stop(h);
}

/* -- the point of no return -- */

/* RC translate: apply before an explicit one. */
static void what_is_called_before_the_point_of_no_return_may_refuse(void **state)
{
    struct host *h = *state;
    json_t *plan;

    drop("integration/meter-1.0.0");
    host_start_with(h, NULL, staging);
    appup("plugins/meter_calls.appup", "2.3.0",
          "{ apply = \"note\"; args = 5; }, { point_of_no_return = true; },"
          "{ apply = \"note\"; args = 2; }, { code_change = \"meter\"; },"
          "{ add_module = \"log\"; }",
          "{ code_change = \"meter\"; }, { delete_module = \"log\"; }");
    stage(h, "integration/meter_calls", "2.3.0");
    plan = plan_of(h, "meter@2.3.0");
    assert_true(has_step(plan, "apply", "'note' is called, and may refuse"));
    host_change(h, "upgrade", "meter@2.3.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 5 * 10 + 2);
    host_stop(h);
}

/* -- the host's restart -- */

/* RC translate_emulator_restarts: any number is one; RH upgrade_restart. */
static void restarts_are_one_wherever_they_stand(void **state)
{
    struct host *h = *state;
    json_t *plan;
    pid_t pid;

    drop("integration/inn-1.0.0");
    host_start_with(h, NULL, staging);
    host_call_int(h, "inn", "{\"add\": 7}");
    appup("plugins/inn-2.0.0.appup", "2.0.0",
          "{ restart_new_emulator = true; }, { update = \"inn\"; },"
          "{ restart_emulator = true; }, { restart = true; }",
          "{ restart_emulator = true; }");
    stage(h, "integration/inn-2.0.0", "2.0.0");
    plan = plan_of(h, "inn@2.0.0");
    assert_int_equal(json_array_size(at(plan, "steps")), 3);
    assert_true(has_step(plan, "restart", "the host ends in order and begins anew"));
    pid = h->pid;
    host_change(h, "upgrade", "inn@2.0.0");
    host_rebooted(h);
    assert_int_equal(int_at(host_ask(h, "status", NULL), "pid"), pid);
    assert_string_equal(host_vsn(h, "inn"), "2.0.0");
    host_ask(h, "permanent", NULL);
    host_change(h, "downgrade", "inn@1.0.0");
    host_rebooted(h);
    assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    host_stop(h);
}

/* RH eval_appup_with_restart. */
static void an_application_restarts_alone_and_the_host_goes_on(void **state)
{
    struct host *h = *state;

    drop("integration/meter-1.0.0");
    drop("samples/counter-1.0.0");
    host_start_with(h, NULL, staging);
    host_call_int(h, "meter", "{\"add\": 7}");
    host_call_int(h, "counter", "{\"add\": 7}");
    appup("plugins/meter_plain.appup", "2.2.0", "{ restart_application = \"meter\"; }",
          "{ restart_application = \"meter\"; }");
    stage(h, "integration/meter_plain", "2.2.0");
    host_change(h, "upgrade", "meter@2.2.0");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 0);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 7);
    host_stop(h);
}

/* -- one application, up and down -- */

/* RH eval_appup: config_change hears of both directions. */
static void one_application_goes_up_and_down_and_is_told_its_configuration(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    host_start_with(h, NULL, staging);
    appup("plugins/shop-1.1.0.appup", "1.1.0", "", "");
    stage(h, "integration/shop-1.1.0", "1.1.0");
    host_change(h, "upgrade", "shop@1.1.0");
    host_event(h, "plugin.log", "text", "config_change port=9000 open=1 gone=1");
    host_change(h, "downgrade", "shop@1.0.0");
    host_event(h, "plugin.log", "text", "config_change port=8080 open=0 gone=1");
    host_stop(h);
}

/* RH otp_10463_upgrade_script_regexp, ST regexp_relup. */
static void a_pattern_is_for_the_whole_of_a_version(void **state)
{
    struct host *h = *state;
    FILE *out;
    json_t *why;

    drop("integration/meter-1.1.0");
    host_start_with(h, NULL, staging);
    out = fopen(in_folder("plugins/meter_plain.appup"), "we");
    fputs("vsn = \"2.2.0\"; up = ({ pattern = \"1\\\\.1\"; },\n"
          "{ pattern = \"1\\\\.0.*\"; });",
          out);
    fclose(out);
    stage(h, "integration/meter_plain", "2.2.0");
    why = host_change_refused(h, "upgrade", "meter@2.2.0");
    assert_has(text_at(why, "message"), "there is no way from 1.1.0 to 2.2.0");
    host_stop(h);
}

/* ST no_appup_relup: there that is an error; normal_relup without one. */
static void without_an_appup_the_host_works_it_out(void **state)
{
    struct host *h = *state;
    json_t *plan;

    drop("samples/counter-1.0.0");
    host_start_with(h, NULL, staging);
    stage(h, "samples/counter-1.1.0", "1.1.0");
    plan = plan_of(h, "counter@1.1.0");
    assert_string_equal(text_at(plan, "by"), "derived");
    host_change(h, "upgrade", "counter@1.1.0");
    host_stop(h);
}

/* RH install_release_syntax_check, ST bad_appup_relup: found before anything is done. */
static void what_is_wrong_behind_the_point_of_no_return_refuses_the_plugin(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    drop("integration/meter-1.0.0");
    host_start_with(h, NULL, staging);
    appup("plugins/meter_calls.appup", "2.3.0",
          "{ point_of_no_return = true; }, { update = \"nobody\"; }", "");
    drop("integration/meter_calls");
    assert_has(text_at(host_event(h, "plugin.refused", "vsn", "2.3.0"), "reason"),
               "has a module 'nobody'");
    ran = moult(NULL, "check", in_folder("plugins/meter_calls.so"),
                in_folder("plugins/meter-1.0.0.so"), NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "nobody");
    assert_int_equal(host_call_int(h, "meter", "\"get\""), 0);
    host_stop(h);
}

/* -- several applications -- */

static void release(const char *name, const char *vsn, const char *applications)
{
    FILE *out = fopen(in_folder(name), "we");

    fprintf(out, "release = \"house\"; vsn = \"%s\"; applications = { %s };", vsn,
            applications);
    fclose(out);
}

static void assert_order(const char *first, const char *then)
{
    char *log, *a, *b;

    host_logs(then);
    log = host_log();
    a = strstr(log, first);
    b = strstr(log, then);
    if (!a || a > b)
        fail_msg("'%s' does not come before '%s'", first, then);
    free(log);
}

static json_t *install(struct host *h, const char *name)
{
    return host_ask(h, "install", json_pack("{s:s}", "release", name));
}

/* ST replace_app_relup, both directions; RH otp_2760. */
static void what_replaces_another_is_there_before_that_goes(void **state)
{
    struct host *h = *state;

    drop("integration/meter-1.0.0");
    drop("samples/counter-1.0.0");
    release("plugins/house-1.rel", "1", "meter = \"1.0.0\"; counter = \"1.0.0\";");
    host_start_with(h, NULL, staging);
    stage(h, "integration/echo", "1.0.0");
    release("plugins/house-2.rel", "2", "meter = \"1.0.0\"; echo = \"1.0.0\";");
    host_event(h, "release.unpack", "release", "house@2");
    install(h, "house@2");
    assert_order("application.start app=echo", "application.stop app=counter");
    assert_false(host_maps(h, "counter-1.0.0"));
    install(h, "house@1");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_null(host_vsn(h, "echo"));
    assert_false(host_maps(h, "echo-1.0.0"));
    host_stop(h);
}

/* Appendix A5: there by the order of the file, and a start that fails is not told. */
static void what_another_needs_is_started_first_and_stopped_last(void **state)
{
    struct host *h = *state;

    drop("integration/meter-1.0.0");
    release("plugins/house-1.rel", "1", "meter = \"1.0.0\";");
    host_start_with(h, NULL, staging);
    stage(h, "integration/mall-1.0.0", "1.0.0");
    drop("integration/depot-1.0.0");
    host_event(h, "plugin.staged", "app", "depot");
    drop("integration/road-1.0.0");
    host_event(h, "plugin.staged", "app", "road");
    release(
        "plugins/house-2.rel", "2",
        "meter = \"1.0.0\"; mall = \"1.0.0\"; depot = \"1.0.0\"; road = \"1.0.0\";");
    host_event(h, "release.unpack", "release", "house@2");
    install(h, "house@2");
    assert_order("application.start app=road", "application.start app=depot");
    assert_order("application.start app=depot", "application.start app=mall");
    install(h, "house@1");
    assert_order("application.stop app=mall", "application.stop app=depot");
    assert_order("application.stop app=depot", "application.stop app=road");
    host_stop(h);
}

/* RC translate_app: add_application and remove_application of an appup, what they need. */
static void an_appup_adds_an_application_before_and_removes_it_after(void **state)
{
    struct host *h = *state;

    drop("integration/meter-1.0.0");
    host_start_with(h, NULL, staging);
    stage(h, "integration/echo", "1.0.0");
    appup("plugins/meter_plain.appup", "2.2.0",
          "{ add_application = \"echo\"; }, { code_change = \"meter\"; },"
          "{ add_module = \"log\"; }",
          "{ code_change = \"meter\"; }, { delete_module = \"log\"; },"
          "{ remove_application = \"echo\"; }");
    stage(h, "integration/meter_plain", "2.2.0");
    host_change(h, "upgrade", "meter@2.2.0");
    assert_order("application.start app=echo", "upgrade.commit   app=meter");
    host_change(h, "downgrade", "meter@1.0.0");
    assert_null(host_vsn(h, "echo"));
    assert_false(host_maps(h, "echo-1.0.0"));
    host_stop(h);
}

/* ST abnormal_relup. */
static void a_release_with_what_is_not_here_is_not_taken_in(void **state)
{
    struct host *h = *state;

    drop("integration/meter-1.0.0");
    host_start_with(h, NULL, staging);
    release("plugins/house-2.rel", "2", "meter = \"1.0.0\"; nobody = \"1.0.0\";");
    assert_has(text_at(host_event(h, "release.incomplete", "file",
                                  in_folder("plugins/house-2.rel")),
                       "reason"),
               "nobody");
    host_refuses(h, "install", json_pack("{s:s}", "release", "house@2"));
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(who_is_stopped_and_started_begins_anew_and_the_others_go_on),
        HOST_TEST(who_was_stopped_is_started_as_it_was_if_the_upgrade_is_refused),
        HOST_TEST(a_supervisor_is_started_anew_with_what_is_new_below_it),
        HOST_TEST(each_has_as_long_to_come_to_rest_as_its_update_says),
        HOST_TEST(a_soft_pre_purge_refuses_while_older_code_still_runs),
        HOST_TEST(a_brutal_pre_purge_kills_what_runs_older_code),
        HOST_TEST(a_brutal_post_purge_kills_what_runs_the_code_that_is_left),
        HOST_TEST(what_is_called_before_the_point_of_no_return_may_refuse),
        HOST_TEST(restarts_are_one_wherever_they_stand),
        HOST_TEST(an_application_restarts_alone_and_the_host_goes_on),
        HOST_TEST(one_application_goes_up_and_down_and_is_told_its_configuration),
        HOST_TEST(a_pattern_is_for_the_whole_of_a_version),
        HOST_TEST(without_an_appup_the_host_works_it_out),
        HOST_TEST(what_is_wrong_behind_the_point_of_no_return_refuses_the_plugin),
        HOST_TEST(what_replaces_another_is_there_before_that_goes),
        HOST_TEST(what_another_needs_is_started_first_and_stopped_last),
        HOST_TEST(an_appup_adds_an_application_before_and_removes_it_after),
        HOST_TEST(a_release_with_what_is_not_here_is_not_taken_in),
    };

    return cmocka_run_group_tests_name("relup", tests, NULL, NULL);
}
