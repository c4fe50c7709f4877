/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths - go down one hot path so many times: `paths PATH TIMES`.
 *
 * One worker and a clock that stands still, so that the same program takes the same
 * steps each time; tests/bench/instructions counts them.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "name.h"
#include "schema.h"

#define NODES 1000u

struct work {
    uint64_t times;
    moult_pid server;
};

/* -- servers -- */

struct adder {
    int64_t number;
};
MOULT_STATE(adder_state, struct adder, MOULT_FIELD(number));

static moult_next add(moult_ctx *ctx, void *state, const moult_from *from,
                      moult_in *request, moult_out *reply)
{
    struct adder *a = state;
    int64_t n;

    if (!moult_match_int(request, "add", &n))
        return moult_refuse(ctx, -EINVAL, "an adder takes {\"add\": n}");
    a->number += n;
    moult_put_int(reply, a->number);
    return moult_reply();
}

static moult_next add_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct adder *a = state;
    int64_t n;

    if (moult_match_int(message, "add", &n))
        a->number += n;
    return moult_noreply();
}

static moult_next add_and_wait(moult_ctx *ctx, void *state, const moult_from *from,
                               moult_in *request, moult_out *reply)
{
    return moult_with_timeout(add(ctx, state, from, request, reply), 60000);
}

static const moult_server adder = {.size = sizeof(moult_server),
                                   .state = adder_state,
                                   .handle_call = add,
                                   .handle_cast = add_cast};
static const moult_server timed_adder = {
    .size = sizeof(moult_server), .state = adder_state, .handle_call = add_and_wait};

struct node {
    moult_pid next;
};
MOULT_STATE(node_state, struct node, MOULT_FIELD(next));

static moult_next know_next(moult_ctx *ctx, void *state, moult_in *message)
{
    struct node *n = state;

    n->next = moult_get_pid(message);
    return moult_noreply();
}

/* One of a ring: counts a number down and passes it on. */
static moult_next pass_on(moult_ctx *ctx, void *state, moult_in *message)
{
    const struct node *n = state;
    int64_t left = moult_get_int(message);
    moult_out *m = moult_draft(ctx);

    if (left == 0)
        return moult_noreply();
    moult_put_int(m, left - 1);
    moult_send(ctx, n->next, m);
    return moult_noreply();
}

static const moult_server node = {.size = sizeof(moult_server),
                                  .state = node_state,
                                  .handle_cast = know_next,
                                  .handle_info = pass_on};

/* -- states -- */

struct up {
    int64_t id, count, total, errors, last, limit, window, flags, seq;
    uint8_t token[16];
};
MOULT_STATE(up_state, struct up, MOULT_FIELD(id), MOULT_FIELD(count),
            MOULT_FIELD(total), MOULT_FIELD(errors), MOULT_FIELD(last),
            MOULT_FIELD(limit), MOULT_FIELD(window), MOULT_FIELD(flags),
            MOULT_FIELD(seq), MOULT_FIELD(token));

/* -- what is there besides -- */

#define MANY 10000u

static void start_many(struct process *p, void *context)
{
    const bool *named = context;
    struct server_spec spec = {.code = code_of(&adder, "adder"), .id = "adder"};
    char name[32];
    moult_pid pid;

    if (*named)
        spec.name = name;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "name.%u", i);
        check(server_start(p, &spec, &pid) == 0);
    }
}

static void among_many(bool named)
{
    assert_int_equal(actor_do(starter(), start_many, &named), 0);
}

/* -- paths -- */

static moult_out *one_more(moult_ctx *ctx)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, 1);
    moult_put_int_at(m, "add", 1);
    return m;
}

static void call_job(struct process *p, void *context)
{
    const struct work *w = context;
    moult_in reply;

    for (uint64_t i = 0; i < w->times; i++)
        check(moult_call(&p->ctx, w->server, one_more(&p->ctx), 0, &reply) == 0);
}

static void cast_job(struct process *p, void *context)
{
    const struct work *w = context;

    for (uint64_t i = 0; i < w->times; i++)
        check(moult_cast(&p->ctx, w->server, one_more(&p->ctx)) == 0);
}

static void start_job(struct process *p, void *context)
{
    const struct work *w = context;
    struct server_spec spec = {.code = code_of(&adder, "adder"), .id = "adder"};
    moult_pid pid;

    for (uint64_t i = 0; i < w->times; i++)
        check(server_start(p, &spec, &pid) == 0);
}

static void call(uint64_t times)
{
    struct work w = {times, serve(&adder)};

    assert_int_equal(actor_do(starter(), call_job, &w), 0);
}

static void timeout(uint64_t times)
{
    struct work w = {times, serve(&timed_adder)};

    assert_int_equal(actor_do(starter(), call_job, &w), 0);
}

static void cast(uint64_t times)
{
    struct work w = {times, serve(&adder)};

    assert_int_equal(actor_do(starter(), cast_job, &w), 0);
    workers_settle();
}

static void start(uint64_t times)
{
    struct work w = {.times = times};

    assert_int_equal(actor_do(starter(), start_job, &w), 0);
}

