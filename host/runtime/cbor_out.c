/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_out - the writing half of abi/moult/cbor.h.
 */
#include "moult.h"

#include <cbor.h>
#include <endian.h>
#include <string.h>

#include "out.h"
#include "tag.h"
#include "utf8.h"

#define HEAD_MAX   9u  /* bytes of the longest head */
#define SHORT_TEXT 24u /* bytes; a shorter one's length is part of its head */

/* Major types, as they stand in the first byte. */
enum {
    UINT = 0x00,
    NEGINT = 0x20,
    BYTES = 0x40,
    TEXT = 0x60,
    ARRAY = 0x80,
    MAP = 0xa0,
    TAG = 0xc0,
    SIMPLE = 0xe0
};

/* Simple values. */
enum { FALSE = 20, TRUE = 21, NIL = 22 };

/*
 * By hand, in a third of the time that libcbor takes: the shortest head, at `to`, where
 * HEAD_MAX bytes may be written.  Returns how many of them are it.
 */
static inline uint32_t encode_head(int major, uint64_t value, uint8_t *to)
{
    unsigned width = value <= UINT8_MAX ? 0 : value <= UINT16_MAX ? 1 : 2;
    uint64_t eight = htobe64(value);
    uint32_t four = htobe32((uint32_t)value << (32 - (8u << width)));

    if (value < 24) {
        to[0] = (uint8_t)((uint64_t)major | value);
        return 1;
    }
    if (value > UINT32_MAX) {
        to[0] = (uint8_t)((unsigned)major | 27);
        memcpy(to + 1, &eight, sizeof(eight));
        return 9;
    }
    to[0] = (uint8_t)((unsigned)major | (24 + width)); /* 1, 2 or 4 bytes follow */
    memcpy(to + 1, &four, sizeof(four));
    return 1 + (1u << width);
}

static __attribute__((noinline)) void put_squeezed_head(moult_out *out, int major,
                                                        uint64_t value)
{
    uint8_t head[HEAD_MAX];

    moult_put_item(out, head, encode_head(major, value, head));
}

/* This and put_long_text: apart, so that what is short does not save their registers. */
static __attribute__((noinline)) void put_long_head(moult_out *out, int major,
                                                    uint64_t value)
{
    if (!out->error && out->capacity - out->len >= HEAD_MAX)
        out->len += encode_head(major, value, out->bytes + out->len);
    else
        put_squeezed_head(out, major, value);
}

/* Most heads are one byte, and are not worth a call. */
static inline void put_head(moult_out *out, int major, uint64_t value)
{
    if (value < 24 && out->len < out->capacity && !out->error)
        out->bytes[out->len++] = (uint8_t)((uint64_t)major | value);
    else
        put_long_head(out, major, value);
}

/* With one of libcbor's functions. */
#define PUT(out, encode, value)                                       \
    do {                                                              \
        uint8_t head[HEAD_MAX];                                       \
                                                                      \
        moult_put_item(out, head, encode(value, head, sizeof(head))); \
    } while (0)

int moult_out_error(const moult_out *out)
{
    return out->error;
}

void moult_put_uint(moult_out *out, uint64_t value)
{
    put_head(out, UINT, value);
}

void moult_put_int(moult_out *out, int64_t value)
{
    if (value >= 0)
        put_head(out, UINT, (uint64_t)value);
    else
        put_head(out, NEGINT, ~(uint64_t)value);
}

/* In half the bytes where nothing is lost by that. */
void moult_put_float(moult_out *out, double value)
{
    float half = (float)value;

    if ((double)half == value)
        PUT(out, cbor_encode_single, half);
    else
        PUT(out, cbor_encode_double, value);
}

void moult_put_bool(moult_out *out, bool value)
{
    put_head(out, SIMPLE, value ? TRUE : FALSE);
}

void moult_put_null(moult_out *out)
{
    put_head(out, SIMPLE, NIL);
}

void moult_put_tag(moult_out *out, uint64_t tag)
{
    put_head(out, TAG, tag);
}

void moult_put_array(moult_out *out, size_t count)
{
    put_head(out, ARRAY, count);
}

void moult_put_map(moult_out *out, size_t count)
{
    put_head(out, MAP, count);
}

void moult_put_item(moult_out *out, const void *item, size_t len)
{
    if (out->error || len > out->capacity - out->len)
        if (!out_room(out, len))
            return;
    if (len > 0)
        memcpy(out->bytes + out->len, item, len);
    out->len += (uint32_t)len;
}

/*
 * Most texts are short and ASCII: copied and looked at in one go, behind a head of one
 * byte.  False, and nothing is written, if this one isn't or the room is scarce.
 */
static inline bool put_short_text(moult_out *out, const char *text)
{
    uint32_t len = out->len, n = 0;
    uint8_t *to = out->bytes + len;

    if (out->error || out->capacity - len <= SHORT_TEXT)
        return false;
    for (; n < SHORT_TEXT && (signed char)text[n] > 0; n++)
        to[1 + n] = (uint8_t)text[n];
    if (n == SHORT_TEXT || text[n])
        return false;
    to[0] = (uint8_t)(TEXT | n);
    out->len = len + 1 + n;
    return true;
}

void moult_put_text_len(moult_out *out, const char *text, size_t len)
{
    if (out->error)
        return;
    if (!utf8_valid(text, len)) {
        out->error = -EINVAL;
        return;
    }
    put_head(out, TEXT, len);
    moult_put_item(out, text, len);
}

static __attribute__((noinline)) void put_long_text(moult_out *out, const char *text)
{
    moult_put_text_len(out, text, strlen(text));
}

static inline void put_text(moult_out *out, const char *text)
{
    if (!put_short_text(out, text))
        put_long_text(out, text);
}

void moult_put_text(moult_out *out, const char *text)
{
    put_text(out, text);
}

void moult_put_bytes(moult_out *out, const void *bytes, size_t len)
{
    put_head(out, BYTES, len);
    moult_put_item(out, bytes, len);
}

static void big_endian(uint8_t *to, uint64_t value)
{
    for (int i = 8; i-- > 0; value >>= 8)
        to[i] = (uint8_t)value;
}

void moult_put_pid(moult_out *out, moult_pid pid)
{
    uint8_t bytes[8];

    big_endian(bytes, pid.bits);
    moult_put_tag(out, TAG_PID);
    moult_put_bytes(out, bytes, sizeof(bytes));
}

void moult_put_from(moult_out *out, const moult_from *from)
{
    uint8_t bytes[24];

    big_endian(bytes, from->caller.bits);
    big_endian(bytes + 8, from->callee.bits);
    big_endian(bytes + 16, from->ref);
    moult_put_tag(out, TAG_FROM);
    moult_put_bytes(out, bytes, sizeof(bytes));
}

void moult_put_int_at(moult_out *out, const char *key, int64_t value)
{
    put_text(out, key);
    moult_put_int(out, value);
}

void moult_put_bool_at(moult_out *out, const char *key, bool value)
{
    put_text(out, key);
    moult_put_bool(out, value);
}

void moult_put_text_at(moult_out *out, const char *key, const char *value)
{
    put_text(out, key);
    put_text(out, value);
}
