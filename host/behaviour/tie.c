/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tie - the functions of abi/moult/process.h, on the runtime's signals and names.
 */
#include <errno.h>

#include "name.h"
#include "process.h"
#include "signals.h"
#include "via.h"

/* What both kinds of news have; `who` is the pid under its key. */
static bool read_end(const moult_in *message, const char *who, moult_ended *ended)
{
    moult_in in = *message, value;

    if (!moult_find(&in, who, &value))
        return false;
    ended->pid = moult_get_pid(&value);
    if (value.error || !moult_find(&in, "reason", &value))
        return false;
    ended->reason = (int32_t)moult_get_int(&value);
    if (!moult_find(&in, "text", &value))
        return false;
    ended->text = moult_get_text(&value, &ended->text_len);
    return value.error == 0;
}

bool moult_match_down(const moult_in *message, moult_ended *ended)
{
    moult_in in = *message, ref;

    if (moult_peek(&in) != MOULT_MAP || !moult_find(&in, "down", &ref))
        return false;
    ended->ref = moult_get_uint(&ref);
    return !ref.error && read_end(message, "pid", ended);
}

bool moult_match_exit(const moult_in *message, moult_ended *ended)
{
    ended->ref = 0;
    return moult_peek(message) == MOULT_MAP && read_end(message, "exit", ended);
}

int moult_monitor(moult_ctx *ctx, moult_pid to, uint64_t *ref)
{
    return signal_monitor(process_of(ctx), to, ref);
}

void moult_demonitor(moult_ctx *ctx, uint64_t ref)
{
    struct process *p = process_of(ctx);
    struct envelope *e, *before = NULL;

    signal_demonitor(p, ref);
    for (e = p->first; e && !signal_is_of(e, ref); e = e->next)
        before = e;
    if (!e)
        return;
    process_unqueue(p, e, before);
    envelope_destroy(e);
}

int moult_link(moult_ctx *ctx, moult_pid to)
{
    return signal_link(process_of(ctx), to);
}

void moult_unlink(moult_ctx *ctx, moult_pid to)
{
    signal_unlink(process_of(ctx), to);
}

int moult_exit(moult_ctx *ctx, moult_pid to, int32_t reason)
{
    return signal_exit(process_of(ctx), to, reason, NULL);
}

bool moult_is_alive(moult_pid pid)
{
    return process_is_alive(pid);
}

int moult_register(moult_ctx *ctx, const char *name)
{
    struct process *p = process_of(ctx);

    if (p->name && !(name && via_is(name)))
        return -EALREADY;
    return name_register(p, name, NULL);
}

void moult_unregister(moult_ctx *ctx)
{
    name_release(process_of(ctx));
}
