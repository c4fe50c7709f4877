/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM   4096u       /* of a client that says little */
#define SMALLEST     1024u       /* bytes worth a read */
#define KEEP_AT_MOST (64u << 10) /* more goes back as soon as it is empty */

char *lines_room(struct lines *lines, size_t *room)
{
    if (lines->start > 0) {
        memmove(lines->bytes, lines->bytes + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->searched -= lines->start;
        lines->start = 0;
    }
    if (lines->capacity - lines->end < SMALLEST) {
        size_t capacity = lines->capacity ? lines->capacity * 2 : FIRST_ROOM;
        char *bytes = realloc(lines->bytes, capacity);

        if (!bytes)
            return NULL;
        lines->bytes = bytes;
        lines->capacity = capacity;
    }
    *room = lines->capacity - lines->end;
    return lines->bytes + lines->end;
}

void lines_filled(struct lines *lines, size_t len)
{
    lines->end += len;
}

static void settle(struct lines *lines)
{
    if (lines->start < lines->end)
        return;
    if (lines->capacity > KEEP_AT_MOST)
        lines_finish(lines);
    lines->start = lines->end = lines->searched = 0;
}

int lines_next(struct lines *lines, char **line, size_t *len)
{
    char *newline;

    settle(lines);
    if (lines->searched == lines->end)
        return lines->end - lines->start > lines->limit ? -EMSGSIZE : 0;
    newline =
        memchr(lines->bytes + lines->searched, '\n', lines->end - lines->searched);
    lines->searched = newline ? (size_t)(newline - lines->bytes) : lines->end;
    if (lines->searched - lines->start > lines->limit)
        return -EMSGSIZE;
    if (!newline)
        return 0;
    *newline = 0;
    *line = lines->bytes + lines->start;
    *len = lines->searched - lines->start;
    lines->start = ++lines->searched;
    return 1;
}

size_t lines_left(const struct lines *lines)
{
    return lines->end - lines->start;
}

void lines_finish(struct lines *lines)
{
    free(lines->bytes);
    lines->bytes = NULL;
    lines->start = lines->end = lines->searched = lines->capacity = 0;
}
