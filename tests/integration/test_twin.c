/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upgrade of two applications fails at each of its steps, in the second of them where
 * it can, while both are called without pause: every call is answered, and the host is as
 * its twin, which got the same and never tried.
 */
#include "test.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host_fixture.h"
#include "program.h"

#define CALLS 100 /* of each application, before and after what is asked for */

/* What is told of a host, and differs from one that is its twin. */
static const char *const passing[] = {"memory", "reductions", "started_ms",
                                      "made",   "checksum",   "since"};

/* Which of the free numbers a process gets depends on who else starts then. */
static void hide_pid(json_t *value)
{
    const char *text = json_string_value(value);

    if (text && strncmp(text, "<0.", 3) == 0)
        json_string_set(value, "<pid>");
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as what is told */
static void strip(json_t *value)
{
    json_t *member;
    const char *key;
    size_t i;

    hide_pid(value);
    for (i = 0; json_is_object(value) && i < sizeof(passing) / sizeof(*passing); i++)
        json_object_del(value, passing[i]);
    json_object_foreach(value, key, member) strip(member);
    json_array_foreach(value, i, member) strip(member);
}

static void put(json_t *portrait, struct host *h, const char *method, const char *key,
                const char *name)
{
    json_t *told = host_ask(h, method, key ? json_pack("{s:s}", key, name) : NULL);
    char as[80];

    snprintf(as, sizeof(as), "%s %s", method, name ? name : "");
    json_object_set_new(portrait, as, json_deep_copy(told));
}

/* Without the versions that only one of the two has been given. */
static void put_releases(json_t *portrait, struct host *h)
{
    json_t *told = host_ask(h, "releases", NULL), *version;
    size_t i;

    json_object_set(portrait, "releases", at(told, "releases"));
    json_array_foreach(at(told, "versions"), i, version)
    {
        const char *status = text_at(version, "status");

        if (strcmp(status, "running") == 0)
            json_object_set(portrait, text_at(version, "name"), version);
    }
}

/* All that can be asked of it.  Given. */
static json_t *portrait_of(struct host *h)
{
    static const char *const names[] = {"alpha", "alpha_gone", "beta", "beta_gone"};
    json_t *portrait = json_object();

    put(portrait, h, "apps", NULL, NULL);
    put(portrait, h, "tree", NULL, NULL);
    put(portrait, h, "ps", NULL, NULL);
    put(portrait, h, "log", NULL, NULL);
    put(portrait, h, "env", "application", "alpha");
    put(portrait, h, "env", "application", "beta");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        put(portrait, h, "state", "name", names[i]);
        put(portrait, h, "info", "name", names[i]);
    }
    put_releases(portrait, h);
    json_object_set_new(portrait, "alpha on disk", json_string(recorded_vsn("alpha")));
    json_object_set_new(portrait, "beta on disk", json_string(recorded_vsn("beta")));
    json_object_set_new(portrait, "crashes",
                        json_integer(host_events(h, "server.crash")));
    json_object_set_new(portrait, "restarts",
                        json_integer(host_events(h, "server.restart")));
    strip(portrait);
    return portrait;
}

/* Each of its servers, by pid, name, restarts and version. */
static json_t *servers_of(struct host *h)
{
    return json_deep_copy(host_ask(h, "tree", NULL));
}

/* -- what both get -- */

struct attempt {
    const char *plugin, *vsn; /* of beta; NULL: 2.0.0 */
    const char *step;         /* where it fails */
    const char *words;        /* that it says */
    const char *rehearse;     /* of the host */
    void (*spoil)(struct host *h);
    void (*restore)(struct host *h);
    const char *release; /* is installed instead */
    json_int_t max_pause_ms;
};

