/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "schema_place.h"
#include "utf8.h"

#define SIZE_LIMIT (1u << 30) /* bytes of a struct; that of anything in moult */
#define KEY_LIMIT  255u       /* bytes of a key */

/* What is to be true of the memory of one item. */
static const struct {
    uint32_t size; /* 0: told by the field */
    uint32_t alignment;
} shapes[] = {
    [MOULT_KIND_INT8] = {1, 1},
    [MOULT_KIND_INT16] = {2, _Alignof(int16_t)},
    [MOULT_KIND_INT32] = {4, _Alignof(int32_t)},
    [MOULT_KIND_INT64] = {8, _Alignof(int64_t)},
    [MOULT_KIND_UINT8] = {1, 1},
    [MOULT_KIND_UINT16] = {2, _Alignof(uint16_t)},
    [MOULT_KIND_UINT32] = {4, _Alignof(uint32_t)},
    [MOULT_KIND_UINT64] = {8, _Alignof(uint64_t)},
    [MOULT_KIND_FLOAT] = {sizeof(float), _Alignof(float)},
    [MOULT_KIND_DOUBLE] = {sizeof(double), _Alignof(double)},
    [MOULT_KIND_BOOL] = {sizeof(bool), _Alignof(bool)},
    [MOULT_KIND_CHARS] = {0, 1},
    [MOULT_KIND_OCTETS] = {0, 1},
    [MOULT_KIND_TEXT] = {sizeof(moult_text), _Alignof(moult_text)},
    [MOULT_KIND_BYTES] = {sizeof(moult_bytes), _Alignof(moult_bytes)},
    [MOULT_KIND_PID] = {sizeof(moult_pid), _Alignof(moult_pid)},
    [MOULT_KIND_FROM] = {sizeof(moult_from), _Alignof(moult_from)},
    [MOULT_KIND_STRUCT] = {0, 1},
};

struct check {
    struct fault *why;
    uint32_t depth, fields; /* so far */
};

static int check_schema(struct check *c, const struct place *up,
                        const moult_schema *schema);

static bool key_is_fit(const char *key)
{
    size_t len = strnlen(key, KEY_LIMIT + 1);

    return len > 0 && len <= KEY_LIMIT && utf8_valid(key, len);
}

static int check_key(struct check *c, const struct place *place, const char *key,
                     const char *what)
{
    if (key_is_fit(key))
        return 0;
    return place_fault(place, c->why, -EINVAL, "its %s is to be UTF-8 of 1 to %u bytes",
                       what, KEY_LIMIT);
}

/* Bytes from its offset on; what 32 bits can't overflow. */
static uint64_t extent(const moult_field *f)
{
    if (f->many == MOULT_GROWING)
        return sizeof(struct growing);
    return f->many == MOULT_FIXED ? (uint64_t)f->size * f->count : f->size;
}

static bool overlap(const moult_field *a, const moult_field *b)
{
    return a->offset < b->offset + extent(b) && b->offset < a->offset + extent(a);
}

/* Against the fields before it: their names, old and new, and their memory. */
static int check_others(struct check *c, const struct place *place)
{
    const moult_field *f = place->field;

    for (const moult_field *o = place->schema->fields; o < f; o++) {
        const char *same = NULL;

        if (strcmp(o->key, f->key) == 0 || (o->was && strcmp(o->was, f->key) == 0))
            same = f->key;
        else if (f->was && (strcmp(o->key, f->was) == 0 ||
                            (o->was && strcmp(o->was, f->was) == 0)))
            same = f->was;
        if (same)
            return place_fault(
                place, c->why, -EINVAL,
                "its key or .was '%s' is that of the field in line %u too", same,
                o->line);
        if (overlap(o, f))
            return place_fault(place, c->why, -EINVAL,
                               "it shares memory with field '%s'; a union can't be "
                               "described",
                               o->key);
    }
    if (f->was && strcmp(f->was, f->key) == 0)
        return place_fault(place, c->why, -EINVAL,
                           "its .was is its key; it is for another name it had before");
    return 0;
}

/* Its size and place in memory, once its kind is known. */
static int check_memory(struct check *c, const struct place *place, uint32_t size,
                        uint32_t alignment)
{
    const moult_field *f = place->field;

    if (f->many == MOULT_FIXED && f->count == 0)
        return place_fault(place, c->why, -EINVAL, "it is an array of no items");
    if (f->size == 0 || (size > 0 && f->size != size))
        return place_fault(place, c->why, -EINVAL,
                           "an item of its kind has %u bytes, not %u", size, f->size);
    if (f->offset + extent(f) > place->schema->size)
        return place_fault(place, c->why, -EINVAL,
                           "it ends %" PRIu64 " bytes into a struct of %u",
                           f->offset + extent(f), place->schema->size);
    if (f->many == MOULT_GROWING)
        alignment = _Alignof(struct growing);
    if (f->offset % alignment != 0 || alignment > place->schema->alignment)
        return place_fault(place, c->why, -EINVAL,
                           "it is not aligned; a packed struct can't be described");
    return 0;
}

static int check_nested(struct check *c, const struct place *place)
{
    const moult_schema *nested;
    int err;

    if (!place->field->nested)
        return place_fault(place, c->why, -EINVAL,
                           "it is a struct that nothing describes");
    nested = place->field->nested();
    if (c->depth == SCHEMA_DEPTH)
        return place_fault(place, c->why, -EINVAL,
                           "it is nested deeper than %u structs, or within itself",
                           SCHEMA_DEPTH);
    c->depth++;
    err = check_schema(c, place, nested);
    c->depth--;
    if (err)
        return err;
    return check_memory(c, place, nested->size,
                        place->field->many == MOULT_GROWING ? 1 : nested->alignment);
}

