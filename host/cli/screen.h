/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen - where a command writes, and what can be written there.
 *
 * Everything that came from the host goes through screen_text(), so that no name or
 * reason can play tricks on a terminal.
 */
#ifndef MOULT_SCREEN_H
#define MOULT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct screen {
    FILE *out, *err;
    bool colour; /* `out` is a terminal, and NO_COLOR is unset */
    bool boxes;  /* the locale has box characters */
    bool live;   /* `err` is a terminal: someone watches progress */
};

enum colour { PLAIN, GREEN, YELLOW, RED, DIM, BOLD };

/* The standard streams of this process. */
struct screen screen_here(void);

/*
 * Write `text` (NULL is "-") to `out` in `colour`, padded with blanks to `width`
 * columns: after it, or before it if `width` is negative.
 */
void screen_text(const struct screen *screen, enum colour colour, int width,
                 const char *text);

/* How many columns `text` takes. */
int screen_width(const char *text);

/* The colour of a status word such as "running" or "refused". */
enum colour screen_colour_of(const char *status);

/* A line on `err` that starts with `moult: `. */
void screen_complain(const struct screen *screen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
