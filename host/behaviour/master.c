/* SPDX-License-Identifier: Apache-2.0 */
#include "master.h"

#include "ending.h"
#include "message.h"
#include "out.h"
#include "server.h"

/* -- in the process of the callback -- */

static const struct module *module_of(moult_ctx *ctx)
{
    const struct server *s = server_of(process_of(ctx));

    return (const struct module *)((const char *)s->code -
                                   offsetof(struct module, code));
}

static moult_in read_or_null(const moult_out *out)
{
    return out->len ? out_read(out) : moult_in_over("\xf6", 1);
}

static moult_next start(moult_ctx *ctx, const struct module *m,
                        struct master_call *call)
{
    moult_in args = moult_in_over(m->args, m->len);
    moult_next next = m->callbacks.start(ctx, &args, call->state);

    if (moult_out_error(call->state))
        return moult_stop_because(ctx, moult_out_error(call->state),
                                  "its state could not be written");
    return next;
}

static moult_next start_phase(moult_ctx *ctx, const struct module *m,
                              struct master_call *call)
{
    moult_in args = moult_in_over(call->phase->args, call->phase->len);

    return m->callbacks.start_phase(ctx, call->phase->name, &args);
}

static moult_next prep_stop(moult_ctx *ctx, const struct module *m,
                            struct master_call *call)
{
    moult_out next;
    moult_in from = read_or_null(call->state);

    out_init(&next, NULL, 0);
    m->callbacks.prep_stop(ctx, &from, &next);
    if (next.len && !next.error) {
        out_release(call->state);
        *call->state = next;
    } else {
        out_release(&next);
    }
    return moult_noreply();
}

static moult_next stop(moult_ctx *ctx, const struct module *m, struct master_call *call)
{
    moult_in from = read_or_null(call->state);

    m->callbacks.stop(ctx, &from);
    return moult_noreply();
}

static moult_next config_change(moult_ctx *ctx, const struct module *m,
                                struct master_call *call)
{
    moult_in changed = out_read(call->changed), added = out_read(call->added),
             removed = out_read(call->removed);

    m->callbacks.config_change(ctx, &changed, &added, &removed);
    return moult_noreply();
}

static moult_next config_check(moult_ctx *ctx, const struct module *m,
                               struct master_call *call)
{
    moult_in changed = out_read(call->changed), added = out_read(call->added),
             removed = out_read(call->removed);

    return m->callbacks.config_check(ctx, &changed, &added, &removed);
}

static moult_next apply(moult_ctx *ctx, const struct module *m,
                        struct master_call *call)
{
    moult_in args = moult_in_over(call->apply->args, call->apply->len);

    return call->apply->call(ctx, &args);
}

static moult_next run(moult_ctx *ctx, void *state, moult_in *in)
{
    static moult_next (*const runs[])(moult_ctx *, const struct module *,
                                      struct master_call *) = {
        start, start_phase, prep_stop, stop, config_change, config_check, apply};
    struct master_call *call = (struct master_call *)(uintptr_t)moult_get_uint(in);
    moult_next next = runs[call->what](ctx, module_of(ctx), call);

    switch (next.verdict & MOULT_NEXT_VERDICT) {
    case MOULT_NEXT_NOREPLY:
        return moult_noreply();
    case MOULT_NEXT_STOP:
    case MOULT_NEXT_REFUSE:
        return next;
    default:
        return moult_stop_because(
            ctx, -EPROTO, "its callback returned a value that it may not return");
    }
}

const moult_server master_server = {.size = sizeof(moult_server), .init = run};

void master_module(struct module *m, const void *declared)
{
    m->child = (moult_child){.id = "application_master", .server = &m->code.server};
    m->code = (struct code){.server = master_server,
                            .id = m->child.id,
                            .child = &m->child,
                            .declared = declared};
}

/* -- in the controller -- */

static bool is_there(const moult_application *a, enum master_callback what)
{
    const bool there[] = {a->start,         a->start_phase,  a->prep_stop, a->stop,
                          a->config_change, a->config_check, true};

    return there[what];
}

int master_run(struct process *p, struct master_call *call)
{
    uint8_t args[9];
    moult_out out;
    struct server_spec spec = {
        .id = "application_master", .group = call->group, .args = args};
    moult_pid pid;
    int error;

    if (!call->module || !is_there(&call->module->callbacks, call->what))
        return 0;
    out_init(&out, args, sizeof(args));
    moult_put_uint(&out, (uintptr_t)call);
    spec.code = &call->module->code;
    spec.args_len = out.len;
    spec.timeout_ms = call->what >= MASTER_CONFIG_CHECK ? MASTER_CHECK_MS : 0;
    error = server_start(p, &spec, &pid);
    if (!error)
        end_process(p, pid, MOULT_INFINITY);
    if (error == -ETIMEDOUT && spec.timeout_ms)
        return process_fail(p, error, "it did not return in 5 seconds");
    return error;
}
