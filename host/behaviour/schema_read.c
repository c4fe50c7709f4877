/* SPDX-License-Identifier: Apache-2.0 */
#include "schema_read.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char *const kinds[] = {
    [MOULT_KIND_INT8] = "an int8_t",    [MOULT_KIND_INT16] = "an int16_t",
    [MOULT_KIND_INT32] = "an int32_t",  [MOULT_KIND_INT64] = "an int64_t",
    [MOULT_KIND_UINT8] = "a uint8_t",   [MOULT_KIND_UINT16] = "a uint16_t",
    [MOULT_KIND_UINT32] = "a uint32_t", [MOULT_KIND_UINT64] = "a uint64_t",
    [MOULT_KIND_FLOAT] = "a float",     [MOULT_KIND_DOUBLE] = "a double",
    [MOULT_KIND_BOOL] = "a bool",       [MOULT_KIND_CHARS] = "text",
    [MOULT_KIND_OCTETS] = "bytes",      [MOULT_KIND_TEXT] = "text",
    [MOULT_KIND_BYTES] = "bytes",       [MOULT_KIND_PID] = "a pid",
    [MOULT_KIND_FROM] = "a from",       [MOULT_KIND_STRUCT] = "a map",
};

static const char *const found[] = {
    [MOULT_NOTHING] = "nothing", [MOULT_INT] = "an integer",
    [MOULT_UINT] = "an integer", [MOULT_FLOAT] = "a float",
    [MOULT_BOOL] = "a bool",     [MOULT_NULL] = "null",
    [MOULT_TEXT] = "text",       [MOULT_BYTES] = "bytes",
    [MOULT_ARRAY] = "an array",  [MOULT_MAP] = "a map",
    [MOULT_TAG] = "a tag",
};

/* What could not be read at `at`: another kind than `wanted`, or no CBOR. */
int read_fault(struct load *l, const struct place *place, const uint8_t *at,
               const char *wanted)
{
    moult_in again = moult_in_over(at, (size_t)(l->in->end - at));
    int32_t kind = moult_peek(&again);

    if (l->in->error == -EOVERFLOW)
        return place_fault(place, l->why, -EOVERFLOW, "what is saved does not fit %s",
                           wanted);
    moult_skip(&again);
    if (again.error)
        return place_fault(place, l->why, -EBADMSG, "what is saved is malformed: %s",
                           again.why);
    return place_fault(place, l->why, -EBADMSG, "%s is saved where %s is wanted",
                       found[kind], wanted);
}

static int load_int(struct load *l, const struct place *place, void *to)
{
    const uint8_t *at = l->in->at;
    uint32_t kind = place->field->kind;
    int64_t value = moult_get_int(l->in);

    if (l->in->error)
        return read_fault(l, place, at, kinds[kind]);
    if (kind == MOULT_KIND_INT64)
        *(int64_t *)to = value;
    else if (kind == MOULT_KIND_INT32 && value == (int32_t)value)
        *(int32_t *)to = (int32_t)value;
    else if (kind == MOULT_KIND_INT16 && value == (int16_t)value)
        *(int16_t *)to = (int16_t)value;
    else if (kind == MOULT_KIND_INT8 && value == (int8_t)value)
        *(int8_t *)to = (int8_t)value;
    else
        return place_fault(place, l->why, -EOVERFLOW, "%" PRId64 " does not fit %s",
                           value, kinds[kind]);
    return 0;
}

static int load_uint(struct load *l, const struct place *place, void *to)
{
    const uint8_t *at = l->in->at;
    uint32_t kind = place->field->kind;
    uint64_t value = moult_get_uint(l->in);

    if (l->in->error)
        return read_fault(l, place, at, kinds[kind]);
    if (kind == MOULT_KIND_UINT64)
        *(uint64_t *)to = value;
    else if (kind == MOULT_KIND_UINT32 && value <= UINT32_MAX)
        *(uint32_t *)to = (uint32_t)value;
    else if (kind == MOULT_KIND_UINT16 && value <= UINT16_MAX)
        *(uint16_t *)to = (uint16_t)value;
    else if (kind == MOULT_KIND_UINT8 && value <= UINT8_MAX)
        *(uint8_t *)to = (uint8_t)value;
    else
        return place_fault(place, l->why, -EOVERFLOW, "%" PRIu64 " does not fit %s",
                           value, kinds[kind]);
    return 0;
}

