/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "table.h"

/* What is listed under `key`, added to `text`; each begins with `mark`. */
static void add_names(char *text, size_t size, const json_t *app, const char *key,
                      const char *mark)
{
    const json_t *name;
    size_t i;

    json_array_foreach(json_object_get(app, key), i, name)
    {
        size_t len = strlen(text);

        snprintf(text + len, size - len, "%s%s%s", len ? " " : "", mark,
                 json_string_value(name));
    }
}

void show_apps(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {
        {"APPLICATION", "name"},
        {"VSN", "vsn"},
        {"STATUS", "status", COLUMN_STATUS},
        {"START", "start"},
        {"NEEDS", "needs"},
        {"SERVERS", "servers", COLUMN_NUMBER},
        {"RESTARTS", "restarts", COLUMN_NUMBER},
        {"DESCRIPTION", "description"},
        {0},
    };
    json_t *rows = json_array();
    const json_t *app;
    size_t i;

    json_array_foreach(result, i, app)
    {
        json_t *row = json_copy((json_t *)app);
        char needs[512] = "";

        add_names(needs, sizeof(needs), app, "applications", "");
        add_names(needs, sizeof(needs), app, "included_applications", "+");
        if (needs[0])
            json_object_set_new(row, "needs", json_string(needs));
        json_array_append_new(rows, row);
    }
    table_print(screen, columns, rows,
                "no application runs: copy a plugin into the host's plugins folder");
    json_decref(rows);
}

/* The value as JSON, for the table; "-" if there is none. */
static json_t *with_text(const json_t *key)
{
    json_t *row = json_copy((json_t *)key), *value = json_object_get(key, "value");
    char *text = json_is_null(value) ? NULL : json_text(value, JSON_ENCODE_ANY);

    json_object_set_new(row, "value", text ? json_string(text) : json_null());
    free(text);
    return row;
}

void show_env(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {{"KEY", "key"},
                                            {"VALUE", "value"},
                                            {"TYPE", "type"},
                                            {"LEAST", "least", COLUMN_NUMBER},
                                            {"MOST", "most", COLUMN_NUMBER},
                                            {"FROM", "from"},
                                            {0}};
    json_t *rows = json_array();
    const json_t *key;
    size_t i;

    json_array_foreach(json_object_get(result, "env"), i, key)
        json_array_append_new(rows, with_text(key));
    table_print(screen, columns, rows, "nothing can be configured of it");
    json_decref(rows);
}

void show_levels(const struct screen *screen, const json_t *result)
{
    json_t *levels = (json_t *)result, *level;
    const char *app;
    int width = 0;

    json_object_foreach(levels, app, level) width =
        screen_width(app) > width ? screen_width(app) : width;
    json_object_foreach(levels, app, level)
    {
        screen_text(screen, PLAIN, width + 2, app);
        screen_text(screen, PLAIN, 0, json_string_value(level));
        putc('\n', screen->out);
    }
}

/* The columns are texts: a value as JSON, nothing where there is none. */
static void set_shown(json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    char *text = json_is_null(value) ? NULL : json_text(value, JSON_ENCODE_ANY);

    json_object_set_new(row, key, text ? json_string(text) : json_null());
    free(text);
}

void show_reloaded(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {
        {"SETTING", "setting"}, {"FROM", "from"}, {"TO", "to"}, {0}};
    json_t *rows = json_deep_copy(json_object_get(result, "changed")), *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        set_shown(row, "from");
        set_shown(row, "to");
    }
    table_print(screen, columns, rows, "nothing is another");
    json_decref(rows);
}

void show_purged(const struct screen *screen, const json_t *result)
{
    json_int_t killed = show_number(result, "killed");
    const char *reason = show_text(result, "reason");

    screen_text(screen, BOLD, 0, show_text(result, "application"));
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "vsn"));
    fputs(json_is_true(json_object_get(result, "unloaded")) ? " is not loaded any more"
                                                            : " stays loaded",
          screen->out);
    if (killed)
        fprintf(screen->out, ", %" JSON_INTEGER_FORMAT " killed", killed);
    if (reason) {
        fputs(": ", screen->out);
        screen_text(screen, PLAIN, 0, reason);
    }
    putc('\n', screen->out);
}
