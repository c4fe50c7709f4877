/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver - starts a run, times it, checks what was done, and answers with the figures.
 *
 *   {"run": "call", "clients": c, "servers": s, "n": n}  client i calls adder i mod s
 *   {"run": "cast", ..., "burst": b}                     b 0: until one is refused
 *   {"run": "ring", "n": hops}                           BENCH_NODES hops a round
 *   {"run": "load", "clients": c, "servers": s, "ms": t} calls to up.0 to up.s-1
 *   {"run": "check", "servers": s, "vsn": v}             all of them are whole, and v
 *
 * The clocks run from the request of the run to the moment when the last client has
 * said that it is done.
 */
#include "bench.h"
#include "histogram.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define CLIENT_MAX    8
#define DEFAULT_BURST 1000

struct driver {
    moult_from from; /* who waits for the figures */
    moult_pid end;   /* where the token of the ring must end */
    char servers[8]; /* the prefix of the servers' names; "" is the ring */
    int64_t count;   /* of servers */
    int64_t waiting; /* clients that are at it; 0: no run */
    int64_t ops, refused, errors, error;
    int64_t before; /* sum of the servers' numbers */
    uint64_t start_ns, start_cpu_ns, max_ns;
    MOULT_LIST_OF(struct bucket) buckets;
};

MOULT_STATE(bucket_state, struct bucket, MOULT_FIELD(edge_ns), MOULT_FIELD(calls));
MOULT_STATE(driver_state, struct driver, MOULT_FIELD(from), MOULT_FIELD(end),
            MOULT_FIELD(servers), MOULT_FIELD(count), MOULT_FIELD(waiting),
            MOULT_FIELD(ops), MOULT_FIELD(refused), MOULT_FIELD(errors),
            MOULT_FIELD(error), MOULT_FIELD(before), MOULT_FIELD(start_ns),
            MOULT_FIELD(start_cpu_ns), MOULT_FIELD(max_ns),
            MOULT_STRUCT_LIST_FIELD(buckets, bucket_state));

/* The sum of the numbers of all servers of the run. */
static int sum(moult_ctx *ctx, const struct driver *d, int64_t *total)
{
    int64_t number;
    int err = 0;

    *total = 0;
    for (int64_t i = 0; i < d->count && !err; i++) {
        err = bench_get(ctx, measure_find(d->servers, (uint64_t)i), &number);
        if (!err)
            *total += number;
    }
    return err;
}

static void put_latencies(moult_out *out, struct driver *d)
{
    const struct bucket *b = d->buckets.items;
    size_t n = d->buckets.count;

    histogram_sort(d->buckets.items, n);
    measure_put_at(out, "p50_ns", histogram_percentile(b, n, 0.5));
    measure_put_at(out, "p99_ns", histogram_percentile(b, n, 0.99));
    measure_put_at(out, "p999_ns", histogram_percentile(b, n, 0.999));
    measure_put_at(out, "max_ns", d->max_ns);
    measure_put_at(out, "above_1ms", histogram_above(b, n, HISTOGRAM_KNEE_NS));
}

static void answer(moult_ctx *ctx, struct driver *d, uint64_t wall_ns, uint64_t cpu_ns)
{
    moult_out *m = moult_draft(ctx);
    struct rusage used = {.ru_maxrss = 0};

    getrusage(RUSAGE_SELF, &used);
    moult_put_map(m, d->buckets.count > 0 ? 11 : 6);
    moult_put_int_at(m, "ops", d->ops);
    measure_put_at(m, "wall_ns", wall_ns);
    measure_put_at(m, "cpu_ns", cpu_ns);
    moult_put_int_at(m, "refused", d->refused);
    moult_put_int_at(m, "errors", d->errors);
    moult_put_int_at(m, "peak_kib", used.ru_maxrss);
    if (d->buckets.count > 0)
        put_latencies(m, d);
    moult_reply_to(ctx, &d->from, m);
}

