/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include "table.h"

/* "rooms <0.4.1> duplicate keys, 2 partitions by pid, 5 entries" */
static void print_head(const struct screen *screen, const json_t *registry)
{
    json_int_t partitions = show_number(registry, "partitions"),
               count = show_number(registry, "count");
    const char *name = show_text(registry, "name");

    if (!name || name[0]) {
        screen_text(screen, BOLD, 0, name);
        putc(' ', screen->out);
    }
    screen_text(screen, BOLD, 0, show_text(registry, "pid"));
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(registry, "keys"));
    fprintf(screen->out, " keys, %lld partition%s", partitions,
            partitions == 1 ? "" : "s");
    if (partitions > 1) {
        fputs(" by ", screen->out);
        screen_text(screen, PLAIN, 0, show_text(registry, "partition_by"));
    }
    fprintf(screen->out, ", %lld entr%s\n", count, count == 1 ? "y" : "ies");
}

/* The entries with key and value as the texts that they are shown as; given. */
static json_t *rows_of(const json_t *entries)
{
    json_t *rows = json_deep_copy(entries), *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        static const char *const keys[] = {"key", "value"};

        for (size_t k = 0; k < 2; k++) {
            json_t *value = json_object_get(row, keys[k]);
            char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

            if (text)
                json_object_set_new(row, keys[k], json_string(text));
            free(text);
        }
    }
    return rows;
}

static void print_registry(const struct screen *screen, const json_t *registry)
{
    static const struct column columns[] = {
        {"KEY", "key"}, {"PID", "pid"}, {"NAME", "name"}, {"VALUE", "value"}, {0},
    };
    const json_t *entries = json_object_get(registry, "entries");
    json_int_t more =
        show_number(registry, "count") - (json_int_t)json_array_size(entries);
    json_t *rows;

    print_head(screen, registry);
    if (json_array_size(entries) > 0) {
        rows = rows_of(entries);
        table_print(screen, columns, rows, "");
        json_decref(rows);
    }
    if (more > 0)
        fprintf(screen->out, "and %lld more: --limit N shows more\n", more);
}

void show_registry(const struct screen *screen, const json_t *result)
{
    const json_t *registry;
    size_t i;

    if (json_array_size(result) == 0)
        fputs("no registry runs\n", screen->out);
    json_array_foreach(result, i, registry)
    {
        if (i > 0)
            putc('\n', screen->out);
        print_registry(screen, registry);
    }
}
