/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of a way's instructions: as written, but what others rely on comes before
 * them going up, and behind them going down.  Those that rely on one another in a circle
 * stay as written.
 */
#include <string.h>

#include "appup.h"

struct sorting {
    const struct way *way;
    bool up;
    bool reaches[APPUP_LIST_MAX][APPUP_LIST_MAX]; /* relies on, perhaps by others */
    bool done[APPUP_LIST_MAX];
    const struct instruction **out;
    size_t count;
};

static bool relies_on(const struct instruction *i, const struct instruction *on)
{
    if (!instruction_is_module(on))
        return false;
    for (char **dep = i->deps; dep && *dep; dep++)
        if (strcmp(*dep, on->name) == 0)
            return true;
    return false;
}

static void reach(struct sorting *s)
{
    size_t n = s->way->count;

    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            s->reaches[a][b] = relies_on(&s->way->list[a], &s->way->list[b]);
    for (size_t via = 0; via < n; via++)
        for (size_t a = 0; a < n; a++)
            for (size_t b = 0; s->reaches[a][via] && b < n; b++)
                s->reaches[a][b] |= s->reaches[via][b];
}

/* Must `a` come before `b`? */
static bool precedes(const struct sorting *s, size_t a, size_t b)
{
    bool needed = s->reaches[b][a], needs = s->reaches[a][b];

    return s->up ? needed && !needs : needs && !needed;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as instructions rely on one another */
static void emit(struct sorting *s, size_t i)
{
    if (s->done[i])
        return;
    s->done[i] = true;
    for (size_t k = 0; k < s->way->count; k++)
        if (precedes(s, k, i))
            emit(s, k);
    s->out[s->count++] = &s->way->list[i];
}

void way_sort(const struct way *way, enum appup_direction direction,
              const struct instruction **out)
{
    struct sorting s = {.way = way, .up = direction == APPUP_UP, .out = out};

    reach(&s);
    for (size_t i = 0; i < way->count; i++)
        emit(&s, i);
}
