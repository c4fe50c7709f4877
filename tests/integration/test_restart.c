/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrades by which the host ends and begins anew, because an appup says so. */
#include "test.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dying.h"
#include "program.h"

static const char *const staging[] = {"--on-drop", "stage", NULL};

static json_t *release(const char *name)
{
    return json_pack("{s:s}", "release", name);
}

static void is(struct host *h, const char *name, const char *status)
{
    assert_string_equal(host_release_status(h, name), status);
}

static void stage(struct host *h, const char *plugin, const char *vsn)
{
    drop(plugin);
    host_event(h, "plugin.staged", "vsn", vsn);
}

/* With 1.0.0, seven guests, and a version that it begins anew with. */
static void start_inn(struct host *h, const char *plugin, const char *vsn)
{
    drop("integration/inn-1.0.0");
    drop("samples/counter-1.0.0");
    host_start_with(h, NULL, staging);
    assert_int_equal(host_call_int(h, "inn", "{\"add\": 7}"), 7);
    stage(h, plugin, vsn);
}

static bool record_has(const char *key)
{
    size_t len;
    char *record = read_whole(in_folder("data/releases.json"), &len);
    bool has = memmem(record, len, key, strlen(key)) != NULL;

    free(record);
    return has;
}

static void assert_nothing_is_next(void)
{
    assert_false(record_has("\"next\""));
    assert_false(record_has("\"tried\""));
}

/* upgrade_restart: restart_emulator, and restart_new_emulator, which is the same here. */
static void the_host_begins_anew_with_what_is_upgraded_to_once(void **state)
{
    struct host *h = *state;
    json_t *report;
    pid_t pid;

    start_inn(h, "integration/inn-2.0.0", "2.0.0");
    pid = h->pid;
    report = host_change(h, "upgrade", "inn@2.0.0");
    assert_true(json_is_true(at(report, "restart")));
    assert_string_equal(text_at(report, "from"), "1.0.0");
    host_rebooted(h);
    assert_int_equal(int_at(host_ask(h, "status", NULL), "pid"), pid);
    assert_string_equal(host_vsn(h, "inn"), "2.0.0");
    assert_int_equal(host_call_int(h, "inn", "\"get\""), 0); /* it is lost */
    is(h, "local@1", "permanent");
    is(h, "local@2", "current");
    assert_nothing_is_next();
    assert_int_equal(host_events(h, "release.once_failed"), 0);
    host_stop(h);
    host_start_with(h, NULL, staging);
    assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    assert_int_equal(host_events(h, "release.once_failed"), 0);
    host_stop(h);
}

static void it_is_kept_by_permanent(void **state)
{
    struct host *h = *state;

    start_inn(h, "integration/inn-2.0.0", "2.0.0");
    host_change(h, "upgrade", "inn@2.0.0");
    host_rebooted(h);
    host_ask(h, "permanent", NULL);
    is(h, "local@2", "permanent");
    host_stop(h);
    host_start_with(h, NULL, staging);
    assert_string_equal(host_vsn(h, "inn"), "2.0.0");
    host_change(h, "downgrade", "inn@1.0.0"); /* which is by its appup, too */
    host_rebooted(h);
    assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    is(h, "local@2", "permanent");
    is(h, "local@1", "current");
    host_stop(h);
}

static void installing_a_release_may_have_it_begin_anew(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_inn(h, "integration/inn-2.0.0", "2.0.0");
    host_change(h, "upgrade", "inn@2.0.0");
    host_rebooted(h);
    host_call_int(h, "inn", "{\"add\": 3}");
    report = host_ask(h, "install", release("local@1"));
    assert_true(json_is_true(at(report, "restart")));
    assert_false(json_is_true(at(report, "permanent")));
    host_rebooted(h);
    is(h, "local@1", "permanent");
    assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    host_stop(h);
}

static void all_that_goes_along_is_new_then(void **state)
{
    struct host *h = *state;

    start_inn(h, "integration/inn-2.0.0", "2.0.0");
    stage(h, "samples/counter-1.1.0", "1.1.0");
    host_ask(h, "upgrade",
             json_pack("{s:[s, s]}", "targets", "inn@2.0.0", "counter@1.1.0"));
    host_rebooted(h);
    assert_string_equal(host_vsn(h, "inn"), "2.0.0");
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_stop(h);
}

