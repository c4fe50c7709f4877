/* SPDX-License-Identifier: Apache-2.0 */
/*
 * growth - what one of something costs while there is ever more of something else.
 *
 *   growth CURVE [IMAGE...]   one JSON line a point: {"curve", "x", "y"}
 *   growth -l                 lists the curves
 *
 * y is ns of the CPU time of the worker that does it, the least of several rounds, so
 * that what else the machine does is not seen; of `memory` bytes, of `throughput` calls
 * a second of the wall clock.  tests/bench/grow says which are flat and which are not.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "image.h"
#include "schema.h"

enum { ROUNDS = 21, PAIRS = 2, MOST_IMAGES = 32 };

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void tell(const char *curve, uint64_t x, double y)
{
    printf("{\"curve\":\"%s\",\"x\":%llu,\"y\":%.1f}\n", curve, (unsigned long long)x,
           y);
    fflush(stdout);
}

/* -- servers -- */

struct adder {
    int64_t number;
};
MOULT_STATE(adder_state, struct adder, MOULT_FIELD(number));

static moult_next add(moult_ctx *ctx, void *state, const moult_from *from,
                      moult_in *request, moult_out *reply)
{
    struct adder *a = state;

    a->number += moult_get_int(request);
    moult_put_int(reply, a->number);
    return moult_reply();
}

static moult_next crash(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop(-EIO);
}

static moult_next take(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_noreply();
}

static const moult_server sink = {.size = sizeof(moult_server), .handle_cast = take};
static const moult_server adder = {.size = sizeof(moult_server),
                                   .state = adder_state,
                                   .handle_call = add,
                                   .handle_cast = crash};

struct some {
    uint64_t count;
    bool named;
};

static void start_some(struct process *p, void *context)
{
    const struct some *some = context;
    struct server_spec spec = {.code = code_of(&adder, "adder"), .id = "adder"};
    char name[32];
    moult_pid pid;

    for (uint64_t i = 0; i < some->count; i++) {
        snprintf(name, sizeof(name), "name.%llu", (unsigned long long)i);
        if (some->named)
            spec.name = name;
        check(server_start(p, &spec, &pid) == 0);
    }
}

static void start_so_many(uint64_t count, bool named)
{
    struct some some = {count, named};

    assert_int_equal(actor_do(starter(), start_some, &some), 0);
}

/* -- the measured -- */

struct work {
    uint64_t times;
    moult_pid server;
    double least_ns; /* of one */
};

static void keep_least(struct work *w, uint64_t began)
{
    double ns = (double)(cpu_ns() - began) / (double)w->times;

    if (w->least_ns == 0 || ns < w->least_ns)
        w->least_ns = ns;
}

static void call_one(struct process *p, moult_pid server)
{
    moult_out *m = moult_draft(&p->ctx);
    moult_in reply;

    moult_put_int(m, 1);
    check(moult_call(&p->ctx, server, m, 0, &reply) == 0);
}

static void call_job(struct process *p, void *context)
{
    struct work *w = context;
    uint64_t began = cpu_ns();

    for (uint64_t i = 0; i < w->times; i++)
        call_one(p, w->server);
    keep_least(w, began);
}

static double call_by(moult_pid client)
{
    struct work w = {5000, serve(&adder), 0};

    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(actor_do(client, call_job, &w), 0);
    return w.least_ns;
}

/* -- curves: each measures at `x` -- */

static double call_among_processes(uint64_t x)
{
    start_so_many(x, false);
    return call_by(starter());
}

/* With what the receiver takes: on one worker it runs whenever the sender takes breath. */
static void cast_job(struct process *p, void *context)
{
    struct work *w = context;
    uint64_t began = cpu_ns();

    for (uint64_t i = 0; i < w->times; i++) {
        moult_out *m = moult_draft(&p->ctx);

        moult_put_int(m, 1);
        check(moult_cast(&p->ctx, w->server, m) == 0);
    }
    keep_least(w, began);
}

