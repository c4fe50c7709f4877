/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers - one server sets many timers, another tells how late they were.
 *
 *   {"n": timers, "max_ms": longest delay}   to `collect`
 */
#include "histogram.h"
#include "measure.h"

/* -- who sets them: {"n", "max_ms"}, to whom it then tells what that took -- */

static moult_next set(moult_ctx *ctx, void *state, moult_in *message)
{
    int64_t n = moult_int_at(message, "n");
    uint64_t most = (uint64_t)moult_int_at(message, "max_ms") + 1, seed = 1;
    uint64_t start = measure_now_ns();
    moult_pid to = moult_whereis("collect");
    moult_out *m;

    for (int64_t i = 0; i < n; i++) {
        uint64_t delay;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        delay = (seed >> 33) % most;
        m = moult_draft(ctx);
        moult_put_uint(m, measure_now_ns() + delay * 1000000);
        if (!moult_send_after(ctx, to, delay, m))
            return moult_stop(-ENOMEM);
    }
    m = moult_draft(ctx);
    moult_put_map(m, 1);
    measure_put_at(m, "set_ns", measure_now_ns() - start);
    return moult_cast(ctx, to, m) ? moult_stop(-EPROTO) : moult_noreply();
}

static const moult_server setter = {.size = sizeof(moult_server), .handle_cast = set};

/* -- who is sent what they carry: the moment when they were due -- */

struct collector {
    moult_from from;
    int64_t timers, left, early;
    uint64_t start_ns, start_cpu_ns, set_ns;
};

MOULT_STATE(collector_state, struct collector, MOULT_FIELD(from), MOULT_FIELD(timers),
            MOULT_FIELD(left), MOULT_FIELD(early), MOULT_FIELD(start_ns),
            MOULT_FIELD(start_cpu_ns), MOULT_FIELD(set_ns));

static struct histogram late; /* of the one collector */

static moult_next answer(moult_ctx *ctx, struct collector *c)
{
    moult_out *m = moult_draft(ctx);

    if (c->early > 0) {
        moult_refuse_to(ctx, &c->from, -EPROTO, "a timer fired early");
        return moult_noreply();
    }
    moult_put_map(m, 7);
    measure_put_at(m, "ops", (uint64_t)c->timers);
    measure_put_at(m, "set_ns", c->set_ns);
    measure_put_at(m, "wall_ns", measure_now_ns() - c->start_ns);
    measure_put_at(m, "cpu_ns", measure_cpu_ns() - c->start_cpu_ns);
    measure_put_at(m, "p50_ns", histogram_at(&late, 0.5));
    measure_put_at(m, "p99_ns", histogram_at(&late, 0.99));
    measure_put_at(m, "max_ns", late.max_ns);
    moult_reply_to(ctx, &c->from, m);
    return moult_noreply();
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct collector *c = state;
    moult_out *m = moult_draft(ctx);

    *c = (struct collector){.from = *from, .timers = moult_int_at(request, "n")};
    c->left = c->timers + 1; /* and the word of who sets them */
    late = (struct histogram){.max_ns = 0};
    c->start_ns = measure_now_ns();
    c->start_cpu_ns = measure_cpu_ns();
    moult_put_map(m, 2);
    moult_put_int_at(m, "n", c->timers);
    moult_put_int_at(m, "max_ms", moult_int_at(request, "max_ms"));
    return moult_cast(ctx, moult_whereis("set"), m) ? moult_stop(-EPROTO)
                                                    : moult_noreply();
}

static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct collector *c = state;
    uint64_t now = measure_now_ns(), due = moult_get_uint(message);

    c->early += now < due;
    histogram_add(&late, now < due ? 0 : now - due);
    return --c->left > 0 ? moult_noreply() : answer(ctx, c);
}

static moult_next handle_cast(moult_ctx *ctx, void *state, moult_in *message)
{
    struct collector *c = state;

    c->set_ns = (uint64_t)moult_int_at(message, "set_ns");
    return --c->left > 0 ? moult_noreply() : answer(ctx, c);
}

static const moult_server collector = {.size = sizeof(moult_server),
                                       .state = collector_state,
                                       .handle_call = handle_call,
                                       .handle_cast = handle_cast,
                                       .handle_info = handle_info};

MOULT_PLUGIN(.description = "many timers",
             .children = (const moult_child[]){
                 {.id = "set", .server = &setter, .name = "set"},
                 {.id = "collect", .server = &collector, .name = "collect"},
                 {.id = NULL}});
