/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telemetry - what happens, with figures, told to whoever has attached a handler.  Elixir:
 * telemetry.
 *
 *     static int note_order(moult_ctx *ctx, const moult_telemetry_event *event)
 *     {
 *         int64_t items = moult_int_at(event->measurements, "items");
 *         ...
 *         return 0;
 *     }
 *
 *     MOULT_PLUGIN(.telemetry = (const moult_telemetry_handler[]){
 *                      {"note_order", note_order}, {NULL, NULL}});
 *     ...
 *     moult_telemetry_attach(ctx, "orders", "shop.order.placed", "note_order", NULL);
 *
 * and where it happens, in this application or another:
 *
 *     if (moult_telemetry_wants("shop.order.placed")) {
 *         moult_out *measured = moult_draft(ctx);
 *
 *         moult_put_map(measured, 1);
 *         moult_put_int_at(measured, "items", 3);
 *         moult_telemetry_execute(ctx, "shop.order.placed", measured, NULL);
 *     }
 *
 * The name of an event is words with a dot between them; in Elixir a list.  A handler is a
 * function that its plugin lists by name, since a pointer is of one version: an upgrade
 * takes it to the function of that name, and a version without it is refused.  It goes when
 * its application stops.
 *
 * It runs in a process of its own, a member of its application, and is sent each event.  In
 * Elixir it runs in whoever emits, where what it raises is caught; a fault of C can't be
 * caught like that, in the middle of a stranger's stack, memory and time.  So whoever emits
 * goes on at once, whatever a handler does, and an upgrade of the one does not wait for the
 * other.  Events come in the order in which one process emitted them, a moment later;
 * MOULT_TELEMETRY_WAITING may wait for a handler that is slower than they come, more are
 * dropped and counted.  What it is to remember it keeps in a server, or with moult_put().
 *
 * One that fails is detached from all its events, the others go on: that is one that
 * returns an error, or reads what is not there; whose callback a fault, an assert or its
 * like ends; or that takes longer than MOULT_TELEMETRY_MOST_MS.  The event log has it as
 * `telemetry.failure`, and it is an event of its own, see below.
 *
 * While nobody has attached anything, an event costs a load.  The host's own are these;
 * where two or three share a line they are a span (moult_telemetry_span()):
 *
 *   event                              measurements             metadata
 *   ---------------------------------  -----------------------  ----------------------
 *   telemetry.handler.failure          monotonic_time,          id, app, handler,
 *                                      system_time              event, config, kind,
 *                                                               reason, text
 *   moult.call.start, .stop,           of a span                app, caller, to; if it
 *     .exception                                                fails: kind, reason,
 *                                                               text
 *   moult.cast                         bytes                    app, sender, to
 *   moult.server.start                 system_time              app, vsn, server, pid
 *   moult.server.stop                  system_time              the same, reason, text
 *   moult.server.crash                 system_time              the same, reason, text
 *   moult.supervisor.restart           restarts                 app, vsn, server, pid,
 *                                                               supervisor
 *   moult.mailbox.high_water           messages, limit          app, server, pid
 *   moult.upgrade.start, .stop,        of a span; stop: also    app, from, to; if it is
 *     .exception                       servers, pause           refused: kind, reason,
 *                                                               text
 *   moult.scheduler                    workers, busy, turns,    none
 *                                      run_queue, processes
 *
 * A server stops for MOULT_NORMAL, MOULT_SHUTDOWN or MOULT_KILLED and else crashes.  A
 * mailbox is told of when it has 1024 messages, and whenever it has twice as many as when
 * it was told of last, at the receiver's next turn.  moult.scheduler is emitted by
 * moult_telemetry_measure() alone.  The calls and casts of handlers are not told of, those
 * of others from their next turn on.
 *
 * Times are in nanoseconds: `monotonic_time` since some moment, `system_time` since 1970.
 */
#ifndef MOULT_TELEMETRY_H
#define MOULT_TELEMETRY_H

#include "message.h"

MOULT_BEGIN

#define MOULT_TELEMETRY_WAITING 10000u /* events, for one handler */
#define MOULT_TELEMETRY_MOST_MS 5000u  /* from one wait of a handler to the next */

