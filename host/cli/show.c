/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "json_text.h"
#include "table.h"

const char *show_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

json_int_t show_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* -- one value, on one line -- */

static void print_value(const struct screen *screen, const json_t *value)
{
    char *text = json_text(value, JSON_ENCODE_ANY);

    if (text)
        screen_text(screen, PLAIN, 0, text);
    free(text);
}

void show_value(const struct screen *screen, const json_t *result)
{
    print_value(screen, result);
    putc('\n', screen->out);
}

void show_nothing(const struct screen *screen, const json_t *result)
{
}

/* -- status -- */

/* "3 days 4 h", "5 min 6 s": the two units that matter. */
static void print_duration(FILE *out, json_int_t ms)
{
    json_int_t s = ms / 1000, minutes = s / 60, hours = minutes / 60, days = hours / 24;

    if (days > 0)
        fprintf(out, "%lld d %lld h", days, hours % 24);
    else if (hours > 0)
        fprintf(out, "%lld h %lld min", hours, minutes % 60);
    else if (minutes > 0)
        fprintf(out, "%lld min %lld s", minutes, s % 60);
    else
        fprintf(out, "%lld s", s);
}

static void print_member(const struct screen *screen, const json_t *object,
                         const char *key)
{
    const json_t *value = json_object_get(object, key);

    screen_text(screen, DIM, 14, key);
    if (json_is_integer(value))
        fprintf(screen->out, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
    else {
        screen_text(screen, PLAIN, 0, json_string_value(value));
        putc('\n', screen->out);
    }
}

void show_status(const struct screen *screen, const json_t *result)
{
    static const char *const keys[] = {"applications", "processes", "workers", "events",
                                       "plugins",      "data",      "socket"};
    const char *state = show_text(result, "state");

    fputs("moult ", screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "version"));
    putc(' ', screen->out);
    screen_text(screen, screen_colour_of(state), 0, state);
    fprintf(screen->out, " for ");
    print_duration(screen->out, show_number(result, "uptime_ms"));
    fprintf(screen->out, ", pid %" JSON_INTEGER_FORMAT "\n",
            show_number(result, "pid"));
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        print_member(screen, result, keys[i]);
}

/* -- lists -- */

void show_ps(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {
        {"PID", "pid"},
        {"NAME", "name"},
        {"APPLICATION", "application"},
        {"ID", "id"},
        {"VSN", "vsn"},
        {"STATUS", "status", COLUMN_STATUS},
        {"MAILBOX", "mailbox", COLUMN_NUMBER},
        {"MEMORY", "memory", COLUMN_NUMBER},
        {"REDUCTIONS", "reductions", COLUMN_NUMBER},
        {0},
    };

    table_print(screen, columns, result, "no process runs");
}

void show_children(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {
        {"ID", "id"},
        {"NAME", "name"},
        {"PID", "pid"},
        {"TYPE", "type"},
        {"STATUS", "status", COLUMN_STATUS},
        {"RESTARTS", "restarts", COLUMN_NUMBER},
        {"VSN", "vsn"},
        {0},
    };
    const json_t *children = json_object_get(result, "children");
    json_int_t more =
        show_number(result, "count") - (json_int_t)json_array_size(children);

    table_print(screen, columns, children, "it has no children");
    if (more > 0)
        fprintf(screen->out, "and %" JSON_INTEGER_FORMAT " more\n", more);
}

/* Below the table what needs more room than a column. */
static void print_remarks(const struct screen *screen, const json_t *release)
{
    const char *reason = show_text(release, "reason");
    const json_t *lint;
    size_t i;

    if ((!reason || !reason[0]) &&
        json_array_size(json_object_get(release, "lints")) == 0)
        return;
    putc('\n', screen->out);
    if (show_text(release, "vsn")) {
        screen_text(screen, BOLD, 0, show_text(release, "name"));
        putc(' ', screen->out);
        screen_text(screen, BOLD, 0, show_text(release, "vsn"));
    } else { /* it could not even be read */
        screen_text(screen, BOLD, 0, show_text(release, "file"));
    }
    putc('\n', screen->out);
    if (reason && reason[0]) {
        const char *status = show_text(release, "status");

        fputs("  ", screen->out);
        screen_text(screen, screen_colour_of(status), 0, status);
        fputs(": ", screen->out);
        screen_text(screen, PLAIN, 0, reason);
        putc('\n', screen->out);
    }
    json_array_foreach(json_object_get(release, "lints"), i, lint)
    {
        fputs("  lint: ", screen->out);
        screen_text(screen, PLAIN, 0, json_string_value(lint));
        putc('\n', screen->out);
    }
}

/* As a table; what it has, as one text. */
static void print_releases(const struct screen *screen, const json_t *releases)
{
    static const struct column columns[] = {
        {"RELEASE", "name"},
        {"VSN", "vsn"},
        {"STATUS", "status", COLUMN_STATUS},
        {"HAS", "has"},
        {0},
    };
    json_t *rows = json_deep_copy(releases), *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const json_t *app;
        char *has = NULL, *longer;
        size_t j;

        json_array_foreach(json_object_get(row, "applications"), j, app)
        {
            if (asprintf(&longer, "%s%s%s", has ? has : "", has ? " " : "",
                         json_string_value(app)) < 0)
                break;
            free(has);
            has = longer;
        }
        json_object_set_new(row, "has", json_string(has ? has : ""));
        free(has);
    }
    table_print(screen, columns, rows, "there is no release yet");
    json_decref(rows);
}

void show_releases(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {
        {"APPLICATION", "name"}, {"VSN", "vsn"},   {"STATUS", "status", COLUMN_STATUS},
        {"SINCE", "since"},      {"FILE", "file"}, {0},
    };
    const json_t *versions = json_object_get(result, "versions"), *version;
    size_t i;

    print_releases(screen, json_object_get(result, "releases"));
    show_awaited(screen, json_object_get(result, "awaits"));
    show_canary_beside(screen, json_object_get(result, "canary"));
    putc('\n', screen->out);
    table_print(screen, columns, versions, "no version of any application is known");
    json_array_foreach(versions, i, version) print_remarks(screen, version);
}

/* -- state -- */

void show_state(const struct screen *screen, const json_t *result)
{
    json_t *state = json_object_get(result, "state"), *value;
    const char *key;
    int width = 0;

    screen_text(screen, BOLD, 0, show_text(result, "name"));
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "pid"));
    fputs(" vsn ", screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "vsn"));
    fprintf(screen->out, " format %" JSON_INTEGER_FORMAT "\n",
            show_number(result, "format"));
    json_object_foreach(state, key, value) width =
        screen_width(key) > width ? screen_width(key) : width;
    json_object_foreach(state, key, value)
    {
        fputs("  ", screen->out);
        screen_text(screen, DIM, width + 2, key);
        print_value(screen, value);
        putc('\n', screen->out);
    }
}

/* -- refusals -- */

void show_error(const struct screen *screen, const json_t *error, bool json)
{
    const char *word = show_text(json_object_get(error, "data"), "code");
    const char *message = show_text(error, "message");
    struct screen there = {.out = screen->err};

    if (json) {
        json_dumpf(error, screen->err, JSON_COMPACT);
        putc('\n', screen->err);
        return;
    }
    for (; word && *word; word++) /* "not_found" is for programs */
        putc(*word == '_' ? ' ' : *word, screen->err);
    fputs(word ? ": " : "", screen->err);
    screen_text(&there, PLAIN, 0, message);
    putc('\n', screen->err);
}
