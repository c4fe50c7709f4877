/* SPDX-License-Identifier: Apache-2.0 */
/* One application taken from version to version, or refused and left as it was. */
#include "test.h"

#include <poll.h>

#include "host_fixture.h"
#include "program.h"

/* A host with the versions of counter, of which 1.0.0 runs and has counted to 5. */
static void start_counting(struct host *h)
{
    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("samples/counter-1.1.0");
    drop("samples/counter-2.0.0");
    host_event(h, "plugin.staged", "vsn", "2.0.0");
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 5}"), 5);
}

static const char *pid_of(struct host *h, const char *name)
{
    return text_at(host_ask(h, "state", json_pack("{s:s}", "name", name)), "pid");
}

static bool record_has(const char *words)
{
    size_t len;
    char *text = read_whole(in_folder("data/releases.json"), &len);
    bool has;

    text[len] = 0;
    has = strstr(text, words) != NULL;
    free(text);
    return has;
}

/* -- ways to move -- */

static void added_fields_need_no_code(void **state)
{
    struct host *h = *state;
    const char *pid;
    json_t *report;

    start_counting(h);
    pid = pid_of(h, "counter");
    report = host_change(h, "upgrade", "counter@1.1.0");
    assert_string_equal(text_at(report, "application"), "counter");
    assert_string_equal(text_at(report, "from"), "1.0.0");
    assert_string_equal(text_at(report, "to"), "1.1.0");
    assert_int_equal(int_at(report, "servers"), 1);
    assert_int_equal(int_at(report, "moved.schema"), 1);
    assert_int_equal(int_at(report, "rehearsed"), 1);
    assert_true(int_at(report, "pause_us") >= 0);
    assert_true(int_at(report, "total_us") >=
                int_at(report, "pause_us") + int_at(report, "vet_us") +
                    int_at(report, "rehearse_us") + int_at(report, "record_us"));
    assert_true(int_at(report, "rehearse_us") > 0);
    assert_true(int_at(report, "record_us") > 0);
    assert_string_equal(text_at(json_array_get(at(report, "list"), 0), "moved"),
                        "schema");
    assert_string_equal(pid_of(h, "counter"), pid);
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    assert_int_equal(host_call_int(h, "counter", "{\"step\": 4}"), 6);
    assert_true(record_has("1.1.0"));
    assert_false(host_maps(h, "counter-1.0.0"));

    /* Back, what 1.0.0 does not know is dropped; and it is initial again afterwards. */
    report = host_change(h, "downgrade", "counter@1.0.0");
    assert_int_equal(int_at(report, "moved.schema"), 1);
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 7);
    assert_true(record_has("1.0.0"));
    host_change(h, "upgrade", "counter@1.1.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 8);
    host_stop(h);
}

static void code_change_carries_another_meaning_both_ways(void **state)
{
    struct host *h = *state;
    json_t *totals;

    start_counting(h);
    assert_int_equal(
        int_at(host_change(h, "upgrade", "counter@2.0.0"), "moved.code_change"), 1);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": -7}"), -2);
    totals = host_call(h, "counter", "\"totals\"");
    assert_int_equal(int_at(totals, "added"), 5);
    assert_int_equal(int_at(totals, "removed"), 7);
    assert_int_equal(
        int_at(host_change(h, "downgrade", "counter@1.1.0"), "moved.code_change"), 1);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), -2);
    assert_int_equal(
        int_at(host_change(h, "upgrade", "counter@2.0.0"), "moved.code_change"), 1);
    assert_int_equal(host_call_int(h, "counter", "{\"add\": 1}"), -1);
    host_change(h, "downgrade", "counter@1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), -1);
    host_stop(h);
}

static void progress_tells_each_step_in_order(void **state)
{
    static const char *const steps[] = {"plan", "rehearse", "check", "prepare",
                                        "drain"};
    struct host *h = *state;
    json_int_t id;

    start_counting(h);
    id = talk_ask(h->talk, "upgrade", target("counter"));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        json_t *progress = talk_notice(h->talk, "progress");

        assert_int_equal(int_at(progress, "id"), id);
        assert_string_equal(text_at(progress, "step"), steps[i]);
    }
    assert_string_equal(text_at(talk_answer(h->talk, id), "result.to"), "2.0.0");
    host_stop(h);
}

