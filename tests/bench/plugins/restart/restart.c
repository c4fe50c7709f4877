/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart - a child is ended from outside: how long until it serves again.
 *
 *   {"how": "kill" | "stop" | "fault", "n": times}   to `restart`; answers with ns
 *
 * From the signal (or the message that has the child stop, or read through a null pointer)
 * until its successor, which its name is asked for as a client would, has answered.
 */
#include "histogram.h"
#include "measure.h"

#include <stdio.h>

/* -- the children -- */

struct child {
    int64_t number;
};

MOULT_STATE(child_state, struct child, MOULT_FIELD(number));

static moult_next child_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    struct child *c = state;
    int64_t n;

    if (!moult_match_int(request, "add", &n))
        return moult_refuse(ctx, -EINVAL, "a child takes {\"add\": n}");
    c->number += n;
    moult_put_int(reply, c->number);
    return moult_reply();
}

static moult_next child_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    char *volatile nothing = NULL;

    if (moult_match(message, "fault"))
        *(volatile char *)nothing = 1;
    return moult_stop(-EIO);
}

static const moult_server child = {.size = sizeof(moult_server),
                                   .state = child_state,
                                   .handle_call = child_call,
                                   .handle_cast = child_cast};

/* -- who ends them -- */

struct run {
    char how[8];
    uint64_t seed;
    struct bucket *took; /* how long each time; `count` so far */
    size_t count;
};

/* xorshift: the same children in each run. */
static uint64_t any(struct run *r)
{
    r->seed ^= r->seed << 13;
    r->seed ^= r->seed >> 7;
    r->seed ^= r->seed << 17;
    return r->seed;
}

static int end(moult_ctx *ctx, const struct run *r, moult_pid to)
{
    moult_out *m = moult_draft(ctx);

    if (r->how[0] == 'k')
        return moult_exit(ctx, to, MOULT_KILL);
    moult_put_text(m, r->how);
    return moult_cast(ctx, to, m);
}

/* The successor counts from 0. */
static int end_one(moult_ctx *ctx, struct run *r)
{
    uint64_t index = any(r) % SERVERS, sent_ns;
    moult_pid old = measure_find("child", index), now = old;
    int64_t number = 0;
    int err;

    sent_ns = measure_now_ns();
    err = end(ctx, r, old);
    while (!err && (now.bits == 0 || moult_pid_equal(now, old))) {
        moult_sleep(ctx, 0);
        now = measure_find("child", index);
    }
    if (!err)
        err = measure_add(ctx, now, &number);
    r->took[r->count++] =
        (struct bucket){.edge_ns = measure_now_ns() - sent_ns, .calls = 1};
    return !err && number != 1 ? -EPROTO : err;
}

static moult_next answer(moult_ctx *ctx, const struct run *r, uint64_t wall_ns,
                         uint64_t cpu_ns, moult_out *reply)
{
    histogram_sort(r->took, r->count);
    moult_put_map(reply, 5);
    measure_put_at(reply, "ops", r->count);
    measure_put_at(reply, "wall_ns", wall_ns);
    measure_put_at(reply, "cpu_ns", cpu_ns);
    measure_put_at(reply, "p50_ns", histogram_percentile(r->took, r->count, 0.5));
    measure_put_at(reply, "p99_ns", histogram_percentile(r->took, r->count, 0.99));
    moult_free(ctx, r->took);
    return moult_reply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    uint64_t start_ns = measure_now_ns(), start_cpu_ns = measure_cpu_ns();
    int64_t n = measure_int_or(request, "n", 1);
    struct run r = {.seed = 1};
    moult_in how;
    size_t len;
    int err = 0;

    if (n < 1 || n > 1000000 || !moult_find(request, "how", &how))
        return moult_refuse(ctx, -EINVAL, "ask for {\"how\": \"kill\", \"n\": 200}");
    snprintf(r.how, sizeof(r.how), "%s", moult_get_text(&how, &len));
    r.took = moult_alloc(ctx, (size_t)n * sizeof(*r.took));
    while (r.took && r.count < (size_t)n && !err)
        err = end_one(ctx, &r);
    if (err || !r.took)
        return moult_stop(err ? err : -ENOMEM);
    return answer(ctx, &r, measure_now_ns() - start_ns, measure_cpu_ns() - start_cpu_ns,
                  reply);
}

static const moult_server restart = {.size = sizeof(moult_server),
                                     .handle_call = handle_call};

MOULT_PLUGIN(.description = "children that are ended and started again",
             .intensity = 1000000, .period_s = 1,
             .children = (const moult_child[]){
                 {.id = "child", .server = &child, .name = "child", .count = SERVERS},
                 {.id = "restart", .server = &restart, .name = "restart"},
                 {.id = NULL}});
