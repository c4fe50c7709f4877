/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <string.h>
#include <xxhash.h>

/* -- layout -- */

/* The same on every machine of one kind, and without holes that hold chance. */
struct shape {
    uint32_t kind, many, count, size, offset, key_len;
};

uint64_t schema_layout(const moult_schema *schema)
{
    XXH64_hash_t hash;

    if (!schema)
        return 0;
    hash = XXH3_64bits(&schema->size, sizeof(schema->size));
    for (const moult_field *f = schema->fields; f->key; f++) {
        struct shape shape = {f->kind, f->many,   f->many == MOULT_FIXED ? f->count : 0,
                              f->size, f->offset, (uint32_t)strlen(f->key)};

        hash = XXH3_64bits_withSeed(&shape, sizeof(shape), hash);
        hash = XXH3_64bits_withSeed(f->key, shape.key_len, hash);
        if (f->kind == MOULT_KIND_STRUCT) {
            uint64_t nested = schema_layout(f->nested());

            hash = XXH3_64bits_withSeed(&nested, sizeof(nested), hash);
        }
    }
    return hash;
}

/* -- initial values -- */

#define SET(type, value)             \
    do {                             \
        *(type *)at = (type)(value); \
        return 0;                    \
    } while (0)

static int init_text(moult_ctx *ctx, const moult_field *f, void *at)
{
    size_t len = f->initial_text ? strlen(f->initial_text) : 0;

    if (len == 0)
        return 0;
    if (f->kind == MOULT_KIND_TEXT)
        return moult_text_set(ctx, at, f->initial_text, len);
    memcpy(at, f->initial_text, len); /* shorter than the array: schema_check() */
    return 0;
}

/* One item, of which all bytes are zero. */
static int init_item(moult_ctx *ctx, const moult_field *f, void *at)
{
    switch (f->kind) {
    case MOULT_KIND_INT8:
    case MOULT_KIND_UINT8:
        SET(uint8_t, f->initial);
    case MOULT_KIND_INT16:
    case MOULT_KIND_UINT16:
        SET(uint16_t, f->initial);
    case MOULT_KIND_INT32:
    case MOULT_KIND_UINT32:
        SET(uint32_t, f->initial);
    case MOULT_KIND_INT64:
    case MOULT_KIND_UINT64:
        SET(uint64_t, f->initial);
    case MOULT_KIND_FLOAT:
        SET(float, f->initial_float);
    case MOULT_KIND_DOUBLE:
        SET(double, f->initial_float);
    case MOULT_KIND_BOOL:
        SET(bool, f->initial);
    case MOULT_KIND_CHARS:
    case MOULT_KIND_TEXT:
        return init_text(ctx, f, at);
    case MOULT_KIND_STRUCT:
        return schema_init(ctx, f->nested(), at);
    default:
        return 0; /* zero is what it starts with */
    }
}

int schema_init(moult_ctx *ctx, const moult_schema *schema, void *state)
{
    for (const moult_field *f = schema->fields; f->key; f++) {
        uint8_t *at = (uint8_t *)state + f->offset;
        uint32_t n = f->many == MOULT_ONE ? 1 : f->many == MOULT_FIXED ? f->count : 0;

        for (; n > 0; n--, at += f->size) {
            int err = init_item(ctx, f, at);

            if (err)
                return err;
        }
    }
    return 0;
}