static void children_come_and_go_with_a_version(void **state)
{
    struct host *h = *state;
    json_t *report, *event;

    drop("integration/grower-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/grower-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    assert_int_equal(host_call_int(h, "root", "\"n\""), 1);
    assert_int_equal(host_call_int(h, "left.2", "\"n\""), 1);

    report = host_change(h, "upgrade", "grower@1.1.0");
    assert_int_equal(int_at(report, "moved.pointer"), 1);
    assert_int_equal(int_at(report, "moved.added"), 2);
    assert_int_equal(int_at(report, "moved.removed"), 3);
    assert_int_equal(host_call_int(h, "root", "\"n\""), 2);
    assert_int_equal(host_call_int(h, "right.1", "\"n\""), 1);
    host_refuses(h, "call", talk_message("left.0", "\"n\""));
    event = host_event(h, "plugin.log", "server", "left.2"); /* its terminate ran */
    assert_string_equal(text_at(event, "text"), "left with count 1");
    assert_int_equal(int_at(json_array_get(host_ask(h, "apps", NULL), 0), "servers"),
                     3);

    report = host_change(h, "downgrade", "grower@1.0.0");
    assert_int_equal(int_at(report, "moved.added"), 3);
    assert_int_equal(int_at(report, "moved.removed"), 2);
    assert_int_equal(host_call_int(h, "root", "\"n\""), 3);
    assert_int_equal(host_call_int(h, "left.0", "\"n\""), 1);
    assert_false(host_maps(h, "grower-1.1.0"));
    host_stop(h);
}

static void a_child_that_can_not_start_keeps_the_old_version(void **state)
{
    struct host *h = *state;
    json_t *error;

    drop("integration/grower-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/grower_refuses");
    host_event(h, "plugin.staged", "vsn", "1.3.0");
    assert_int_equal(host_call_int(h, "left.1", "\"n\""), 1);
    error = host_change_refused(h, "upgrade", "grower@1.3.0");
    assert_string_equal(text_at(error, "data.step"), "add");
    assert_has(text_at(error, "message"), "there is no ground");
    assert_int_equal(host_call_int(h, "left.1", "\"n\""), 2);
    host_refuses(h, "call", talk_message("extra", "\"n\""));
    assert_string_equal(host_vsn(h, "grower"), "1.0.0");
    assert_false(host_maps(h, "grower-1.3.0"));
    host_stop(h);
}

static void a_server_that_ends_later_is_restarted_with_the_new_code(void **state)
{
    struct host *h = *state;
    json_t *error;

    drop("integration/crew-1.0.0");
    host_start(h, NULL);
    drop("integration/crew-1.1.0");
    host_event(h, "upgrade.commit", "to", "1.1.0");
    error = host_refuses(h, "call", talk_message("a", "\"stop\""));
    assert_string_equal(text_at(error, "data.code"), "died");
    assert_has(text_at(error, "message"), "it was told to");
    assert_string_equal(text_at(host_event(h, "server.restart", "server", "a"), "vsn"),
                        "1.1.0");
    assert_string_equal(json_string_value(host_call(h, "a", "\"vsn\"")), "1.1.0");
    host_stop(h);
}

/* -- under load -- */

#define CLIENTS 4

struct load {
    struct talk *talks[CLIENTS];
    json_int_t ids[CLIENTS];
    json_int_t sum;
    unsigned acknowledged, seen;
};

static void load_begin(struct load *l, struct host *h)
{
    *l = (struct load){0};
    for (int i = 0; i < CLIENTS; i++) {
        l->talks[i] = talk_open(h->socket);
        l->ids[i] =
            talk_ask(l->talks[i], "call", talk_message("counter", "{\"add\":1}"));
    }
}

/* Take an answer, if it is there: it has to be a result. */
static void load_take(struct load *l, int i, bool go_on)
{
    if (!talk_has_answer(l->talks[i], l->ids[i]))
        return;
    at(talk_answer(l->talks[i], l->ids[i]), "result");
    l->sum++;
    l->acknowledged++;
    l->ids[i] =
        go_on ? talk_ask(l->talks[i], "call", talk_message("counter", "{\"add\":1}"))
              : 0;
}

/* All clients go on calling until the host has answered `id`, and a while longer. */
static void load_until(struct load *l, struct host *h, json_int_t id)
{
    bool answered = false;
    unsigned end = 0;

    while (!answered || l->acknowledged < end) {
        struct pollfd fds[CLIENTS + 1];

        for (int i = 0; i < CLIENTS; i++)
            fds[i] = (struct pollfd){.fd = l->talks[i]->fd, .events = POLLIN};
        fds[CLIENTS] =
            (struct pollfd){.fd = answered ? -1 : h->talk->fd, .events = POLLIN};
        if (poll(fds, CLIENTS + 1, PATIENCE_MS) < 1)
            fail_msg("nothing is answered any more");
        for (int i = 0; i < CLIENTS; i++)
            load_take(l, i, true);
        if (!answered && talk_has_answer(h->talk, id)) {
            answered = true;
            end = l->acknowledged + 100;
        }
    }
}

