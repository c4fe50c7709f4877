/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of a real host fails once, and once with those that follow it: the host
 * goes on or says what it can't do, and works when there is memory again.
 *
 * Those are too many for each run: of each sweep some are taken, by a stride and a seed.
 * MOULT_OOM=all takes all; MOULT_OOM_SEED repeats a run.
 */
#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host_fixture.h"
#include "no_memory.h"
#include "program.h"

#define BURST 30u /* allocations: enough to spoil what tells of the first */

static struct no_memory *control;
static unsigned seed;
static char preload[600], control_path[400];
static const char *variables[5];
static char doing[128]; /* for the message, should it fail */

/* -- failing -- */

static int setup(void **state)
{
    int fd;

    if (host_setup(state) < 0)
        return -1;
    snprintf(control_path, sizeof(control_path), "NO_MEMORY=%s", in_folder("control"));
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/integration/no_memory.so", BUILT);
    variables[0] = preload;
    variables[1] = control_path;
    variables[2] = getenv("MOULT_OOM_TRACE") ? "NO_MEMORY_TRACE=1" : NULL;
    fd = open(in_folder("control"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(*control)) < 0)
        return -1;
    control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return control == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
    if (doing[0])
        fprintf(stderr, "while %s; MOULT_OOM_SEED=%u\n", doing, seed);
    doing[0] = 0;
    munmap(control, sizeof(*control));
    return host_teardown(state);
}

static void arm(uint64_t at, uint64_t burst)
{
    atomic_store(&control->at, 0);
    atomic_store(&control->count, 0);
    atomic_store(&control->failed, 0);
    atomic_store(&control->burst, burst);
    atomic_store(&control->at, at);
}

static void disarm(void)
{
    atomic_store(&control->at, 0);
}

typedef void attempt(struct host *h);

/* Call `run` with the first, second, third ... allocation failing, until none does. */
static void sweep(struct host *h, const char *name, unsigned stride, attempt *run)
{
    static const unsigned bursts[] = {1, BURST};
    unsigned at = 1, tried = 0;
    bool reached = true;

    if (getenv("MOULT_OOM"))
        stride = 1;
    for (at += (unsigned)rand() % stride; reached; at += stride) {
        reached = false;
        for (unsigned i = 0; i < 2; i++) {
            snprintf(doing, sizeof(doing), "%s, allocation %u to %u failing", name, at,
                     at + bursts[i] - 1);
            arm(at, bursts[i]);
            run(h);
            disarm();
            reached |= atomic_load(&control->failed) > 0;
            tried++;
        }
    }
    print_message("%s: %u of %u\n", name, tried, 2 * at);
    doing[0] = 0;
}

/* -- asking a host that may have no memory to answer -- */

/* Ask on a connection of its own: the answer, or NULL if the host hung up. */
static json_t *ask_anew(struct host *h, const char *method, json_t *params)
{
    struct talk *talk = talk_open(h->socket);
    json_int_t id = talk_ask(talk, method, params);
    json_t *line, *answer = NULL;

    while (!answer && (line = talk_hear(talk))) {
        if (json_integer_value(json_object_get(line, "id")) == id)
            answer = json_incref(line);
        else if (json_is_null(json_object_get(line, "id")) &&
                 json_object_get(line, "error"))
            break; /* it could not even read whose it was */
    }
    talk_close(talk);
    return answer;
}

static void try(struct host *h, const char *method, json_t *params)
{
    json_decref(ask_anew(h, method, params));
}

/* There is memory again: everything works. */
static json_int_t counts(struct host *h)
{
    json_t *answer, *result;
    json_int_t value;

    disarm();
    answer = ask_anew(h, "call", talk_message("counter", "\"get\""));
    result = json_object_get(answer, "result");
    if (!json_is_integer(result))
        fail_msg("counter does not answer");
    value = json_integer_value(result);
    json_decref(answer);
    return value;
}

static void start_with_counter(struct host *h)
{
    static const char *const options[] = {"--workers", "2", NULL};

    drop("samples/counter-1.0.0");
    drop("integration/echo");
    drop("integration/narrow");
    disarm();
    if (!host_try_start(h, variables, options))
        fail_msg("the host did not start");
}

static void end_host(struct host *h)
{
    disarm();
    host_stop(h);
}

/* -- what is asked for -- */

static void ask_all(struct host *h)
{
    static const char *const methods[] = {
        "status",  "apps",     "ps",      "tree",          "ping",
        "methods", "releases", "version", "events.recent", "registry"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        try(h, methods[i], NULL);
}

static void ask_call(struct host *h)
{
    try(h, "call", talk_message("counter", "{\"add\": 0}"));
    try(h, "call",
        talk_message("echo", "[1, {\"text\": \"a longer one, so that it does "
                             "not fit in what is there already: abcdefgh\"}]"));
    try(h, "call", talk_message("echo", "\"refuse\""));
    try(h, "call", talk_message("nobody", "1"));
    try(h, "state", json_pack("{s:s}", "name", "counter"));
    try(h, "cast", talk_message("echo", "\"hello\""));
    try(h, "call", talk_message("via:rooms:lobby", "{\"join\": \"news\"}"));
    try(h, "call", talk_message("via:rooms:lobby", "\"leave\""));
    assert_int_equal(counts(h), 0);
}

static void ask_events(struct host *h)
{
    struct talk *talk = talk_open(h->socket);
    json_t *line;

    talk_ask(talk, "events.subscribe", json_pack("{s:i}", "since", 1));
    talk_say(talk, "[{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"},"
                   "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"status\"}]\n");
    do
        line = talk_hear(talk);
    while (line && !json_is_array(line) && !json_is_null(json_object_get(line, "id")));
    talk_close(talk);
    assert_int_equal(counts(h), 0);
}