static bool integer_fits(const moult_field *f)
{
    uint32_t bits = 8 * f->size;

    if (f->kind == MOULT_KIND_BOOL)
        return f->initial == 0 || f->initial == 1;
    if (f->kind >= MOULT_KIND_UINT8)
        return f->initial >= 0 && (bits == 64 || f->initial >> bits == 0);
    return bits == 64 || (f->initial >= -(INT64_C(1) << (bits - 1)) &&
                          f->initial < INT64_C(1) << (bits - 1));
}

static int check_initial_text(struct check *c, const struct place *place)
{
    const moult_field *f = place->field;
    size_t len = strlen(f->initial_text);

    if (f->kind != MOULT_KIND_CHARS && f->kind != MOULT_KIND_TEXT)
        return place_fault(place, c->why, -EINVAL, ".initial_text is for text only");
    if (f->kind == MOULT_KIND_CHARS && len >= f->size)
        return place_fault(place, c->why, -EOVERFLOW,
                           ".initial_text of %zu bytes does not fit char[%u]", len,
                           f->size);
    if (!utf8_valid(f->initial_text, len))
        return place_fault(place, c->why, -EINVAL, ".initial_text is not UTF-8");
    return 0;
}

static int check_initial(struct check *c, const struct place *place)
{
    const moult_field *f = place->field;
    bool is_int = f->kind <= MOULT_KIND_UINT64 || f->kind == MOULT_KIND_BOOL;
    bool is_float = f->kind == MOULT_KIND_FLOAT || f->kind == MOULT_KIND_DOUBLE;
    bool has_float = fpclassify(f->initial_float) != FP_ZERO;

    if (f->many == MOULT_GROWING && (f->initial != 0 || has_float || f->initial_text))
        return place_fault(place, c->why, -EINVAL,
                           "it starts empty; items have no initial value");
    if (f->initial != 0 && !is_int)
        return place_fault(place, c->why, -EINVAL,
                           ".initial is for integers and bool; floats have "
                           ".initial_float, text has .initial_text");
    if (is_int && !integer_fits(f))
        return place_fault(place, c->why, -EOVERFLOW,
                           ".initial = %" PRId64 " does not fit", f->initial);
    if (has_float && !is_float)
        return place_fault(place, c->why, -EINVAL, ".initial_float is for floats only");
    if (f->kind == MOULT_KIND_FLOAT && isfinite(f->initial_float) &&
        fabs(f->initial_float) > (double)FLT_MAX)
        return place_fault(place, c->why, -EOVERFLOW,
                           ".initial_float = %g does not fit", f->initial_float);
    return f->initial_text ? check_initial_text(c, place) : 0;
}

static int check_field(struct check *c, const struct place *place)
{
    const moult_field *f = place->field;
    int err = check_key(c, place, f->key, "key");

    if (!err && f->was)
        err = check_key(c, place, f->was, ".was");
    if (err)
        return err;
    if (++c->fields > SCHEMA_FIELDS)
        return place_fault(place, c->why, -EINVAL, "more than %u fields in all",
                           SCHEMA_FIELDS);
    if (f->kind == 0 || f->kind >= sizeof(shapes) / sizeof(*shapes))
        return place_fault(place, c->why, -EINVAL,
                           "its kind %u is none that this host knows", f->kind);
    if (f->many > MOULT_GROWING)
        return place_fault(place, c->why, -EINVAL,
                           "it is neither one item nor an array (many = %u)", f->many);
    if (f->kind == MOULT_KIND_STRUCT)
        err = check_nested(c, place);
    else
        err = check_memory(c, place, shapes[f->kind].size, shapes[f->kind].alignment);
    if (!err)
        err = check_initial(c, place);
    return err ? err : check_others(c, place);
}

static int check_schema(struct check *c, const struct place *up,
                        const moult_schema *schema)
{
    struct place place = {.up = up, .schema = schema};
    int err = 0;

    if (!schema || !schema->fields || !schema->name)
        return fault(c->why, -EINVAL,
                     "%s%s%s is described by nothing; write it with "
                     "MOULT_STATE",
                     up ? "field '" : "the state", up ? up->field->key : "",
                     up ? "'" : "");
    if (schema->size == 0 || schema->size > SIZE_LIMIT)
        return place_fault(&place, c->why, -EINVAL,
                           "its size of %u bytes is not from 1 "
                           "to %u",
                           schema->size, SIZE_LIMIT);
    if (schema->alignment == 0 || (schema->alignment & (schema->alignment - 1)) != 0 ||
        schema->alignment > 16 || schema->size % schema->alignment != 0)
        return place_fault(&place, c->why, -EINVAL,
                           "its alignment of %u is not 1, 2, 4, 8 or 16",
                           schema->alignment);
    for (const moult_field *f = schema->fields; f->key && !err; f++) {
        place.field = f;
        if (f - schema->fields >= SCHEMA_MEMBERS)
            return place_fault(&place, c->why, -EINVAL,
                               "more than %u fields in a struct", SCHEMA_MEMBERS);
        err = check_field(c, &place);
    }
    return err;
}

int schema_check(const moult_schema *schema, struct fault *why)
{
    struct check c = {.why = why};

    return check_schema(&c, NULL, schema);
}
