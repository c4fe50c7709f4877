/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_state - a server's state: saved, made from what was saved, exchanged.
 */
#include "carry.h"
#include "manager.h"
#include "schema.h"
#include "serving.h"
#include "statem.h"

static int save(const struct server *s, bool shown, moult_out *out, struct fault *why)
{
    const struct code *code = s->code;
    int error = 0;

    if (code->server.manager)
        return manager_save(s->state, shown, out, why);
    if (code->server.save) {
        error = code->server.save(s->state, out);
        if (!error)
            error = moult_out_error(out);
        if (error)
            fault_where(why, NULL, NULL, NULL, "save");
    } else if (code->schema) {
        error = (shown ? schema_show : schema_save)(code->schema, s->state, out, why);
    } else {
        moult_put_map(out, 0);
    }
    if (error)
        fault(why, error, "its state can't be written: %s", moult_strerror(error));
    return error;
}

int server_save(const struct server *s, moult_out *out, struct fault *why)
{
    return save(s, false, out, why);
}

int server_save_shown(const struct server *s, moult_out *out, struct fault *why)
{
    return save(s, true, out, why);
}

/* Why there is no memory, if that is because it may have no more. */
static const char *beyond(const struct moult_ctx *ctx)
{
    return ctx->heap.over ? ": it is more than its max_heap" : "";
}

int state_load(struct moult_ctx *ctx, const struct code *code,
               const moult_schema *writer, moult_in *in, void **state,
               struct fault *why)
{
    const moult_schema *schema = code->schema;
    void *memory = NULL;
    int error = 0;

    if (code->server.manager)
        return in ? manager_carry(&(struct passage){.from = code, .to = code}, *in,
                                  NULL, ctx, state, why)
                  : manager_create(ctx, code, state, why);
    if (schema) {
        memory = heap_alloc(&ctx->heap, schema->size);
        if (!memory || schema_init(ctx, schema, memory) < 0)
            return fault(why, -ENOMEM, "no memory for a state of %u bytes%s",
                         schema->size, beyond(ctx));
    }
    if (in && code->server.load) {
        error = code->server.load(ctx, memory, in);
        if (!error)
            error = in->error;
        if (error)
            fault_where(why, NULL, NULL, NULL, "load");
    } else if (in && schema) {
        error = schema_load(ctx, schema, writer, memory, in, why);
    }
    if (error)
        return fault(why, error, "its state can't be read: %s%s",
                     in->why ? in->why : moult_strerror(error), beyond(ctx));
    *state = memory;
    return code->server.statem ? statem_check_state(code, memory, why) : 0;
}

void server_swap(struct process *p, const struct code *code, void *state,
                 struct moult_ctx *ctx)
{
    struct server *s = p->data;

    s->code = code;
    s->state = state;
    if (code->server.manager)
        manager_adopt(state, code);
    process_set_limits(p, code->child->mailbox_limit, code->child->max_heap);
    process_set_patience(p, code->child->warn_callback_ms,
                         code->child->max_callback_ms);
    if (ctx)
        heap_swap(&p->ctx.heap, &ctx->heap);
    server_set_doze(p, code);
}
