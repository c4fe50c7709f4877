/* SPDX-License-Identifier: Apache-2.0 */
/* A host that goes by its configuration anew, all of it or nothing; and what may veto. */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host_fixture.h"
#include "program.h"

static void write_to(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "we");

    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void configure(const char *text)
{
    write_to("moult.conf", text);
}

static void start(struct host *h, const char *text)
{
    configure(text);
    host_start(h, "--config", in_folder("moult.conf"), NULL);
}

/* The change of that setting in the report; the test fails if there is none. */
static json_t *change_of(json_t *report, const char *setting)
{
    json_t *change;
    size_t i;

    json_array_foreach(at(report, "changed"), i, change)
    {
        if (strcmp(text_at(change, "setting"), setting) == 0)
            return change;
    }
    fail_msg("'%s' has not changed", setting);
    return NULL;
}

static const char *reload_refused(struct host *h)
{
    return text_at(host_refuses(h, "reload", NULL), "message");
}

static int port_of(struct host *h, const char *app)
{
    return (int)host_call_int(h, app, "{\"env\": \"port\"}");
}

static void told(struct host *h, const char *text)
{
    host_event(h, "plugin.log", "text", text);
}

/* -- what is another -- */

static void applications_are_asked_and_told_what_is_another(void **state)
{
    struct host *h = *state;
    json_t *report;

    drop("integration/shop-1.0.0");
    start(h, "applications = { shop = { env = { port = 81; }; }; };\n");
    configure("applications = { shop = { env = { port = 82; }; }; };\n");
    report = host_ask(h, "reload", NULL);
    told(h, "config_check port=82 instead of 81");
    told(h, "config_change port=82 open=0 gone=0");
    assert_int_equal(int_at(change_of(report, "shop.env.port"), "from"), 81);
    assert_int_equal(int_at(change_of(report, "shop.env.port"), "to"), 82);
    assert_int_equal(json_array_size(at(report, "changed")), 1);
    assert_int_equal(int_at(host_event(h, "config.reload", NULL, NULL), "changed"), 1);
    assert_int_equal(port_of(h, "shop"), 82);
    assert_int_equal(host_events(h, "application.start"), 1);
    host_stop(h);
}

static void what_the_file_says_no_more_is_the_default_again(void **state)
{
    struct host *h = *state;
    json_t *change;

    drop("integration/shop-1.0.0");
    start(h,
          "applications = { shop = { log = \"error\"; env = { port = 81; }; }; };\n");
    configure("");
    change = change_of(host_ask(h, "reload", NULL), "shop.log");
    assert_true(json_is_null(at(change, "to")));
    assert_int_equal(port_of(h, "shop"), 8080);
    told(h, "config_change port=8080 open=0 gone=0");
    assert_int_equal(json_array_size(at(host_ask(h, "reload", NULL), "changed")), 0);
    host_stop(h);
}

static void what_is_said_louder_than_the_file_stays(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    configure("");
    host_start(h, "--config", in_folder("moult.conf"), "--env", "shop.port=83", NULL);
    host_call(h, "shop", "{\"put\": [\"title\", \"put to stay\"]}");
    configure(
        "applications = { shop = { env = { port = 84; title = \"filed\"; }; }; };\n");
    assert_int_equal(json_array_size(at(host_ask(h, "reload", NULL), "changed")), 0);
    assert_int_equal(port_of(h, "shop"), 83);
    assert_string_equal(json_string_value(host_call(h, "shop", "{\"env\": \"title\"}")),
                        "put to stay");
    host_stop(h);
}