static double cast_among_processes(uint64_t x)
{
    struct work w = {5000, serve(&sink), 0};

    start_so_many(x, false);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(actor_do(starter(), cast_job, &w), 0);
    return w.least_ns;
}

static double call_among_names(uint64_t x)
{
    start_so_many(x, true);
    return call_by(starter());
}

static struct {
    uint64_t mail;
    struct work work;
} behind;

/* Its own mailbox has what it does not look for: the rounds are within one callback. */
static void call_behind(struct process *p, void *unused)
{
    for (uint64_t i = 0; i < behind.mail; i++) {
        moult_out *m = moult_draft(&p->ctx);

        moult_put_int(m, 1);
        check(moult_cast(&p->ctx, process_pid(p), m) == 0);
    }
    for (int i = 0; i < ROUNDS; i++)
        call_job(p, &behind.work);
}

static double call_behind_mail(uint64_t x)
{
    behind.mail = x;
    behind.work = (struct work){5000, serve(&adder), 0};
    actor_post(actor(false), call_behind, NULL);
    workers_settle();
    return behind.work.least_ns;
}

static char **image_paths; /* copies of one plugin */

static double call_among_versions(uint64_t x)
{
    struct image *images[MOST_IMAGES];
    struct manifest m;
    double ns;

    for (uint64_t i = 0; i < x; i++) {
        assert_int_equal(manifest_read(image_paths[i], &m, NULL), 0);
        assert_int_equal(image_open(image_paths[i], &m, NULL, &images[i], NULL), 0);
    }
    ns = call_by(starter());
    for (uint64_t i = 0; i < x; i++)
        image_close(images[i]);
    return ns;
}

static void find_job(struct process *p, void *context)
{
    struct work *w = context;
    uint64_t began = cpu_ns();

    for (uint64_t i = 0; i < w->times; i++)
        check(moult_whereis("name.0").bits != 0);
    keep_least(w, began);
}

static double find_among_names(uint64_t x)
{
    struct work w = {20000, {0}, 0};

    start_so_many(x, true);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(actor_do(starter(), find_job, &w), 0);
    return w.least_ns;
}

/* Crash the one named "child.0" so often, and wait each time until it is back. */
static void crash_job(struct process *p, void *context)
{
    struct work *w = context;
    uint64_t began = cpu_ns();
    moult_pid old = moult_whereis("child.0"), now;

    for (uint64_t i = 0; i < w->times; i++) {
        check(moult_cast(&p->ctx, old, moult_draft(&p->ctx)) == 0);
        while (!(now = moult_whereis("child.0")).bits || moult_pid_equal(now, old))
            process_take_breath(p);
        old = now;
    }
    keep_least(w, began);
}

static double restart_among_siblings(uint64_t x)
{
    const struct code *codes[] = {code_of_child(
        &adder, (moult_child){.id = "child", .name = "child", .count = (uint32_t)x})};
    struct application_spec spec = {
        .name = "crashing",
        .vsn = "1",
        .top = {.codes = codes, .count = 1, .intensity = 1000000, .period_s = 1}};
    struct work w = {200, {0}, 0};
    struct application *app;

    assert_int_equal(applications_start(), 0);
    assert_int_equal(application_start(&spec, &app, NULL), 0);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(actor_do(starter(), crash_job, &w), 0);
    applications_stop();
    return w.least_ns;
}

struct starting {
    struct some some;
    struct work work;
};

static void start_job(struct process *p, void *context)
{
    struct starting *s = context;
    uint64_t began = cpu_ns();

    start_some(p, &s->some);
    keep_least(&s->work, began);
}

static double start_among_processes(uint64_t x)
{
    struct starting s = {{500, false}, {500, {0}, 0}};

    start_so_many(x, false);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(actor_do(starter(), start_job, &s), 0);
    return s.work.least_ns;
}

static double resident(void)
{
    unsigned long all = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &all, &pages), 2);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double memory_of_processes(uint64_t x)
{
    double before = resident();

    start_so_many(x, false);
    return resident() - before;
}

