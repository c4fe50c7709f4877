/* SPDX-License-Identifier: Apache-2.0 */
#include "out.h"

#include <stdlib.h>
#include <string.h>

#include "large.h"

#define FIRST_OWNED \
    256u /* bytes; a few envelopes, so that it is not outgrown at once */

void out_init(moult_out *out, void *buffer, uint32_t capacity)
{
    *out = (moult_out){.bytes = buffer, .capacity = capacity};
}

void out_reset(moult_out *out)
{
    out->len = 0;
    out->error = 0;
}

void out_release(moult_out *out)
{
    if (out->owned)
        free(out->bytes);
    out_init(out, NULL, 0);
}

uint8_t *out_give(moult_out *out, uint32_t *len)
{
    uint8_t *bytes;

    if (out->error)
        return NULL;
    if (out->owned)
        bytes = realloc(out->bytes, out->len > 0 ? out->len : 1);
    else
        bytes = malloc(out->len > 0 ? out->len : 1);
    if (!bytes)
        return NULL;
    if (!out->owned && out->len > 0)
        memcpy(bytes, out->bytes, out->len);
    *len = out->len;
    out_init(out, NULL, 0);
    return bytes;
}

moult_in out_read(const moult_out *out)
{
    return moult_in_over(out->bytes, out->len);
}

static int grow(moult_out *out, size_t n)
{
    size_t capacity = out->capacity > FIRST_OWNED / 2 ? out->capacity : FIRST_OWNED / 2;
    uint8_t *bytes;

    if (n > OUT_LIMIT - out->len)
        return -EMSGSIZE;
    do
        capacity *= 2;
    while (capacity < out->len + n);
    if (capacity > OUT_LIMIT)
        capacity = OUT_LIMIT;
    bytes = realloc(out->owned ? out->bytes : NULL, capacity);
    if (!bytes)
        return -ENOMEM;
    large_wish(bytes, capacity);
    if (!out->owned && out->len > 0)
        memcpy(bytes, out->bytes, out->len);
    out->bytes = bytes;
    out->capacity = (uint32_t)capacity;
    out->owned = true;
    return 0;
}

uint8_t *out_room(moult_out *out, size_t n)
{
    if (!out->error && n > out->capacity - out->len)
        out->error = grow(out, n);
    return out->error ? NULL : out->bytes + out->len;
}
