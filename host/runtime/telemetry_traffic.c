/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telemetry_traffic - the host's own events of what processes do: calls, casts, mailboxes,
 * the scheduler.
 */
#include "group.h"
#include "message.h"
#include "telemetry.h"
#include "worker.h"

#define HIGH_WATER_BITS 10u /* of the first mark: 1024 messages */

/* -- messages -- */

/* Is `p` still to tell what it sends?  It is asked again in its next turn. */
static bool tells(struct process *p)
{
    if (p->class->is_listener ||
        !atomic_load_explicit(&telemetry_traffic, memory_order_relaxed))
        p->flags &= (uint8_t)~PROCESS_TOLD;
    return p->flags & PROCESS_TOLD;
}

/* Whose it is, who sends it and to whom. */
static void put_way(moult_out *out, struct process *p, const char *sender, moult_pid to)
{
    moult_put_map(out, 3);
    moult_put_text_at(out, "app", p->group->name);
    moult_put_text(out, sender);
    moult_put_pid(out, process_pid(p));
    moult_put_text(out, "to");
    moult_put_pid(out, to);
}

void telemetry_sends(struct process *p, moult_pid to, const struct envelope *e)
{
    struct moult_out measurements = {0}, metadata = {0};

    if (e->kind != ENVELOPE_CAST || e->code || !tells(p) ||
        !telemetry_wants("moult.cast"))
        return;
    moult_put_map(&measurements, 1);
    moult_put_int_at(&measurements, "bytes", e->out.len);
    put_way(&metadata, p, "sender", to);
    if (!measurements.error && !metadata.error)
        telemetry_emit("moult.cast", process_pid(p), &measurements, &metadata);
    out_release(&measurements);
    out_release(&metadata);
}

bool telemetry_tells_call(struct process *p, const struct envelope *e)
{
    return e->kind == ENVELOPE_CALL && tells(p);
}

int telemetry_call(struct process *p, moult_pid to, struct envelope *e,
                   uint64_t timeout_ms)
{
    struct moult_out metadata = {0};
    struct telemetry_span span = {
        .prefix = "moult.call", .emitter = process_pid(p), .metadata = &metadata};
    int error;

    put_way(&metadata, p, "caller", to);
    telemetry_span_start(&span);
    out_release(&metadata); /* this may never come back */
    error = process_call_untold(p, to, e, timeout_ms);
    put_way(&metadata, p, "caller", to);
    if (error)
        telemetry_span_exception(&span, error, moult_call_text(&p->ctx));
    else
        telemetry_span_stop(&span, NULL, NULL);
    out_release(&metadata);
    return error;
}

/* -- mailboxes -- */

static void tell_high_water(struct process *p, uint32_t messages)
{
    struct moult_out measurements = {0}, metadata = {0};

    moult_put_map(&measurements, 2);
    moult_put_int_at(&measurements, "messages", messages);
    moult_put_int_at(&measurements, "limit",
                     atomic_load_explicit(&p->limit, memory_order_relaxed));
    moult_put_map(&metadata, 3);
    moult_put_text_at(&metadata, "app", p->group->name);
    moult_put_text_at(&metadata, "server", process_label(p));
    moult_put_text(&metadata, "pid");
    moult_put_pid(&metadata, process_pid(p));
    if (!measurements.error && !metadata.error)
        telemetry_emit("moult.mailbox.high_water", process_pid(p), &measurements,
                       &metadata);
    out_release(&measurements);
    out_release(&metadata);
}

/* The mark is a power of two; it falls with what waits, with some play. */
void telemetry_mailbox(struct process *p, uint32_t messages)
{
    unsigned bits = messages ? 31u - (unsigned)__builtin_clz(messages) : 0;
    struct relations *r = p->relations;

    if (r && bits + 1 < r->high_water)
        r->high_water = (uint8_t)(bits + 1);
    if (bits < HIGH_WATER_BITS || (r && bits <= r->high_water))
        return;
    r = process_relations(p);
    if (!r)
        return;
    r->high_water = (uint8_t)bits;
    tell_high_water(p, messages);
}

/* -- the scheduler -- */

void moult_telemetry_measure(void)
{
    struct moult_out measurements = {0};
    struct workers_load load;

    if (!telemetry_wants("moult.scheduler"))
        return;
    workers_load(&load);
    moult_put_map(&measurements, 5);
    moult_put_int_at(&measurements, "workers", load.workers);
    moult_put_int_at(&measurements, "busy", load.busy);
    moult_put_int_at(&measurements, "run_queue", (int64_t)load.run_queue);
    moult_put_int_at(&measurements, "processes", process_count());
    moult_put_int_at(&measurements, "turns", (int64_t)load.turns);
    if (!measurements.error)
        telemetry_emit("moult.scheduler", (moult_pid){0}, &measurements, NULL);
    out_release(&measurements);
}