/* The last client is done: stop the clocks; every operation must have counted once. */
static void finish(moult_ctx *ctx, struct driver *d)
{
    uint64_t wall_ns = measure_now_ns() - d->start_ns;
    uint64_t cpu_ns = measure_cpu_ns() - d->start_cpu_ns;
    char why[128];
    int64_t total = 0;

    if (!d->error)
        d->error = sum(ctx, d, &total);
    if (d->error) {
        moult_refuse_to(ctx, &d->from, (int)d->error, moult_strerror((int)d->error));
    } else if (d->count > 0 && total - d->before != d->ops) {
        snprintf(why, sizeof(why), "the servers counted %lld, and %lld were made",
                 (long long)(total - d->before), (long long)d->ops);
        moult_refuse_to(ctx, &d->from, -EPROTO, why);
    } else {
        answer(ctx, d, wall_ns, cpu_ns);
    }
}

static moult_next begin(moult_ctx *ctx, struct driver *d, const moult_from *from,
                        const char *servers, int64_t count)
{
    d->from = *from;
    d->count = count;
    d->ops = d->refused = d->errors = d->error = 0;
    d->max_ns = 0;
    d->buckets.count = 0;
    snprintf(d->servers, sizeof(d->servers), "%s", servers);
    d->error = sum(ctx, d, &d->before);
    if (d->error)
        return moult_refuse(ctx, (int)d->error,
                            "unable to ask the servers '%s.0' on: %s", servers,
                            moult_strerror((int)d->error));
    d->start_cpu_ns = measure_cpu_ns();
    d->start_ns = measure_now_ns();
    return moult_noreply();
}

/* -- traffic: "call", "cast", "load" -- */

static int send_job(moult_ctx *ctx, const struct driver *d, const char *job, int64_t i,
                    moult_in *run)
{
    moult_out *m = moult_draft(ctx);
    int64_t burst = measure_int_or(run, "burst", DEFAULT_BURST);
    int64_t ms = measure_int_or(run, "ms", 0);

    moult_put_map(m, 7);
    moult_put_text_at(m, "job", job);
    moult_put_text_at(m, "servers", d->servers);
    moult_put_int_at(m, "index", i % d->count);
    moult_put_int_at(m, "count", d->count);
    moult_put_int_at(m, "n", measure_int_or(run, "n", 1));
    moult_put_int_at(m, "burst", burst > 0 ? burst : INT64_MAX);
    moult_put_int_at(m, "until", (int64_t)d->start_ns + ms * 1000000);
    return moult_cast(ctx, measure_find("client", (uint64_t)i), m);
}

static moult_next traffic(moult_ctx *ctx, struct driver *d, const moult_from *from,
                          const char *job, moult_in *run)
{
    const char *servers = strcmp(job, "load") == 0 ? "up" : "adder";
    int64_t clients = measure_int_or(run, "clients", 1);
    moult_next next;

    if (clients < 1 || clients > CLIENT_MAX || measure_int_or(run, "servers", 1) < 1)
        return moult_refuse(ctx, -EINVAL, "1 to 8 clients and at least 1 server");
    next = begin(ctx, d, from, servers, measure_int_or(run, "servers", 1));
    for (int64_t i = 0; i < clients && !d->error; i++) {
        d->error = send_job(ctx, d, job, i, run);
        d->waiting += d->error == 0;
    }
    if (next.verdict == MOULT_NEXT_NOREPLY && d->waiting == 0)
        return moult_refuse(ctx, (int)d->error, "no client could be started");
    return next;
}

/* -- "ring" -- */

static int close_ring(moult_ctx *ctx)
{
    int err = 0;

    for (uint32_t i = 0; i < BENCH_NODES && !err; i++) {
        moult_out *m = moult_draft(ctx);
        moult_in reply;

        moult_put_map(m, 1);
        moult_put_text(m, "next");
        moult_put_pid(m, measure_find("node", (i + 1) % BENCH_NODES));
        err = moult_call(ctx, measure_find("node", i), m, 0, &reply);
    }
    return err;
}

