/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chaos - a real host under random use and abuse, from a seed that it prints.
 *
 *     chaos [--seconds N | --changes N] [--seed S]
 *
 * Clients add to tallies, whose sums are known by what was acknowledged, while servers
 * fail in all the ways that are contained, versions go up and down, good and bad files
 * are dropped, clients vanish in the middle of a request, and the vet's helper and the
 * host are killed.  It is over after so long, or when so many changes were asked for.  Now and then all comes to rest, and model.c says what must be true.
 */
#include "test.h"

#include <dirent.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <time.h>

#include "model.h"

#define CLIENTS 6
#define FILES   12   /* names in the plugin folder */
#define REST_MS 3000 /* between checks */
#define KILL_IN 4    /* one rest in so many is the end of the host */
#define WAIT_MS 20   /* for an answer, before something else is done */

#ifdef __SANITIZE_THREAD__ /* whose handlers come before the host's */
#define CONTAINS false
#else
#define CONTAINS true
#endif

struct client {
    struct talk *talk;
    json_int_t id; /* of the request that is out; 0: none */
    enum { ADD, FAIL, OTHER } what;
    unsigned tally, failures; /* of that tally, when it was asked */
    json_int_t n;
};

static struct chaos {
    struct host *host;
    struct model model;
    struct client clients[CLIENTS];
    json_int_t change; /* on host->talk, or 0 */
    uint64_t seed, random;
    long seconds, most; /* changes; 0: as many as come */
    unsigned requests, changes, refused, rests, kills;
} self = {.seconds = 60};

/* -- chance -- */

/* Below `count`: xorshift64*. */
static unsigned pick(unsigned count)
{
    self.random ^= self.random >> 12;
    self.random ^= self.random << 25;
    self.random ^= self.random >> 27;
    return (unsigned)((self.random * 2685821657736338717u) >> 33) % count;
}

static bool chance(unsigned one_in)
{
    return pick(one_in) == 0;
}

#define ANY(list) (list)[pick(sizeof(list) / sizeof(*(list)))]

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- clients -- */

static void reconnect(struct client *c)
{
    talk_close(c->talk);
    *c = (struct client){.talk = talk_open(self.host->socket)};
}

static void ask(struct client *c, const char *method, const char *word)
{
    char message[64];

    snprintf(message, sizeof(message), "{\"%s\": %lld}", word, (long long)c->n);
    c->failures = self.model.tallies[c->tally].failures;
    c->id = talk_ask(c->talk, method, talk_message(tally_name(c->tally), message));
    self.requests++;
}

static void ask_to_add(struct client *c)
{
    c->what = ADD;
    c->tally = pick(TALLIES);
    c->n = pick(1000);
    ask(c, is_frail(c->tally) || pick(4) ? "call" : "cast", "add");
}

/* One that is up, and nobody else has asked: then it fails as often as it is told. */
static void ask_to_fail(struct client *c)
{
    unsigned tally = STEADY + LOSSY + pick(FRAIL);

    if (!CONTAINS || !self.model.tallies[tally].is_up)
        return;
    self.model.tallies[tally].is_up = false;
    self.model.tallies[tally].is_failing = true;
    c->what = FAIL;
    c->tally = tally;
    c->n = pick(5);
    ask(c, "call", "fail");
}

static void ask_something_else(struct client *c)
{
    static const char *const methods[] = {"status", "tree",     "ps",     "apps",
                                          "ping",   "releases", "nobody", "state"};

    c->what = OTHER;
    c->id = talk_ask(c->talk, ANY(methods),
                     json_pack("{s:s}", "name", tally_name(pick(STEADY))));
}

/* It goes while its request is under way, or before it is whole. */
static void vanish(struct client *c)
{
    c->tally = STEADY + pick(LOSSY);
    c->n = pick(1000);
    if (chance(2)) {
        talk_say(c->talk, "{\"jsonrpc\": \"2.0\", \"id\": 1, \"meth");
    } else if (chance(4)) {
        talk_say(c->talk, "\x80\xff}]\n\"[{\n\n");
    } else {
        ask(c, "call", "add");
        self.model.tallies[c->tally].doubtful += c->n;
    }
    reconnect(c);
}

static void use(struct client *c)
{
    unsigned what = pick(100);

    if (what < 85)
        ask_to_add(c);
    else if (what < 90)
        ask_to_fail(c);
    else if (what < 95)
        ask_something_else(c);
    else
        vanish(c);
}

