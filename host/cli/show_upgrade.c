/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static void print_heading(const struct screen *screen, const json_t *upgrade)
{
    const json_t *via;
    size_t i;

    screen_text(screen, BOLD, 0, show_text(upgrade, "application"));
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(upgrade, "from"));
    fputs(" -> ", screen->out);
    json_array_foreach(json_object_get(upgrade, "via"), i, via)
    {
        screen_text(screen, PLAIN, 0, json_string_value(via));
        fputs(" -> ", screen->out);
    }
    screen_text(screen, PLAIN, 0, show_text(upgrade, "to"));
}

static const char *plural(json_int_t count)
{
    return count == 1 ? "" : "s";
}

/* "10 servers moved by pointer, 2 by schema, 1 added". */
static void print_moved(FILE *out, const json_t *moved)
{
    static const struct {
        const char *key, *words;
    } ways[] = {{"pointer", "by pointer"},
                {"schema", "by schema"},
                {"code_change", "by code_change"}};
    static const char *const others[] = {"unchanged", "added", "removed", "anew",
                                         "renewed"};
    bool first = true;

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        json_int_t count = show_number(moved, ways[i].key);

        if (count == 0)
            continue;
        if (first)
            fprintf(out, "%" JSON_INTEGER_FORMAT " server%s moved ", count,
                    plural(count));
        else
            fprintf(out, ", %" JSON_INTEGER_FORMAT " ", count);
        fputs(ways[i].words, out);
        first = false;
    }
    if (first)
        fputs("no server to move", out);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (show_number(moved, others[i]) > 0)
            fprintf(out, ", %" JSON_INTEGER_FORMAT " %s", show_number(moved, others[i]),
                    others[i]);
}

/* Three digits are enough for people. */
static void print_milliseconds(FILE *out, json_int_t us)
{
    double ms = (double)us / 1000;

    fprintf(out, "%.*f ms", ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0, ms);
}

static void print_done(const struct screen *screen, const json_t *upgrade)
{
    json_int_t waited = show_number(upgrade, "waited");

    print_heading(screen, upgrade);
    fputs(": ", screen->out);
    if (json_is_true(json_object_get(upgrade, "restart"))) {
        fputs("the host begins anew with it, and 'moult permanent' keeps it\n",
              screen->out);
        return;
    }
    if (json_is_true(json_object_get(upgrade, "restarted")))
        fputs("started anew", screen->out);
    else
        print_moved(screen->out, json_object_get(upgrade, "moved"));
    fputs(", paused ", screen->out);
    print_milliseconds(screen->out, show_number(upgrade, "pause_us"));
    fprintf(screen->out, ", %" JSON_INTEGER_FORMAT " message%s waited\n", waited,
            plural(waited));
}

/* How it is known what to do, and how long all will wait for it. */
static void print_outlook(const struct screen *screen, const json_t *plan)
{
    const char *by = show_text(plan, "by"), *pace = show_text(plan, "pause_by");

    if (!by)
        return;
    fputs("  ", screen->out);
    if (strcmp(by, "derived") != 0)
        fprintf(screen->out, "as %s says", by);
    else
        fputs("worked out from both versions", screen->out);
    if (json_is_true(json_object_get(plan, "restart"))) {
        fputs("; nothing is carried over\n", screen->out);
        return;
    }
    fputs("; a pause of about ", screen->out);
    print_milliseconds(screen->out, show_number(plan, "pause_us"));
    fputs(pace && strcmp(pace, "measured") == 0 ? ", by the last one\n"
                                                : ", by figures from elsewhere\n",
          screen->out);
}

static void print_value(FILE *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    fputs(text ? text : "-", out);
    free(text);
}

