/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines - bytes that come in pieces, cut into lines.
 *
 * Holds at most one unfinished line beside what was read with it; a line beyond the
 * limit is refused as soon as that is known.  Both ends of the control socket read
 * through it.  Not for sharing between threads.
 */
#ifndef MOULT_LINES_H
#define MOULT_LINES_H

#include <stddef.h>

/* All zero but `limit` is empty.  The members belong to lines.c. */
struct lines {
    char *bytes;
    size_t start, end; /* what is in use */
    size_t searched;   /* no newline before this */
    size_t capacity;
    size_t limit; /* bytes of the longest line, without its newline */
};

/*
 * Where to read to: `*room` bytes, at least one; lent until the next call.  NULL when
 * out of memory.
 */
char *lines_room(struct lines *lines, size_t *room);

/* `len` bytes were read into the room. */
void lines_filled(struct lines *lines, size_t len);

/*
 * Take the next line: 1 and `*line`, ended by a zero in place of its newline, `*len`
 * bytes, lent until the next call; 0 if no whole line is there yet; -EMSGSIZE if it is
 * longer than the limit.
 */
int lines_next(struct lines *lines, char **line, size_t *len);

/* How many bytes were read and not taken. */
size_t lines_left(const struct lines *lines);

/* Give the memory back; what was not taken is lost. */
void lines_finish(struct lines *lines);

#endif