static void load_end(struct load *l)
{
    for (int i = 0; i < CLIENTS; i++) {
        at(talk_answer(l->talks[i], l->ids[i]), "result");
        l->sum++;
        talk_close(l->talks[i]);
    }
}

static void no_call_fails_and_none_is_lost_under_load(void **state)
{
    static const char *const changes[][2] = {{"upgrade", "counter@1.1.0"},
                                             {"upgrade", "counter@2.0.0"},
                                             {"downgrade", "counter@1.1.0"},
                                             {"downgrade", "counter@1.0.0"}};
    struct host *h = *state;
    struct load load;

    start_counting(h);
    load_begin(&load, h);
    for (size_t i = 0; i < SCALE(40); i++) {
        const char *const *change = changes[i % 4];
        json_int_t id = talk_ask(h->talk, change[0], target(change[1]));

        load_until(&load, h, id);
        at(talk_answer(h->talk, id), "result.pause_us");
    }
    load_end(&load);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5 + load.sum);
    host_stop(h);
}

static void a_dropped_upgrade_fails_no_call_either(void **state)
{
    struct host *h = *state;
    struct load load;
    json_int_t id;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    load_begin(&load, h);
    drop("samples/counter-1.1.0");
    id = talk_ask(h->events, "ping", NULL);
    while (!host_vsn(h, "counter") || strcmp(host_vsn(h, "counter"), "1.1.0") != 0) {
        id = talk_ask(h->talk, "ping", NULL);
        load_until(&load, h, id);
    }
    drop("tests/misbehaving/crashes_in_change_unless_zero");
    while (!host_events(h, "upgrade.refused") && !host_events(h, "plugin.refused")) {
        id = talk_ask(h->talk, "ping", NULL);
        load_until(&load, h, id);
    }
    load_end(&load);
    assert_int_equal(host_call_int(h, "counter", "\"get\""), load.sum);
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_stop(h);
}

static void a_hundred_changes_leave_nothing_behind(void **state)
{
    struct host *h = *state;
    unsigned descriptors, threads;

    start_counting(h);
    for (int i = 0; i < SCALE(100); i++) {
        host_change(h, i % 2 ? "downgrade" : "upgrade",
                    i % 2 ? "counter@1.0.0" : "counter@2.0.0");
        if (i == 1) {
            descriptors = host_descriptors(h);
            threads = host_threads(h) - host_extras(h);
        }
    }
    assert_int_equal(host_descriptors(h), descriptors);
    assert_int_equal(host_threads(h) - host_extras(h), threads);
    assert_false(host_maps(h, "counter-2.0.0"));
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    host_stop(h);
}

/* -- asking first -- */

static void a_rehearsal_touches_nothing(void **state)
{
    struct host *h = *state;
    json_t *report, *error;

    start_counting(h);
    report = host_ask(h, "rehearse", target("counter@2.0.0"));
    assert_string_equal(text_at(report, "from"), "1.0.0");
    assert_string_equal(text_at(report, "to"), "2.0.0");
    assert_int_equal(int_at(report, "rehearsed"), 1);
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_events(h, "upgrade"), 0);
    assert_false(host_maps(h, "counter-2.0.0"));

    host_change(h, "upgrade", "counter@2.0.0");
    report = host_ask(h, "rehearse", target("counter@1.1.0")); /* the other way */
    assert_string_equal(text_at(report, "to"), "1.1.0");
    host_ask(
        h, "unpack",
        json_pack("{s:[s]}", "files", PLUGINS "/crashes_in_change_unless_zero.so"));
    error = host_refuses(h, "rehearse", target("counter@3.2.0"));
    assert_string_equal(text_at(error, "data.step"), "rehearse");
    assert_string_equal(text_at(error, "data.server"), "counter");
    assert_string_equal(host_vsn(h, "counter"), "2.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    host_stop(h);
}

static json_t *snapshot(struct host *h)
{
    return host_ask(h, "snapshot",
                    json_pack("{s:s, s:s}", "application", "counter", "file",
                              in_folder("counter.states")));
}

