/* SPDX-License-Identifier: Apache-2.0 */
#include "told.h"

#include "telemetry.h"

static struct telemetry_span span_of(const moult_out *metadata, uint64_t began_ns)
{
    return (struct telemetry_span){
        .prefix = "moult.upgrade", .metadata = metadata, .began = (int64_t)began_ns};
}

static void put_move(moult_out *out, const struct upgrade_move *m)
{
    moult_put_map(out, 3);
    moult_put_text_at(out, "app", m->app->name);
    moult_put_text_at(out, "from", m->from->vsn);
    moult_put_text_at(out, "to", m->to->vsn);
}

void told_start(const struct upgrade_move *m)
{
    struct moult_out metadata = {0};
    struct telemetry_span span = span_of(&metadata, 0);

    if (!telemetry_is_on())
        return;
    put_move(&metadata, m);
    telemetry_span_start(&span);
    out_release(&metadata);
}

void told_stop(const struct part *part, uint64_t began_ns, uint64_t pause_ns)
{
    struct moult_out metadata = {0}, more = {0};
    struct telemetry_span span = span_of(&metadata, began_ns);

    if (!telemetry_is_on())
        return;
    put_move(&metadata, part->move);
    moult_put_map(&more, 2);
    moult_put_int_at(&more, "servers", (int64_t)part->migration.count);
    moult_put_int_at(&more, "pause", (int64_t)pause_ns);
    telemetry_span_stop(&span, &more, NULL);
    out_release(&metadata);
    out_release(&more);
}

void told_exception(const struct upgrade_move *m, uint64_t began_ns,
                    const struct fault *why)
{
    struct moult_out metadata = {0};
    struct telemetry_span span = span_of(&metadata, began_ns);

    if (!telemetry_is_on())
        return;
    put_move(&metadata, m);
    telemetry_span_exception(&span, why->error, why->text);
    out_release(&metadata);
}