/* A state of so many bytes, written and read as an upgrade by schema does. */
struct sized {
    int64_t id;
    moult_bytes bytes;
};
MOULT_STATE(sized_state, struct sized, MOULT_FIELD(id), MOULT_FIELD(bytes));

static double carry_bytes(uint64_t x)
{
    struct moult_ctx ctx = {{0}}, other = {{0}};
    struct sized from = {.id = 1}, to = {0};
    struct work w = {1 + (4u << 20) / (x + 100), {0}, 0};
    struct moult_out out;
    char *bytes = calloc(1, x);

    out_init(&out, NULL, 0);
    assert_int_equal(moult_bytes_set(&ctx, &from.bytes, bytes, x), 0);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t began = cpu_ns();

        for (uint64_t i = 0; i < w.times; i++) {
            moult_in in;

            out_reset(&out);
            assert_int_equal(schema_save(sized_state(), &from, &out, NULL), 0);
            in = out_read(&out);
            assert_int_equal(schema_load(&other, sized_state(), NULL, &to, &in, NULL),
                             0);
            heap_finish(&other.heap);
            to = (struct sized){0};
        }
        keep_least(&w, began);
    }
    out_release(&out);
    heap_finish(&ctx.heap);
    free(bytes);
    return w.least_ns;
}

static double calls_of_pairs(uint64_t workers)
{
    struct work w[PAIRS];
    struct timespec began, end;
    double most = 0;

    for (int i = 0; i < PAIRS; i++)
        w[i] = (struct work){50000, serve(&adder), 0};
    for (int round = 0; round < ROUNDS; round++) {
        double s, rate;

        clock_gettime(CLOCK_MONOTONIC, &began);
        for (int i = 0; i < PAIRS; i++)
            actor_post(actor(false), call_job, &w[i]);
        workers_settle();
        clock_gettime(CLOCK_MONOTONIC, &end);
        s = (double)(end.tv_sec - began.tv_sec) +
            (double)(end.tv_nsec - began.tv_nsec) / 1e9;
        rate = PAIRS * (double)w[0].times / s;
        if (rate > most)
            most = rate;
    }
    return most;
}

/* -- all of them -- */

static const struct curve {
    const char *name;
    double (*at)(uint64_t x);
    uint64_t first, last, step; /* from the first on, times the step */
    bool real;                  /* on the real clock, with x workers */
} curves[] = {
    {"call, by processes", call_among_processes, 1, 100000, 10, false},
    {"cast, by processes", cast_among_processes, 1, 100000, 10, false},
    {"call, by names", call_among_names, 1, 100000, 10, false},
    {"call, by messages in the caller's mailbox", call_behind_mail, 1, 100000, 10,
     false},
    {"call, by versions loaded", call_among_versions, 1, MOST_IMAGES, 2, false},
    {"look-up, by names", find_among_names, 1, 100000, 10, false},
    {"start, by processes", start_among_processes, 1, 100000, 10, false},
    {"restart, by siblings", restart_among_siblings, 1, 10000, 10, false},
    {"memory, by processes", memory_of_processes, 1000, 100000, 10, false},
    {"a state carried, by its bytes", carry_bytes, 100, 1000000, 10, false},
    {"throughput of two pairs, by workers", calls_of_pairs, 1, 2, 2, true},
};

static void draw(const struct curve *c)
{
    for (uint64_t x = c->first; x <= c->last; x *= c->step) {
        double y;

        harness_start(c->real ? (unsigned)x : 1, !c->real);
        y = c->at(x);
        harness_stop();
        tell(c->name, x, y);
    }
}

int main(int argc, char **argv)
{
    bool lists = argc == 2 && strcmp(argv[1], "-l") == 0;

    image_paths = argv + 2;
    for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++) {
        if (lists)
            puts(curves[i].name);
        else if (argc > 1 && strcmp(argv[1], curves[i].name) == 0)
            draw(&curves[i]);
    }
    if (argc > 1)
        return 0;
    fprintf(stderr, "usage: growth CURVE [IMAGE...]\n");
    return 2;
}