/* What happened.  Lent for the call. */
typedef struct {
    const char *name;       /* of the event */
    moult_pid emitter;      /* nobody: a thread of the host's */
    int64_t monotonic_time; /* when it was emitted */
    moult_in *measurements; /* a map, as is the next; {} if none were given */
    moult_in *metadata;
    moult_in *config; /* what the handler was attached with, or null */
} moult_telemetry_event;

/* 0; or a negative errno: it fails, and is detached.  [server] */
typedef int moult_telemetry_function(moult_ctx *ctx,
                                     const moult_telemetry_event *event);

/* For the descriptor's `telemetry`; the list ends with a NULL name. */
typedef struct {
    const char *name;
    moult_telemetry_function *run;
} moult_telemetry_handler;

/* -- handlers -- */

/*
 * Have `handler`, a function that the caller's plugin lists, called for each `event`
 * from now on, with `config` (taken; NULL: null).  `id` names this for the whole host.  0;
 * -EEXIST (there is that id: also when whoever attached it was started again), -ENOENT (the
 * plugin lists no such function), -EINVAL (an id or a name that can't be), -ENOSPC (1024
 * are attached), -ENOMEM; moult_call_text() has words.  Elixir: attach/4.  [server]
 */
MOULT_EXPORT int moult_telemetry_attach(moult_ctx *ctx, const char *id,
                                        const char *event, const char *handler,
                                        moult_out *config);

/* The same for several: `events` ends with NULL.  Elixir: attach_many/4.  [server] */
MOULT_EXPORT int moult_telemetry_attach_many(moult_ctx *ctx, const char *id,
                                             const char *const *events,
                                             const char *handler, moult_out *config);

/*
 * Not any more, for all its events; what waits for it is dropped.  0 or -ENOENT.  Elixir:
 * detach/1.  [server]
 */
MOULT_EXPORT int moult_telemetry_detach(moult_ctx *ctx, const char *id);

/*
 * Who is attached to events whose names begin with the words of `prefix` ("": to any):
 * `*list`, lent until the next call, is at an array of maps of id, event, app, handler, pid
 * and dropped.  0 or -ENOMEM.  Elixir: list_handlers/1.  [server]
 */
MOULT_EXPORT int moult_telemetry_list_handlers(moult_ctx *ctx, const char *prefix,
                                               moult_in *list);

/* -- events -- */

/*
 * Is a handler attached to `event`?  It may spare what is costly to measure; with nothing
 * attached to anything it is a load.  [any]
 */
MOULT_EXPORT bool moult_telemetry_wants(const char *event);

/*
 * Tell the handlers of `event`, with `measurements` and `metadata`, which are maps (taken;
 * NULL: {}).  0, whatever becomes of it there; -EINVAL if one of them is no whole map, or
 * the error that it was written with: then nobody is told.  Elixir: execute/3.  [server]
 */
MOULT_EXPORT int moult_telemetry_execute(moult_ctx *ctx, const char *event,
                                         moult_out *measurements, moult_out *metadata);

/* What the stop of a span is told with: drafts (taken), maps; NULL: {}. */
typedef struct {
    moult_out *measurements; /* besides the span's own, which they can't replace */
    moult_out *metadata;
} moult_span;

typedef int moult_span_function(moult_ctx *ctx, void *context, moult_span *span);

/*
 * Emit `prefix`.start, call `run` at once with `context`, and emit
 *
 *   `prefix`.stop        if it returns 0 or more: with duration and monotonic_time, and what
 *                        it put in its span;
 *   `prefix`.exception   if it returns a negative errno, or ends this server by a fault or its
 *                        like: with duration and monotonic_time, and `metadata` with kind
 *                        "error", reason and text.
 *
 * The start has `metadata` (a map; taken; NULL: {}), monotonic_time and system_time.  All
 * have the same telemetry_span_context in their metadata, unless that says one.  Neither
 * stop nor exception comes if the server is killed meanwhile.  What `run` returned.
 * Elixir: span/3.  [server]
 */
MOULT_EXPORT int moult_telemetry_span(moult_ctx *ctx, const char *prefix,
                                      moult_out *metadata, moult_span_function *run,
                                      void *context);

/* Emit moult.scheduler, measured now.  Elixir: telemetry_poller's vm_measurements.  [any] */
MOULT_EXPORT void moult_telemetry_measure(void);

MOULT_END

#endif
