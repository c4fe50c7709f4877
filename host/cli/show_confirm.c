/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_confirm - what is on trial.
 */
#include <inttypes.h>

#include "show.h"
#include "table.h"

void show_confirmed(const struct screen *screen, const json_t *result)
{
    screen_text(screen, BOLD, 0, show_text(result, "release"));
    if (json_is_true(json_object_get(result, "permanent")))
        fputs(" stays, and is permanent\n", screen->out);
    else
        fputs(" stays until the host ends: 'moult permanent' keeps it\n", screen->out);
}

static void print_application(const struct screen *screen, const json_t *app)
{
    fputs("  ", screen->out);
    screen_text(screen, PLAIN, 0, show_text(app, "name"));
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(app, "from"));
    fputs(" -> ", screen->out);
    screen_text(screen, PLAIN, 0, show_text(app, "to"));
    fprintf(screen->out,
            ": %" JSON_INTEGER_FORMAT " restarts since, %" JSON_INTEGER_FORMAT
            " are allowed\n",
            show_number(app, "restarts"), show_number(app, "allowed"));
}

void show_awaited(const struct screen *screen, const json_t *awaits)
{
    const char *refused = show_text(awaits, "refused");
    const json_t *app;
    size_t i;

    if (!awaits)
        return;
    putc('\n', screen->out);
    screen_text(screen, BOLD, 0, show_text(awaits, "release"));
    if (refused) {
        fputs(" should have gone back to ", screen->out);
        screen_text(screen, PLAIN, 0, show_text(awaits, "from"));
        fputs(" and could not: ", screen->out);
        screen_text(screen, RED, 0, refused);
    } else {
        fprintf(screen->out,
                " awaits confirmation for another %" JSON_INTEGER_FORMAT
                " s, or goes back to ",
                show_number(awaits, "left_ms") / 1000 + 1);
        screen_text(screen, PLAIN, 0, show_text(awaits, "from"));
    }
    putc('\n', screen->out);
    json_array_foreach(json_object_get(awaits, "applications"), i, app)
        print_application(screen, app);
}

void show_canary_beside(const struct screen *screen, const json_t *canary)
{
    if (!canary)
        return;
    putc('\n', screen->out);
    screen_text(screen, BOLD, 0, show_text(canary, "application"));
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(canary, "to"));
    fputs(" runs as a canary beside ", screen->out);
    screen_text(screen, PLAIN, 0, show_text(canary, "from"));
    fputs(": 'moult canary' tells how it does\n", screen->out);
}

void show_withdrawn(const struct screen *screen, const json_t *result)
{
    if (show_text(result, "release"))
        show_installed(screen, result);
    else
        show_upgrade(screen, result);
}

void show_canary(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {
        {"VSN", "vsn"},
        {"SERVERS", "servers", COLUMN_NUMBER},
        {"CRASHES", "crashes", COLUMN_NUMBER},
        {"RESTARTS", "restarts", COLUMN_NUMBER},
        {"CALLS", "calls", COLUMN_NUMBER},
        {"FAILED", "failed", COLUMN_NUMBER},
        {"MEAN US", "mean_us", COLUMN_NUMBER},
        {"P50 US", "p50_us", COLUMN_NUMBER},
        {"P99 US", "p99_us", COLUMN_NUMBER},
        {"MOST US", "most_us", COLUMN_NUMBER},
        {0},
    };

    if (json_is_null(result)) {
        fputs("there is no canary\n", screen->out);
        return;
    }
    screen_text(screen, BOLD, 0, show_text(result, "application"));
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "from"));
    fputs(" and ", screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "to"));
    fprintf(screen->out, " side by side for %" JSON_INTEGER_FORMAT " s\n\n",
            show_number(result, "for_ms") / 1000);
    table_print(screen, columns, json_object_get(result, "versions"), "");
}