static void added(const struct client *c, const json_t *answer)
{
    struct tally *t = &self.model.tallies[c->tally];
    bool done = json_object_get(answer, "result") != NULL;

    if (is_frail(c->tally)) {
        if (done && !t->is_failing && c->failures == t->failures)
            t->is_up = true;
    } else if (done) {
        t->acked += c->n;
    } else {
        fail_msg("%s refuses: %s", tally_name(c->tally),
                 text_at(answer, "error.message"));
    }
}

static void failed(const struct client *c, const json_t *answer)
{
    struct tally *t = &self.model.tallies[c->tally];

    assert_string_equal(text_at(answer, "error.data.code"), "died");
    t->is_failing = false;
    t->failures++;
}

static void take_answer(struct client *c)
{
    const json_t *answer = talk_answer(c->talk, c->id);

    if (c->what == ADD)
        added(c, answer);
    else if (c->what == FAIL)
        failed(c, answer);
    c->id = 0;
    json_array_clear(c->talk->lent);
}

/* -- files and versions -- */

/* The last but one is there only where the host can contain what it does. */
static const char *const versions[] = {"1.0.0", "1.0.1", "1.1.0", "2.0.0",
                                       "3.0.0", "3.1.0", "9.9.9"};

static const char *file_name(void)
{
    static char name[32];

    snprintf(name, sizeof(name), "plugins/%u.so", pick(FILES));
    return in_folder(name);
}

static const char *good_file(void)
{
    static char name[64];

    snprintf(name, sizeof(name), "chaos/mayhem-%s", versions[pick(CONTAINS ? 6 : 5)]);
    return built(name);
}

/* Part of one; written where it is, as no tool should do. */
static void drop_part(void)
{
    size_t len;
    char *bytes = read_whole(good_file(), &len);

    write_file(file_name(), bytes, pick((unsigned)len));
    free(bytes);
}

static void drop_bad(void)
{
    static const char *const bad[] = {"no_symbol",
                                      "wrong_abi",
                                      "undefined_symbol",
                                      "private_symbol",
                                      "crashes_in_constructor",
                                      "crashes_in_destructor",
                                      "exits_in_constructor",
                                      "aborts_in_constructor",
                                      "bad_schema",
                                      "duplicate_ids",
                                      "writes_bad_cbor",
                                      "leaves_a_thread",
                                      "not_a_plugin",
                                      "change_crashes",
                                      "good_1_0_0",
                                      "good_1_1_0",
                                      "good_2_0_0"};

    copy_file(plugin(ANY(bad)), file_name());
}

/* Up, down or where it is; sometimes in no time, killing, or on trial. */
static json_t *random_terms(const char *to)
{
    json_t *params = target(to);

    if (chance(6))
        json_object_set_new(params, "max_pause_ms", json_integer(1));
    if (chance(4))
        json_object_set_new(params, "brutal", json_true());
    if (chance(30))
        json_object_set_new(params, "confirm_within_ms", json_integer(1 + pick(300)));
    return params;
}

static void ask_for_change(void)
{
    static const char *const verbs[] = {"upgrade", "downgrade"};
    static const char *const others[] = {"confirm", "withdraw", "permanent"};
    unsigned what = pick(10);
    const char *verb = ANY(verbs);
    json_t *params;
    char to[32];

    snprintf(to, sizeof(to), "mayhem@%s", ANY(versions));
    if (what < 7) {
        params = random_terms(to);
    } else if (what == 7) {
        verb = "rehearse";
        params = target(to);
    } else if (what == 8) {
        verb = "purge";
        params = json_pack("{s:s, s:b}", "target", to, "brutal", chance(2));
    } else {
        verb = ANY(others);
        params = NULL;
    }
    self.change = talk_ask(self.host->talk, verb, params);
    self.changes++;
}

static void take_change(void)
{
    const json_t *answer = talk_answer(self.host->talk, self.change);

    if (!json_object_get(answer, "result")) {
        assert_int_not_equal(int_at(answer, "error.code"), -32603); /* our own fault */
        self.refused++;
    }
    self.change = 0;
    json_array_clear(self.host->talk->lent);
}

/* -- kills -- */

/* Its only child. */
static void kill_helper(void)
{
    char path[64], line[64] = "";
    pid_t pid;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)self.host->pid,
             (int)self.host->pid);
    f = fopen(path, "re");
    if (!f)
        return;
    pid = fgets(line, sizeof(line), f) ? (pid_t)strtol(line, NULL, 10) : 0;
    fclose(f);
    if (pid > 0)
        kill(pid, SIGKILL);
}

