/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of a real host fails once while its configuration is read anew, a part
 * of its servers goes ahead, a version is on trial, or telemetry has listeners: it is done
 * or refused, and can be done when there is memory again.
 */
#include "test.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "oom.h"

static void stage(struct host *h, const char *plugin)
{
    json_decref(oom_works(h, "unpack", json_pack("{s:[s]}", "files", built(plugin))));
}

/* -- the configuration -- */

static void configure(int port)
{
    char text[120];

    snprintf(text, sizeof(text),
             "applications = { shop = { env = { port = %d; }; }; };\n", port);
    write_file(in_folder("moult.conf"), text, strlen(text));
}

static json_int_t port(struct host *h)
{
    json_t *result = oom_works(h, "call", talk_message("shop", "{\"env\": \"port\"}"));
    json_int_t value = json_integer_value(result);

    json_decref(result);
    return value;
}

static void reload(struct host *h)
{
    static int last = 8080;

    configure(++last);
    oom_try(h, "reload", NULL);
    oom_disarm();
    oom_settle(h);
    assert_in_range(port(h), last - 1, last);
    json_decref(oom_works(h, "reload", NULL));
    assert_int_equal(port(h), last);
}

static void a_configuration_is_taken_or_left(void **state)
{
    struct host *h = *state;

    drop("integration/shop-1.0.0");
    configure(8080);
    oom_start(h, (const char *const[]){"--config", in_folder("moult.conf"), NULL});
    oom_sweep(h, "reloading", 5, reload);
    oom_stop(h);
}

/* -- a part that goes ahead -- */

static void start_birds(struct host *h)
{
    drop("integration/birds-1.0.0");
    oom_start(h, (const char *const[]){"--on-drop", "stage", NULL});
    stage(h, "integration/birds-2.0.0");
    json_decref(oom_works(h, "call", talk_message("bird.1", "{\"add\": 5}")));
    json_decref(oom_works(h, "call", talk_message("bird.2", "{\"add\": 7}")));
}

/* All ten are of one version, and have what they had. */
static void are_all(struct host *h, const char *vsn)
{
    assert_true(oom_runs(h, "birds", vsn));
    for (int i = 0; i < 10; i++) {
        char name[16];
        json_t *own;

        snprintf(name, sizeof(name), "bird.%d", i);
        own = oom_works(h, "call", talk_message(name, "\"vsn\""));
        assert_string_equal(json_string_value(own), vsn);
        json_decref(own);
        assert_int_equal(oom_counts(h, name), i == 1 ? 5 : i == 2 ? 7 : 0);
    }
}

static json_t *canary_of(const char *who)
{
    json_t *params = target("birds@2.0.0");

    json_object_set_new(params, "canary", json_pack("[s]", who));
    return params;
}

static bool has_canary(struct host *h)
{
    json_t *canary = oom_works(h, "canary", NULL);
    bool has = !json_is_null(canary);

    json_decref(canary);
    return has;
}

static void go_ahead_and_back(struct host *h)
{
    oom_try(h, "upgrade", canary_of("bird.1"));
    oom_try(h, "canary", NULL);
    oom_try(h, "withdraw", NULL);
    oom_disarm();
    oom_settle(h);
    if (has_canary(h))
        json_decref(oom_works(h, "withdraw", NULL));
    are_all(h, "1.0.0");
}

static void promote(struct host *h)
{
    struct oom_armed armed = oom_hold();

    json_decref(oom_works(h, "upgrade", canary_of("bird.1")));
    oom_go_on(armed);
    oom_try(h, "promote", NULL);
    oom_disarm();
    oom_settle(h);
    if (has_canary(h))
        json_decref(oom_works(h, "promote", NULL));
    are_all(h, "2.0.0");
    json_decref(oom_works(h, "downgrade", target("birds@1.0.0")));
}

static void a_part_goes_ahead_and_the_rest_follows_or_it_comes_back(void **state)
{
    struct host *h = *state;

    start_birds(h);
    oom_sweep(h, "a canary", 23, go_ahead_and_back);
    oom_sweep(h, "promoting", 17, promote);
    oom_stop(h);
}

/* -- a version on trial -- */

static json_t *on_trial(int ms)
{
    json_t *params = target("birds@2.0.0");

    json_object_set_new(params, "confirm_within_ms", json_integer(ms));
    return params;
}