/* Also the start of the nodes: between two threads it would never be twice the same. */
static void ring_job(struct process *p, void *context)
{
    const struct work *w = context;
    struct server_spec spec = {.code = code_of(&node, "node"), .id = "node"};
    moult_pid nodes[NODES];
    moult_out *m;

    for (unsigned i = 0; i < NODES; i++)
        check(server_start(p, &spec, &nodes[i]) == 0);
    for (unsigned i = 0; i < NODES; i++) {
        m = moult_draft(&p->ctx);
        moult_put_pid(m, nodes[(i + 1) % NODES]);
        check(moult_cast(&p->ctx, nodes[i], m) == 0);
    }
    m = moult_draft(&p->ctx);
    moult_put_uint(m, w->times);
    check(moult_send(&p->ctx, nodes[0], m) == 0);
}

static void ring(uint64_t times)
{
    struct work w = {.times = times};

    assert_int_equal(actor_do(starter(), ring_job, &w), 0);
    workers_settle();
}

static void call_among_processes(uint64_t times)
{
    among_many(false);
    call(times);
}

static void call_among_names(uint64_t times)
{
    among_many(true);
    call(times);
}

static struct work behind_mail;

static void call_behind_mail_job(struct process *p, void *unused)
{
    for (unsigned i = 0; i < MANY; i++) {
        moult_out *m = moult_draft(&p->ctx);

        moult_put_int(m, i);
        check(moult_cast(&p->ctx, process_pid(p), m) == 0);
    }
    call_job(p, &behind_mail);
}

/* Its own mailbox is full of what it does not look for. */
static void call_behind_mail(uint64_t times)
{
    behind_mail = (struct work){times, serve(&adder)};
    actor_post(actor(false), call_behind_mail_job, NULL);
    workers_settle();
}

static void find(uint64_t times)
{
    struct started s = serve_as(&adder, "accounts.17");

    for (uint64_t i = 0; i < times; i++)
        assert_true(moult_pid_equal(moult_whereis("accounts.17"), s.pid));
}

static void find_among_names(uint64_t times)
{
    among_many(true);
    find(times);
}

/* -- restarts -- */

static moult_next crash(moult_ctx *ctx, void *state, moult_in *message)
{
    return moult_stop(-EIO);
}

static const moult_server crasher = {.size = sizeof(moult_server),
                                     .handle_cast = crash};

/* Crash the one named "child.0" so many times, and wait until it is back. */
static void crash_job(struct process *p, void *context)
{
    const struct work *w = context;
    moult_pid old = {0}, now;

    for (uint64_t i = 0; i <= w->times; i++) {
        while (!(now = moult_whereis("child.0")).bits || moult_pid_equal(now, old))
            process_take_breath(p);
        old = now;
        if (i < w->times)
            check(moult_cast(&p->ctx, now, moult_draft(&p->ctx)) == 0);
    }
}

static void restart_among(uint32_t siblings, uint64_t times)
{
    const struct code *codes[] = {code_of_child(
        &crasher, (moult_child){.id = "child", .name = "child", .count = siblings})};
    struct application_spec spec = {
        .name = "crashing",
        .vsn = "1",
        .top = {.codes = codes, .count = 1, .intensity = 100000, .period_s = 1}};
    struct work w = {.times = times};
    struct fault why = {0};
    struct application *app;

    assert_int_equal(applications_start(), 0);
    assert_int_equal(application_start(&spec, &app, &why), 0);
    assert_int_equal(actor_do(starter(), crash_job, &w), 0);
    applications_stop();
}

static void restart(uint64_t times)
{
    restart_among(1, times);
}

static void restart_among_siblings(uint64_t times)
{
    restart_among(MANY, times);
}

/* -- states, to and fro -- */

static void save(uint64_t times)
{
    struct up up = {.id = 4711, .count = -3, .total = 1u << 20};
    struct moult_out out;

    out_init(&out, NULL, 0);
    for (uint64_t i = 0; i < times; i++) {
        out_reset(&out);
        assert_int_equal(schema_save(up_state(), &up, &out, NULL), 0);
    }
    out_release(&out);
}

static void load(uint64_t times)
{
    struct up from = {.id = 4711, .count = -3, .total = 1u << 20}, up;
    struct moult_ctx ctx = {{0}};
    struct moult_out out;

    out_init(&out, NULL, 0);
    assert_int_equal(schema_save(up_state(), &from, &out, NULL), 0);
    for (uint64_t i = 0; i < times; i++) {
        moult_in in = out_read(&out);

        assert_int_equal(schema_load(&ctx, up_state(), NULL, &up, &in, NULL), 0);
    }
    out_release(&out);
}

static const struct {
    const char *name;
    void (*go)(uint64_t times);
} paths[] = {{"call", call},
             {"call-among-processes", call_among_processes},
             {"call-among-names", call_among_names},
             {"call-behind-mail", call_behind_mail},
             {"timeout", timeout},
             {"cast", cast},
             {"ring", ring},
             {"start", start},
             {"restart", restart},
             {"restart-among-siblings", restart_among_siblings},
             {"find", find},
             {"find-among-names", find_among_names},
             {"save", save},
             {"load", load}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof(paths) / sizeof(*paths); i++)
        if (strcmp(argv[1], paths[i].name) == 0) {
            harness_start(1, true);
            paths[i].go(strtoull(argv[2], NULL, 10));
            harness_stop();
            return 0;
        }
    fprintf(stderr, "usage: paths PATH TIMES\n");
    return 2;
}
