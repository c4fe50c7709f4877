/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event - what happened, by name, for people and programs that watch.
 *
 * Emitting never blocks and may be done on any thread.  Events go into a ring of the
 * last EVENT_RING; readers follow it by sequence number and learn what they missed.
 */
#ifndef MOULT_EVENT_H
#define MOULT_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* EVENT_NONE is no event's: only a threshold, which none of them reaches. */
enum event_level { EVENT_DEBUG, EVENT_INFO, EVENT_WARN, EVENT_ERROR, EVENT_NONE };

#define EVENT_RING 4096u

/*
 * Something happened: `name` is a stable dotted word, borrowed; the rest is a json_pack
 * format of an object and its arguments, say "{s:s, s:i}", "app", app, "servers", 3.
 * Strings that may hold bytes that are no UTF-8 use `s%`... or are checked before.  [any]
 */
void event_emit(enum event_level level, const char *name, const char *format, ...);

/*
 * The first event whose sequence number is at least `*next`, given (an object with seq,
 * time, level, event and the event's own members), and `*next` moved past it; NULL if
 * there is none yet.  `*missed` is raised by what fell out of the ring before.  [any]
 */
json_t *event_read(uint64_t *next, uint64_t *missed);

/* The sequence number that the next event will have.  [any] */
uint64_t event_next(void);

/*
 * `hook` is called, on the emitting thread, after each event; it must not block (wake a
 * loop, for example).  One at a time; NULL takes it away.  [any]
 */
void event_set_hook(void (*hook)(void *context), void *context);

/* The same of `members` (taken), for what must cost little; read later. */
struct members;
void event_emit_members(enum event_level level, const char *name,
                        struct members *members);

/* Is what happens at `level` recorded at all?  [any] */
bool event_wanted(enum event_level level);

/* The same, whatever the level is, with `members` (taken; NULL: no memory for them). */
void event_record(enum event_level level, const char *name, json_t *members);

/* Events below `level` are not recorded.  EVENT_INFO at first.  [any] */
void event_set_level(enum event_level level);
enum event_level event_get_level(void);

/* "debug", "info", "warn", "error", "none"; and back: 0, or -EINVAL. */
const char *event_level_text(enum event_level level);
int event_level_of(const char *text, enum event_level *level);

/*
 * Write `event` (from event_read) as a line for people to `out`: time, level, name, then
 * key=value, as `json` asks as one JSON object instead.  [any]
 */
void event_print(const json_t *event, int as_json, FILE *out);

#endif
