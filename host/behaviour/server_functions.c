/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_functions - moult_server_start() and its kin: servers that no supervisor starts.
 */
#include <string.h>

#include "message.h"
#include "plain.h"
#include "server.h"

/* What they had at first; they have only grown since. */
#define OPTIONS_MIN (offsetof(moult_start_options, timeout_ms) + sizeof(uint64_t))

/* The options as this host knows them. */
static moult_start_options known(const moult_start_options *given)
{
    moult_start_options o = {0};

    if (given)
        memcpy(&o, given, given->size < sizeof(o) ? given->size : sizeof(o));
    return o;
}

static const struct code *find_code(struct process *p, const moult_server *server)
{
    const struct code *own = plain_code(p);

    return own ? code_declared(own->all, server) : NULL;
}

/* `args` stays the caller's. */
static int start(struct process *p, const struct code *code, const moult_out *args,
                 struct server_spec *spec, moult_pid *pid)
{
    moult_pid started = {0};
    int error;

    if (!code)
        return process_fail(
            p, -EINVAL, "its plugin lists no such server, as a child or a template");
    if (args && args->error)
        return process_fail(p, args->error, moult_strerror(args->error));
    spec->code = code;
    spec->id = spec->name ? spec->name : code->child->id;
    spec->args = args && args->len ? args->bytes : code->args;
    spec->args_len = args && args->len ? args->len : code->args_len;
    error = server_start(p, spec, &started);
    if (!error && pid)
        *pid = started;
    return error;
}

static int start_as(moult_ctx *ctx, const moult_server *server, moult_out *args,
                    const moult_start_options *options, bool is_alone, moult_pid *pid)
{
    struct process *p = process_of(ctx);
    moult_start_options o = known(options);
    struct server_spec spec = {
        .name = o.name, .timeout_ms = o.timeout_ms, .is_alone = is_alone};
    int error;

    if (options && options->size < OPTIONS_MIN)
        error = process_fail(p, -EINVAL,
                             "the options say they have too few bytes: begin them with "
                             ".size = sizeof(moult_start_options)");
    else
        error = start(p, find_code(p, server), args, &spec, pid);
    if (args)
        draft_drop(p, args);
    return error;
}

int moult_server_start(moult_ctx *ctx, const moult_server *server, moult_out *args,
                       const moult_start_options *options, moult_pid *pid)
{
    return start_as(ctx, server, args, options, true, pid);
}

int moult_server_start_link(moult_ctx *ctx, const moult_server *server, moult_out *args,
                            const moult_start_options *options, moult_pid *pid)
{
    return start_as(ctx, server, args, options, false, pid);
}