static void a_host_without_memory_says_so_to_who_asks(void **state)
{
    struct host *h = *state;

    drop("integration/lobby-1.0.0");
    start_with_counter(h);
    sweep(h, "asking", 7, ask_all);
    sweep(h, "calling", 1, ask_call);
    sweep(h, "listening", 3, ask_events);
    end_host(h);
}

/* Until it answers: its supervisor tries again and again. */
static void wait_for(struct host *h, const char *name, const char *message)
{
    time_t end = time(NULL) + PATIENCE_MS / 1000;
    bool answers;

    do {
        json_t *answer = ask_anew(h, "call", talk_message(name, message));

        answers = json_object_get(answer, "result") != NULL;
        json_decref(answer);
        if (time(NULL) > end)
            fail_msg("%s does not answer", name);
    } while (!answers);
}

static void crash(struct host *h)
{
    try(h, "call", talk_message("narrow", "\"crash\""));
    disarm();
    wait_for(h, "narrow", "1");
    assert_int_equal(counts(h), 0);
}

static void a_server_that_ended_is_started_again(void **state)
{
    struct host *h = *state;

    start_with_counter(h);
    sweep(h, "restarting", 1, crash);
    end_host(h);
}

/* -- handlers and state machines -- */

/* Handlers that there was no memory to remove, or to say that they were. */
static void remove_left(struct host *h, const char *message)
{
    bool removed;

    do {
        json_t *answer = ask_anew(h, "call", talk_message("clerk", message));

        removed = json_object_get(answer, "result") != NULL;
        json_decref(answer);
    } while (removed);
}

static void manage(struct host *h)
{
    try(h, "call", talk_message("clerk", "[\"add\", \"late/1\"]"));
    try(h, "cast", talk_message("bells", "\"ring\""));
    try(h, "call", talk_message("bells", "{\"late/1\": \"count\"}"));
    try(h, "call", talk_message("clerk", "[\"swap\", \"late/1\", \"late/2\"]"));
    try(h, "call", talk_message("clerk", "[\"delete\", \"late/2\"]"));
    try(h, "state", json_pack("{s:s}", "name", "bells"));
    disarm();
    wait_for(h, "bells", "{\"log\": \"count\"}");
    wait_for(h, "clerk", "\"gone\"");
    remove_left(h, "[\"delete\", \"late/1\"]");
    remove_left(h, "[\"delete\", \"late/2\"]");
}

static void set_latch(struct host *h)
{
    try(h, "call", talk_message("latch", "{\"open in\": 1000000}"));
    try(h, "cast", talk_message("latch", "\"nothing\""));
    disarm();
    wait_for(h, "latch", "{\"open in\": 1000000}");
}

static void managers_and_statems_go_on_or_are_started_again(void **state)
{
    static const char *const options[] = {"--workers", "2", NULL};
    struct host *h = *state;

    drop("integration/bells-1.0.0");
    drop("integration/latch-1.0.0");
    disarm();
    if (!host_try_start(h, variables, options))
        fail_msg("the host did not start");
    sweep(h, "managing", 3, manage);
    sweep(h, "a latch", 1, set_latch);
    end_host(h);
}

/* -- processes and tasks -- */

static void work(struct host *h)
{
    try(h, "call", talk_message("queen", "\"work\""));
    disarm();
    wait_for(h, "queen", "\"work\"");
}

static void tasks_are_done_or_refused(void **state)
{
    static const char *const options[] = {"--workers", "2", NULL};
    struct host *h = *state;

    drop("integration/hive-1.0.0");
    disarm();
    if (!host_try_start(h, variables, options))
        fail_msg("the host did not start");
    sweep(h, "tasks", 1, work);
    end_host(h);
}

/* -- versions -- */

static bool runs(struct host *h, const char *vsn)
{
    json_t *answer = ask_anew(h, "apps", NULL), *entry;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(answer, "result"), i, entry)
    {
        found |= strcmp(text_at(entry, "name"), "counter") == 0 &&
                 strcmp(text_at(entry, "vsn"), vsn) == 0;
    }
    json_decref(answer);
    return found;
}

/* Go to `vsn` while memory fails, and if that was refused, after that. */
static void change(struct host *h, const char *verb, const char *vsn)
{
    char to[40];
    bool done;

    snprintf(to, sizeof(to), "counter@%s", vsn);
    json_decref(ask_anew(h, verb, target(to)));
    disarm();
    assert_int_equal(counts(h), 3);
    done = runs(h, vsn);
    if (!done) {
        json_t *answer = ask_anew(h, verb, target(to));

        if (!json_object_get(answer, "result") && !runs(h, vsn))
            fail_msg("refused for good: %s", json_dumps(answer, 0));
        json_decref(answer);
    }
    assert_true(runs(h, vsn));
    assert_int_equal(counts(h), 3);
}

