/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "out.h"
#include "pid.h"
#include "tag.h"

/* -- to CBOR -- */

static void put(const json_t *json, moult_out *out, int depth);

static void put_object(const json_t *json, moult_out *out, int depth)
{
    json_t *object = (json_t *)json; /* jansson's iterators are not const */

    moult_put_map(out, json_object_size(object));
    for (void *i = json_object_iter(object); i && !out->error;
         i = json_object_iter_next(object, i)) {
        moult_put_text_len(out, json_object_iter_key(i), json_object_iter_key_len(i));
        put(json_object_iter_value(i), out, depth - 1);
    }
}

static void put_array(const json_t *json, moult_out *out, int depth)
{
    size_t n = json_array_size(json);

    moult_put_array(out, n);
    for (size_t i = 0; i < n && !out->error; i++)
        put(json_array_get(json, i), out, depth - 1);
}

static void put(const json_t *json, moult_out *out, int depth)
{
    if (depth < 0) {
        out->error = -EOVERFLOW;
        return;
    }
    if (json_is_object(json))
        put_object(json, out, depth);
    else if (json_is_array(json))
        put_array(json, out, depth);
    else if (json_is_string(json))
        moult_put_text_len(out, json_string_value(json), json_string_length(json));
    else if (json_is_integer(json))
        moult_put_int(out, json_integer_value(json));
    else if (json_is_real(json))
        moult_put_float(out, json_real_value(json));
    else if (json_is_boolean(json))
        moult_put_bool(out, json_is_true(json));
    else
        moult_put_null(out);
}

int json_to_cbor(const json_t *json, moult_out *out, struct fault *why)
{
    put(json, out, JSON_DEPTH);
    if (out->error == -EOVERFLOW)
        return fault(why, out->error, "nested deeper than %d levels", JSON_DEPTH);
    if (out->error)
        return fault(why, out->error, "unable to encode the JSON: %s",
                     moult_strerror(out->error));
    return 0;
}

/* -- from CBOR -- */

struct walk {
    moult_in *in;
    int depth;      /* levels that may still be entered */
    uint64_t shown; /* the tag that says how bytes are shown */
    int error;      /* beside in->error */
};

static json_t *item(struct walk *w);

/* `json`, or NULL and the reason why it is that. */
static json_t *made(struct walk *w, json_t *json)
{
    if (!json && !w->error && !w->in->error)
        w->error = -ENOMEM;
    return json;
}

static json_t *base16(const uint8_t *bytes, size_t len)
{
    char *text = malloc(2 * len + 1);
    json_t *json;

    if (!text)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = "0123456789ABCDEF"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789ABCDEF"[bytes[i] & 15];
    }
    json = json_stringn_nocheck(text, 2 * len);
    free(text);
    return json;
}

#define BASE64_TEXT(len) (((len) + 2) / 3 * 4)

/* RFC 4648, with `two` as digits 62 and 63; the characters written. */
static size_t encode_base64(char *to, const uint8_t *bytes, size_t len, const char *two)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789";
    char *at = to;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;

        bits |= n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= n > 2 ? bytes[i + 2] : 0;
        for (size_t d = 0; d <= n; d++, bits <<= 6) {
            uint32_t digit = bits >> 18 & 63;

            *at++ = (char)(digit < 62 ? digits[digit] : two[digit - 62]);
        }
    }
    return (size_t)(at - to);
}

/* `sign` stands before it; padded or not. */
static json_t *base64(const uint8_t *bytes, size_t len, const char *sign, bool url)
{
    char *text = malloc(strlen(sign) + BASE64_TEXT(len) + 1), *end;
    json_t *json;

    if (!text)
        return NULL;
    end = stpcpy(text, sign);
    end += encode_base64(end, bytes, len, url ? "-_" : "+/");
    while (!url && (end - text) % 4 != 0)
        *end++ = '=';
    json = json_stringn_nocheck(text, (size_t)(end - text));
    free(text);
    return json;
}

static json_t *bytes(struct walk *w)
{
    size_t len;
    const uint8_t *at = moult_get_bytes(w->in, &len);

    if (w->in->error)
        return NULL;
    if (w->shown == TAG_BASE16)
        return made(w, base16(at, len));
    return made(w, base64(at, len, "", w->shown != TAG_BASE64));
}

static json_t *text(struct walk *w)
{
    size_t len;
    const char *at = moult_get_text(w->in, &len);

    return w->in->error ? NULL : made(w, json_stringn_nocheck(at, len));
}

static json_t *array(struct walk *w)
{
    size_t n = moult_get_array(w->in);
    json_t *json = w->in->error ? NULL : made(w, json_array());

    for (size_t i = 0; json && i < n; i++) {
        json_t *value = item(w);

        if (value && json_array_append_new(json, value) == 0)
            continue;
        made(w, NULL);
        json_decref(json);
        return NULL;
    }
    return json;
}