static const struct ran *check(const char *new, const char *old)
{
    return moult(NULL, "check", new, old, "--states", "counter.states", NULL);
}

static void states_that_were_kept_are_carried_without_a_host(void **state)
{
    struct host *h = *state;
    char one[300], two[300];
    const struct ran *ran;

    snprintf(one, sizeof(one), "%s", built("samples/counter-1.0.0"));
    snprintf(two, sizeof(two), "%s", built("samples/counter-2.0.0"));
    start_counting(h);
    assert_int_equal(int_at(snapshot(h), "states"), 1);
    ran = check(two, one);
    assert_string_equal(ran->err, "");
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "1 live state");
    host_change(h, "upgrade", "counter@2.0.0");
    assert_string_equal(text_at(snapshot(h), "vsn"), "2.0.0");
    host_stop(h);

    ran = check(PLUGINS "/crashes_in_change_unless_zero.so", two);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "counter");
    assert_has(ran->err, "SIGSEGV");
    ran = check(two, one); /* which they are not of */
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "states of counter 2.0.0");
    ran = moult(NULL, "check", two, "--states", "counter.states", NULL);
    assert_int_equal(ran->status, 1);
    assert_has(ran->err, "OLD");
}

static void what_is_no_snapshot_is_refused(void **state)
{
    struct host *h = *state;
    char one[300], two[300];
    size_t len;
    char *whole;

    snprintf(one, sizeof(one), "%s", built("samples/counter-1.0.0"));
    snprintf(two, sizeof(two), "%s", built("samples/counter-2.0.0"));
    start_counting(h);
    snapshot(h);
    assert_string_equal(
        text_at(host_refuses(h, "snapshot",
                             json_pack("{s:s, s:s}", "application", "nobody", "file",
                                       in_folder("x"))),
                "data.code"),
        "not_found");
    host_refuses(
        h, "snapshot",
        json_pack("{s:s, s:s}", "application", "counter", "file", "/no/where"));
    host_stop(h);
    whole = read_whole(in_folder("counter.states"), &len);
    for (size_t cut = 0; cut < len; cut += 7) {
        write_file(in_folder("counter.states"), whole, cut);
        assert_int_equal(check(two, one)->status, 1);
        assert_has(check(two, one)->err, "is no snapshot");
    }
    free(whole);
}

static void rehearsals_are_as_many_as_is_said(void **state)
{
    struct host *h = *state;

    drop("samples/counter-1.0.0");
    host_start(h, "--on-drop", "stage", "--rehearse", "off", NULL);
    host_ask(h, "unpack",
             json_pack("{s:[s]}", "files", built("samples/counter-1.1.0")));
    assert_int_equal(int_at(host_ask(h, "rehearse", target("counter")), "rehearsed"),
                     1);
    assert_int_equal(int_at(host_change(h, "upgrade", "counter"), "rehearsed"), 0);
    host_stop(h);
    host_start(h, "--on-drop", "stage", "--rehearse", "all", NULL);
    assert_int_equal(int_at(host_change(h, "downgrade", "counter@1.0.0"), "rehearsed"),
                     1);
    host_stop(h);
}

static void a_plan_touches_nothing(void **state)
{
    struct host *h = *state;
    json_t *plan, *server;
    json_int_t events;
    size_t len, later_len;
    char *record, *later;

    start_counting(h);
    record = read_whole(in_folder("data/releases.json"), &len);
    events = int_at(host_ask(h, "status", NULL), "events");
    plan = host_ask(h, "upgrade",
                    json_pack("{s:[s], s:b}", "targets", "counter", "plan", 1));
    assert_string_equal(text_at(plan, "from"), "1.0.0");
    assert_string_equal(text_at(plan, "to"), "2.0.0");
    server = json_array_get(at(plan, "servers"), 0);
    assert_string_equal(text_at(server, "server"), "counter");
    assert_int_equal(int_at(server, "count"), 1);
    assert_string_equal(text_at(server, "moved"), "code_change");
    assert_true(json_array_size(at(plan, "steps")) > 3);

    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    assert_int_equal(host_events(h, "upgrade"), 0);
    assert_false(host_maps(h, "counter-2.0.0"));
    later = read_whole(in_folder("data/releases.json"), &later_len);
    assert_int_equal(len, later_len);
    assert_memory_equal(record, later, len);
    assert_int_not_equal(access(in_folder("data/releases.json.new"), F_OK), 0);
    assert_non_null(host_release(h, "counter", "2.0.0", "staged"));
    assert_true(int_at(host_ask(h, "status", NULL), "events") >= events);
    free(record);
    free(later);
    host_stop(h);
}