static bool awaits(struct host *h)
{
    json_t *releases = oom_works(h, "releases", NULL);
    bool does = json_object_get(releases, "awaits") != NULL;

    json_decref(releases);
    return does;
}

static void confirm(struct host *h)
{
    oom_try(h, "upgrade", on_trial(3600000));
    oom_try(h, "confirm", NULL);
    oom_disarm();
    oom_settle(h);
    if (awaits(h))
        json_decref(oom_works(h, "confirm", NULL));
    if (oom_runs(h, "birds", "2.0.0")) {
        are_all(h, "2.0.0");
        json_decref(oom_works(h, "downgrade", target("birds@1.0.0")));
    }
    are_all(h, "1.0.0");
}

static void withdraw(struct host *h)
{
    struct oom_armed armed = oom_hold();

    json_decref(oom_works(h, "upgrade", on_trial(3600000)));
    oom_go_on(armed);
    oom_try(h, "withdraw", NULL);
    oom_disarm();
    oom_settle(h);
    if (awaits(h))
        json_decref(oom_works(h, "withdraw", NULL));
    are_all(h, "1.0.0");
}

/* What it says when it went back, or could not; or that there was no memory to say it. */
static bool told(void)
{
    return host_log_has("upgrade.back") || host_log_has("missed") ||
           host_log_has("could not be recorded");
}

/* Nobody confirms it: it goes back by itself, or waits for who repairs it. */
static void lapse(struct host *h)
{
    struct oom_armed armed = oom_hold();
    time_t end = time(NULL) + PATIENCE_MS / 1000;

    assert_int_equal(truncate(in_folder("host.log"), 0), 0);
    json_decref(oom_works(h, "upgrade", on_trial(20)));
    oom_go_on(armed);
    while (!told() && time(NULL) <= end)
        poll(NULL, 0, 5);
    assert_true(told());
    oom_disarm();
    oom_settle(h);
    while (awaits(h))
        oom_try(h, "withdraw", NULL); /* refused, if it is just going back by itself */
    are_all(h, "1.0.0");
}

static void what_is_on_trial_is_kept_or_goes_back(void **state)
{
    struct host *h = *state;

    start_birds(h);
    oom_sweep(h, "confirming", 29, confirm);
    oom_sweep(h, "withdrawing", 17, withdraw);
    oom_sweep(h, "lapsing", 17, lapse);
    oom_stop(h);
}

/* -- telemetry -- */

static size_t listeners(struct host *h)
{
    json_t *list = oom_works(h, "telemetry", NULL);
    size_t count = json_array_size(list);

    json_decref(list);
    return count;
}

/* One that fails is detached: so it can be attached again. */
static void listen(struct host *h)
{
    oom_try(h, "call",
            talk_message("gauge", "{\"attach\": [\"fails\", \"a.b\", \"crash\"]}"));
    oom_try(h, "call", talk_message("gauge", "{\"span\": \"well\"}"));
    oom_try(h, "telemetry", NULL);
    oom_try(h, "call", talk_message("gauge", "{\"emit\": \"a.b\"}"));
    oom_wait_for(h, "gauge", "\"heard\"");
    while (listeners(h) > 2)
        json_decref(oom_works(h, "call", talk_message("gauge", "{\"emit\": \"a.b\"}")));
    assert_int_equal(listeners(h), 2);
}

static void who_listens_hears_or_is_detached(void **state)
{
    static const char *const counted[] = {
        "{\"attach\": [\"counts\", \"a.b\", \"count\"]}",
        "{\"attach\": [\"spans\", \"gauge.work.stop\", \"count\"]}"};
    struct host *h = *state;

    drop("integration/gauge-1.0.0");
    oom_start(h, NULL);
    for (int i = 0; i < 2; i++)
        json_decref(oom_works(h, "call", talk_message("gauge", counted[i])));
    oom_sweep(h, "listening", 1, listen);
    oom_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_TEST(a_configuration_is_taken_or_left),
        OOM_TEST(a_part_goes_ahead_and_the_rest_follows_or_it_comes_back),
        OOM_TEST(what_is_on_trial_is_kept_or_goes_back),
        OOM_TEST(who_listens_hears_or_is_detached),
    };

    oom_begin();
    return cmocka_run_group_tests_name("oom_changes", tests, NULL, NULL);
}
