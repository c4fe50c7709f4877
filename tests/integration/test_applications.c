/* SPDX-License-Identifier: Apache-2.0 */
/* What applications say of themselves, on a real host: order, callbacks, types, env. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "host_fixture.h"
#include "program.h"

static void write_to(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "we");

    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

/* The application's entry of `apps`. */
static json_t *app_of(struct host *h, const char *name)
{
    json_t *app;
    size_t i;

    json_array_foreach(host_ask(h, "apps", NULL), i, app)
    {
        if (strcmp(text_at(app, "name"), name) == 0)
            return app;
    }
    fail_msg("there is no application '%s'", name);
    return NULL;
}

static json_t *env_of(struct host *h, const char *app, const char *key)
{
    json_t *params = json_pack("{s:s, s:s}", "application", app, "key", key);

    return json_array_get(at(host_ask(h, "env", params), "env"), 0);
}

static void told(struct host *h, const char *text)
{
    host_event(h, "plugin.log", "text", text);
}

static void assert_stopped_before(const char *first, const char *second)
{
    char *log = host_log(), words[2][80];
    const char *at[2];

    snprintf(words[0], sizeof(words[0]), "application.stop app=%s ", first);
    snprintf(words[1], sizeof(words[1]), "application.stop app=%s ", second);
    at[0] = strstr(log, words[0]);
    at[1] = strstr(log, words[1]);
    assert_non_null(at[0]);
    assert_non_null(at[1]);
    assert_true(at[0] < at[1]);
    free(log);
}

/* -- order -- */

static void all_start_after_what_they_need_and_stop_before_it(void **state)
{
    struct host *h = *state;

    drop(
        "integration/mall-1.0.0"); /* by name it would be after depot and before road */
    drop("integration/depot-1.0.0");
    drop("integration/road-1.0.0");
    host_start(h, NULL);
    host_event(h, "application.start", "app", "road");
    host_event(h, "application.start", "app", "depot");
    host_event(h, "application.start", "app", "mall");
    assert_string_equal(
        json_string_value(json_array_get(at(app_of(h, "mall"), "applications"), 0)),
        "depot");
    host_stop(h);
    assert_stopped_before("mall", "depot");
    assert_stopped_before("depot", "road");
}

static void one_waits_for_what_it_needs(void **state)
{
    struct host *h = *state;

    host_start(h, NULL);
    drop("integration/mall-1.0.0");
    assert_has(text_at(host_event(h, "application.waits", "app", "mall"), "reason"),
               "application 'mall' needs 'depot', which is not here");
    drop("integration/depot-1.0.0");
    host_event(h, "application.waits", "for", "road");
    assert_null(host_vsn(h, "depot"));
    drop("integration/road-1.0.0");
    host_event(h, "application.start", "app", "mall");
    assert_string_equal(host_vsn(h, "mall"), "1.0.0");
    host_stop(h);
}

static void ensure_all_started_starts_what_is_needed(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/depot-1.0.0");
    drop("integration/road-1.0.0");
    host_event(h, "plugin.staged", "app", "depot");
    host_event(h, "plugin.staged", "app", "road");
    assert_has(text_at(host_refuses(h, "call",
                                    json_pack("{s:s, s:{s:s}}", "name", "shop",
                                              "message", "ensure", "mall")),
                       "message"),
               "there is no version of 'mall'");
    host_call(h, "shop", "{\"ensure\": \"depot\"}");
    assert_string_equal(host_vsn(h, "depot"), "1.0.0");
    assert_string_equal(host_vsn(h, "road"), "1.0.0");
    host_call(h, "shop", "{\"ensure\": \"depot\"}"); /* it runs */
    host_stop(h);
}

static void who_ask_for_the_same_at_once_share_one_start(void **state)
{
    static const char *const askers[] = {"shop", "road"};
    struct host *h = *state;
    json_int_t asked[2];

    drop("integration/shop-1.0.0");
    drop("integration/road-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/depot-1.0.0");
    host_event(h, "plugin.staged", "app", "depot");
    for (int i = 0; i < 2; i++)
        asked[i] = talk_ask(h->talk, "call",
                            talk_message(askers[i], "{\"ensure\": \"depot\"}"));
    for (int i = 0; i < 2; i++)
        assert_null(json_object_get(talk_answer(h->talk, asked[i]), "error"));
    assert_string_equal(host_vsn(h, "depot"), "1.0.0");
    assert_int_equal(host_events(h, "application.refused"), 0);
    host_stop(h);
}