static void a_plan_names_what_comes_and_what_goes(void **state)
{
    struct host *h = *state;
    json_t *plan, *servers;

    drop("integration/grower-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    drop("integration/grower-1.1.0");
    host_event(h, "plugin.staged", "vsn", "1.1.0");
    plan = host_ask(h, "upgrade",
                    json_pack("{s:[s], s:b}", "targets", "grower@1.1.0", "plan", 1));
    servers = at(plan, "servers");
    assert_int_equal(json_array_size(servers), 3);
    assert_string_equal(text_at(json_array_get(servers, 0), "moved"), "pointer");
    assert_string_equal(text_at(json_array_get(servers, 1), "server"), "right");
    assert_string_equal(text_at(json_array_get(servers, 1), "moved"), "added");
    assert_int_equal(int_at(json_array_get(servers, 1), "count"), 2);
    assert_string_equal(text_at(json_array_get(servers, 2), "server"), "left");
    assert_string_equal(text_at(json_array_get(servers, 2), "moved"), "removed");
    assert_int_equal(int_at(json_array_get(servers, 2), "count"), 3);
    host_stop(h);
}

static void a_plan_is_refused_for_what_the_upgrade_would_be(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_counting(h);
    host_change(h, "upgrade", "counter@1.1.0");
    error = host_refuses(
        h, "upgrade", json_pack("{s:[s], s:b}", "targets", "counter@1.0.0", "plan", 1));
    assert_has(text_at(error, "message"), "use downgrade");
    error =
        host_refuses(h, "downgrade",
                     json_pack("{s:[s], s:b}", "targets", "counter@2.0.0", "plan", 1));
    assert_has(text_at(error, "message"), "use upgrade");
    host_stop(h);
}

/* -- refused -- */

static void the_wrong_direction_is_refused_with_a_hint(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_counting(h);
    host_change(h, "upgrade", "counter@1.1.0");
    error = host_change_refused(h, "upgrade", "counter@1.0.0");
    assert_has(text_at(error, "message"), "use downgrade");
    error = host_change_refused(h, "downgrade", "counter@2.0.0");
    assert_has(text_at(error, "message"), "use upgrade");
    error = host_change_refused(h, "upgrade", "counter@1.1.0");
    assert_has(text_at(error, "message"), "runs already");
    assert_string_equal(host_vsn(h, "counter"), "1.1.0");
    host_stop(h);
}

static void what_there_is_not_is_refused_with_a_hint(void **state)
{
    struct host *h = *state;
    json_t *error;

    start_counting(h);
    error = host_change_refused(h, "upgrade", "counter@9.0.0");
    assert_string_equal(text_at(error, "data.code"), "not_found");
    assert_has(text_at(error, "message"), "moult releases");
    error = host_change_refused(h, "upgrade", "conter");
    assert_string_equal(text_at(error, "data.code"), "not_found");
    assert_has(text_at(error, "message"), "'conter'");
    error = host_change_refused(h, "downgrade", "counter");
    assert_string_equal(text_at(error, "data.code"), "invalid_params");
    error = host_refuses(h, "upgrade",
                         json_pack("{s:[s, s]}", "targets", "counter", "good"));
    assert_string_equal(text_at(error, "data.code"), "not_found");
    error = host_refuses(h, "upgrade",
                         json_pack("{s:[s, s]}", "targets", "counter", "counter"));
    assert_has(text_at(error, "message"), "twice");
    host_stop(h);
}

/* Dropping it is refused in vetting; so is unpacking; nothing in the host has run. */
static void is_refused_when_dropped(struct host *h, const char *sin, const char *words)
{
    char path[100];
    json_t *event;

    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    drop(path);
    event = host_event(h, "plugin.refused", "file", sin);
    assert_has(text_at(event, "reason"), words);
    assert_has(text_at(event, "reason"), "code_change");
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"get\""), 5);
    assert_false(host_maps(h, "counter-3"));
}

static void a_code_change_that_sins_on_initial_values_is_refused_at_once(void **state)
{
    struct host *h = *state;

    start_counting(h);
    is_refused_when_dropped(h, "refuses_change", "no way from format");
    is_refused_when_dropped(h, "crashes_in_change", "SIGSEGV");
    is_refused_when_dropped(h, "loops_in_change", "did not come to an end");
    assert_int_equal(host_events(h, "server.exit"), 0);
    host_stop(h);
}