static void meddle(void)
{
    unsigned what = pick(100);

    if (what < 25)
        copy_file(good_file(), file_name());
    else if (what < 40)
        drop_bad();
    else if (what < 50)
        drop_part();
    else if (what < 60)
        unlink(file_name());
    else if (what < 65)
        kill_helper();
    else if (!self.change)
        ask_for_change();
}

/* -- the host -- */

/* All good versions are there from the beginning, to be gone to and fro. */
static void take_in_all(void)
{
    for (unsigned i = 0; i < 4; i++) {
        char file[64];

        snprintf(file, sizeof(file), "chaos/mayhem-%s", versions[i]);
        host_ask(self.host, "unpack", json_pack("{s:[s]}", "files", built(file)));
    }
}

static void connect_clients(void)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        reconnect(&self.clients[i]);
}

static void begin(void)
{
    struct host *h = self.host;

    host_start(h, NULL);
    talk_close(h->events); /* nobody listens */
    h->events = NULL;
    self.change = 0;
    model_begin(&self.model);
    connect_clients();
    model_check(&self.model, h);
}

static void kill_host(void)
{
    host_kill(self.host);
    self.kills++;
    begin();
}

/* -- its course -- */

/* What has come; false if everybody waits. */
static bool take_answers(void)
{
    bool any = false;

    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = &self.clients[i];

        if (!c->id || !talk_has_answer(c->talk, c->id))
            continue;
        take_answer(c);
        any = true;
    }
    if (self.change && talk_has_answer(self.host->talk, self.change)) {
        take_change();
        any = true;
    }
    return any;
}

static void wait_for_answers(void)
{
    struct pollfd fds[CLIENTS];

    for (unsigned i = 0; i < CLIENTS; i++)
        fds[i] = (struct pollfd){
            .fd = self.clients[i].id ? self.clients[i].talk->fd : -1, .events = POLLIN};
    poll(fds, CLIENTS, WAIT_MS);
}

static bool is_over(int64_t end_ms)
{
    return self.most ? (long)self.changes >= self.most : now_ms() >= end_ms;
}

static void run_until(int64_t end_ms)
{
    while (now_ms() < end_ms && !(self.most && is_over(0))) {
        if (!take_answers())
            wait_for_answers();
        for (unsigned i = 0; i < CLIENTS; i++)
            if (!self.clients[i].id)
                use(&self.clients[i]);
        if (chance(self.most ? 10 : 50))
            meddle();
    }
}

static void come_to_rest(void)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        if (self.clients[i].id)
            take_answer(&self.clients[i]);
    if (self.change)
        take_change();
    model_check(&self.model, self.host);
    self.rests++;
    json_array_clear(self.host->talk->lent);
}

static void all_is_as_acknowledged(void **state)
{
    int64_t end_ms = now_ms() + self.seconds * 1000, next_ms;

    self.host = *state;
    copy_file(built("chaos/mayhem-1.0.0"), in_folder("plugins/first.so"));
    begin();
    if (self.most)
        take_in_all();
    while (!is_over(end_ms)) {
        next_ms = now_ms() + 1 + pick(REST_MS);
        run_until(self.most || next_ms < end_ms ? next_ms : end_ms);
        if (!is_over(end_ms) && chance(KILL_IN))
            kill_host();
        else
            come_to_rest();
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        talk_close(self.clients[i].talk);
    host_stop(self.host);
    print_message(
        "%u requests, %u changes of which %u were refused, %u rests, %u kills "
        "of the host\n",
        self.requests, self.changes, self.refused, self.rests, self.kills);
}

static int usage(void)
{
    fprintf(stderr, "usage: chaos [--seconds N | --changes N] [--seed S]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seconds", required_argument, NULL, 'n'},
                                            {"changes", required_argument, NULL, 'c'},
                                            {"seed", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    const struct CMUnitTest tests[] = {HOST_TEST(all_is_as_acknowledged)};
    int option;

    if (getrandom(&self.seed, sizeof(self.seed), 0) != sizeof(self.seed))
        return 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'n')
            self.seconds = strtol(optarg, NULL, 10);
        else if (option == 'c')
            self.most = strtol(optarg, NULL, 10);
        else if (option == 's')
            self.seed = strtoull(optarg, NULL, 10);
        else
            return usage();
    }
    if (optind < argc || self.seconds < 1 || self.most < 0)
        return usage();
    self.random = self.seed ? self.seed : 1;
    printf("chaos: --%s %ld --seed %llu\n", self.most ? "changes" : "seconds",
           self.most ? self.most : self.seconds, (unsigned long long)self.seed);
    fflush(stdout);
    return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
