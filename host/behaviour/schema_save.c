/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "out.h"
#include "schema_place.h"

static int save_struct(struct place *up, const moult_schema *schema,
                       const uint8_t *state, moult_out *out, struct fault *why);

static int put_text(struct place *place, const char *text, size_t len, moult_out *out,
                    struct fault *why)
{
    moult_put_text_len(out, text, len);
    if (out->error == -EINVAL)
        return place_fault(place, why, -EINVAL, "its text is not UTF-8");
    return 0;
}

static int save_chars(struct place *place, const char *text, moult_out *out,
                      struct fault *why)
{
    size_t size = place->field->size, len = strnlen(text, size);

    if (len == size)
        return place_fault(place, why, -EINVAL,
                           "its %zu chars hold no zero to end the text", size);
    return put_text(place, text, len, out, why);
}

static int save_text(struct place *place, const moult_text *text, moult_out *out,
                     struct fault *why)
{
    if (!text->text && text->len > 0)
        return place_fault(place, why, -EINVAL, "it is NULL and %u bytes long",
                           text->len);
    return put_text(place, text->text ? text->text : "", text->len, out, why);
}

static int save_bytes(struct place *place, const moult_bytes *bytes, moult_out *out,
                      struct fault *why)
{
    if (!bytes->bytes && bytes->len > 0)
        return place_fault(place, why, -EINVAL, "it is NULL and %u bytes long",
                           bytes->len);
    moult_put_bytes(out, bytes->bytes, bytes->len);
    return 0;
}

static int save_item(struct place *place, const uint8_t *at, moult_out *out,
                     struct fault *why)
{
    const void *item = at;

    switch (place->field->kind) {
    case MOULT_KIND_INT8:
        moult_put_int(out, *(const int8_t *)item);
        return 0;
    case MOULT_KIND_INT16:
        moult_put_int(out, *(const int16_t *)item);
        return 0;
    case MOULT_KIND_INT32:
        moult_put_int(out, *(const int32_t *)item);
        return 0;
    case MOULT_KIND_INT64:
        moult_put_int(out, *(const int64_t *)item);
        return 0;
    case MOULT_KIND_UINT8:
        moult_put_uint(out, *at);
        return 0;
    case MOULT_KIND_UINT16:
        moult_put_uint(out, *(const uint16_t *)item);
        return 0;
    case MOULT_KIND_UINT32:
        moult_put_uint(out, *(const uint32_t *)item);
        return 0;
    case MOULT_KIND_UINT64:
        moult_put_uint(out, *(const uint64_t *)item);
        return 0;
    case MOULT_KIND_FLOAT:
        moult_put_float(out, (double)*(const float *)item);
        return 0;
    case MOULT_KIND_DOUBLE:
        moult_put_float(out, *(const double *)item);
        return 0;
    case MOULT_KIND_BOOL:
        moult_put_bool(out, *at != 0); /* a byte that is neither is no surprise */
        return 0;
    case MOULT_KIND_CHARS:
        return save_chars(place, item, out, why);
    case MOULT_KIND_OCTETS:
        moult_put_bytes(out, item, place->field->size);
        return 0;
    case MOULT_KIND_TEXT:
        return save_text(place, item, out, why);
    case MOULT_KIND_BYTES:
        return save_bytes(place, item, out, why);
    case MOULT_KIND_PID:
        moult_put_pid(out, *(const moult_pid *)item);
        return 0;
    case MOULT_KIND_FROM:
        moult_put_from(out, item);
        return 0;
    default:
        return save_struct(place, place->field->nested(), at, out, why);
    }
}

static int save_items(struct place *place, const uint8_t *at, uint32_t count,
                      moult_out *out, struct fault *why)
{
    int err = 0;

    moult_put_array(out, count);
    place->indexed = true;
    for (uint32_t i = 0; i < count && !err && !out->error; i++) {
        place->index = i;
        err = save_item(place, at, out, why);
        at += place->field->size;
    }
    place->indexed = false;
    return err;
}

static int save_field(struct place *place, const uint8_t *at, moult_out *out,
                      struct fault *why)
{
    struct growing list;

    if (place->field->many == MOULT_ONE)
        return save_item(place, at, out, why);
    if (place->field->many == MOULT_FIXED)
        return save_items(place, at, place->field->count, out, why);
    memcpy(&list, at, sizeof(list));
    if (!list.items && list.count > 0)
        return place_fault(place, why, -EINVAL,
                           "it has %u items and no memory for them", list.count);
    return save_items(place, list.items, list.count, out, why);
}

/*
 * A key, which is short UTF-8 for schema_check().  There are as many of them as values,
 * so this takes the place of four calls.
 */
static void put_key(moult_out *out, const char *key)
{
    uint8_t *at = out->bytes + out->len;
    size_t n = 0;

    if (out->error || out->capacity - out->len < 24) {
        moult_put_text(out, key);
        return;
    }
    while (n < 23 && key[n]) {
        at[1 + n] = (uint8_t)key[n];
        n++;
    }
    if (key[n]) {
        moult_put_text(out, key);
        return;
    }
    at[0] = (uint8_t)(0x60 | n);
    out->len += (uint32_t)(1 + n);
}

static int save_struct(struct place *up, const moult_schema *schema,
                       const uint8_t *state, moult_out *out, struct fault *why)
{
    const bool shown = up && up->shown;
    struct place place = {.up = up, .schema = schema, .shown = shown};
    int err = 0;

    moult_put_map(out, place_count(schema));
    for (const moult_field *f = schema->fields; f->key && !err; f++) {
        place.field = f;
        put_key(out, f->key);
        if (__builtin_expect(shown, 0) && f->secret)
            moult_put_text(out, "(secret)");
        else
            err = save_field(&place, state + f->offset, out, why);
    }
    return err;
}

static int save_whole(const moult_schema *schema, const void *state, bool shown,
                      moult_out *out, struct fault *why)
{
    struct place top = {.schema = schema, .shown = true}; /* says so to those below */
    int err = save_struct(shown ? &top : NULL, schema, state, out, why);

    if (!err && out->error)
        err = fault(why, out->error, "unable to save state '%s': %s", schema->name,
                    moult_strerror(out->error));
    return err;
}

int schema_save(const moult_schema *schema, const void *state, moult_out *out,
                struct fault *why)
{
    return save_whole(schema, state, false, out, why);
}

int schema_show(const moult_schema *schema, const void *state, moult_out *out,
                struct fault *why)
{
    return save_whole(schema, state, true, out, why);
}