static moult_next ring(moult_ctx *ctx, struct driver *d, const moult_from *from,
                       moult_in *run)
{
    int64_t hops = measure_int_or(run, "n", 1);
    int err = close_ring(ctx);
    moult_next next;
    moult_out *m;

    if (err || hops < 0)
        return moult_refuse(ctx, err ? err : -EINVAL, "unable to close the ring");
    next = begin(ctx, d, from, "", 0);
    d->ops = hops;
    d->end = measure_find("node", (uint64_t)hops % BENCH_NODES);
    m = moult_draft(ctx);
    moult_put_int(m, hops);
    err = moult_send(ctx, measure_find("node", 0), m);
    if (err)
        return moult_refuse(ctx, err, "unable to start the ring");
    d->waiting = 1;
    return next;
}

/* -- "check" -- */

/* Every server of `up` must say that its state is whole, and the vsn that it runs. */
static moult_next check(moult_ctx *ctx, moult_in *run, moult_out *reply)
{
    int64_t count = measure_int_or(run, "servers", 1);
    moult_in vsn, answer;
    char want[32] = "";
    moult_out *m;
    int err;

    if (moult_find(run, "vsn", &vsn))
        bench_copy_text(&vsn, want, sizeof(want));
    for (int64_t i = 0; i < count; i++) {
        m = moult_draft(ctx);
        moult_put_text(m, "shape");
        err = moult_call(ctx, measure_find("up", (uint64_t)i), m, 0, &answer);
        if (err)
            return moult_refuse(ctx, err, "up.%lld: %s", (long long)i,
                                moult_call_text(ctx));
        if (!moult_match(&answer, want))
            return moult_refuse(ctx, -EPROTO, "up.%lld does not run %s", (long long)i,
                                want);
    }
    moult_put_int(reply, count);
    return moult_reply();
}

/* -- callbacks -- */

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    static const char *const jobs[] = {"call", "cast", "load"};
    struct driver *d = state;
    moult_in kind;

    if (d->waiting > 0)
        return moult_refuse(ctx, -EBUSY, "a run is going on; wait for its figures");
    if (!moult_find(request, "run", &kind))
        return moult_refuse(ctx, -EINVAL, "ask for {\"run\": KIND, ...}");
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
        if (moult_match(&kind, jobs[i]))
            return traffic(ctx, d, from, jobs[i], request);
    if (moult_match(&kind, "ring"))
        return ring(ctx, d, from, request);
    if (moult_match(&kind, "check"))
        return check(ctx, request, reply);
    return moult_refuse(ctx, -EINVAL, "a run is call, cast, load, ring or check");
}

static int keep_buckets(moult_ctx *ctx, struct driver *d, moult_in *in)
{
    size_t n = moult_get_array(in) / 2;

    while (n-- > 0) {
        struct bucket *b = moult_list_add(ctx, &d->buckets, sizeof(*b));

        if (!b)
            return -ENOMEM;
        b->edge_ns = moult_get_uint(in);
        b->calls = moult_get_uint(in);
    }
    return in->error;
}

static int client_done(moult_ctx *ctx, struct driver *d, moult_in *message)
{
    int64_t err = moult_int_at(message, "done");
    uint64_t max_ns = (uint64_t)measure_int_or(message, "max_ns", 0);
    moult_in buckets;

    d->ops += moult_int_at(message, "ops");
    d->refused += moult_int_at(message, "refused");
    d->errors += moult_int_at(message, "errors");
    if (max_ns > d->max_ns)
        d->max_ns = max_ns;
    if (!err && moult_find(message, "buckets", &buckets))
        err = keep_buckets(ctx, d, &buckets);
    return err ? (int)err : message->error;
}

/* Someone is done: a client, or the ring. */
static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct driver *d = state;
    moult_in end;
    int err = 0;

    if (d->waiting == 0)
        return moult_noreply();
    if (d->count > 0)
        err = client_done(ctx, d, message);
    else if (!moult_match_map(message, "done", &end) ||
             !moult_pid_equal(moult_get_pid(&end), d->end))
        err = -EPROTO;
    if (err && !d->error)
        d->error = err;
    if (--d->waiting == 0)
        finish(ctx, d);
    return moult_noreply();
}

const moult_server driver_server = {.size = sizeof(moult_server),
                                    .state = driver_state,
                                    .handle_call = handle_call,
                                    .handle_cast = handle_cast};