/* What is configured otherwise then. */
static void print_env(const struct screen *screen, const json_t *env)
{
    const json_t *one;
    size_t i;

    json_array_foreach(env, i, one)
    {
        fputs(i ? "     " : "\nenv  ", screen->out);
        screen_text(screen, BOLD, 0, show_text(one, "key"));
        fputs(": ", screen->out);
        print_value(screen->out, json_object_get(one, "from"));
        fputs(" -> ", screen->out);
        print_value(screen->out, json_object_get(one, "to"));
        putc('\n', screen->out);
    }
}

/* Of one, or of the first of several: it is said of each. */
static void print_awaits(const struct screen *screen, const json_t *upgrade)
{
    json_int_t ms = show_number(upgrade, "confirm_within_ms");

    if (ms)
        fprintf(screen->out,
                "it goes back in %" JSON_INTEGER_FORMAT
                " s, unless 'moult confirm' keeps it\n",
                ms / 1000);
}

static void print_plan(const struct screen *screen, const json_t *plan)
{
    static const struct column columns[] = {{"SERVER", "server"},
                                            {"COUNT", "count", COLUMN_NUMBER},
                                            {"MOVED BY", "moved"},
                                            {"WHY", "why"},
                                            {0}};
    const json_t *step;
    size_t i;

    print_heading(screen, plan);
    fputs(", a plan: nothing was done\n", screen->out);
    print_outlook(screen, plan);
    putc('\n', screen->out);
    json_array_foreach(json_object_get(plan, "steps"), i, step)
    {
        fprintf(screen->out, "%3zu  ", i + 1);
        screen_text(screen, BOLD, 10, show_text(step, "step"));
        screen_text(screen, PLAIN, 0, show_text(step, "text"));
        putc('\n', screen->out);
    }
    putc('\n', screen->out);
    table_print(screen, columns, json_object_get(plan, "servers"),
                "no server is concerned");
    print_env(screen, json_object_get(plan, "env"));
}

static void print_each(const struct screen *screen, const json_t *list,
                       const char *what)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        screen_text(screen, BOLD, 0, show_text(one, "application"));
        putc(' ', screen->out);
        screen_text(screen, PLAIN, 0, show_text(one, "vsn"));
        fputs(what, screen->out);
    }
}

static void print_others(const struct screen *screen, const json_t *report,
                         bool is_plan)
{
    print_each(screen, json_object_get(report, "started"),
               is_plan ? ": would start\n" : ": started\n");
    print_each(screen, json_object_get(report, "stopped"),
               is_plan ? ": would stop\n" : ": stopped\n");
}

static void print_one(const struct screen *screen, const json_t *upgrade)
{
    bool moves = show_text(upgrade, "from") != NULL; /* else it starts */

    if (moves && json_object_get(upgrade, "steps"))
        print_plan(screen, upgrade);
    else if (moves)
        print_done(screen, upgrade);
    print_others(screen, upgrade, json_object_get(upgrade, "steps") != NULL);
}

static void print_unpacked(const struct screen *screen, const json_t *result)
{
    const char *name = show_text(result, "application"),
               *vsn = show_text(result, "vsn");
    bool known = json_is_false(json_object_get(result, "new"));

    if (show_text(result, "release")) {
        screen_text(screen, BOLD, 0, show_text(result, "release"));
        fputs(known ? " was known already" : " is there", screen->out);
        fputs(": 'moult install' has it run\n", screen->out);
        return;
    }
    screen_text(screen, BOLD, 0, name);
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, vsn);
    fputs(known ? " was known already" : " is there", screen->out);
    fputs(": 'moult upgrade ", screen->out);
    screen_text(screen, PLAIN, 0, name);
    putc('@', screen->out);
    screen_text(screen, PLAIN, 0, vsn);
    fputs(json_is_false(json_object_get(result, "runs")) ? "' starts it\n"
                                                         : "' moves to it\n",
          screen->out);
}

void show_unpacked(const struct screen *screen, const json_t *result)
{
    const json_t *one;
    size_t i;

    json_array_foreach(result, i, one) print_unpacked(screen, one);
}

