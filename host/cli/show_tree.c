/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <inttypes.h>
#include <string.h>

#define DEPTH_MAX 64 /* supervisors below supervisors */

struct branches {
    const char *fork, *last; /* before a child */
    const char *pass, *none; /* before what is below it */
};

static const struct branches boxes = {"├─ ", "└─ ", "│  ", "   "};
static const struct branches ascii = {"|- ", "`- ", "|  ", "   "};

/* Where in the tree a line stands: which of those above have more children. */
struct place {
    const struct screen *screen;
    bool more[DEPTH_MAX];
    size_t depth;
};

static void begin_line(const struct place *place, bool is_last)
{
    const struct branches *b = place->screen->boxes ? &boxes : &ascii;

    for (size_t i = 0; i < place->depth; i++)
        fputs(place->more[i] ? b->pass : b->none, place->screen->out);
    fputs(is_last ? b->last : b->fork, place->screen->out);
}

static void print_word(const struct screen *screen, enum colour colour,
                       const char *word)
{
    putc(' ', screen->out);
    screen_text(screen, colour, 0, word);
}

static void print_restarts(const struct screen *screen, const json_t *node)
{
    json_int_t restarts = show_number(node, "restarts");

    if (restarts > 0)
        fprintf(screen->out, " (%" JSON_INTEGER_FORMAT " restart%s)", restarts,
                restarts == 1 ? "" : "s");
    putc('\n', screen->out);
}

/* "counter <0.4.1> running", "pool (pool_1) <0.5.1> one_for_one" */
static void print_child(const struct screen *screen, const json_t *child)
{
    const char *id = show_text(child, "id"), *name = show_text(child, "name");
    const char *status = show_text(child, "status");
    const char *strategy = show_text(child, "strategy");

    if (id || (name && name[0]))
        screen_text(screen, BOLD, 0, id ? id : name);
    if (id && name && name[0] && strcmp(id, name) != 0) {
        fputs(" (", screen->out);
        screen_text(screen, PLAIN, 0, name);
        putc(')', screen->out);
    }
    print_word(screen, DIM, show_text(child, "pid"));
    if (strategy)
        print_word(screen, PLAIN, strategy);
    if (status)
        print_word(screen, screen_colour_of(status), status);
    print_restarts(screen, child);
}

/* The children that `node` lists, and how many more it has. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as supervisors are nested, to DEPTH_MAX */
static void print_children(struct place *place, const json_t *node)
{
    const json_t *children = json_object_get(node, "children"), *child;
    size_t count = json_array_size(children), i;
    json_int_t more = show_number(node, "count") - (json_int_t)count;

    if (place->depth == DEPTH_MAX)
        return;
    json_array_foreach(children, i, child)
    {
        bool is_last = i + 1 == count && more <= 0;

        begin_line(place, is_last);
        print_child(place->screen, child);
        place->more[place->depth++] = !is_last;
        print_children(place, child);
        place->depth--;
    }
    if (more <= 0)
        return;
    begin_line(place, true);
    fprintf(place->screen->out, "and %" JSON_INTEGER_FORMAT " more\n", more);
}

static void print_application(struct place *place, const json_t *app, bool is_last)
{
    const json_t *supervisor = json_object_get(app, "supervisor");
    const struct screen *screen = place->screen;

    begin_line(place, is_last);
    screen_text(screen, BOLD, 0, show_text(app, "name"));
    print_word(screen, PLAIN, show_text(app, "vsn"));
    print_word(screen, DIM, show_text(supervisor, "pid"));
    print_word(screen, PLAIN, show_text(supervisor, "strategy"));
    print_restarts(screen, supervisor);
    place->more[place->depth++] = !is_last;
    print_children(place, supervisor);
    place->depth--;
}

void show_tree(const struct screen *screen, const json_t *result)
{
    const json_t *apps = json_object_get(result, "applications"), *app;
    struct place place = {.screen = screen};
    size_t i;

    screen_text(screen, BOLD, 0, show_text(result, "host"));
    putc('\n', screen->out);
    json_array_foreach(apps, i, app)
        print_application(&place, app, i + 1 == json_array_size(apps));
}
