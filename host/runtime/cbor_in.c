/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_in - the reading half of abi/moult/cbor.h, on token.h.
 *
 * What may not be an error works on a copy of the cursor, so that nothing has to be
 * undone.
 */
#include "moult.h"

#include "tag.h"
#include "token.h"

#define PID_BYTES  8u
#define FROM_BYTES 24u

moult_in moult_in_over(const void *bytes, size_t len)
{
    moult_in in = {.at = bytes ? bytes : (const uint8_t *)""};

    in.end = in.at + (bytes ? len : 0);
    return in;
}

/* By the first byte alone: what is wrong with the rest is told by who reads it. */
int32_t moult_peek(const moult_in *in)
{
    static const uint8_t kinds[8] = {MOULT_INT,   MOULT_INT, MOULT_BYTES, MOULT_TEXT,
                                     MOULT_ARRAY, MOULT_MAP, MOULT_TAG,   MOULT_FLOAT};
    uint8_t head;

    if (in->error || in->at == in->end)
        return MOULT_NOTHING;
    head = *in->at;
    if (head == 0xf4 || head == 0xf5)
        return MOULT_BOOL;
    if (head == 0xf6 || head == 0xf7)
        return MOULT_NULL;
    if (head == 0x1b && in->end - in->at > 1 && in->at[1] > 0x7f)
        return MOULT_UINT;
    if ((head & 0x1f) > 0x1b || (head >= 0xe0 && head < 0xf9))
        return MOULT_NOTHING;
    return kinds[head >> 5];
}

/* The next item, which must be of `kind`; else `why`. */
static bool want(moult_in *in, struct token *t, int32_t kind, const char *why)
{
    if (!token_next(t, in))
        return false;
    return t->kind == kind || token_fail(in, -EBADMSG, why);
}

static bool want_integer(moult_in *in, struct token *t)
{
    if (!token_next(t, in))
        return false;
    if (t->kind == MOULT_INT || t->kind == MOULT_UINT)
        return true;
    return token_fail(in, -EBADMSG, "an integer was expected");
}

/* Integers from 0 to 23 are their own head, and nothing follows. */
static inline bool is_digit(const moult_in *in)
{
    return in->at < in->end && *in->at < 24 && !in->error;
}

/* Whatever is wrong with it is found out here. */
static __attribute__((noinline)) int64_t get_any_int(moult_in *in)
{
    struct token t;

    if (!want_integer(in, &t))
        return 0;
    if (t.value > INT64_MAX) {
        token_fail(in, -EOVERFLOW, "the integer does not fit 64 bits with a sign");
        return 0;
    }
    return t.negative ? -1 - (int64_t)t.value : (int64_t)t.value;
}

int64_t moult_get_int(moult_in *in)
{
    const uint8_t *at = in->at;
    uint64_t value;
    size_t n;

    if (in->error || at >= in->end || *at >= 0x40)
        return get_any_int(in);
    if (*at < 24) { /* most often */
        in->at++;
        return *at;
    }
    n = token_argument(at, in->end, &value);
    if (n == 0 || value > INT64_MAX)
        return get_any_int(in);
    in->at = at + n;
    return *at < 0x20 ? (int64_t)value : -1 - (int64_t)value;
}

uint64_t moult_get_uint(moult_in *in)
{
    struct token t;

    if (is_digit(in))
        return *in->at++;
    if (!want_integer(in, &t))
        return 0;
    if (t.negative) {
        token_fail(in, -EOVERFLOW, "the integer is negative");
        return 0;
    }
    return t.value;
}

double moult_get_float(moult_in *in)
{
    struct token t;

    if (!token_next(&t, in))
        return 0;
    if (t.kind == MOULT_FLOAT)
        return t.real;
    if (t.kind == MOULT_INT || t.kind == MOULT_UINT)
        return t.negative ? -1 - (double)t.value : (double)t.value;
    token_fail(in, -EBADMSG, "a number was expected");
    return 0;
}

bool moult_get_bool(moult_in *in)
{
    struct token t;

    return want(in, &t, MOULT_BOOL, "true or false was expected") && t.value;
}

void moult_get_null(moult_in *in)
{
    struct token t;

    want(in, &t, MOULT_NULL, "null was expected");
}

uint64_t moult_get_tag(moult_in *in)
{
    struct token t;

    return want(in, &t, MOULT_TAG, "a tag was expected") ? t.value : 0;
}

/* `len` bytes under `tag`, or NULL. */
static const uint8_t *want_tagged(moult_in *in, uint32_t tag, size_t len,
                                  const char *why)
{
    moult_in inside = *in;
    struct token t;

    if (in->error)
        return NULL;
    if (token_next(&t, &inside) && t.kind == MOULT_TAG && t.value == tag &&
        token_next(&t, &inside) && t.kind == MOULT_BYTES && t.value == len) {
        in->at = inside.at;
        return t.bytes;
    }
    token_fail(in, -EBADMSG, inside.why ? inside.why : why);
    return NULL;
}