static void its_functions_are_called_before_and_may_refuse(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_inn(h, "integration/inn-2.0.0", "2.0.0");
    host_call_int(h, "inn", "{\"add\": 100}");
    why = host_change_refused(h, "upgrade", "inn@2.0.0");
    assert_string_equal(text_at(why, "data.step"), "apply");
    assert_has(text_at(why, "message"), "there are guests");
    assert_int_equal(host_call_int(h, "inn", "\"get\""), 107);
    assert_null(host_release_status(h, "local@2"));
    assert_nothing_is_next();
    host_stop(h);
}

static void what_does_not_start_is_left_for_the_permanent_one(void **state)
{
    struct host *h = *state;
    json_t *event;

    start_inn(h, "integration/inn_fails", "2.1.0");
    host_change(h, "upgrade", "inn@2.1.0");
    assert_string_equal(host_told(h), "RELOADING=1"); /* with 2.1.0 */
    host_rebooted(h);                                 /* and with 1.0.0 */
    event = host_event(h, "release.once_failed", "release", "local@2");
    assert_has(text_at(event, "reason"), "'inn' of local@2 did not start as 2.1.0");
    assert_true(host_log_has("the cellar is under water"));
    assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    is(h, "local@1", "permanent");
    is(h, "local@2", "unpacked");
    assert_nothing_is_next();
    host_stop(h);
    host_start_with(h, NULL, staging); /* it is told once */
    assert_int_equal(host_events(h, "release.once_failed"), 0);
    host_stop(h);
}

static void what_ends_the_host_is_left_for_the_permanent_one(void **state)
{
    struct host *h = *state;
    json_t *event;

    start_inn(h, "integration/inn_dies", "2.2.0");
    host_change(h, "upgrade", "inn@2.2.0");
    host_wait(h);
    host_start_with(h, NULL, staging);
    event = host_event(h, "release.once_failed", "release", "local@2");
    assert_has(text_at(event, "reason"), "the host ended before all of it ran");
    assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    assert_nothing_is_next();
    host_stop(h);
}

static void what_is_dropped_does_not_end_the_host(void **state)
{
    struct host *h = *state;
    json_t *event;

    drop("integration/inn-1.0.0");
    host_start(h, NULL);
    host_call_int(h, "inn", "{\"add\": 7}");
    drop("integration/inn-2.0.0");
    event = host_event(h, "upgrade.refused", "to", "2.0.0");
    assert_has(text_at(event, "reason"), "'moult upgrade' does that");
    assert_int_equal(host_call_int(h, "inn", "\"get\""), 7);
    host_change(h, "upgrade", "inn@2.0.0");
    host_rebooted(h);
    assert_string_equal(host_vsn(h, "inn"), "2.0.0");
    host_stop(h);
}

static void there_is_nothing_to_confirm_and_no_part_that_goes_ahead(void **state)
{
    struct host *h = *state;
    json_t *why;

    start_inn(h, "integration/inn-2.0.0", "2.0.0");
    why = host_refuses(
        h, "upgrade",
        json_pack("{s:[s], s:i}", "targets", "inn@2.0.0", "confirm_within_ms", 60000));
    assert_has(text_at(why, "message"), "nothing to confirm");
    why = host_refuses(
        h, "upgrade",
        json_pack("{s:[s], s:[s]}", "targets", "inn@2.0.0", "canary", "inn"));
    assert_has(text_at(why, "message"), "no canary");
    assert_int_equal(host_call_int(h, "inn", "\"get\""), 7);
    host_stop(h);
}

static void a_plan_says_that_all_is_lost_and_what_is_called_before(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    start_inn(h, "integration/inn-2.0.0", "2.0.0");
    ran = moult(h->socket, "upgrade", "inn@2.0.0", "--plan", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "nothing is carried over");
    assert_has(ran->out, "'ask' is called, and may refuse");
    assert_has(ran->out, "all that 4 processes of 2 applications hold is lost");
    assert_has(ran->out, "until 'moult permanent'");
    assert_has(ran->out,
               "inn         1  anew      its appup says so: what it holds is lost");
    assert_int_equal(host_call_int(h, "inn", "\"get\""), 7);
    assert_nothing_is_next();
    ran = moult(h->socket, "upgrade", "inn@2.0.0", NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "inn 1.0.0 -> 2.0.0: the host begins anew with it");
    host_rebooted(h);
    host_stop(h);
}

