/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

struct batch {
    size_t waiting; /* requests not answered yet */
    char *text;     /* "[...,...", the end of the array is still missing */
    size_t len, capacity;
    bool failed; /* out of memory */
};

struct batch *batch_create(void)
{
    return calloc(1, sizeof(struct batch));
}

void batch_more(struct batch *batch)
{
    batch->waiting++;
}

bool batch_less(struct batch *batch)
{
    return --batch->waiting == 0;
}

/* Room for `len` bytes, and for the end. */
static bool has_room(struct batch *batch, size_t len)
{
    size_t capacity = batch->capacity ? batch->capacity : 256;
    char *text;

    while (capacity < batch->len + len + sizeof("]"))
        capacity *= 2;
    if (capacity == batch->capacity)
        return true;
    text = realloc(batch->text, capacity);
    if (!text)
        return false;
    batch->text = text;
    batch->capacity = capacity;
    return true;
}

void batch_add(struct batch *batch, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (!text || batch->failed || !has_room(batch, len + 1)) {
        batch->failed = true;
        return;
    }
    batch->text[batch->len] = batch->len ? ',' : '[';
    memcpy(batch->text + batch->len + 1, text, len);
    batch->len += len + 1;
}

char *batch_text(struct batch *batch, bool *failed)
{
    char *text = batch->text;

    *failed = batch->failed;
    if (batch->failed || !text)
        return NULL;
    memcpy(text + batch->len, "]", sizeof("]"));
    batch->text = NULL;
    return text;
}

void batch_free(struct batch *batch)
{
    free(batch->text);
    free(batch);
}