static void
a_code_change_that_sins_on_live_state_is_refused_by_the_rehearsal(void **state)
{
    struct host *h = *state;
    json_t *error, *event;
    unsigned descriptors;

    start_counting(h);
    drop("tests/misbehaving/crashes_in_change_unless_zero");
    host_event(h, "plugin.staged", "vsn", "3.2.0");
    descriptors = host_descriptors(h);
    error = host_change_refused(h, "upgrade", "counter@3.2.0");
    assert_string_equal(text_at(error, "data.step"), "rehearse");
    assert_string_equal(text_at(error, "data.application"), "counter");
    assert_string_equal(text_at(error, "data.server"), "counter");
    assert_string_equal(text_at(error, "data.field"), "code_change");
    assert_has(text_at(error, "data.reason"), "SIGSEGV");
    event = host_event(h, "upgrade.refused", "to", "3.2.0");
    assert_string_equal(text_at(event, "step"), "rehearse");
    assert_string_equal(text_at(event, "reason"), text_at(error, "data.reason"));
    assert_string_equal(host_vsn(h, "counter"), "1.0.0");
    assert_int_equal(host_call_int(h, "counter", "\"bump\""), 6);
    assert_int_equal(host_events(h, "server.exit"), 0);
    assert_int_equal(host_descriptors(h), descriptors);
    assert_false(host_maps(h, "counter-3.2.0"));

    /* With a count of zero there is nothing that it stumbles over. */
    host_call_int(h, "counter", "{\"add\": -6}");
    host_change(h, "upgrade", "counter@3.2.0");
    assert_string_equal(host_vsn(h, "counter"), "3.2.0");
    host_stop(h);
}

static void a_rehearsal_names_the_server_whose_state_is_refused(void **state)
{
    static const char *const sins[][3] = {
        {"change_refuses_some", "3.0.5", "is too many"},
        {"change_crashes_some", "3.0.6", "SIGSEGV"},
    };
    struct host *h = *state;
    char path[100], text[64];
    json_t *error;

    drop("integration/tallies-1.0.0");
    host_start(h, "--on-drop", "stage", NULL);
    host_call_int(h, "tally.3", "{\"add\": 101}");
    for (size_t i = 0; i < sizeof(sins) / sizeof(sins[0]); i++) {
        snprintf(path, sizeof(path), "integration/tallies_%s", sins[i][0]);
        snprintf(text, sizeof(text), "tallies@%s", sins[i][1]);
        drop(path);
        host_event(h, "plugin.staged", "vsn", sins[i][1]);
        error = host_change_refused(h, "upgrade", text);
        assert_string_equal(text_at(error, "data.step"), "rehearse");
        assert_string_equal(text_at(error, "data.server"), "tally.3");
        assert_has(text_at(error, "message"), "'tally.3'");
        assert_has(text_at(error, "message"), sins[i][2]);
    }
    assert_int_equal(host_call_int(h, "tally.3", "\"get\""), 101);
    host_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(added_fields_need_no_code),
        HOST_TEST(code_change_carries_another_meaning_both_ways),
        HOST_TEST(progress_tells_each_step_in_order),
        HOST_TEST(children_come_and_go_with_a_version),
        HOST_TEST(a_child_that_can_not_start_keeps_the_old_version),
        HOST_TEST(a_server_that_ends_later_is_restarted_with_the_new_code),
        HOST_TEST(no_call_fails_and_none_is_lost_under_load),
        HOST_TEST(a_dropped_upgrade_fails_no_call_either),
        HOST_TEST(a_hundred_changes_leave_nothing_behind),
        HOST_TEST(a_plan_touches_nothing),
        HOST_TEST(a_rehearsal_touches_nothing),
        HOST_TEST(states_that_were_kept_are_carried_without_a_host),
        HOST_TEST(what_is_no_snapshot_is_refused),
        HOST_TEST(rehearsals_are_as_many_as_is_said),
        HOST_TEST(a_plan_names_what_comes_and_what_goes),
        HOST_TEST(a_plan_is_refused_for_what_the_upgrade_would_be),
        HOST_TEST(the_wrong_direction_is_refused_with_a_hint),
        HOST_TEST(what_there_is_not_is_refused_with_a_hint),
        HOST_TEST(a_code_change_that_sins_on_initial_values_is_refused_at_once),
        HOST_TEST(a_code_change_that_sins_on_live_state_is_refused_by_the_rehearsal),
        HOST_TEST(a_rehearsal_names_the_server_whose_state_is_refused),
    };

    return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
