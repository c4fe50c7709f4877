/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appup_check - what can be told of an appup by itself: that each instruction says what its
 * kind can say, and that they agree with one another.
 */
#include <errno.h>
#include <string.h>

#include "appup.h"
#include "manifest.h"

/* What is being looked at. */
struct checking {
    const struct appup *appup;
    const struct way *way;
    const char *own; /* the application */
    struct fault *why;
};

static int not_of_this_kind(const struct checking *c, const struct instruction *i,
                            const char *what)
{
    return fault(c->why, -EINVAL, "%s: %s has no %s", i->where,
                 instruction_text(i->kind), what);
}

/* Neither of those that only an update has; nor what the other modules' have, too. */
static int check_alone(const struct checking *c, const struct instruction *i)
{
    if (i->change != MOULT_SOFT || i->deps)
        return not_of_this_kind(c, i, "change and no deps");
    if (i->timeout_ms || i->pre_purge || i->post_purge)
        return not_of_this_kind(c, i, "timeout, no pre_purge and no post_purge");
    return i->extra && i->kind != MOULT_APPLY ? not_of_this_kind(c, i, "extra") : 0;
}

/* -- of modules -- */

static int check_deps(const struct checking *c, const struct instruction *i)
{
    for (char **dep = i->deps; dep && *dep; dep++)
        if (!way_find(c->way, *dep))
            return fault(c->why, -EINVAL,
                         "%s relies on '%.64s', which has no instruction: give it one, "
                         "or leave it out of the deps",
                         i->where, *dep);
    return 0;
}

static int check_purges(const struct checking *c, const struct instruction *i)
{
    if (i->pre_purge < MOULT_NO_PURGE || i->pre_purge > MOULT_BRUTAL_PURGE ||
        i->post_purge < MOULT_NO_PURGE || i->post_purge > MOULT_BRUTAL_PURGE)
        return fault(c->why, -EINVAL,
                     "%s: its purges must be soft_purge or brutal_purge", i->where);
    return 0;
}

/* What only an update has. */
static int check_change(const struct checking *c, const struct instruction *i)
{
    if (i->change < MOULT_SOFT || i->change > MOULT_SUPERVISOR)
        return fault(c->why, -EINVAL,
                     "%s: its change is none: there are soft, advanced and supervisor",
                     i->where);
    if (i->kind != MOULT_UPDATE && (i->change != MOULT_SOFT || i->extra))
        return fault(c->why, -EINVAL,
                     "%s: %s has no change and no extra: update '%.64s' has", i->where,
                     instruction_text(i->kind), i->name);
    if (i->extra && i->change != MOULT_ADVANCED)
        return fault(c->why, -EINVAL,
                     "%s: only an advanced change gives extra to code_change",
                     i->where);
    return 0;
}

/* The first of the same that is about the same; or NULL. */
static const struct instruction *same_before(const struct checking *c,
                                             const struct instruction *i)
{
    for (const struct instruction *k = c->way->list; k < i; k++)
        if (k->kind == i->kind && strcmp(k->name, i->name) == 0)
            return k;
    return NULL;
}

static int has_one_already(const struct checking *c, const struct instruction *i,
                           const char *what, const struct instruction *first)
{
    return fault(c->why, -EINVAL, "%s: %s '%.64s' has an instruction already, %s",
                 i->where, what, i->name, first->where);
}

static int check_module(const struct checking *c, const struct instruction *i)
{
    const struct instruction *first = way_find(c->way, i->name);
    int error = check_change(c, i);

    if (!error)
        error = check_purges(c, i);
    if (error)
        return error;
    if (!i->name[0] && (i->kind != MOULT_UPDATE || i->change != MOULT_SUPERVISOR))
        return fault(c->why, -EINVAL,
                     "%s names no module: only an update with change supervisor is for "
                     "the application's own",
                     i->where);
    if (first != i)
        return has_one_already(c, i, "module", first);
    if (way_stops(c->way, i->name))
        return fault(c->why, -EINVAL,
                     "%s: module '%.64s' is stopped and started anew, or what it is "
                     "below: leave this out",
                     i->where, i->name);
    return check_deps(c, i);
}