/* Of a canary: how many went ahead, and what may come next. */
static void print_canary(const struct screen *screen, const json_t *upgrade)
{
    if (json_object_get(upgrade, "of"))
        fprintf(
            screen->out,
            "a canary, %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
            " servers: 'moult promote' has the rest follow, 'moult withdraw' has it "
            "come back\n",
            show_number(upgrade, "servers"), show_number(upgrade, "of"));
}

void show_upgrade(const struct screen *screen, const json_t *result)
{
    const json_t *upgrade;
    size_t i;

    if (!json_is_array(result)) {
        print_one(screen, result);
        print_awaits(screen, result);
        print_canary(screen, result);
        return;
    }
    json_array_foreach(result, i, upgrade) print_one(screen, upgrade);
    print_awaits(screen, json_array_get(result, 0));
}

static void print_rehearsed(const struct screen *screen, const json_t *one)
{
    json_int_t count = show_number(one, "rehearsed"),
               messages = show_number(one, "rehearsed_messages");

    print_heading(screen, one);
    fprintf(screen->out, ": %" JSON_INTEGER_FORMAT " live state%s", count,
            plural(count));
    if (messages)
        fprintf(screen->out, " and %" JSON_INTEGER_FORMAT " message%s", messages,
                plural(messages));
    fputs(" carried; nothing was changed\n", screen->out);
}

void show_rehearsed(const struct screen *screen, const json_t *result)
{
    const json_t *one;
    size_t i;

    if (!json_is_array(result)) {
        print_rehearsed(screen, result);
        return;
    }
    json_array_foreach(result, i, one) print_rehearsed(screen, one);
}

void show_snapshot(const struct screen *screen, const json_t *result)
{
    json_int_t count = show_number(result, "states"),
               messages = show_number(result, "messages");

    screen_text(screen, BOLD, 0, show_text(result, "application"));
    putc(' ', screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "vsn"));
    fprintf(screen->out, ": %" JSON_INTEGER_FORMAT " state%s", count, plural(count));
    if (messages)
        fprintf(screen->out, " and %" JSON_INTEGER_FORMAT " message%s", messages,
                plural(messages));
    fputs(" in ", screen->out);
    screen_text(screen, PLAIN, 0, show_text(result, "file"));
    putc('\n', screen->out);
}

/* -- releases -- */

void show_installed(const struct screen *screen, const json_t *result)
{
    const json_t *upgraded = json_object_get(result, "upgraded");
    bool is_plan = !json_object_get(result, "permanent");

    show_upgrade(screen, upgraded);
    print_others(screen, result, is_plan);
    screen_text(screen, BOLD, 0, show_text(result, "release"));
    if (is_plan)
        fputs(": a plan: nothing was done\n", screen->out);
    else if (show_number(result, "confirm_within_ms"))
        fputs(" runs, on trial\n", screen->out);
    else if (json_is_true(json_object_get(result, "restart")))
        fputs(" is what the host begins anew with, once\n", screen->out);
    else if (json_is_true(json_object_get(result, "permanent")))
        fputs(" runs, and is permanent\n", screen->out);
    else
        fputs(" runs until the host ends: 'moult permanent' keeps it\n", screen->out);
}

void show_release(const struct screen *screen, const json_t *result)
{
    screen_text(screen, BOLD, 0, show_text(result, "release"));
    fputs(" is permanent\n", screen->out);
}

void show_removed(const struct screen *screen, const json_t *result)
{
    const json_t *one;
    size_t i;

    screen_text(screen, BOLD, 0, show_text(result, "release"));
    fputs(" is removed", screen->out);
    json_array_foreach(json_object_get(result, "removed"), i, one)
    {
        fputs(i ? ", " : ", and with it ", screen->out);
        screen_text(screen, PLAIN, 0, json_string_value(one));
    }
    putc('\n', screen->out);
}
