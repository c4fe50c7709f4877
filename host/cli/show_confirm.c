/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_confirm - what is on trial.
 */
#include <inttypes.h>

#include "show.h"

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
