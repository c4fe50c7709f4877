/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members - what an event says, taken down by who emits it and made JSON by who reads it.
 *
 * Most events are read once, by a thread that has the time, or never: who fails or starts
 * something anew only copies what is to be told.  Keys are literals; all else is copied.
 * A lack of memory sticks: then there is no event.
 */
#ifndef MOULT_MEMBERS_H
#define MOULT_MEMBERS_H

#include <jansson.h>

#include "out.h"

#define MEMBERS_ROOM 1000u /* bytes; what reports need, so that it is not outgrown */

struct members {
    struct moult_out out;
    bool holds; /* some are JSON: what was taken down is to be released */
    uint8_t room[MEMBERS_ROOM];
};

/* None yet; members_finish() it, or event_emit_members(). */
void members_begin(struct members *m);
void members_finish(struct members *m);

/* One more; `text` NULL is null, and so is what is no UTF-8. */
void members_text(struct members *m, const char *key, const char *text);
/* One more: a literal, as the key is. */
void members_word(struct members *m, const char *key, const char *word);

/* One more. */
void members_int(struct members *m, const char *key, int64_t value);
void members_bool(struct members *m, const char *key, bool value);
void members_pid(struct members *m, const char *key, moult_pid pid);

/* One more: an item of CBOR, of `len` bytes; what is none is null. */
void members_item(struct members *m, const char *key, const void *item, size_t len);

/* One more: `value` (taken; NULL is null). */
void members_json(struct members *m, const char *key, json_t *value);

/* What was taken down, `len` bytes, as a JSON object, given; NULL: no memory.  [any] */
json_t *members_read(const uint8_t *bytes, size_t len);

/* Release what those bytes hold.  Once.  [any] */
void members_release(const uint8_t *bytes, size_t len);

#endif
