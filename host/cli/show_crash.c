/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"

void show_crashes(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {
        {"ID", "id"},         {"TIME", "time"},     {"STATUS", "status", COLUMN_STATUS},
        {"SERVER", "server"}, {"REASON", "reason"}, {0},
    };

    table_print(screen, columns, result, "nothing that failed was reported");
}

static void print_key(const struct screen *screen, const char *key)
{
    screen_text(screen, DIM, 14, key);
}

static void print_fields(const struct screen *screen, const json_t *crash)
{
    static const char *const keys[] = {"reason", "because", "application", "vsn",
                                       "server", "child",   "pid",         "os_pid"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const json_t *value = json_object_get(crash, keys[i]);

        if (!value)
            continue;
        print_key(screen, keys[i]);
        if (json_is_integer(value))
            fprintf(screen->out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else
            screen_text(screen, PLAIN, 0, json_string_value(value));
        putc('\n', screen->out);
    }
}

static void print_message(const struct screen *screen, const json_t *crash)
{
    const json_t *message = json_object_get(crash, "message");
    const char *bytes = show_text(crash, "message_bytes");
    char *text = message ? json_dumps(message, JSON_ENCODE_ANY) : NULL;

    if (text || bytes) {
        print_key(screen, text ? "message" : "message_bytes");
        screen_text(screen, PLAIN, 0, text ? text : bytes);
        putc('\n', screen->out);
    }
    free(text);
}

/* " 0  handle_call (counter.c:21) in 1-counter-1.0.0.so+0x1234" */
static void print_frame(const struct screen *screen, size_t number, const json_t *frame)
{
    const char *file = show_text(frame, "file"), *object = show_text(frame, "object");
    const char *slash = object ? strrchr(object, '/') : NULL;

    fprintf(screen->out, "%4zu  ", number);
    screen_text(screen, BOLD, 0,
                show_text(frame, "function") ? show_text(frame, "function")
                                             : show_text(frame, "pc"));
    if (file) {
        fputs(" (", screen->out);
        screen_text(screen, PLAIN, 0, file);
        fprintf(screen->out, ":%" JSON_INTEGER_FORMAT ")", show_number(frame, "line"));
    }
    if (object) {
        fputs(" in ", screen->out);
        screen_text(screen, PLAIN, 0, slash ? slash + 1 : object);
        putc('+', screen->out);
        screen_text(screen, PLAIN, 0, show_text(frame, "offset"));
    }
    putc('\n', screen->out);
}

/* Each object of the backtrace once: which file it was exactly. */
static void print_objects(const struct screen *screen, const json_t *frames)
{
    json_t *seen = json_object(), *frame;
    const char *path, *build_id;
    size_t i;

    json_array_foreach(frames, i, frame)
    {
        path = show_text(frame, "object");
        build_id = show_text(frame, "build_id");
        if (!path || json_object_get(seen, path))
            continue;
        json_object_set_new(seen, path, json_true());
        fputs("  ", screen->out);
        screen_text(screen, PLAIN, 0, path);
        fputs(" build id ", screen->out);
        screen_text(screen, PLAIN, 0, build_id);
        putc('\n', screen->out);
    }
    json_decref(seen);
}

void show_crash(const struct screen *screen, const json_t *result)
{
    const json_t *frames = json_object_get(result, "frames"), *frame;
    const char *status = show_text(result, "status");
    size_t i;

    screen_text(screen, BOLD, 0, show_text(result, "id"));
    putc(' ', screen->out);
    screen_text(screen, screen_colour_of(status), 0, status);
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "time"));
    putc('\n', screen->out);
    print_fields(screen, result);
    print_message(screen, result);
    fputs("backtrace\n", screen->out);
    json_array_foreach(frames, i, frame) print_frame(screen, i, frame);
    fputs("objects\n", screen->out);
    print_objects(screen, frames);
}
