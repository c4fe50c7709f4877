/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listening - the functions of abi/moult/telemetry.h that handlers come and go by.
 */
#include <stdio.h>
#include <string.h>

#include "listener.h"
#include "message.h"
#include "plain.h"
#include "signals.h"
#include "telemetry.h"
#include "utf8.h"

/* -- what may be said -- */

static int refuse(struct process *p, int error, const char *format, const char *about)
{
    char words[TELEMETRY_NAME_MOST + 128];

    snprintf(words, sizeof(words), format, about);
    return process_fail(p, error, words);
}

static bool is_text(const char *text)
{
    size_t len = text ? strnlen(text, TELEMETRY_NAME_MOST + 1) : 0;

    return len > 0 && len <= TELEMETRY_NAME_MOST && utf8_valid(text, len);
}

/* Words with a dot between them. */
static bool is_event(const char *text)
{
    return is_text(text) && text[0] != '.' && text[strlen(text) - 1] != '.' &&
           !strstr(text, "..");
}

static int check(struct process *p, const char *id, const char *const *events,
                 const char *handler)
{
    size_t count = 0;

    if (!is_text(id) || !is_text(handler))
        return process_fail(p, -EINVAL,
                            "an id and a handler's name are text of 1 to 255 bytes");
    for (; events && events[count] && count <= TELEMETRY_EVENTS_MOST; count++)
        if (!is_event(events[count]))
            return process_fail(
                p, -EINVAL,
                "the name of an event is words with a dot between them, "
                "255 bytes at most");
    if (count == 0 || count > TELEMETRY_EVENTS_MOST)
        return process_fail(p, -EINVAL, "it is attached to 1 to 1024 events");
    return 0;
}

/* -- attaching -- */

static int attach(struct process *p, const char *const *events,
                  const struct listener_spec *spec)
{
    struct process *listener = listener_create(spec);
    struct telemetry_handler h = {.id = spec->id,
                                  .app = spec->group->name,
                                  .function = spec->function,
                                  .events = events};
    int error;

    if (!listener)
        return process_fail(p, -ENOMEM, "no memory for a handler");
    h.pid = process_pid(listener);
    error = telemetry_attach(&h);
    if (!error) {
        process_launch(listener, NULL);
        return 0;
    }
    process_discard(listener);
    return refuse(p, error,
                  error == -EEXIST   ? "a handler '%s' is attached already"
                  : error == -ENOSPC ? "handler '%s' is one too many: 1024 are attached"
                                     : "no memory for handler '%s'",
                  spec->id);
}

/* `config` is taken. */
static int attach_by(struct process *p, const char *id, const char *const *events,
                     const char *function, struct envelope *config)
{
    struct listener_spec spec = {.group = p->group,
                                 .code = plain_code(p),
                                 .id = id,
                                 .function = function,
                                 .config = config};
    int error = check(p, id, events, function);

    if (!error) {
        spec.run = spec.code ? code_handler(spec.code->all, function) : NULL;
        if (spec.run)
            return attach(p, events, &spec);
        error = refuse(p, -ENOENT, "its plugin lists no function '%s' for telemetry",
                       function);
    }
    envelope_destroy(config);
    return error;
}

int moult_telemetry_attach_many(moult_ctx *ctx, const char *id,
                                const char *const *events, const char *handler,
                                moult_out *config)
{
    struct process *p = process_of(ctx);
    struct envelope *e = NULL;
    int error = config ? draft_take(p, config, &e) : 0;

    if (error)
        return process_fail(p, error, "its config could not be written");
    return attach_by(p, id, events, handler, e);
}

int moult_telemetry_attach(moult_ctx *ctx, const char *id, const char *event,
                           const char *handler, moult_out *config)
{
    const char *events[] = {event, NULL};

    return moult_telemetry_attach_many(ctx, id, events, handler, config);
}

int moult_telemetry_detach(moult_ctx *ctx, const char *id)
{
    struct process *p = process_of(ctx);
    moult_pid listener;

    if (!is_text(id) || telemetry_detach(id, (moult_pid){0}, &listener) < 0)
        return process_fail(p, -ENOENT, "no such handler is attached");
    signal_exit(p, listener, MOULT_SHUTDOWN, NULL);
    return 0;
}

int moult_telemetry_list_handlers(moult_ctx *ctx, const char *prefix, moult_in *list)
{
    struct process *p = process_of(ctx);
    struct envelope *e = envelope_create(ENVELOPE_REPLY);

    if (e)
        telemetry_list(prefix, &e->out);
    if (!e || e->out.error) {
        envelope_destroy(e);
        return process_fail(p, -ENOMEM, "no memory for the list");
    }
    envelope_destroy(p->answer);
    p->answer = e;
    *list = out_read(&e->out);
    return 0;
}