static void what_is_included_runs_as_part_of_another(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    drop("integration/arcade-1.0.0");
    host_start(h, NULL);
    assert_string_equal(text_at(app_of(h, "shop"), "included_in"), "arcade");
    assert_int_equal(host_events(h, "application.start"), 1);
    drop("integration/shop-1.1.0"); /* it is upgraded by itself all the same */
    host_event(h, "upgrade.commit", "app", "shop");
    host_refuses(h, "call", json_pack("{s:s, s:s}", "name", "shop", "message", "fail"));
    host_event(h, "server.restart", "server", "clerk");
    host_refuses(h, "call", json_pack("{s:s, s:s}", "name", "shop", "message", "fail"));
    assert_string_equal(
        text_at(host_event(h, "application.exit", "app", "arcade"), "included"),
        "shop");
    host_stop(h);
}

/* -- callbacks -- */

static void its_callbacks_are_called_in_order(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    host_start(h, NULL);
    told(h, "start now");
    told(h, "phase stock 3");
    told(h, "phase open 0");
    host_stop(h);
    assert_true(host_log_has("\"prep_stop books\""));
    assert_true(host_log_has("\"stop closed books\""));
}

/* shop 1.2.0 needs depot, which needs road. */
static void an_upgrade_needs_what_the_new_version_needs(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/shop-1.2.0");
    host_event(h, "plugin.staged", "vsn", "1.2.0");
    assert_has(text_at(host_change_refused(h, "upgrade", "shop@1.2.0"), "message"),
               "application 'shop' 1.2.0 needs 'depot', which is not here: dropping");
    drop("integration/depot-1.0.0");
    host_event(h, "plugin.staged", "app", "depot");
    assert_has(text_at(host_change_refused(h, "upgrade", "shop@1.2.0"), "message"),
               "application 'depot' needs 'road', which is not here");
    assert_null(host_vsn(h, "depot"));
    assert_string_equal(host_vsn(h, "shop"), "1.0.0");
    host_stop(h);
}

static bool has_step(const json_t *plan, const char *text)
{
    json_t *step;
    size_t i;

    json_array_foreach(at(plan, "steps"), i, step)
    {
        if (strcmp(text_at(step, "text"), text) == 0)
            return true;
    }
    return false;
}

static json_t *plan_of(struct host *h, const char *verb, const char *what)
{
    return host_ask(h, verb, json_pack("{s:[s], s:b}", "targets", what, "plan", 1));
}

static void what_a_new_version_needs_is_started_first(void **state)
{
    struct host *h = *state;
    json_t *report, *plan;

    drop("integration/shop-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/shop-1.2.0");
    drop("integration/depot-1.0.0");
    drop("integration/road-1.0.0");
    host_event(h, "plugin.staged", "app", "road");
    plan = plan_of(h, "upgrade", "shop");
    assert_true(has_step(plan, "'depot' 1.0.0 is started: 1.2.0 needs it"));
    assert_true(has_step(plan, "'road' 1.0.0 is started"));
    assert_null(host_vsn(h, "depot"));
    report = host_change(h, "upgrade", "shop@1.2.0");
    assert_string_equal(
        text_at(json_array_get(at(report, "started"), 0), "application"), "road");
    assert_string_equal(
        text_at(json_array_get(at(report, "started"), 1), "application"), "depot");
    host_event(h, "application.start", "app", "road");
    host_event(h, "application.start", "app", "depot");
    host_event(h, "upgrade.commit", "app", "shop");
    assert_string_equal(recorded_vsn("depot"), "1.0.0");
    assert_string_equal(recorded_vsn("road"), "1.0.0");

    /* And is not stopped when it is needed no more. */
    plan = plan_of(h, "downgrade", "shop@1.0.0");
    assert_true(has_step(plan, "'depot' runs on, which 1.0.0 does not need any more"));
    host_change(h, "downgrade", "shop@1.0.0");
    assert_string_equal(host_vsn(h, "depot"), "1.0.0");
    host_change(h, "upgrade", "shop@1.2.0");
    host_kill(h);
    host_start(h, "--on-drop", "stage", NULL);
    assert_string_equal(host_vsn(h, "depot"), "1.0.0");
    host_stop(h);
    assert_stopped_before("shop", "depot");
}

