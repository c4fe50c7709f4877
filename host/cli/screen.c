/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct screen screen_here(void)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool dumb = terminal && strcmp(terminal, "dumb") == 0;
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    const char *charset = locale ? nl_langinfo_l(CODESET, locale) : "";
    struct screen screen = {
        .out = stdout,
        .err = stderr,
        .colour = isatty(STDOUT_FILENO) && !dumb && !(no_colour && no_colour[0]),
        .boxes = strcmp(charset, "UTF-8") == 0,
        .live = isatty(STDERR_FILENO),
    };

    if (locale)
        freelocale(locale);
    return screen;
}

/* Bytes of a control character at `at`, or 0.  C1 controls are two bytes in UTF-8. */
static int control_at(const char *at)
{
    unsigned char c = (unsigned char)at[0], next = c ? (unsigned char)at[1] : 0;

    if (c < 0x20 || c == 0x7f)
        return 1;
    return c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

int screen_width(const char *text)
{
    int width = 0;

    for (; *text; text++) /* bytes that continue a character take no room */
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void put_clean(const char *text, FILE *out)
{
    while (*text) {
        int control = control_at(text);

        putc(control ? '?' : *text, out);
        text += control ? control : 1;
    }
}

void screen_text(const struct screen *screen, enum colour colour, int width,
                 const char *text)
{
    static const char *const codes[] = {"",         "\x1b[32m", "\x1b[33m",
                                        "\x1b[31m", "\x1b[2m",  "\x1b[1m"};
    const char *shown = text ? text : "-";
    bool coloured = screen->colour && colour != PLAIN;
    int blanks = abs(width) - screen_width(shown);

    if (width < 0 && blanks > 0)
        fprintf(screen->out, "%*s", blanks, "");
    if (coloured)
        fputs(codes[colour], screen->out);
    put_clean(shown, screen->out);
    if (coloured)
        fputs("\x1b[0m", screen->out);
    if (width > 0 && blanks > 0)
        fprintf(screen->out, "%*s", blanks, "");
}

enum colour screen_colour_of(const char *status)
{
    static const struct {
        const char *word;
        enum colour colour;
    } colours[] = {
        {"running", GREEN},  {"failed", RED},     {"refused", RED},
        {"staged", YELLOW},  {"stopped", YELLOW}, {"held", YELLOW},
        {"exiting", YELLOW}, {"old", DIM},        {"fatal", RED},
    };

    for (size_t i = 0; status && i < sizeof(colours) / sizeof(*colours); i++)
        if (strcmp(colours[i].word, status) == 0)
            return colours[i].colour;
    return PLAIN;
}

void screen_complain(const struct screen *screen, const char *format, ...)
{
    char *text;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return;
    fputs("moult: ", screen->err);
    put_clean(text, screen->err);
    putc('\n', screen->err);
    free(text);
}