/* A key that is no text becomes the text of what it is in JSON. */
static json_t *key(struct walk *w)
{
    json_t *json = item(w), *string;
    char *dumped;

    if (!json || json_is_string(json))
        return json;
    dumped = json_text(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    string = made(w, dumped ? json_string_nocheck(dumped) : NULL);
    free(dumped);
    return string;
}

static bool pair(struct walk *w, json_t *json)
{
    json_t *name = key(w), *value = name ? item(w) : NULL;
    bool ok =
        value && json_object_setn_new_nocheck(json, json_string_value(name),
                                              json_string_length(name), value) == 0;

    if (!ok)
        made(w, NULL);
    json_decref(name);
    return ok;
}

static json_t *map(struct walk *w)
{
    size_t n = moult_get_map(w->in);
    json_t *json = w->in->error ? NULL : made(w, json_object());

    for (size_t i = 0; json && i < n; i++) {
        if (pair(w, json))
            continue;
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *real(struct walk *w)
{
    double value = moult_get_float(w->in);

    if (w->in->error)
        return NULL;
    return made(w, isfinite(value) ? json_real(value) : json_null());
}

static json_t *integer(struct walk *w)
{
    moult_in again = *w->in;
    int64_t value = moult_get_int(&again);

    if (again.error == -EOVERFLOW)
        return real(w);
    *w->in = again;
    return again.error ? NULL : made(w, json_integer(value));
}

static json_t *digits(struct walk *w)
{
    uint64_t value = moult_get_uint(w->in);

    return w->in->error ? NULL : made(w, json_sprintf("%" PRIu64, value));
}

static json_t *pid(struct walk *w)
{
    moult_pid value = moult_get_pid(w->in);
    char name[PID_TEXT];

    return w->in->error ? NULL : made(w, json_string(pid_print(value, name)));
}

static json_t *from(struct walk *w)
{
    moult_from value = moult_get_from(w->in);
    char caller[PID_TEXT], callee[PID_TEXT];

    if (w->in->error)
        return NULL;
    return made(w,
                json_pack("{s:s, s:s, s:o}", "caller", pid_print(value.caller, caller),
                          "callee", pid_print(value.callee, callee), "ref",
                          json_sprintf("%" PRIu64, value.ref)));
}

static json_t *big_negative(struct walk *w)
{
    size_t len;
    const uint8_t *at = moult_get_bytes(w->in, &len);

    return w->in->error ? NULL : made(w, base64(at, len, "~", true));
}

static json_t *tag(struct walk *w)
{
    moult_in inside = *w->in;
    uint64_t number = moult_get_tag(&inside), shown = w->shown;
    json_t *json;

    if (number == TAG_PID)
        return pid(w);
    if (number == TAG_FROM)
        return from(w);
    *w->in = inside;
    if (number == TAG_NEGATIVE && moult_peek(w->in) == MOULT_BYTES)
        return big_negative(w);
    if (number >= TAG_BASE64URL && number <= TAG_BASE16)
        w->shown = number;
    json = item(w);
    w->shown = shown;
    return json;
}

static json_t *simple(struct walk *w, int32_t kind)
{
    if (kind == MOULT_BOOL) {
        bool value = moult_get_bool(w->in);

        return json_boolean(value);
    }
    moult_get_null(w->in);
    return json_null();
}

static json_t *item(struct walk *w)
{
    int32_t kind = moult_peek(w->in);
    json_t *json = NULL;

    if (w->depth == 0) {
        w->error = -EOVERFLOW;
        return NULL;
    }
    w->depth--;
    switch (kind) {
    case MOULT_INT:
        json = integer(w);
        break;
    case MOULT_UINT:
        json = digits(w);
        break;
    case MOULT_FLOAT:
        json = real(w);
        break;
    case MOULT_BOOL:
    case MOULT_NULL:
        json = simple(w, kind);
        break;
    case MOULT_TEXT:
        json = text(w);
        break;
    case MOULT_BYTES:
        json = bytes(w);
        break;
    case MOULT_ARRAY:
        json = array(w);
        break;
    case MOULT_MAP:
        json = map(w);
        break;
    case MOULT_TAG:
        json = tag(w);
        break;
    default:
        moult_skip(w->in); /* which says what is wrong with it */
    }
    w->depth++;
    return json;
}

json_t *json_from_cbor(moult_in *in, struct fault *why)
{
    struct walk w = {.in = in, .depth = JSON_DEPTH + 1};
    json_t *json = item(&w);

    if (json)
        return json;
    if (in->error)
        fault(why, in->error, "malformed CBOR: %s", in->why);
    else if (w.error == -EOVERFLOW)
        fault(why, w.error, "nested deeper than %d levels", JSON_DEPTH);
    else
        fault(why, -ENOMEM, "no memory for the JSON");
    return NULL;
}