/* All that go together are listed, and what starts for any of them with the first. */
static void so_it_is_for_one_of_several(void **state)
{
    struct host *h = *state;
    json_t *report;

    drop("integration/shop-1.0.0");
    drop("integration/alpha-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/shop-1.2.0");
    drop("integration/alpha-2.0.0");
    drop("integration/depot-1.0.0");
    drop("integration/road-1.0.0");
    host_event(h, "plugin.staged", "app", "road");
    report =
        host_ask(h, "upgrade", json_pack("{s:[s, s]}", "targets", "alpha", "shop"));
    assert_int_equal(json_array_size(at(json_array_get(report, 0), "started")), 2);
    assert_string_equal(host_vsn(h, "shop"), "1.2.0");
    host_stop(h);
}

/* -- types -- */

static void the_host_stops_when_a_permanent_one_ends(void **state)
{
    struct host *h = *state;

    write_to("moult.conf", "applications = { shop = { start = \"permanent\"; }; };\n");
    drop("integration/shop-1.0.0");
    host_start(h, "--config", in_folder("moult.conf"), NULL);
    assert_string_equal(text_at(app_of(h, "shop"), "start"), "permanent");
    host_refuses(h, "call", json_pack("{s:s, s:s}", "name", "shop", "message", "fail"));
    host_event(h, "server.restart", "server", "clerk");
    host_refuses(h, "call", json_pack("{s:s, s:s}", "name", "shop", "message", "fail"));
    assert_int_equal(WEXITSTATUS(host_wait(h)), 1);
    assert_true(host_log_has("application.fatal"));
}

static void the_host_does_not_start_without_a_permanent_one(void **state)
{
    struct host *h = *state;
    const char *options[] = {"--config", in_folder("moult.conf"), NULL};

    write_to("moult.conf", "applications = { shop = { start = \"permanent\";\n"
                           "env = { port = 13; }; }; };\n");
    drop("integration/shop-1.0.0");
    assert_false(host_try_start(h, NULL, options));
    assert_int_equal(WEXITSTATUS(host_wait(h)), 1);
    assert_true(host_log_has("13 brings bad luck"));
}

/* -- env -- */

static void each_that_says_more_has_the_last_word(void **state)
{
    struct host *h = *state;
    const char *const variables[] = {"MOULT_SHOP_TITLE=from a variable",
                                     "MOULT_SHOP_RATIO=0.75", NULL};
    const char *const options[] = {
        "--config", in_folder("moult.conf"), "--env", "shop.ratio=0.25",
        "--env",    "shop.fast=true",        NULL};

    write_to("moult.conf",
             "applications = { shop = {\n"
             "  env = { port = 81; title = \"from the file\"; }; }; };\n");
    drop("integration/shop-1.0.0");
    host_start_with(h, variables, options);
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"port\"}"), 81);
    assert_has(text_at(env_of(h, "shop", "port"), "from"), "moult.conf:2: 'shop.port'");
    assert_string_equal(json_string_value(host_call(h, "shop", "{\"env\": \"title\"}")),
                        "from a variable");
    assert_true(json_is_true(host_call(h, "shop", "{\"env\": \"fast\"}")));
    assert_true(json_real_value(host_call(h, "shop", "{\"env\": \"ratio\"}")) == 0.25);
    assert_true(json_is_null(host_call(h, "shop", "{\"env\": \"none\"}")));
    host_call(h, "shop", "{\"put\": [\"port\", 82]}");
    assert_int_equal(int_at(env_of(h, "shop", "port"), "value"), 82);
    drop("integration/shop-1.1.0"); /* it was put to stay */
    host_event(h, "upgrade.commit", "app", "shop");
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"port\"}"), 82);
    host_stop(h);
}