static void go_up(struct host *h)
{
    uint64_t at = atomic_load(&control->at), burst = atomic_load(&control->burst);

    uint64_t failed;

    change(h, "upgrade", "2.0.0");
    failed = atomic_load(&control->failed);
    arm(at, burst);
    change(h, "downgrade", "1.0.0");
    atomic_fetch_add(&control->failed, failed);
}

static void versions_change_or_stay(void **state)
{
    struct host *h = *state;
    static const char *const stage[] = {"--workers", "2", "--on-drop", "stage", NULL};

    drop("samples/counter-1.0.0");
    disarm();
    if (!host_try_start(h, variables, stage))
        fail_msg("the host did not start");
    json_decref(ask_anew(h, "call", talk_message("counter", "{\"add\": 3}")));
    json_decref(ask_anew(
        h, "unpack", json_pack("{s:[s]}", "files", built("samples/counter-2.0.0"))));
    sweep(h, "upgrading", 17, go_up);
    end_host(h);
}

/* -- a file that is dropped -- */

static void clear(void)
{
    nftw(in_folder("data"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    nftw(in_folder("plugins"), folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    mkdir(in_folder("plugins"), 0700);
}

/* Wait until nothing is under way any more: a job is done when another is. */
static void wait_for_jobs(struct host *h)
{
    json_decref(ask_anew(h, "upgrade",
                         json_pack("{s:[s], s:b}", "targets", "nothing", "plan", 1)));
}

static void drop_another(struct host *h)
{
    uint64_t at = atomic_load(&control->at), burst = atomic_load(&control->burst);
    time_t end = time(NULL) + PATIENCE_MS / 1000;

    clear();
    truncate(in_folder("host.log"), 0);
    start_with_counter(h);
    json_decref(ask_anew(h, "call", talk_message("counter", "{\"add\": 3}")));
    arm(at, burst);
    drop("samples/counter-1.1.0");
    do { /* it is noticed some time, and if only by an event that there is no room for */
        wait_for_jobs(h);
        if (time(NULL) > end)
            fail_msg("the file was not noticed");
    } while (!host_log_has("counter-1.1.0.so") && !host_log_has("missed") &&
             !host_log_has("could not be recorded") && !host_log_has("plugin.refused"));
    wait_for_jobs(h);
    atomic_store(&control->at, 0);
    assert_int_equal(counts(h), 3);
    drop_as("samples/counter-1.1.0", "again.so");
    while (!runs(h, "1.1.0")) { /* it may be there, and wait to be asked for */
        try(h, "upgrade", target("counter@1.1.0"));
        if (time(NULL) > end)
            fail_msg("1.1.0 does not run");
    }
    assert_int_equal(counts(h), 3);
    host_stop(h);
}

static void a_file_that_there_was_no_memory_for_can_be_dropped_again(void **state)
{
    sweep(*state, "dropping", 13, drop_another);
}

/* -- beginning and end -- */

static void start_and_stop(struct host *h)
{
    static const char *const options[] = {"--workers", "2", NULL};
    bool is_ready;

    truncate(in_folder("host.log"), 0);
    is_ready = host_try_start(h, variables, options);
    atomic_store(&control->at, 0);
    assert_false(host_log_has("record_bad"));
    if (is_ready) {
        host_stop(h);
    } else {
        int status = host_wait(h);

        if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) {
            fprintf(stderr, "%s", host_log());
            fail_msg("it ended with status %#x", (unsigned)status);
        }
    }
}

static void a_host_starts_or_says_why_not(void **state)
{
    drop("samples/counter-1.0.0");
    sweep(*state, "starting", 3, start_and_stop);
}

static void stop_it(struct host *h)
{
    uint64_t at = atomic_load(&control->at), burst = atomic_load(&control->burst);

    start_with_counter(h);
    arm(at, burst);
    host_stop(h);
    atomic_store(&control->at, 0);
}

static void a_host_stops(void **state)
{
    sweep(*state, "stopping", 5, stop_it);
}

#define OOM_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OOM_TEST(a_host_without_memory_says_so_to_who_asks),
        OOM_TEST(a_server_that_ended_is_started_again),
        OOM_TEST(managers_and_statems_go_on_or_are_started_again),
        OOM_TEST(tasks_are_done_or_refused),
        OOM_TEST(versions_change_or_stay),
        OOM_TEST(a_file_that_there_was_no_memory_for_can_be_dropped_again),
        OOM_TEST(a_host_starts_or_says_why_not),
        OOM_TEST(a_host_stops),
    };
    const char *given = getenv("MOULT_OOM_SEED");

    seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;
    printf("MOULT_OOM_SEED=%u\n", seed);
    srand(seed);
    return cmocka_run_group_tests_name("oom_sweep", tests, NULL, NULL);
}
