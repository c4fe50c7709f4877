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

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(extra_reaches_code_change_up_and_down),
        HOST_TEST(what_an_appup_forgets_refuses_its_plugin),
        HOST_TEST(check_says_what_an_appup_forgets),
        HOST_TEST(a_file_beside_it_takes_the_place_of_the_plugin_s_own),
        HOST_TEST(a_version_without_a_way_from_what_runs_is_taken_in_and_not_gone_to),
        HOST_TEST(a_package_brings_it_along),
        HOST_TEST(without_one_code_change_gets_no_extra),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