static void the_host_s_own_settings_change(void **state)
{
    struct host *h = *state;
    json_t *report;

    drop("integration/shop-1.0.0");
    start(h, "rehearse = \"off\";\n");
    configure(
        "on_drop = \"stage\"; rehearse = \"sample 3\"; permanent = \"manual\";\n"
        "log = { level = \"debug\"; format = \"json\"; };\n"
        "applications = { shop = { start = \"permanent\"; log = \"error\"; }; };\n");
    report = host_ask(h, "reload", NULL);
    assert_string_equal(text_at(change_of(report, "on_drop"), "to"), "stage");
    assert_string_equal(text_at(change_of(report, "rehearse"), "from"), "off");
    assert_string_equal(text_at(change_of(report, "rehearse"), "to"), "sample 3");
    assert_string_equal(text_at(change_of(report, "permanent"), "to"), "manual");
    assert_string_equal(text_at(change_of(report, "log.level"), "to"), "debug");
    assert_string_equal(text_at(change_of(report, "log.format"), "to"), "json");
    assert_string_equal(text_at(change_of(report, "shop.start"), "to"), "permanent");
    assert_string_equal(text_at(change_of(report, "shop.log"), "to"), "error");
    drop("integration/shop-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    host_call(h, "shop", "\"say\"");
    told(h, "said as error");
    assert_int_equal(host_events(h, "shop.order_placed"), 0);
    host_refuses(h, "call", json_pack("{s:s, s:s}", "name", "shop", "message", "fail"));
    host_event(h, "server.restart", "server", "clerk");
    host_refuses(h, "call", json_pack("{s:s, s:s}", "name", "shop", "message", "fail"));
    host_wait(h);
    assert_true(host_log_has("\"event\":\"application.fatal\""));
}

static void what_was_set_by_hand_stays_where_the_file_is_the_same(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    start(h, "applications = { shop = { log = \"error\"; }; };\n");
    host_ask(h, "log",
             json_pack("{s:s, s:s}", "application", "shop", "level", "debug"));
    host_ask(h, "reload", NULL);
    assert_string_equal(text_at(host_ask(h, "log", NULL), "shop"), "debug");
    host_stop(h);
}

static void a_hangup_reloads(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    start(h, "");
    configure("applications = { shop = { env = { port = 82; }; }; };\n");
    kill(h->pid, SIGHUP);
    host_event(h, "config.reload", NULL, NULL);
    assert_has(host_told(h), "RELOADING=1\nMONOTONIC_USEC=");
    assert_string_equal(host_told(h), "READY=1");
    assert_int_equal(port_of(h, "shop"), 82);
    configure("applications = { shop = { env = { port = 0; }; }; };\n");
    kill(h->pid, SIGHUP);
    assert_has(text_at(host_event(h, "config.refused", "app", "shop"), "reason"),
               "moult.conf:1: 'shop.port' must be an integer from 1 to 65535, not 0");
    host_stop(h);
}

static void the_command_line_shows_what_is_another(void **state)
{
    struct host *h = *state;
    const struct ran *run;

    drop("integration/shop-1.0.0");
    start(h, "");
    configure("applications = { shop = { env = { port = 82; }; }; };\n");
    run = moult(h->socket, "reload", NULL);
    assert_int_equal(run->status, 0);
    assert_has(run->out, "shop.env.port  8080  82");
    assert_has(moult(h->socket, "reload", NULL)->out, "nothing is another");
    configure("nonsense");
    run = moult(h->socket, "reload", NULL);
    assert_int_equal(run->status, 1);
    assert_has(run->err, "moult.conf:1: syntax error");
    host_stop(h);
}

/* -- refusals -- */

static void one_veto_leaves_all_as_they_were(void **state)
{
    struct host *h = *state;
    json_t *error;

    drop("integration/shop-1.0.0");
    drop("integration/road-1.0.0");
    start(h, "applications = { shop = { env = { port = 81; }; }; };\n");
    configure("on_drop = \"stage\"; applications = {\n"
              "  shop = { env = { port = 82; }; };\n"
              "  road = { env = { port = 13; }; }; };\n");
    error = host_refuses(h, "reload", NULL);
    assert_has(text_at(error, "message"),
               "config_check of 'road' 1.0.0 does not allow it: 13 brings bad luck");
    assert_string_equal(text_at(error, "data.application"), "road");
    assert_string_equal(text_at(error, "data.code"), "refused");
    assert_int_equal(port_of(h, "shop"), 81);
    assert_int_equal(port_of(h, "road"), 8080);
    host_event(h, "config.refused", "app", "road");
    drop("integration/shop-1.1.0"); /* it is gone to, and as the file was */
    host_event(h, "upgrade.commit", "app", "shop");
    assert_int_equal(port_of(h, "shop"), 81);
    assert_int_equal(host_events(h, "config.reload"), 0);
    host_stop(h);
}

