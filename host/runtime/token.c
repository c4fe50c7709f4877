/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <cbor.h>

#include "utf8.h"

static void on_bytes(void *context, cbor_data bytes, size_t len)
{
    struct token *t = context;

    t->kind = MOULT_BYTES;
    t->bytes = bytes;
    t->value = len;
}

static void on_text(void *context, cbor_data bytes, size_t len)
{
    struct token *t = context;

    t->kind = MOULT_TEXT;
    t->bytes = bytes;
    t->value = len;
}

static void on_array(void *context, size_t count)
{
    struct token *t = context;

    t->kind = MOULT_ARRAY;
    t->value = count;
}

static void on_map(void *context, size_t count)
{
    struct token *t = context;

    t->kind = MOULT_MAP;
    t->value = count;
}

static void on_tag(void *context, uint64_t tag)
{
    struct token *t = context;

    t->kind = MOULT_TAG;
    t->value = tag;
}

static void on_float(void *context, float value)
{
    struct token *t = context;

    t->kind = MOULT_FLOAT;
    t->real = (double)value;
}

static void on_double(void *context, double value)
{
    struct token *t = context;

    t->kind = MOULT_FLOAT;
    t->real = value;
}

static void on_null(void *context)
{
    struct token *t = context;

    t->kind = MOULT_NULL;
}

static void on_bool(void *context, bool value)
{
    struct token *t = context;

    t->kind = MOULT_BOOL;
    t->value = value;
}

static void on_indefinite(void *context)
{
    struct token *t = context;

    t->kind = MOULT_NOTHING;
    t->why = "its length is left open; moult wants it said beforehand";
}

static void on_break(void *context)
{
    struct token *t = context;

    t->kind = MOULT_NOTHING;
    t->why = "an end mark where an item should be";
}

static const struct cbor_callbacks callbacks = {
    .uint8 = cbor_null_uint8_callback, /* integers don't come this way */
    .uint16 = cbor_null_uint16_callback,
    .uint32 = cbor_null_uint32_callback,
    .uint64 = cbor_null_uint64_callback,
    .negint64 = cbor_null_negint64_callback,
    .negint32 = cbor_null_negint32_callback,
    .negint16 = cbor_null_negint16_callback,
    .negint8 = cbor_null_negint8_callback,
    .byte_string_start = on_indefinite,
    .byte_string = on_bytes,
    .string = on_text,
    .string_start = on_indefinite,
    .indef_array_start = on_indefinite,
    .array_start = on_array,
    .indef_map_start = on_indefinite,
    .map_start = on_map,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_null,
    .null = on_null,
    .boolean = on_bool,
    .indef_break = on_break,
};

static size_t refuse(struct token *t, const char *why)
{
    t->kind = MOULT_NOTHING;
    t->why = why;
    return 0;
}

/* Every item is a byte at least, so a count above the bytes that follow is a lie. */
static bool count_is_possible(const struct token *t, size_t left)
{
    if (t->kind == MOULT_ARRAY)
        return t->value <= left;
    return t->kind != MOULT_MAP || t->value <= left / 2;
}

/*
 * What most items are, in a third of the time that libcbor takes: all but floats and simple
 * values.  Among them are the tags from 6 to 20, which it refuses.  0 leaves the item to
 * libcbor, and so whatever is wrong.
 */
static size_t read_head(struct token *t, const uint8_t *at, size_t left)
{
    static const uint8_t kinds[8] = {MOULT_INT,  MOULT_INT,    MOULT_BYTES,
                                     MOULT_TEXT, MOULT_ARRAY,  MOULT_MAP,
                                     MOULT_TAG,  MOULT_NOTHING};
    unsigned major = *at >> 5;
    size_t head = major < 7 ? token_argument(at, at + left, &t->value) : 0, bytes = 0;

    if (head == 0)
        return 0;
    t->kind = kinds[major];
    t->negative = major == 1;
    t->bytes = at + head;
    if (t->kind == MOULT_INT && t->value > INT64_MAX && !t->negative)
        t->kind = MOULT_UINT;
    if (t->kind == MOULT_BYTES || t->kind == MOULT_TEXT)
        bytes = t->value;
    return bytes <= left - head && count_is_possible(t, left - head) ? head + bytes : 0;
}

/* Apart, so that what is short needs neither its stack nor its registers. */
static __attribute__((noinline)) size_t read_any(struct token *t, const uint8_t *at,
                                                 size_t left)
{
    struct cbor_decoder_result result;

    t->kind = MOULT_NOTHING;
    result = cbor_stream_decode(at, left, &callbacks, t);
    if (result.status == CBOR_DECODER_NEDATA)
        return refuse(t, left > 0 ? "cut short" : "nothing is left to read");
    if (result.status != CBOR_DECODER_FINISHED)
        return refuse(t, "a reserved value");
    if (t->kind == MOULT_NOTHING)
        return 0;
    if (!count_is_possible(t, left - result.read))
        return refuse(t, "an array or map of more items than there are bytes");
    return result.read;
}

size_t token_read(struct token *t, const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at), n = left > 0 ? read_head(t, at, left) : 0;

    return n > 0 ? n : read_any(t, at, left);
}

bool token_fail(moult_in *in, int error, const char *why)
{
    if (in->error)
        return false;
    in->error = error;
    in->why = why;
    return false;
}

bool token_next(struct token *t, moult_in *in)
{
    size_t n;

    if (in->error)
        return false;
    n = token_read(t, in->at, in->end);
    if (n == 0)
        return token_fail(in, -EBADMSG, t->why);
    if (t->kind == MOULT_TEXT && !utf8_valid(t->bytes, t->value))
        return token_fail(in, -EBADMSG, "text that is not UTF-8");
    in->at += n;
    return true;
}
