/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telemetry_functions - those of abi/moult/telemetry.h that emit.
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "telemetry.h"

static const char context_key[] = "telemetry_span_context";

/*
 * A span that a plugin is in.  Not on the stack of its callback: that may be spoilt by what
 * ends it.
 */
struct open_span {
    struct open_span *outer;
    struct telemetry_span span;
    struct moult_out metadata; /* with its context */
    char prefix[];
};

/* -- maps -- */

static moult_in no_pairs(void)
{
    return moult_in_over("\xa0", 1);
}

/* 0 if `out` (may be NULL) is one whole map, or nothing. */
static int check_map(const moult_out *out)
{
    moult_in in;

    if (!out || out->error || !out->len)
        return out ? out->error : 0;
    in = out_read(out);
    if (moult_peek(&in) != MOULT_MAP)
        return -EINVAL;
    moult_skip(&in);
    return in.error || in.at != in.end ? -EINVAL : 0;
}

static moult_in read_map(const moult_out *out)
{
    return out && out->len ? out_read(out) : no_pairs();
}

static void drop(moult_ctx *ctx, moult_out *out)
{
    if (out)
        draft_drop(process_of(ctx), out);
}

/* -- events -- */

bool moult_telemetry_wants(const char *event)
{
    return telemetry_wants(event);
}

int moult_telemetry_execute(moult_ctx *ctx, const char *event, moult_out *measurements,
                            moult_out *metadata)
{
    int error = 0;

    if (telemetry_wants(event)) {
        error = check_map(measurements);
        if (!error)
            error = check_map(metadata);
        if (!error)
            telemetry_emit(event, process_pid(process_of(ctx)), measurements, metadata);
    }
    drop(ctx, measurements);
    drop(ctx, metadata);
    return error;
}

/* -- spans -- */

static void destroy(struct open_span *s)
{
    out_release(&s->metadata);
    free(s);
}

/* `metadata` with the context that the item at `context` is, unless it has one. */
static void put_context(moult_out *out, moult_in metadata, const moult_out *context)
{
    struct moult_out own = {0};

    moult_put_map(&own, 1);
    moult_put_text(&own, context_key);
    moult_put_item(&own, context->bytes, context->len);
    telemetry_join(out, metadata, out_read(&own));
    if (own.error)
        out->error = own.error;
    out_release(&own);
}

static void put_new_context(moult_out *out, moult_in metadata)
{
    struct moult_out context = {0};

    moult_put_uint(&context, process_ref());
    put_context(out, metadata, &context);
    out_release(&context);
}

/* The same with that of `s`. */
static void put_its_context(moult_out *out, moult_in metadata,
                            const struct open_span *s)
{
    struct moult_out context = {0};
    moult_in in = out_read(&s->metadata), value;
    const void *item;
    size_t len;

    moult_find(&in, context_key, &value);
    item = moult_get_item(&value, &len);
    moult_put_item(&context, item, len);
    put_context(out, metadata, &context);
    out_release(&context);
}

static struct open_span *make(struct process *p, const char *prefix,
                              const moult_out *metadata)
{
    size_t size = strlen(prefix) + 1;
    struct open_span *s = calloc(1, sizeof(*s) + size);

    if (!s)
        return NULL;
    memcpy(s->prefix, prefix, size);
    put_new_context(&s->metadata,
                    check_map(metadata) ? no_pairs() : read_map(metadata));
    s->span = (struct telemetry_span){
        .prefix = s->prefix, .emitter = process_pid(p), .metadata = &s->metadata};
    if (!s->metadata.error)
        return s;
    destroy(s);
    return NULL;
}

/* NULL: no memory to tell of it. */
static struct open_span *begin(struct process *p, const char *prefix,
                               const moult_out *metadata)
{
    struct relations *r = process_relations(p);
    struct open_span *s = r ? make(p, prefix, metadata) : NULL;

    if (!s)
        return NULL;
    s->outer = r->spans;
    r->spans = s;
    telemetry_span_start(&s->span);
    return s;
}

/* The innermost is over. */
static void end(struct process *p)
{
    struct open_span *s = p->relations->spans;

    p->relations->spans = s->outer;
    destroy(s);
}

static void tell_stop(const struct open_span *s, const moult_span *said)
{
    const moult_out *more = said->measurements;
    struct moult_out metadata = {0};

    put_its_context(&metadata,
                    check_map(said->metadata) ? no_pairs() : read_map(said->metadata),
                    s);
    telemetry_span_stop(&s->span, more && more->len && !check_map(more) ? more : NULL,
                        &metadata);
    out_release(&metadata);
}

int moult_telemetry_span(moult_ctx *ctx, const char *prefix, moult_out *metadata,
                         moult_span_function *run, void *context)
{
    struct process *p = process_of(ctx);
    struct open_span *s = telemetry_is_on() ? begin(p, prefix, metadata) : NULL;
    moult_span said = {0};
    int result;

    drop(ctx, metadata);
    result = run(ctx, context, &said);
    if (s && result < 0)
        telemetry_span_exception(&s->span, result, moult_strerror(result));
    else if (s)
        tell_stop(s, &said);
    if (s)
        end(p);
    drop(ctx, said.measurements);
    drop(ctx, said.metadata);
    return result;
}

void telemetry_spans_fail(struct process *p, int32_t reason, const char *words)
{
    while (p->relations && p->relations->spans) {
        telemetry_span_exception(&p->relations->spans->span, reason, words);
        end(p);
    }
}

void telemetry_spans_finish(struct process *p)
{
    while (p->relations && p->relations->spans)
        end(p);
}
