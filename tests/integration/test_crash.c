/* SPDX-License-Identifier: Apache-2.0 */
/* moult crash: what failed, told by a host and after it. */
#include "test.h"

#include "host_fixture.h"
#include "program.h"

static json_t *lent; /* until the test ends, which may be after its host */

static int setup(void **state)
{
    lent = json_array();
    return host_setup(state);
}

static int teardown(void **state)
{
    json_decref(lent);
    return host_teardown(state);
}

/* A host in which a plugin has sinned. */
static void start_with(struct host *h, const char *sin)
{
    char path[100];

    snprintf(path, sizeof(path), "tests/misbehaving/%s", sin);
    drop(path);
    host_start(h, NULL);
    talk_ask(h->talk, "call", talk_message("sinner", "\"sin\""));
}

/* What it prints as JSON, lent; of the host, or of the folder `data`. */
static json_t *crash(struct host *h, const char *id, const char *data)
{
    const struct ran *ran = moult(h->socket, "crash", "--json", data ? "--data" : id,
                                  data ? data : NULL, data ? id : NULL, NULL);
    json_t *value = json_loads(ran->out, 0, NULL);

    assert_string_equal(ran->err, "");
    assert_int_equal(ran->status, 0);
    assert_non_null(value);
    json_array_append_new(lent, value);
    return value;
}

static json_t *first(json_t *list)
{
    assert_int_equal(json_array_size(list), 1);
    return json_array_get(list, 0);
}

static void is_told_whole(json_t *report, const char *sin)
{
    json_t *frame = json_array_get(at(report, "frames"), 0);
    char file[64];

    snprintf(file, sizeof(file), "%s.c", sin);
    assert_string_equal(text_at(report, "application"), sin);
    assert_string_equal(text_at(report, "vsn"), "1.0.0");
    assert_string_equal(text_at(report, "server"), "sinner");
    assert_string_equal(text_at(report, "message"), "sin");
    assert_string_equal(text_at(frame, "file"), file);
    assert_true(int_at(frame, "line") > 0);
    assert_true(strlen(text_at(frame, "build_id")) == 40);
    assert_has(text_at(frame, "object"), "/data/store/");
}

static void a_contained_fault_is_listed_and_shown(void **state)
{
    struct host *h = *state;
    const struct ran *ran;
    const char *id;

    start_with(h, "crashes_in_call");
    host_event(h, "server.fault", "server", "sinner");
    id = text_at(first(crash(h, NULL, NULL)), "id");
    assert_string_equal(text_at(first(crash(h, NULL, NULL)), "status"), "contained");
    is_told_whole(crash(h, id, NULL), "crashes_in_call");
    ran = moult(h->socket, "crash", NULL);
    assert_has(ran->out, id);
    assert_has(ran->out, "SIGSEGV at address 0x0 in ");
    ran = moult(h->socket, "crash", id, NULL);
    assert_int_equal(ran->status, 0);
    assert_has(ran->out, "message       \"sin\"\n");
    assert_has(ran->out, " (crashes_in_call.c:");
    assert_has(ran->out, " (server.c:");
    assert_has(ran->out, "build id ");
    host_stop(h);
    is_told_whole(crash(h, id, in_folder("data")), "crashes_in_call");
}

static void what_a_server_keeps_secret_is_in_no_report(void **state)
{
    struct host *h = *state;
    const char *id;

    start_with(h, "crashes_in_secret");
    host_event(h, "server.fault", "server", "sinner");
    id = text_at(first(crash(h, NULL, NULL)), "id");
    assert_null(json_object_get(crash(h, id, NULL), "message"));
    assert_string_equal(
        text_at(host_ask(h, "state", json_pack("{s:s}", "name", "sinner")), "state"),
        "nobody's business");
    host_stop(h);
}

static void a_fatal_one_is_told_when_the_host_is_gone(void **state)
{
    struct host *h = *state;
    json_t *report;

    start_with(h, "crashes_under_a_lock");
    host_wait(h);
    report = first(crash(h, NULL, in_folder("data")));
    assert_string_equal(text_at(report, "status"), "fatal");
    report = crash(h, text_at(report, "id"), in_folder("data"));
    is_told_whole(report, "crashes_under_a_lock");
    assert_true(json_array_size(at(report, "frames")) > 5);
}

static void a_host_that_has_been_restarted_tells_of_the_one_before(void **state)
{
    struct host *h = *state;

    start_with(h, "crashes_under_a_lock");
    host_wait(h);
    host_start(h, NULL);
    assert_string_equal(text_at(first(crash(h, NULL, NULL)), "status"), "fatal");
    host_stop(h);
}

static void what_there_is_not_is_refused_in_a_line(void **state)
{
    struct host *h = *state;
    const struct ran *ran;

    drop("samples/counter-1.0.0");
    host_start(h, NULL);
    ran = moult(h->socket, "crash", NULL);
    assert_string_equal(ran->out, "nothing that failed was reported\n");
    assert_int_equal(ran->status, 0);
    ran = moult(h->socket, "crash", "1-2-3", NULL);
    assert_has(ran->err, "there is no crash report '1-2-3'");
    assert_int_equal(ran->status, 1);
    ran = moult(h->socket, "crash", "1-2-3", "--data", in_folder("data"), NULL);
    assert_has(ran->err, "there is no crash report '1-2-3'");
    assert_int_equal(ran->status, 1);
    assert_int_equal(moult(h->socket, "crash", "1", "2", NULL)->status, 2);
    host_stop(h);
}

/* Runs `moult crash` where the default data folder is `states`/moult. */
static const struct ran *crash_by_default(const char *states)
{
    const char *const argv[] = {MOULT, "crash", NULL};
    char state[400], nowhere[400];
    const char *const variables[] = {state, nowhere, NULL};

    snprintf(state, sizeof(state), "XDG_STATE_HOME=%s", states);
    snprintf(nowhere, sizeof(nowhere), "MOULT_SOCKET=%s", in_folder("none.sock"));
    return program_run(argv, variables);
}

static void without_a_host_the_default_data_folder_is_read(void **state)
{
    const struct ran *ran = crash_by_default(folder);

    assert_int_equal(ran->status, 3);
    assert_has(ran->err, "no host listens");
    mkdir(in_folder("moult"), 0700);
    mkdir(in_folder("moult/crashes"), 0700);
    ran = crash_by_default(folder);
    assert_int_equal(ran->status, 0);
    assert_string_equal(ran->err, "");
}

#define CRASH_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CRASH_TEST(a_contained_fault_is_listed_and_shown),
        CRASH_TEST(what_a_server_keeps_secret_is_in_no_report),
        CRASH_TEST(a_fatal_one_is_told_when_the_host_is_gone),
        CRASH_TEST(a_host_that_has_been_restarted_tells_of_the_one_before),
        CRASH_TEST(what_there_is_not_is_refused_in_a_line),
        CRASH_TEST(without_a_host_the_default_data_folder_is_read),
    };

    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
