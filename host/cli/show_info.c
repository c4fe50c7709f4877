/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <string.h>

/* "pool <0.5.1>", or what it is if it is no object. */
static void print_item(const struct screen *screen, const json_t *item)
{
    if (json_is_object(item)) {
        screen_text(screen, PLAIN, 0, show_text(item, "name"));
        putc(' ', screen->out);
        item = json_object_get(item, "pid");
    }
    screen_text(screen, PLAIN, 0, json_string_value(item));
}

static void print_value(const struct screen *screen, const json_t *value)
{
    const json_t *item;
    size_t i;

    if (json_is_string(value) && json_string_length(value) > 0) {
        screen_text(screen, PLAIN, 0, json_string_value(value));
    } else if (json_is_integer(value)) {
        fprintf(screen->out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        fputs(json_is_true(value) ? "yes" : "no", screen->out);
    } else if (json_array_size(value) == 0) {
        putc('-', screen->out);
    }
    json_array_foreach(value, i, item)
    {
        fputs(i ? ", " : "", screen->out);
        print_item(screen, item);
    }
}

void show_info(const struct screen *screen, const json_t *result)
{
    static const char *const keys[] = {
        "pid",    "name",     "label",    "kind",         "application", "vsn",
        "status", "function", "mailbox",  "memory",       "reductions",  "trap_exit",
        "parent", "links",    "monitors", "monitored_by", "ancestors"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const json_t *value = json_object_get(result, keys[i]);

        if (!value)
            continue;
        screen_text(screen, DIM, 14, keys[i]);
        print_value(screen, value);
        putc('\n', screen->out);
    }
}