static int load_float(struct load *l, const struct place *place, void *to)
{
    const uint8_t *at = l->in->at;
    double value = moult_get_float(l->in);

    if (l->in->error)
        return read_fault(l, place, at, "a number");
    if (place->field->kind == MOULT_KIND_DOUBLE)
        *(double *)to = value;
    else if (isfinite(value) && fabs(value) > (double)FLT_MAX)
        return place_fault(place, l->why, -EOVERFLOW, "%g does not fit a float", value);
    else
        *(float *)to = (float)value;
    return 0;
}

static int load_bool(struct load *l, const struct place *place, void *to)
{
    const uint8_t *at = l->in->at;

    *(bool *)to = moult_get_bool(l->in);
    return l->in->error ? read_fault(l, place, at, "a bool") : 0;
}

static int load_chars(struct load *l, const struct place *place, char *to)
{
    const uint8_t *at = l->in->at;
    size_t len, size = place->field->size;
    const char *text = moult_get_text(l->in, &len);

    if (l->in->error)
        return read_fault(l, place, at, "text");
    if (len >= size)
        return place_fault(place, l->why, -EOVERFLOW,
                           "text of %zu bytes does not fit char[%zu]", len, size);
    if (memchr(text, 0, len))
        return place_fault(place, l->why, -EBADMSG,
                           "text with a zero inside would be cut by char[%zu]", size);
    memcpy(to, text, len);
    memset(to + len, 0, size - len);
    return 0;
}

static int load_octets(struct load *l, const struct place *place, uint8_t *to)
{
    const uint8_t *at = l->in->at;
    size_t len;
    const void *bytes = moult_get_bytes(l->in, &len);

    if (l->in->error)
        return read_fault(l, place, at, "bytes");
    if (len > place->field->size)
        return place_fault(place, l->why, -EOVERFLOW,
                           "%zu bytes do not fit uint8_t[%u]", len, place->field->size);
    memcpy(to, bytes, len);
    return 0;
}

static int load_owned(struct load *l, const struct place *place, void *to)
{
    const uint8_t *at = l->in->at;
    bool text = place->field->kind == MOULT_KIND_TEXT;
    const void *from;
    size_t len;
    int err;

    from = text ? moult_get_text(l->in, &len) : moult_get_bytes(l->in, &len);
    if (l->in->error)
        return read_fault(l, place, at, kinds[place->field->kind]);
    err = text ? moult_text_set(l->ctx, to, from, len)
               : moult_bytes_set(l->ctx, to, from, len);
    if (err)
        return place_fault(place, l->why, err, "unable to keep %zu bytes: %s", len,
                           moult_strerror(err));
    return 0;
}

static int load_pid(struct load *l, const struct place *place, void *to)
{
    const uint8_t *at = l->in->at;

    if (place->field->kind == MOULT_KIND_PID)
        *(moult_pid *)to = moult_get_pid(l->in);
    else
        *(moult_from *)to = moult_get_from(l->in);
    return l->in->error ? read_fault(l, place, at, kinds[place->field->kind]) : 0;
}

int read_item(struct load *l, const struct place *place, void *to)
{
    switch (place->field->kind) {
    case MOULT_KIND_INT8:
    case MOULT_KIND_INT16:
    case MOULT_KIND_INT32:
    case MOULT_KIND_INT64:
        return load_int(l, place, to);
    case MOULT_KIND_UINT8:
    case MOULT_KIND_UINT16:
    case MOULT_KIND_UINT32:
    case MOULT_KIND_UINT64:
        return load_uint(l, place, to);
    case MOULT_KIND_FLOAT:
    case MOULT_KIND_DOUBLE:
        return load_float(l, place, to);
    case MOULT_KIND_BOOL:
        return load_bool(l, place, to);
    case MOULT_KIND_CHARS:
        return load_chars(l, place, to);
    case MOULT_KIND_OCTETS:
        return load_octets(l, place, to);
    case MOULT_KIND_TEXT:
    case MOULT_KIND_BYTES:
        return load_owned(l, place, to);
    default:
        return load_pid(l, place, to);
    }
}
