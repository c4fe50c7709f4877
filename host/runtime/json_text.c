/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json_memory.h"

#define FIRST_ROOM 256u /* bytes */

struct text {
    char *bytes;
    size_t len, room;
    bool failed; /* sticks: jansson goes on */
};

static bool has_room(struct text *t, size_t more)
{
    size_t room = t->room ? t->room : FIRST_ROOM;
    char *bytes;

    while (room - t->len < more)
        room *= 2;
    if (room == t->room)
        return true;
    bytes = realloc(t->bytes, room);
    if (!bytes)
        return false;
    t->bytes = bytes;
    t->room = room;
    return true;
}

static int append(const char *bytes, size_t len, void *context)
{
    struct text *t = context;

    if (t->failed || !has_room(t, len + 1)) {
        t->failed = true;
        json_memory_note();
        return -1;
    }
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    return 0;
}

char *json_text(const json_t *json, size_t flags)
{
    struct text t = {0};

    if (!json || json_dump_callback(json, append, &t, flags) < 0 || t.failed) {
        free(t.bytes);
        return NULL;
    }
    t.bytes[t.len] = 0;
    return t.bytes;
}
