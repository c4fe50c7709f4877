/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor - read and write messages and states (CBOR, RFC 8949).
 *
 * Errors stick: after the first, reads give zero and writes do nothing, and the host
 * sees it when the callback returns.  So read and write straight through, and look
 * once at `error` if at all.
 */
#ifndef MOULT_CBOR_H
#define MOULT_CBOR_H

#include "base.h"

MOULT_BEGIN

/* -- reading -- */

/*
 * A cursor over encoded items.  It may be copied: the copy moves on its own.  The
 * bytes behind it are lent: for one callback if the host gave the cursor.
 */
typedef struct {
    const uint8_t *at; /* the next item; moved by the functions below only */
    const uint8_t *end;
    const char *why; /* what was wrong, lent for ever; NULL while `error` is 0 */
    int32_t error;   /* 0, or the first error: -EBADMSG or -EOVERFLOW */
    uint32_t depth;  /* containers that were entered to get here */
} moult_in;

/* What the next item is. */
enum {
    MOULT_NOTHING, /* the end, or after an error */
    MOULT_INT,     /* fits int64_t */
    MOULT_UINT,    /* above INT64_MAX, fits uint64_t */
    MOULT_FLOAT,
    MOULT_BOOL,
    MOULT_NULL, /* null or undefined */
    MOULT_TEXT,
    MOULT_BYTES,
    MOULT_ARRAY,
    MOULT_MAP,
    MOULT_TAG /* a tag; moult_get_tag() steps inside */
};

/* A cursor over `len` bytes, borrowed for as long as it is used.  [pure] */
MOULT_EXPORT moult_in moult_in_over(const void *bytes, size_t len);

/* The kind of the next item, which stays.  [pure] */
MOULT_EXPORT int32_t moult_peek(const moult_in *in);

/*
 * The next item, consumed.  Zero, and -EBADMSG sticks, if it is of another kind;
 * -EOVERFLOW if the number does not fit.  moult_get_float() takes an integer too.  [pure]
 */
MOULT_EXPORT int64_t moult_get_int(moult_in *in);
MOULT_EXPORT uint64_t moult_get_uint(moult_in *in);
MOULT_EXPORT double moult_get_float(moult_in *in);
MOULT_EXPORT bool moult_get_bool(moult_in *in);
MOULT_EXPORT void moult_get_null(moult_in *in);
MOULT_EXPORT moult_pid moult_get_pid(moult_in *in);
MOULT_EXPORT moult_from moult_get_from(moult_in *in);
MOULT_EXPORT uint64_t moult_get_tag(moult_in *in);

/*
 * The next item as text or bytes, consumed: lent as long as the message, not ended by
 * a zero, `*len` bytes.  Never NULL: after an error "" and 0.  [pure]
 */
MOULT_EXPORT const char *moult_get_text(moult_in *in, size_t *len);
MOULT_EXPORT const void *moult_get_bytes(moult_in *in, size_t *len);

/*
 * Enter an array or a map: how many items, or pairs of key and value, follow.  Read
 * them all.  [pure]
 */
MOULT_EXPORT size_t moult_get_array(moult_in *in);
MOULT_EXPORT size_t moult_get_map(moult_in *in);

/* Consume the next item, whatever and however deep it is.  [pure] */
MOULT_EXPORT void moult_skip(moult_in *in);

/* The next item as it is encoded, consumed; lent as long as the message.  [pure] */
MOULT_EXPORT const void *moult_get_item(moult_in *in, size_t *len);

/* True, and consumed, if the next item is the text `word`.  Never an error.  [pure] */
MOULT_EXPORT bool moult_match(moult_in *in, const char *word);

/*
 * True, and `*value` a cursor at its value, if the next item is the map of one pair
 * whose key is `word`; the item is consumed.  So {"add": 5} is asked for as "add".
 * Never an error.  OTP: matching {add, N}.  [pure]
 */
MOULT_EXPORT bool moult_match_map(moult_in *in, const char *word, moult_in *value);

/* The same where the value is an integer, which goes to `*value`.  [pure] */
MOULT_EXPORT bool moult_match_int(moult_in *in, const char *word, int64_t *value);

/*
 * True, and `*value` a cursor at it, if the map at the cursor has `key`; the map stays
 * where it is.  False and no error if it has not; -EBADMSG if this is no map.  [pure]
 */
MOULT_EXPORT bool moult_find(moult_in *in, const char *key, moult_in *value);

/* The integer under `key` in the map at the cursor, which stays; an error if absent. [pure] */
MOULT_EXPORT int64_t moult_int_at(moult_in *in, const char *key);

/* -- writing -- */

/* Something being encoded.  Lent by the function that gave it. */
typedef struct moult_out moult_out;

/* 0, or the first error: -ENOMEM, -EMSGSIZE (over 1 GiB) or -EINVAL (not UTF-8).  [pure] */
MOULT_EXPORT int moult_out_error(const moult_out *out);

/* Append one item.  Text is copied and must be UTF-8; bytes are copied.  [pure] */
MOULT_EXPORT void moult_put_int(moult_out *out, int64_t value);
MOULT_EXPORT void moult_put_uint(moult_out *out, uint64_t value);
MOULT_EXPORT void moult_put_float(moult_out *out, double value);
MOULT_EXPORT void moult_put_bool(moult_out *out, bool value);
MOULT_EXPORT void moult_put_null(moult_out *out);
MOULT_EXPORT void moult_put_text(moult_out *out, const char *text);
MOULT_EXPORT void moult_put_text_len(moult_out *out, const char *text, size_t len);
MOULT_EXPORT void moult_put_bytes(moult_out *out, const void *bytes, size_t len);
MOULT_EXPORT void moult_put_pid(moult_out *out, moult_pid pid);
MOULT_EXPORT void moult_put_from(moult_out *out, const moult_from *from);
MOULT_EXPORT void moult_put_tag(moult_out *out, uint64_t tag);

/* Append items that are encoded already, from moult_get_item() for example.  [pure] */
MOULT_EXPORT void moult_put_item(moult_out *out, const void *item, size_t len);

/* Begin an array or a map; write as many items, or pairs, next.  [pure] */
MOULT_EXPORT void moult_put_array(moult_out *out, size_t count);
MOULT_EXPORT void moult_put_map(moult_out *out, size_t count);

/* Append a pair: the text `key` and a value.  [pure] */
MOULT_EXPORT void moult_put_int_at(moult_out *out, const char *key, int64_t value);
MOULT_EXPORT void moult_put_bool_at(moult_out *out, const char *key, bool value);
MOULT_EXPORT void moult_put_text_at(moult_out *out, const char *key, const char *value);

MOULT_END

#endif