static void write_to(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "we");

    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void begin(struct host *h, const struct attempt *a)
{
    nftw(in_folder("data"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    unlink(in_folder("plugins/alpha-2.0.0.so"));
    unlink(in_folder("plugins/next.so"));
    drop("integration/alpha-1.0.0");
    drop("integration/beta-1.0.0");
    host_start(h, "--on-drop", "stage", "--workers", "1", "--rehearse",
               a->rehearse ? a->rehearse : "all", NULL);
    host_call(h, "alpha", "{\"set\": 500}");
    host_call(h, "beta", "{\"set\": 1500}");
    /* Messages that wait, of a server that is in no hurry, and stays so. */
    host_ask(h, "suspend", json_pack("{s:s}", "name", "beta_gone"));
    host_ask(h, "suspend", json_pack("{s:s}", "name", "alpha"));
    for (int i = 0; i < 10; i++)
        host_ask(h, "cast", json_pack("{s:s, s:s}", "name", "alpha", "message", "up"));
    host_ask(h, "resume", json_pack("{s:s}", "name", "alpha"));
    host_call(h, "beta", "{\"set\": 1500}");
}

static void call_both(struct talk *talk, json_int_t ids[2 * CALLS])
{
    for (int i = 0; i < CALLS; i++) {
        ids[2 * i] = talk_ask(talk, "call", talk_message("alpha", "{\"bump\": true}"));
        ids[2 * i + 1] =
            talk_ask(talk, "call", talk_message("beta", "{\"bump\": true}"));
    }
}

static void assert_all_answered(struct talk *talk, const json_int_t ids[2 * CALLS])
{
    for (int i = 0; i < 2 * CALLS; i++)
        at(talk_answer(talk, ids[i]), "result");
}

static json_t *ask_for_it(struct host *h, const struct attempt *a)
{
    char beta[40];

    if (a->release)
        return host_refuses(h, "install", json_pack("{s:s}", "release", a->release));
    snprintf(beta, sizeof(beta), "beta@%s", a->vsn ? a->vsn : "2.0.0");
    return host_refuses(h, "upgrade",
                        a->max_pause_ms
                            ? json_pack("{s:[s, s], s:I}", "targets", "alpha@2.0.0",
                                        beta, "max_pause_ms", a->max_pause_ms)
                            : json_pack("{s:[s, s]}", "targets", "alpha@2.0.0", beta));
}

static void stage(struct host *h, const struct attempt *a)
{
    drop("integration/alpha-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    drop_as(a->plugin ? a->plugin : "integration/beta-2.0.0", "next.so");
    host_event(h, "plugin.staged", "vsn", a->vsn ? a->vsn : "2.0.0");
}

static json_t *live(struct host *h, const struct attempt *a, bool tries)
{
    struct talk *talk;
    json_int_t before[2 * CALLS], after[2 * CALLS];
    json_t *portrait, *error, *servers[2];

    begin(h, a);
    servers[0] = servers_of(h);
    talk = talk_open(h->socket);
    if (tries)
        stage(h, a);
    if (tries && a->spoil)
        a->spoil(h);
    call_both(talk, before);
    if (tries) {
        error = ask_for_it(h, a);
        assert_string_equal(text_at(error, "data.step"), a->step);
        assert_has(text_at(error, "message"), a->words);
    }
    call_both(talk, after);
    assert_all_answered(talk, before);
    assert_all_answered(talk, after);
    if (tries && a->restore)
        a->restore(h);
    talk_close(talk);
    servers[1] = servers_of(h);
    assert_true(json_equal(servers[0], servers[1]));
    json_decref(servers[0]);
    json_decref(servers[1]);
    portrait = portrait_of(h);
    assert_int_equal(host_call_int(h, "alpha", "\"get\""), 510 + 2 * CALLS);
    assert_int_equal(host_call_int(h, "beta", "\"get\""), 1500 + 2 * CALLS);
    host_stop(h);
    return portrait;
}

/* Fails the test at the first member in which they differ. */
static void assert_equal(const json_t *tried, const json_t *never)
{
    json_t *value;
    const char *key;

    json_object_foreach((json_t *)never, key, value)
    {
        if (!json_equal(value, json_object_get(tried, key)))
            fail_msg("'%s' was\n%s\nand is\n%s", key,
                     json_dumps(value, JSON_ENCODE_ANY),
                     json_dumps(json_object_get(tried, key), JSON_ENCODE_ANY));
    }
    assert_int_equal(json_object_size(tried), json_object_size(never));
}

static void fails(struct host *h, const struct attempt *a)
{
    json_t *tried = live(h, a, true), *never = live(h, a, false);

    assert_equal(tried, never);
    json_decref(tried);
    json_decref(never);
}

/* -- the steps -- */

static void at_plan(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_1",
                                    .vsn = "2.0.1",
                                    .step = "plan",
                                    .words = "a name can't change while it runs"});
}

static void at_rehearse(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_2",
                                    .vsn = "2.0.2",
                                    .step = "rehearse",
                                    .words = "code_change of server 'main' refuses"});
}

static void at_rehearse_by_a_message(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_5",
                                    .vsn = "2.0.5",
                                    .step = "rehearse",
                                    .words = "message_change of server"});
}

static void at_check(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_3",
                                    .vsn = "2.0.3",
                                    .step = "check",
                                    .words = "not in that mode"});
}

static void limit_files(struct host *h)
{
    const struct rlimit none = {.rlim_cur = 16, .rlim_max = RLIM_INFINITY};

    assert_int_equal(prlimit(h->pid, RLIMIT_FSIZE, &none, NULL), 0);
}

