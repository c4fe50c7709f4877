/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - makes the traffic: one job at a time, then a word to the driver.
 *
 *   {"job": "call", "servers": p, "index": i, "n": n}    n calls to p.i
 *   {"job": "cast", ..., "burst": b}                     n casts, then a call; after
 *                                                        b casts, or when the mailbox
 *                                                        refuses one, others' turn
 *   {"job": "load", ..., "count": c, "until": ns}        calls in turn to p.0 to p.c-1
 *
 * Each ends with a cast {"done": error, "ops": calls or casts, "refused": casts refused
 * and sent again, "errors": calls that failed, "max_ns", "buckets": [...]}.
 */
#include "bench.h"
#include "histogram.h"

#define COUNT_MAX 64u /* servers that one client calls in turn */

struct client {
    moult_pid to; /* of the casts that are going on */
    int64_t left, burst, n, refused;
};

MOULT_STATE(client_state, struct client, MOULT_FIELD(to), MOULT_FIELD(left),
            MOULT_FIELD(burst), MOULT_FIELD(n), MOULT_FIELD(refused));

struct result {
    int error;
    int64_t ops, refused, errors;
    const struct histogram *times; /* or NULL */
};

static moult_next done(moult_ctx *ctx, struct result r)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, r.times ? 6 : 4);
    moult_put_int_at(m, "done", r.error);
    moult_put_int_at(m, "ops", r.ops);
    moult_put_int_at(m, "refused", r.refused);
    moult_put_int_at(m, "errors", r.errors);
    if (r.times) {
        moult_put_text(m, "max_ns");
        moult_put_uint(m, r.times->max_ns);
        moult_put_text(m, "buckets");
        histogram_write(r.times, m);
    }
    moult_cast(ctx, moult_whereis("bench"), m);
    return moult_noreply();
}

static moult_next do_calls(moult_ctx *ctx, moult_pid to, int64_t n)
{
    struct result r = {.error = 0};
    int64_t number = 0, last = 0;

    while (r.ops < n && !r.error) {
        r.error = measure_add(ctx, to, &number);
        if (!r.error && number <= last)
            r.error = -EPROTO;
        last = number;
        r.ops++;
    }
    return done(ctx, r);
}

static int cast_add(moult_ctx *ctx, moult_pid to)
{
    moult_out *m = moult_draft(ctx);

    moult_put_map(m, 1);
    moult_put_int_at(m, "add", 1);
    return moult_cast(ctx, to, m);
}

/* Let others run, then go on. */
static moult_next again(moult_ctx *ctx)
{
    moult_out *m = moult_draft(ctx);
    struct result r = {.error = 0};

    moult_put_text(m, "more");
    r.error = moult_cast(ctx, moult_self(ctx), m);
    return r.error ? done(ctx, r) : moult_noreply();
}

static moult_next do_casts(moult_ctx *ctx, struct client *c)
{
    struct result r = {.ops = c->n};
    int64_t number;

    for (int64_t i = 0; i < c->burst && c->left > 0 && !r.error; i++) {
        r.error = cast_add(ctx, c->to);
        c->left -= r.error == 0;
    }
    if (!r.error && c->left == 0)
        r.error = bench_get(ctx, c->to, &number);
    else if (!r.error)
        return again(ctx);
    if (r.error == -EAGAIN) {
        c->refused++;
        return again(ctx);
    }
    r.refused = c->refused;
    return done(ctx, r);
}

static moult_next do_load(moult_ctx *ctx, const moult_pid *to, int64_t count, int64_t i,
                          uint64_t until)
{
    struct histogram *times = moult_alloc(ctx, sizeof(*times));
    struct result r = {.error = times ? 0 : -ENOMEM, .times = times};
    uint64_t before = measure_now_ns(), now = before;
    int64_t number;
    moult_next next;

    while (times && now < until) {
        int err = measure_add(ctx, to[i++ % count], &number);

        now = measure_now_ns();
        histogram_add(times, now - before);
        before = now;
        r.ops += err == 0;
        r.errors += err != 0;
    }
    next = done(ctx, r);
    moult_free(ctx, times);
    return next;
}

static moult_next start_load(moult_ctx *ctx, moult_in *job, const char *servers)
{
    moult_pid to[COUNT_MAX];
    int64_t count = moult_int_at(job, "count");
    uint64_t until = (uint64_t)moult_int_at(job, "until");
    struct result wrong = {.error = -EINVAL};

    if (job->error || count < 1 || count > COUNT_MAX)
        return done(ctx, wrong);
    for (int64_t i = 0; i < count; i++)
        to[i] = measure_find(servers, (uint64_t)i);
    return do_load(ctx, to, count, moult_int_at(job, "index"), until);
}

static moult_next start_casts(moult_ctx *ctx, struct client *c, moult_pid to,
                              moult_in *job)
{
    c->to = to;
    c->n = c->left = moult_int_at(job, "n");
    c->burst = moult_int_at(job, "burst");
    c->refused = 0;
    return do_casts(ctx, c);
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct result wrong = {.error = -EINVAL};
    moult_in kind, where;
    char servers[32] = "";
    moult_pid to;

    if (moult_match(message, "more"))
        return do_casts(ctx, state);
    if (!moult_find(message, "job", &kind) || !moult_find(message, "servers", &where))
        return done(ctx, wrong);
    bench_copy_text(&where, servers, sizeof(servers));
    to = measure_find(servers, (uint64_t)moult_int_at(message, "index"));
    if (moult_match(&kind, "call"))
        return do_calls(ctx, to, moult_int_at(message, "n"));
    if (moult_match(&kind, "cast"))
        return start_casts(ctx, state, to, message);
    if (moult_match(&kind, "load"))
        return start_load(ctx, message, servers);
    return done(ctx, wrong);
}

const moult_server client_server = {
    .size = sizeof(moult_server), .state = client_state, .handle_cast = handle_cast};