/* The way up is as usual; the way down is not. */
static void what_is_on_trial_may_go_back_so(void **state)
{
    static const char appup[] =
        "vsn = \"2.0.0\";\n"
        "up = ({ vsn = \"1.0.0\"; instructions = ({ update = \"inn\"; }); });\n"
        "down = ({ vsn = \"1.0.0\"; instructions = ({ restart = true; }); });\n";
    struct host *h = *state;
    json_t *report;

    write_file(in_folder("plugins/inn-2.0.0.appup"), appup, sizeof(appup) - 1);
    start_inn(h, "integration/inn-2.0.0", "2.0.0");
    host_ask(
        h, "upgrade",
        json_pack("{s:[s], s:i}", "targets", "inn@2.0.0", "confirm_within_ms", 600000));
    assert_int_equal(host_call_int(h, "inn", "\"get\""), 7);
    report = host_ask(h, "withdraw", NULL);
    assert_string_equal(text_at(report, "release"), "local@1");
    assert_true(json_is_true(at(report, "permanent")));
    host_rebooted(h);
    assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    is(h, "local@1", "permanent");
    is(h, "local@2", "unpacked");
    host_stop(h);
}

/* -- kill -9 at each step -- */

static void prepare(struct host *h)
{
    nftw(in_folder("data"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    drop("integration/inn-1.0.0");
    host_start_with(h, NULL, staging);
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("integration/inn-2.0.0")));
    host_stop(h);
}

static bool upgrade(struct host *h, struct talk *talk)
{
    return dying_does(talk, "upgrade", json_pack("{s:[s]}", "targets", "inn@2.0.0")) &&
           host_comes_up(h);
}

/* On the one release or the other, and then on the permanent one. */
static bool comes_up_whole(struct host *h)
{
    bool is_new;

    host_start_with(h, NULL, staging);
    is_new = strcmp(host_vsn(h, "inn"), "2.0.0") == 0;
    if (!is_new)
        assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    assert_int_equal(host_events(h, "release.record_bad"), 0);
    assert_int_equal(host_events(h, "release.missing"), 0);
    assert_int_equal(host_call_int(h, "inn", "{\"add\": 3}"), 3);
    assert_nothing_is_next();
    is(h, "local@1", "permanent");
    host_stop(h);
    host_start_with(h, NULL, staging);
    assert_string_equal(host_vsn(h, "inn"), "1.0.0");
    assert_int_equal(host_events(h, "release.once_failed"), 0);
    host_stop(h);
    return is_new;
}

static void a_host_that_dies_while_it_ends_for_it_comes_up_whole(void **state)
{
    struct host *h = *state;
    int writes = 0, new = 0;
    bool died;

    do {
        prepare(h);
        died = dying_at(h, writes + 1, staging, upgrade);
        new += comes_up_whole(h) && died;
        writes += died;
        assert_true(writes < 100);
    } while (died);
    assert_in_range(writes, 5, 99);
    assert_in_range(new, 1, writes - 3); /* the record was there already, or was not */
}

/* The write before which it says what is next, and none of it has begun. */
static int find_next(struct host *h)
{
    int n = 0;

    do {
        prepare(h);
        assert_true(dying_at(h, ++n, staging, upgrade));
    } while (!record_has("\"next\""));
    return n;
}

static void a_host_that_dies_while_it_begins_with_it_comes_up_whole(void **state)
{
    struct host *h = *state;
    int writes = 0, new = 0, next = find_next(h);
    bool died;

    do {
        prepare(h);
        assert_true(dying_at(h, next, staging, upgrade));
        died = dying_at(h, writes + 1, staging, NULL);
        new += comes_up_whole(h) && died;
        writes += died;
        assert_true(writes < 100);
    } while (died);
    assert_in_range(writes, 8, 99);
    assert_in_range(new, 1, writes - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(the_host_begins_anew_with_what_is_upgraded_to_once),
        HOST_TEST(it_is_kept_by_permanent),
        HOST_TEST(installing_a_release_may_have_it_begin_anew),
        HOST_TEST(all_that_goes_along_is_new_then),
        HOST_TEST(its_functions_are_called_before_and_may_refuse),
        HOST_TEST(what_does_not_start_is_left_for_the_permanent_one),
        HOST_TEST(what_ends_the_host_is_left_for_the_permanent_one),
        HOST_TEST(what_is_dropped_does_not_end_the_host),
        HOST_TEST(there_is_nothing_to_confirm_and_no_part_that_goes_ahead),
        HOST_TEST(a_plan_says_that_all_is_lost_and_what_is_called_before),
        HOST_TEST(what_is_on_trial_may_go_back_so),
        HOST_TEST(a_host_that_dies_while_it_ends_for_it_comes_up_whole),
        HOST_TEST(a_host_that_dies_while_it_begins_with_it_comes_up_whole),
    };

    return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