static void a_check_that_fails_is_a_veto(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    start(h, "");
    configure("applications = { shop = { env = { port = 14; }; }; };\n");
    assert_has(reload_refused(h), "SIGSEGV");
    configure("applications = { shop = { env = { port = 15; }; }; };\n");
    assert_has(reload_refused(h), "it did not return in 5 seconds");
    assert_int_equal(port_of(h, "shop"), 8080);
    host_stop(h);
}

static void an_upgrade_is_vetoed_before_anything_is_touched(void **state)
{
    struct host *h = *state;
    json_t *error;

    drop("integration/shop-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    write_to("plugins/shop.app", "vsn = \"1.1.0\";\nenv = { port = 13; };\n");
    drop("integration/shop-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    error = host_change_refused(h, "upgrade", "shop@1.1.0");
    assert_string_equal(text_at(error, "data.step"), "check");
    assert_string_equal(text_at(error, "data.field"), "config_check");
    assert_string_equal(text_at(error, "data.code"), "refused");
    assert_has(text_at(error, "message"), "13 brings bad luck");
    assert_string_equal(host_vsn(h, "shop"), "1.0.0");
    assert_int_equal(port_of(h, "shop"), 8080);
    assert_int_equal(host_events(h, "server.restart"), 0);
    host_stop(h);
}

static void what_may_not_be_is_named_by_file_line_and_key(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    start(h, "");
    configure("applications = { shop = {\n env = {\n  title = 7; }; }; };\n");
    assert_has(reload_refused(h), "moult.conf:3: 'shop.title' must be text, not 7");
    configure("applications = { shop = {\n env = { prot = 7; }; }; };\n");
    assert_has(
        reload_refused(h),
        "moult.conf:2: 'shop.prot' is no key of application 'shop': it has port");
    configure("colour = \"red\";\n");
    assert_has(reload_refused(h), "moult.conf:1: 'colour' is no setting");
    unlink(in_folder("moult.conf"));
    assert_has(reload_refused(h), "unable to read '");
    assert_int_equal(port_of(h, "shop"), 8080);
    host_stop(h);
}

static void what_can_t_change_while_it_runs_is_named(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    start(h, "workers = 1;\n");
    configure("on_drop = \"stage\";\nworkers = 2;\n");
    assert_has(reload_refused(h),
               "moult.conf:2: 'workers' can't change while the host runs");
    configure(
        "workers = 1;\nplugins = \"elsewhere\"; data = \"there\";\n"); /* options */
    assert_int_equal(json_array_size(at(host_ask(h, "reload", NULL), "changed")), 0);
    configure("workers = 1;\napplications = { shop = { max_heap = \"1M\"; }; };\n");
    assert_has(reload_refused(h),
               "'shop.max_heap' can't be set while the host runs, only be another");
    host_stop(h);
    host_start(h, "--config", in_folder("moult.conf"), NULL);
    configure("workers = 1;\napplications = { shop = { max_heap = \"2M\"; }; };\n");
    assert_int_equal(
        int_at(change_of(host_ask(h, "reload", NULL), "shop.max_heap"), "to"), 2 << 20);
    host_stop(h);
}

static void a_host_without_a_file_has_none_to_read(void **state)
{
    struct host *h = *state;

    host_start(h, NULL);
    assert_has(reload_refused(h), "the host was started without --config");
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(applications_are_asked_and_told_what_is_another),
        HOST_TEST(what_the_file_says_no_more_is_the_default_again),
        HOST_TEST(what_is_said_louder_than_the_file_stays),
        HOST_TEST(the_host_s_own_settings_change),
        HOST_TEST(what_was_set_by_hand_stays_where_the_file_is_the_same),
        HOST_TEST(a_hangup_reloads),
        HOST_TEST(the_command_line_shows_what_is_another),
        HOST_TEST(one_veto_leaves_all_as_they_were),
        HOST_TEST(a_check_that_fails_is_a_veto),
        HOST_TEST(an_upgrade_is_vetoed_before_anything_is_touched),
        HOST_TEST(what_may_not_be_is_named_by_file_line_and_key),
        HOST_TEST(what_can_t_change_while_it_runs_is_named),
        HOST_TEST(a_host_without_a_file_has_none_to_read),
    };

    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
