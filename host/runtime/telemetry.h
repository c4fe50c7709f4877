/* SPDX-License-Identifier: Apache-2.0 */
/*
 * telemetry - who listens to which events, and telling them; see abi/moult/telemetry.h.
 *
 * A handler is known here as its process, which is sent each event as a message.  Who emits
 * takes no lock; while nobody listens to anything it is a load.
 */
#ifndef MOULT_TELEMETRY_INTERNAL_H
#define MOULT_TELEMETRY_INTERNAL_H

#include <stdatomic.h>

#include "out.h"
#include "process.h"

#define TELEMETRY_MOST        1024u      /* handlers */
#define TELEMETRY_EVENTS_MOST 1024u      /* of one of them */
#define TELEMETRY_NAME_MOST   255u       /* bytes of an id or the name of an event */
#define TELEMETRY_EVENT       0x74656c65 /* `code` of an info that is one */

/*
 * Handlers there are.  Relaxed, as the next: an event beside an attach or a detach may
 * count as before it or after.
 */
extern _Atomic uint32_t telemetry_handlers;

/* Somebody listens to calls or casts: processes are PROCESS_TOLD from their next turn on. */
extern _Atomic uint32_t telemetry_traffic;

static inline bool telemetry_is_on(void)
{
    return __builtin_expect(
        atomic_load_explicit(&telemetry_handlers, memory_order_relaxed) != 0, 0);
}

/* Does anybody listen to `event`?  [any] */
bool telemetry_wants(const char *event);

/*
 * Tell who listens to `event` with two whole maps (borrowed; NULL: {}), as emitted by
 * `emitter`, or nobody.  [any]
 */
void telemetry_emit(const char *event, moult_pid emitter, const moult_out *measurements,
                    const moult_out *metadata);

/* Nanoseconds on the two clocks that events are told with.  [any] */
int64_t telemetry_monotonic_time(void);
int64_t telemetry_system_time(void);

/* -- handlers -- */

/* Texts and the list, which ends with NULL, are borrowed. */
struct telemetry_handler {
    const char *id, *app, *function;
    const char *const *events;
    moult_pid pid;
};

/* 0; -EEXIST, -ENOSPC (TELEMETRY_MOST), -ENOMEM.  [any] */
int telemetry_attach(const struct telemetry_handler *h);

/*
 * The one called `id`, if it is `pid`, unless that is nobody.  0 and `*was` (may be NULL);
 * -ENOENT.  [any]
 */
int telemetry_detach(const char *id, moult_pid pid, moult_pid *was);

/*
 * Write those of events below `prefix` as moult_telemetry_list_handlers() has them.  [any]
 */
void telemetry_list(const char *prefix, moult_out *out);

/* -- what has a beginning and an end -- */

/* All is borrowed. */
struct telemetry_span {
    const char *prefix; /* of its events */
    moult_pid emitter;
    const moult_out *metadata; /* a map */
    int64_t began;
};

/* Emit its `prefix`.start, and set when it began. */
void telemetry_span_start(struct telemetry_span *s);

/*
 * Emit its .stop, with `more` (NULL: {}) besides its own measurements, and `metadata` (NULL:
 * its own).
 */
void telemetry_span_stop(const struct telemetry_span *s, const moult_out *more,
                         const moult_out *metadata);

/* Emit its .exception: `reason`, and that in words. */
void telemetry_span_exception(const struct telemetry_span *s, int32_t reason,
                              const char *words);

/* Append to `out` a map of all pairs of `first` and those of `more` that it has no key of. */
void telemetry_join(moult_out *out, moult_in first, moult_in more);

/* Append the pair "text": `words`, if they are text. */
void telemetry_put_words(moult_out *out, const char *words);

/* -- calls and casts of a process that is PROCESS_TOLD -- */

/* It sends `e` to `to`. */
void telemetry_sends(struct process *p, moult_pid to, const struct envelope *e);

/* Does it tell of sending `e` as a call?  If so process_call() does so with this. */
bool telemetry_tells_call(struct process *p, const struct envelope *e);
int telemetry_call(struct process *p, moult_pid to, struct envelope *e,
                   uint64_t timeout_ms);

/* Its mailbox holds so many now: tell of it if they have become many. */
void telemetry_mailbox(struct process *p, uint32_t messages);

/* -- spans of plugins that are open -- */

/* A callback of `p` failed: so did the spans that it was in. */
void telemetry_spans_fail(struct process *p, int32_t reason, const char *words);

/* Forget those that are open: `p` ends. */
void telemetry_spans_finish(struct process *p);

#endif