static void what_may_not_be_is_refused_by_file_line_and_key(void **state)
{
    struct host *h = *state;

    write_to("moult.conf", "applications = { shop = {\n"
                           "  env = {\n    port = 70000; }; }; };\n");
    drop("integration/shop-1.0.0");
    host_start(h, "--config", in_folder("moult.conf"), NULL);
    assert_has(
        text_at(host_event(h, "application.refused", "app", "shop"), "reason"),
        "moult.conf:3: 'shop.port' must be an integer from 1 to 65535, not 70000");
    host_stop(h);
}

static void an_unknown_key_is_refused_with_those_there_are(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    host_start(h, "--env", "shop.prot=80", NULL);
    assert_has(text_at(host_event(h, "application.refused", "app", "shop"), "reason"),
               "--env shop.prot is no key of application 'shop': it has port, title, "
               "fast, ratio, old");
    host_stop(h);
}

static void an_upgrade_to_a_version_that_can_t_be_configured_so_is_refused(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    host_start(h, "--env", "shop.old=5", NULL);
    drop("integration/shop-1.1.0");
    assert_has(text_at(host_event(h, "upgrade.refused", "app", "shop"), "reason"),
               "--env shop.old is no key of application 'shop'");
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"old\"}"), 5);
    host_stop(h);
}

static void env_is_shown_and_set_while_it_runs(void **state)
{
    struct host *h = *state;
    json_t *params;

    drop("integration/shop-1.0.0");
    host_start(h, NULL);
    params = json_pack("{s:s, s:s, s:i}", "application", "shop", "key", "port", "value",
                       443);
    assert_int_equal(
        int_at(json_array_get(at(host_ask(h, "env", params), "env"), 0), "value"), 443);
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"port\"}"), 443);
    params =
        json_pack("{s:s, s:s, s:i}", "application", "shop", "key", "port", "value", 0);
    assert_string_equal(text_at(host_refuses(h, "env", params), "message"),
                        "env 'port' of application 'shop' must be an integer from 1 to "
                        "65535, not 0");
    params = json_pack("{s:s, s:s}", "application", "shop", "key", "prot");
    assert_string_equal(text_at(host_refuses(h, "env", params), "message"),
                        "application 'shop' has no env 'prot'");
    host_stop(h);
}

static void the_command_line_shows_it_and_sets_it(void **state)
{
    struct host *h = *state;

    drop("integration/depot-1.0.0");
    drop("integration/road-1.0.0");
    host_start(h, NULL);
    assert_has(moult(h->socket, "apps", NULL)->out, "temporary  road ");
    assert_has(moult(h->socket, "env", "road", NULL)->out, "title  \"a shop\"  text");
    assert_has(moult(h->socket, "env", "road", "title", "ours", NULL)->out, "\"ours\"");
    assert_has(moult(h->socket, "env", "road", "title", NULL)->out, "put");
    assert_has(moult(h->socket, "env", "nobody", NULL)->err,
               "not found: there is no application of that name");
    host_stop(h);
}

/* -- log -- */

static void how_much_it_says_is_changed_while_it_runs(void **state)
{
    struct host *h = *state;
    json_t *event, *said;

    write_to("moult.conf", "log = { level = \"warn\"; format = \"text\"; };\n"
                           "applications = { shop = { log = \"error\"; }; };\n");
    drop("integration/shop-1.0.0");
    host_start(h, "--config", in_folder("moult.conf"), NULL);
    said = host_call(h, "shop", "\"say\"");
    assert_true(json_is_false(said));
    told(h, "said as error");
    assert_int_equal(host_events(h, "plugin.log"), 1);
    assert_int_equal(host_events(h, "shop.order_placed"), 0);
    assert_string_equal(text_at(host_ask(h, "log",
                                         json_pack("{s:s, s:s}", "application", "shop",
                                                   "level", "debug")),
                                "shop"),
                        "debug");
    said = host_call(h, "shop", "\"say\"");
    assert_true(json_is_true(said));
    event = host_event(h, "shop.order_placed", NULL, NULL);
    told(h, "said as debug");
    assert_int_equal(int_at(event, "order"), 7);
    assert_string_equal(text_at(event, "app"), "shop");
    assert_has(moult(h->socket, "log", NULL)->out, "kernel  warn\nshop    debug\n");
    assert_has(moult(h->socket, "log", "kernel", "info", NULL)->out, "kernel  info");
    assert_has(moult(h->socket, "log", "shop", "loud", NULL)->err, "'level' must be");
    assert_has(moult(h->socket, "log", "nobody", NULL)->err, "not found: ");
    host_stop(h);
}