/* Is there the other one of the pair, on its side? */
static int check_pair(const struct checking *c, const struct instruction *i)
{
    bool stops = i->kind == MOULT_STOP;
    const struct instruction *begin = stops ? i + 1 : c->way->list,
                             *end = stops ? c->way->list + c->way->count : i;

    for (; begin < end; begin++)
        if (begin->kind == (stops ? MOULT_START : MOULT_STOP) &&
            strcmp(begin->name, i->name) == 0)
            return 0;
    return fault(c->why, -EINVAL,
                 stops ? "%s: '%.64s' is stopped and not started behind that: add start"
                       : "%s: '%.64s' is started and not stopped before: add stop",
                 i->where, i->name);
}

static int check_stop(const struct checking *c, const struct instruction *i)
{
    const struct instruction *first = same_before(c, i);
    int error = check_alone(c, i);

    if (error)
        return error;
    if (!i->name[0])
        return fault(c->why, -EINVAL,
                     "%s names no module: restart_application is for all of it",
                     i->where);
    if (first)
        return has_one_already(c, i, "module", first);
    for (const struct instruction *k = c->way->list; k < i; k++)
        if (k->kind == i->kind && (instruction_covers(k->name, i->name) ||
                                   instruction_covers(i->name, k->name)))
            return has_one_already(c, i, "what is above or below", k);
    return check_pair(c, i);
}

/* -- of others -- */

/* Of the two, only the application itself is restarted, and only others come and go. */
static int check_application(const struct checking *c, const struct instruction *i)
{
    bool restarts = i->kind == MOULT_RESTART_APPLICATION;
    int error = check_alone(c, i);

    if (error)
        return error;
    if (!manifest_name_is_valid(i->name))
        return fault(c->why, -EINVAL, "%s: '%.64s' is not the name of an application",
                     i->where, i->name);
    if (restarts != (strcmp(i->name, c->own) == 0))
        return fault(c->why, -EINVAL,
                     restarts ? "%s: only '%s' itself can be restarted"
                              : "%s: '%s' itself is there in both: restart_application "
                                "starts it anew",
                     i->where, c->own);
    for (const struct instruction *k = c->way->list; k < i; k++)
        if (k->kind >= MOULT_ADD_APPLICATION && k->kind <= MOULT_RESTART_APPLICATION &&
            strcmp(k->name, i->name) == 0)
            return has_one_already(c, i, "application", k);
    return 0;
}

static int check_apply(const struct checking *c, const struct instruction *i)
{
    int error = check_alone(c, i);

    if (!error && !appup_function(c->appup, i->name))
        error = fault(c->why, -EINVAL,
                      "%s: the appup of the plugin has no function '%.64s'", i->where,
                      i->name);
    return error;
}

/* About nothing in particular. */
static int check_bare(const struct checking *c, const struct instruction *i)
{
    if (i->name[0])
        return not_of_this_kind(c, i, "name");
    return check_alone(c, i);
}

static int check_point_of_no_return(const struct checking *c,
                                    const struct instruction *i)
{
    const struct instruction *first = same_before(c, i);

    if (first)
        return fault(c->why, -EINVAL, "%s: there is a point_of_no_return already, %s",
                     i->where, first->where);
    for (const struct instruction *k = c->way->list; k < i; k++)
        if (k->kind != MOULT_APPLY)
            return fault(c->why, -EINVAL,
                         "%s: only apply may come before point_of_no_return, and %s, "
                         "%s, does",
                         i->where, instruction_text(k->kind), k->where);
    return check_bare(c, i);
}

/* -- all -- */

static int (*const checks[])(const struct checking *c, const struct instruction *i) = {
    [MOULT_UPDATE] = check_module,
    [MOULT_LOAD_MODULE] = check_module,
    [MOULT_ADD_MODULE] = check_module,
    [MOULT_DELETE_MODULE] = check_module,
    [MOULT_ADD_APPLICATION] = check_application,
    [MOULT_REMOVE_APPLICATION] = check_application,
    [MOULT_RESTART_APPLICATION] = check_application,
    [MOULT_APPLY] = check_apply,
    [MOULT_RESTART] = check_bare,
    [MOULT_POINT_OF_NO_RETURN] = check_point_of_no_return,
    [MOULT_STOP] = check_stop,
    [MOULT_START] = check_stop,
};

int appup_check(const struct appup *appup, const char *own, struct fault *why)
{
    struct checking c = {.appup = appup, .own = own, .why = why};
    int error = 0;

    for (int d = 0; d < 2; d++)
        for (size_t w = 0; w < appup->ways[d].count; w++) {
            c.way = &appup->ways[d].list[w];
            for (size_t i = 0; i < c.way->count && !error; i++)
                error = checks[c.way->list[i].kind](&c, &c.way->list[i]);
        }
    return error;
}
