/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish - one publisher, and subscribers that are registered under one key.
 *
 *   {"n": events}   to `publish`: so many one by one, and so many at once
 *
 * An event is ["event", publisher, seq, 16 bytes], made anew for each subscriber.  Who
 * takes the last delivery of an event tells the publisher; each counts its own.
 */
#include "measure.h"

#include <stdatomic.h>

#define TOPIC "topic"

/* All deliveries; relaxed: each is counted once, and that is all. */
static _Atomic uint64_t delivered;

/* -- subscribers -- */

struct subscriber {
    int64_t seen;
};

MOULT_STATE(subscriber_state, struct subscriber, MOULT_FIELD(seen));

static moult_next subscribe(moult_ctx *ctx, void *state, moult_in *args)
{
    moult_in topic = moult_text_key(ctx, TOPIC);
    int err = moult_registry_register(ctx, moult_whereis("topics"), &topic, NULL, NULL);

    return err ? moult_stop(err) : moult_noreply();
}

static moult_next get(moult_ctx *ctx, void *state, const moult_from *from,
                      moult_in *request, moult_out *reply)
{
    struct subscriber *s = state;

    moult_put_int(reply, s->seen);
    return moult_reply();
}

static moult_next take(moult_ctx *ctx, void *state, moult_in *message)
{
    struct subscriber *s = state;
    moult_pid publisher;
    moult_out *m;

    if (moult_get_array(message) != 4 || !moult_match(message, "event"))
        return moult_unhandled(ctx);
    publisher = moult_get_pid(message);
    s->seen++;
    if ((atomic_fetch_add_explicit(&delivered, 1, memory_order_relaxed) + 1) % SERVERS)
        return moult_noreply();
    m = moult_draft(ctx);
    moult_put_text(m, "delivered");
    moult_send(ctx, publisher, m);
    return moult_noreply();
}

static const moult_server subscriber = {.size = sizeof(moult_server),
                                        .state = subscriber_state,
                                        .init = subscribe,
                                        .handle_call = get,
                                        .handle_info = take};

/* -- the publisher -- */

struct publisher {
    moult_from from;
    int64_t events, sent, done;
    int64_t all; /* events that there ever were */
    uint64_t start_ns, start_cpu_ns, one_ns;
};

MOULT_STATE(publisher_state, struct publisher, MOULT_FIELD(from), MOULT_FIELD(events),
            MOULT_FIELD(sent), MOULT_FIELD(done), MOULT_FIELD(all),
            MOULT_FIELD(start_ns), MOULT_FIELD(start_cpu_ns), MOULT_FIELD(one_ns));

static void send_to_all(moult_ctx *ctx, const moult_registry_entry *entries,
                        size_t count, void *context)
{
    static const uint8_t payload[16] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    const struct publisher *p = context;

    for (size_t i = 0; i < count; i++) {
        moult_out *m = moult_draft(ctx);

        moult_put_array(m, 4);
        moult_put_text(m, "event");
        moult_put_pid(m, moult_self(ctx));
        moult_put_int(m, p->sent);
        moult_put_bytes(m, payload, sizeof(payload));
        moult_send(ctx, entries[i].pid, m);
    }
}

static int publish(moult_ctx *ctx, struct publisher *p)
{
    moult_in topic = moult_text_key(ctx, TOPIC);

    p->sent++;
    p->all++;
    return moult_registry_dispatch(ctx, moult_whereis("topics"), &topic, send_to_all,
                                   p);
}

/* Each subscriber must have seen each event. */
static int check(moult_ctx *ctx, const struct publisher *p)
{
    for (uint64_t i = 0; i < SERVERS; i++) {
        moult_out *m = moult_draft(ctx);
        moult_in reply;
        int err;

        moult_put_text(m, "get");
        err = moult_call(ctx, measure_find("subscriber", i), m, 0, &reply);
        if (err || moult_get_int(&reply) != p->all)
            return err ? err : -EPROTO;
    }
    return 0;
}

static void answer(moult_ctx *ctx, struct publisher *p)
{
    uint64_t burst_ns = measure_now_ns() - p->start_ns,
             cpu_ns = measure_cpu_ns() - p->start_cpu_ns;
    int err = check(ctx, p);
    moult_out *m = moult_draft(ctx);

    if (err) {
        moult_refuse_to(ctx, &p->from, err, "a subscriber has not seen all events");
        return;
    }
    moult_put_map(m, 4);
    measure_put_at(m, "ops", (uint64_t)p->events * SERVERS);
    measure_put_at(m, "one_ns", p->one_ns);
    measure_put_at(m, "wall_ns", burst_ns);
    measure_put_at(m, "cpu_ns", cpu_ns);
    moult_reply_to(ctx, &p->from, m);
}

/* One after the other is done: all at once. */
static int publish_burst(moult_ctx *ctx, struct publisher *p)
{
    int err = 0;

    p->one_ns = measure_now_ns() - p->start_ns;
    p->start_ns = measure_now_ns();
    p->start_cpu_ns = measure_cpu_ns();
    for (int64_t i = 0; i < p->events && !err; i++)
        err = publish(ctx, p);
    return err;
}

static moult_next handle_call(moult_ctx *ctx, void *state, const moult_from *from,
                              moult_in *request, moult_out *reply)
{
    struct publisher *p = state;
    int err;

    p->from = *from;
    p->events = measure_int_or(request, "n", 1);
    p->sent = p->done = 0;
    p->start_ns = measure_now_ns();
    err = publish(ctx, p);
    return err ? moult_refuse(ctx, err, "unable to publish") : moult_noreply();
}

/* An event has reached all. */
static moult_next handle_info(moult_ctx *ctx, void *state, moult_in *message)
{
    struct publisher *p = state;
    int err = 0;

    p->done++;
    if (p->done < p->events)
        err = publish(ctx, p);
    else if (p->done == p->events)
        err = publish_burst(ctx, p);
    else if (p->done == 2 * p->events)
        answer(ctx, p);
    return err ? moult_stop(err) : moult_noreply();
}

static const moult_server publisher = {.size = sizeof(moult_server),
                                       .state = publisher_state,
                                       .handle_call = handle_call,
                                       .handle_info = handle_info};

MOULT_PLUGIN(.description = "a publisher and its subscribers",
             .children = (const moult_child[]){
                 {.id = "topics",
                  .server = &moult_registry,
                  .name = "topics",
                  .args = "{\"keys\": \"duplicate\"}"},
                 {.id = "subscriber",
                  .server = &subscriber,
                  .name = "subscriber",
                  .count = SERVERS},
                 {.id = "publish", .server = &publisher, .name = "publish"},
                 {.id = NULL}});