static void unlimit_files(struct host *h)
{
    const struct rlimit any = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    assert_int_equal(prlimit(h->pid, RLIMIT_FSIZE, &any, NULL), 0);
}

static void at_prepare(void **state)
{
    fails(*state, &(struct attempt){.step = "prepare",
                                    .words = "File too large",
                                    .spoil = limit_files,
                                    .restore = unlimit_files});
}

static void take_in_the_release(struct host *h)
{
    drop("integration/gamma_sin_7");
    host_event(h, "plugin.staged", "app", "gamma");
    write_to("pair.rel", "release = \"pair\"; vsn = \"7\";\n"
                         "applications = { alpha = \"2.0.0\"; beta = \"2.0.0\";\n"
                         "gamma = \"1.0.7\"; };\n");
    host_ask(h, "unpack", json_pack("{s:[s]}", "files", in_folder("pair.rel")));
}

static void forget_the_release(struct host *h)
{
    host_ask(h, "remove", json_pack("{s:s}", "release", "pair@7"));
    unlink(in_folder("plugins/gamma_sin_7.so"));
}

static void at_start(void **state)
{
    fails(*state, &(struct attempt){.step = "start",
                                    .words = "it is taken",
                                    .spoil = take_in_the_release,
                                    .restore = forget_the_release,
                                    .release = "pair@7"});
}

static void take_in_a_sinner(struct host *h)
{
    drop("integration/gamma_sin_7");
    host_event(h, "plugin.staged", "app", "gamma");
}

static void take_in_gamma(struct host *h)
{
    drop("integration/gamma-1.0.0");
    host_event(h, "plugin.staged", "app", "gamma");
}

static void forget_gamma(struct host *h)
{
    unlink(in_folder("plugins/gamma_sin_7.so"));
    unlink(in_folder("plugins/gamma-1.0.0.so"));
}

static void at_start_of_what_is_needed(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_needs_gamma",
                                    .vsn = "2.0.9",
                                    .step = "start",
                                    .words = "it is taken",
                                    .rehearse = "off",
                                    .spoil = take_in_a_sinner,
                                    .restore = forget_gamma});
}

/* What was started for it is stopped again. */
static void at_migrate_when_what_is_needed_has_started(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_needs_gamma",
                                    .vsn = "2.0.9",
                                    .step = "migrate",
                                    .words = "message_change of server",
                                    .rehearse = "off",
                                    .spoil = take_in_gamma,
                                    .restore = forget_gamma});
}

static void at_add(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_4",
                                    .vsn = "2.0.4",
                                    .step = "add",
                                    .words = "there is no ground"});
}

static void at_apply(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_10",
                                    .vsn = "2.0.10",
                                    .step = "apply",
                                    .words = "'go' refuses: not on that day"});
}

static void hold_one(struct host *h)
{
    talk_ask(h->talk, "call", talk_message("beta", "{\"hold\": 600}"));
    host_ask(h, "status", NULL);
}

static void at_drain(void **state)
{
    fails(*state, &(struct attempt){.step = "drain",
                                    .words = "did not come to the end",
                                    .spoil = hold_one,
                                    .rehearse = "off", /* which would wait for it */
                                    .max_pause_ms = 100});
}

static void at_migrate(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_2",
                                    .vsn = "2.0.2",
                                    .step = "migrate",
                                    .words = "code_change of server 'main' refuses",
                                    .rehearse = "off"});
}

static void at_migrate_by_a_message(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_5",
                                    .vsn = "2.0.5",
                                    .step = "migrate",
                                    .words = "message_change of server",
                                    .rehearse = "off"});
}

static void at_migrate_by_a_crash(void **state)
{
    fails(*state, &(struct attempt){.plugin = "integration/beta_sin_6",
                                    .vsn = "2.0.6",
                                    .step = "migrate",
                                    .words = "SIGSEGV",
                                    .rehearse = "off"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(at_plan),
        HOST_TEST(at_rehearse),
        HOST_TEST(at_rehearse_by_a_message),
        HOST_TEST(at_check),
        HOST_TEST(at_prepare),
        HOST_TEST(at_start),
        HOST_TEST(at_start_of_what_is_needed),
        HOST_TEST(at_migrate_when_what_is_needed_has_started),
        HOST_TEST(at_add),
        HOST_TEST(at_apply),
        HOST_TEST(at_drain),
        HOST_TEST(at_migrate),
        HOST_TEST(at_migrate_by_a_message),
        HOST_TEST(at_migrate_by_a_crash),
    };

    return cmocka_run_group_tests_name("a failed upgrade leaves a host as its twin",
                                       tests, NULL, NULL);
}