/* -- NAME.app -- */

static void what_stands_beside_the_plugin_has_the_last_word(void **state)
{
    struct host *h = *state;

    write_to("plugins/shop.app", "description = \"sells more\";\n"
                                 "env = { port = 82; colour = \"red\"; };\n"
                                 "mod = { args = \"later\"; };\n"
                                 "start_phases = (\"open\");\n");
    drop("integration/shop-1.0.0");
    host_start(h, NULL);
    told(h, "start ?");
    told(h, "phase open 0");
    assert_string_equal(text_at(app_of(h, "shop"), "description"), "sells more");
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"port\"}"), 82);
    assert_string_equal(
        json_string_value(host_call(h, "shop", "{\"env\": \"colour\"}")), "red");
    host_stop(h);
    unlink(in_folder("plugins/shop.app")); /* it was stored with the plugin */
    unlink(in_folder("plugins/shop-1.0.0.so"));
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"port\"}"), 82);
    host_stop(h);
}

static void a_wrong_one_refuses_the_plugin_by_line_and_key(void **state)
{
    struct host *h = *state;

    write_to("plugins/shop.app", "description = \"sells\";\nenv = {\n  port = 0; };\n");
    host_start(h, NULL);
    drop("integration/shop-1.0.0");
    assert_has(text_at(host_event(h, "plugin.refused", "app", "shop"), "reason"),
               "shop.app:3: 'env.port' must be an integer from 1 to 65535, not 0");
    write_to("plugins/shop.app", "env = { port = 83; };\n"); /* then it is another */
    drop("integration/shop-1.0.0");
    host_event(h, "application.start", "app", "shop");
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"port\"}"), 83);
    host_stop(h);
}

static void another_version_s_is_left_alone(void **state)
{
    struct host *h = *state;

    write_to("plugins/shop.app", "vsn = \"9.9.9\";\nenv = { port = 82; };\n");
    drop("integration/shop-1.0.0");
    host_start(h, NULL);
    assert_int_equal(host_call_int(h, "shop", "{\"env\": \"port\"}"), 8080);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(all_start_after_what_they_need_and_stop_before_it),
        HOST_TEST(one_waits_for_what_it_needs),
        HOST_TEST(ensure_all_started_starts_what_is_needed),
        HOST_TEST(who_ask_for_the_same_at_once_share_one_start),
        HOST_TEST(what_is_included_runs_as_part_of_another),
        HOST_TEST(its_callbacks_are_called_in_order),
        HOST_TEST(an_upgrade_needs_what_the_new_version_needs),
        HOST_TEST(what_a_new_version_needs_is_started_first),
        HOST_TEST(so_it_is_for_one_of_several),
        HOST_TEST(the_host_stops_when_a_permanent_one_ends),
        HOST_TEST(the_host_does_not_start_without_a_permanent_one),
        HOST_TEST(each_that_says_more_has_the_last_word),
        HOST_TEST(what_may_not_be_is_refused_by_file_line_and_key),
        HOST_TEST(an_unknown_key_is_refused_with_those_there_are),
        HOST_TEST(an_upgrade_to_a_version_that_can_t_be_configured_so_is_refused),
        HOST_TEST(env_is_shown_and_set_while_it_runs),
        HOST_TEST(the_command_line_shows_it_and_sets_it),
        HOST_TEST(how_much_it_says_is_changed_while_it_runs),
        HOST_TEST(what_stands_beside_the_plugin_has_the_last_word),
        HOST_TEST(a_wrong_one_refuses_the_plugin_by_line_and_key),
        HOST_TEST(another_version_s_is_left_alone),
    };

    return cmocka_run_group_tests_name("applications", tests, NULL, NULL);
}
