/* SPDX-License-Identifier: Apache-2.0 */
#include "telling.h"

#include "server.h"

/* Who it is, and `more` pairs that are written next. */
static void put_server(moult_out *out, size_t more, const struct code *code,
                       const char *id, moult_pid pid)
{
    moult_put_map(out, 4 + more);
    moult_put_text_at(out, "app", code->app);
    moult_put_text_at(out, "vsn", code->vsn);
    moult_put_text_at(out, "server", id);
    moult_put_text(out, "pid");
    moult_put_pid(out, pid);
}

/* Emit one with a measurement, unless there was no memory; the maps are released. */
static void tell(struct process *p, const char *event, const char *measured,
                 int64_t value, moult_out *metadata)
{
    struct moult_out measurements = {0};

    moult_put_map(&measurements, 1);
    moult_put_int_at(&measurements, measured, value);
    if (!measurements.error && !metadata->error)
        telemetry_emit(event, process_pid(p), &measurements, metadata);
    out_release(&measurements);
    out_release(metadata);
}

void telling_start(struct process *p)
{
    const struct server *s = p->data;
    struct moult_out metadata = {0};

    if (!telemetry_wants("moult.server.start"))
        return;
    put_server(&metadata, 0, s->code, s->id, process_pid(p));
    tell(p, "moult.server.start", "system_time", telemetry_system_time(), &metadata);
}

void telling_end(struct process *p)
{
    const char *event = p->reason < 0 ? "moult.server.crash" : "moult.server.stop";
    const struct server *s = p->data;
    struct moult_out metadata = {0};

    if (!telemetry_wants(event))
        return;
    put_server(&metadata, 2, s->code, s->id, process_pid(p));
    moult_put_int_at(&metadata, "reason", p->reason);
    telemetry_put_words(&metadata, process_reason_text(p) ? process_reason_text(p)
                                                          : moult_strerror(p->reason));
    tell(p, event, "system_time", telemetry_system_time(), &metadata);
}

void telling_restart(struct process *p, const struct supervisor *s,
                     const struct child *c)
{
    char id[CHILD_ID];
    struct moult_out metadata = {0};

    if (!telemetry_wants("moult.supervisor.restart"))
        return;
    put_server(&metadata, 1, c->code, child_title(c, id), c->pid);
    moult_put_text_at(&metadata, "supervisor", s->id);
    tell(p, "moult.supervisor.restart", "restarts", c->restarts, &metadata);
}
