/* SPDX-License-Identifier: Apache-2.0 */
/* What is configured while an upgrade is under way. */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "host_fixture.h"

#define HOLD "{\"hold\": 800}" /* ms, while which an upgrade waits for the server */

static void configure(const char *text)
{
    FILE *out = fopen(in_folder("moult.conf"), "we");

    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

/* A host with alpha and beta 1.0.0, and these of a later version. */
static void start(struct host *h, const char *next)
{
    configure("");
    drop("integration/alpha-1.0.0");
    drop("integration/beta-1.0.0");
    host_start(h, "--on-drop", "stage", "--rehearse", "off", "--config",
               in_folder("moult.conf"), NULL);
    drop_as(next, "next.so");
    host_event(h, "plugin.staged", "file", "next.so");
}

/* Ask for `target`, whose server `held` is busy; when this returns it is waited for. */
static json_int_t begin_upgrade(struct talk *talk, const char *held, const char *what)
{
    json_int_t id;

    talk_ask(talk, "call", talk_message(held, HOLD));
    talk_result(talk, "status", NULL);
    id = talk_ask(talk, "upgrade", target(what));
    while (strcmp(text_at(talk_notice(talk, "progress"), "step"), "drain") != 0)
        ;
    return id;
}

static void put_mode(struct host *h, const char *app, const char *mode)
{
    host_ask(
        h, "env",
        json_pack("{s:s, s:s, s:s}", "application", app, "key", "mode", "value", mode));
}

static json_t *mode_of(struct host *h, const char *app)
{
    json_t *told =
        host_ask(h, "env", json_pack("{s:s, s:s}", "application", app, "key", "mode"));

    return json_array_get(at(told, "env"), 0);
}

static void what_is_put_while_it_waits_stays(void **state)
{
    struct host *h = *state;
    struct talk *talk;
    json_int_t id;

    start(h, "integration/alpha-2.0.0");
    talk = talk_open(h->socket);
    id = begin_upgrade(talk, "alpha", "alpha@2.0.0");
    put_mode(h, "alpha", "mine");
    assert_string_equal(text_at(mode_of(h, "alpha"), "value"), "mine");
    at(talk_answer(talk, id), "result");
    assert_string_equal(host_vsn(h, "alpha"), "2.0.0");
    assert_string_equal(text_at(mode_of(h, "alpha"), "value"), "mine");
    assert_string_equal(text_at(mode_of(h, "alpha"), "from"), "put");
    talk_close(talk);
    host_stop(h);
}

static void so_it_does_when_it_is_given_up(void **state)
{
    struct host *h = *state;
    struct talk *talk;
    json_int_t id;

    start(h, "integration/beta_sin_2");
    host_call(h, "beta", "{\"set\": 1000}"); /* which its code_change refuses */
    talk = talk_open(h->socket);
    id = begin_upgrade(talk, "beta", "beta@2.0.2");
    put_mode(h, "beta", "mine");
    at(talk_answer(talk, id), "error");
    assert_string_equal(text_at(mode_of(h, "beta"), "value"), "mine");
    put_mode(h, "beta", "yours");
    assert_string_equal(text_at(mode_of(h, "beta"), "value"), "yours");
    talk_close(talk);
    host_stop(h);
}

/* In 2.0.8 its mode is an integer, which it is by default. */
static void what_the_new_version_can_t_have_gives_it_up(void **state)
{
    struct host *h = *state;
    struct talk *talk;
    json_int_t id;
    json_t *error;

    start(h, "integration/beta_sin_8");
    talk = talk_open(h->socket);
    id = begin_upgrade(talk, "beta", "beta@2.0.8");
    put_mode(h, "beta", "mine");
    error = at(talk_answer(talk, id), "error");
    assert_string_equal(text_at(error, "data.step"), "migrate");
    assert_has(text_at(error, "message"),
               "env 'mode' of application 'beta' must be an integer, not \"mine\"");
    assert_string_equal(host_vsn(h, "beta"), "1.0.0");
    assert_string_equal(text_at(mode_of(h, "beta"), "value"), "mine");
    talk_close(talk);
    host_stop(h);
}

/* Both of two that are asked for at once, in the order that they are asked for in. */
static void a_reload_comes_after_it(void **state)
{
    struct host *h = *state;
    struct talk *talk, *other;
    json_int_t id, reload;
    json_t *change;

    start(h, "integration/alpha-2.0.0");
    talk = talk_open(h->socket);
    other = talk_open(h->socket);
    configure("applications = { alpha = { env = { mode = \"filed\"; }; }; };\n");
    id = begin_upgrade(talk, "alpha", "alpha@2.0.0");
    reload = talk_ask(other, "reload", NULL);
    at(talk_answer(talk, id), "result");
    change = json_array_get(at(talk_answer(other, reload), "result.changed"), 0);
    assert_string_equal(text_at(change, "from"), "new");
    assert_string_equal(text_at(change, "to"), "filed");
    assert_string_equal(text_at(mode_of(h, "alpha"), "value"), "filed");
    talk_close(talk);
    talk_close(other);
    host_stop(h);
}

static void so_does_a_hangup(void **state)
{
    struct host *h = *state;
    struct talk *talk;
    json_int_t id;

    start(h, "integration/alpha-2.0.0");
    talk = talk_open(h->socket);
    configure("applications = { alpha = { env = { mode = \"filed\"; }; }; };\n");
    id = begin_upgrade(talk, "alpha", "alpha@2.0.0");
    assert_int_equal(kill(h->pid, SIGHUP), 0);
    at(talk_answer(talk, id), "result");
    host_event(h, "upgrade.commit", "app", "alpha");
    host_event(h, "config.reload", NULL, NULL);
    assert_string_equal(host_vsn(h, "alpha"), "2.0.0");
    assert_string_equal(text_at(mode_of(h, "alpha"), "value"), "filed");
    talk_close(talk);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(what_is_put_while_it_waits_stays),
        HOST_TEST(so_it_does_when_it_is_given_up),
        HOST_TEST(what_the_new_version_can_t_have_gives_it_up),
        HOST_TEST(a_reload_comes_after_it),
        HOST_TEST(so_does_a_hangup),
    };

    return cmocka_run_group_tests_name("meanwhile", tests, NULL, NULL);
}