static uint64_t big_endian(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

moult_pid moult_get_pid(moult_in *in)
{
    const uint8_t *bytes = want_tagged(in, TAG_PID, PID_BYTES, "a pid was expected");
    moult_pid pid = {bytes ? big_endian(bytes) : 0};

    return pid;
}

moult_from moult_get_from(moult_in *in)
{
    const uint8_t *b = want_tagged(in, TAG_FROM, FROM_BYTES, "a from was expected");
    moult_from from = {{0}, {0}, 0};

    if (b) {
        from.caller.bits = big_endian(b);
        from.callee.bits = big_endian(b + 8);
        from.ref = big_endian(b + 16);
    }
    return from;
}

const char *moult_get_text(moult_in *in, size_t *len)
{
    struct token t;

    *len = 0;
    if (!want(in, &t, MOULT_TEXT, "text was expected"))
        return "";
    *len = t.value;
    return (const char *)t.bytes;
}

const void *moult_get_bytes(moult_in *in, size_t *len)
{
    struct token t;

    *len = 0;
    if (!want(in, &t, MOULT_BYTES, "bytes were expected"))
        return "";
    *len = t.value;
    return t.bytes;
}

size_t moult_get_array(moult_in *in)
{
    struct token t;

    if (!want(in, &t, MOULT_ARRAY, "an array was expected"))
        return 0;
    in->depth++;
    return t.value;
}

size_t moult_get_map(moult_in *in)
{
    struct token t;

    if (!want(in, &t, MOULT_MAP, "a map was expected"))
        return 0;
    in->depth++;
    return t.value;
}

/* Counts what is still to come instead of recursing, so depth costs nothing. */
void moult_skip(moult_in *in)
{
    const uint8_t *at = in->at;
    uint64_t open = 1;
    struct token t;

    while (open > 0 && token_next(&t, in)) {
        open--;
        if (t.kind == MOULT_ARRAY)
            open += t.value;
        else if (t.kind == MOULT_MAP)
            open += 2 * t.value;
        else if (t.kind == MOULT_TAG)
            open++;
        if (open > (uint64_t)(in->end - in->at))
            token_fail(in, -EBADMSG, "cut short");
    }
    if (in->error)
        in->at = at;
}

const void *moult_get_item(moult_in *in, size_t *len)
{
    const uint8_t *at = in->at;

    moult_skip(in);
    *len = (size_t)(in->at - at);
    return at;
}

/* By hand: words are short, and most that are tried differ in their first letter. */
static bool is_word(const uint8_t *text, size_t len, const char *word)
{
    size_t i = 0;

    while (i < len && word[i] && text[i] == (uint8_t)word[i])
        i++;
    return i == len && !word[i];
}

/* The bytes of the text `word` if it is the next item, else 0. */
static inline size_t match(const moult_in *in, const char *word)
{
    size_t n, left = (size_t)(in->end - in->at), len;
    struct token t;

    if (in->error || left == 0 || *in->at >> 5 != 3)
        return 0;
    len = *in->at & 0x1f;
    if (len < 24) /* nearly always: the shortest head, one byte */
        return len < left && is_word(in->at + 1, len, word) ? 1 + len : 0;
    n = token_read(&t, in->at, in->end);
    return n > 0 && is_word(t.bytes, t.value, word) ? n : 0;
}

bool moult_match(moult_in *in, const char *word)
{
    size_t n = match(in, word);

    in->at += n;
    return n > 0;
}

/* Steps to the value of a map of one pair whose key is `word`. */
static inline bool enter_pair(moult_in *in, const char *word)
{
    struct token t;
    size_t n;

    if (in->error || in->at == in->end || *in->at < 0xa0)
        return false;
    if (*in->at == 0xa1) /* nearly always: the shortest head */
        in->at++;
    else if (!token_next(&t, in) || t.kind != MOULT_MAP || t.value != 1)
        return false;
    in->depth++;
    n = match(in, word);
    in->at += n;
    return n > 0;
}

bool moult_match_map(moult_in *in, const char *word, moult_in *value)
{
    moult_in after, inside = *in;

    if (!enter_pair(&inside, word))
        return false;
    after = inside;
    moult_skip(&after);
    if (after.error)
        return false;
    inside.end = after.at;
    *value = inside;
    in->at = after.at;
    return true;
}

/* The end of the key `word` of a map of one pair with the shortest heads, or NULL. */
static inline const uint8_t *short_key(const moult_in *in, const char *word)
{
    size_t left = (size_t)(in->end - in->at), len;

    if (in->error || left < 3 || in->at[0] != 0xa1 || in->at[1] >> 5 != 3)
        return NULL;
    len = in->at[1] & 0x1f;
    return len < 24 && len < left - 2 && is_word(in->at + 2, len, word)
               ? in->at + 2 + len
               : NULL;
}

/* Apart, so that what is matched most often needs neither it nor its registers. */
static __attribute__((noinline)) bool match_any_int(moult_in *in, const char *word,
                                                    int64_t *value)
{
    moult_in inside = *in;
    int64_t found;

    if (!enter_pair(&inside, word))
        return false;
    found = moult_get_int(&inside);
    if (inside.error)
        return false;
    *value = found;
    in->at = inside.at;
    return true;
}

bool moult_match_int(moult_in *in, const char *word, int64_t *value)
{
    const uint8_t *digit = short_key(in, word);

    if (!digit || *digit > 23)
        return match_any_int(in, word, value);
    *value = *digit;
    in->at = digit + 1;
    return true;
}

bool moult_find(moult_in *in, const char *key, moult_in *value)
{
    moult_in inside = *in;

    for (size_t n = moult_get_map(&inside); n > 0; n--) {
        if (moult_match(&inside, key)) {
            *value = inside;
            return true;
        }
        moult_skip(&inside);
        moult_skip(&inside);
        if (inside.error)
            break;
    }
    if (inside.error)
        token_fail(in, inside.error, inside.why);
    return false;
}

int64_t moult_int_at(moult_in *in, const char *key)
{
    moult_in value;
    int64_t found;

    if (!moult_find(in, key, &value)) {
        token_fail(in, -EBADMSG, "the map lacks a key that was expected");
        return 0;
    }
    found = moult_get_int(&value);
    if (value.error)
        token_fail(in, value.error, value.why);
    return found;
}
