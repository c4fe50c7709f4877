/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_print - an event as a line, for people or for programs.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "json_text.h"

#define NAME_WIDTH 16 /* columns that names are padded to */

/*
 * Text goes to a terminal: nothing in it may move the cursor or start a line of its
 * own. C1 controls are two bytes in UTF-8, 0xc2 and then 0x80 to 0x9f.
 */
static void print_escaped(const char *text, size_t len, const char *escape, FILE *out)
{
    const unsigned char *at = (const unsigned char *)text;

    for (size_t i = 0; i < len; i++) {
        if (at[i] == '\n')
            fputs("\\n", out);
        else if (at[i] == '\t')
            fputs("\\t", out);
        else if (at[i] == 0xc2 && i + 1 < len && at[i + 1] < 0xa0)
            fprintf(out, "\\u%04x", at[++i]);
        else if (at[i] < 0x20 || at[i] == 0x7f)
            fprintf(out, "\\u%04x", at[i]);
        else if (strchr(escape, at[i]))
            fprintf(out, "\\%c", at[i]);
        else
            putc(at[i], out);
    }
}

static bool needs_quotes(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] == 0x7f ||
            text[i] == (char)0xc2 || strchr("\"\\=", text[i]))
            return true;
    return len == 0;
}

static void print_value(const json_t *value, FILE *out)
{
    char *dumped;

    if (!json_is_string(value)) {
        dumped = json_text(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (dumped)
            print_escaped(dumped, strlen(dumped), "", out);
        free(dumped);
    } else if (needs_quotes(json_string_value(value), json_string_length(value))) {
        putc('"', out);
        print_escaped(json_string_value(value), json_string_length(value), "\"\\", out);
        putc('"', out);
    } else {
        fputs(json_string_value(value), out);
    }
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));

    return text ? text : "-";
}

static bool is_head(const char *key)
{
    static const char *const head[] = {"seq", "time", "level", "event"};

    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        if (strcmp(key, head[i]) == 0)
            return true;
    return false;
}

static void print_line(const json_t *event, FILE *out)
{
    json_t *members = (json_t *)event; /* jansson's iterators are not const */
    const char *name = text_of(event, "event"), *key;
    int width = NAME_WIDTH - (int)strlen(name);
    json_t *value;

    fprintf(out, "%s %-5s %s", text_of(event, "time"), text_of(event, "level"), name);
    json_object_foreach(members, key, value)
    {
        if (is_head(key))
            continue;
        fprintf(out, "%*s ", width > 0 ? width : 0, "");
        width = 0;
        print_escaped(key, strlen(key), "", out);
        putc('=', out);
        print_value(value, out);
    }
}

void event_print(const json_t *event, int as_json, FILE *out)
{
    char *text = as_json ? json_text(event, JSON_COMPACT) : NULL;

    flockfile(out); /* lines of several threads stay whole */
    if (text)
        fputs(text, out);
    else /* or there is no memory */
        print_line(event, out);
    putc('\n', out);
    funlockfile(out);
    free(text);
}
