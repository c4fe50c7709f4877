/* SPDX-License-Identifier: Apache-2.0 */
#include "appup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appspec.h"
#include "manifest.h"

static const char *const kinds[] = {
    [MOULT_UPDATE] = "update",
    [MOULT_LOAD_MODULE] = "load_module",
    [MOULT_ADD_MODULE] = "add_module",
    [MOULT_DELETE_MODULE] = "delete_module",
    [MOULT_ADD_APPLICATION] = "add_application",
    [MOULT_REMOVE_APPLICATION] = "remove_application",
    [MOULT_RESTART_APPLICATION] = "restart_application",
    [MOULT_APPLY] = "apply",
    [MOULT_RESTART] = "restart",
};

const char *instruction_text(int32_t kind)
{
    return kinds[kind];
}

const char *instruction_change_text(int32_t change)
{
    static const char *const texts[] = {[MOULT_SOFT] = "soft",
                                        [MOULT_ADVANCED] = "advanced",
                                        [MOULT_SUPERVISOR] = "supervisor"};

    return texts[change];
}

/* -- making -- */

/* Room for one more of `size` bytes, zeroed, behind the `*count` of `*list`; or NULL. */
static void *grow(void *list, size_t *count, size_t size)
{
    void *old, *more;

    memcpy(&old, list, sizeof(old));
    more = reallocarray(old, *count + 1, size);
    if (!more)
        return NULL;
    memcpy(list, &more, sizeof(more));
    return memset((char *)more + size * (*count)++, 0, size);
}

/* A pattern is for the whole of a version; by itself it must be one, too. */
static int compile(struct way *way, const char *pattern, struct fault *why)
{
    char *whole, text[128];
    int failed = regcomp(&way->regex, pattern, REG_EXTENDED | REG_NOSUB);

    if (failed) {
        regerror(failed, &way->regex, text, sizeof(text));
        return fault(why, -EINVAL, "%s: the pattern '%.64s' is none: %s", way->where,
                     pattern, text);
    }
    regfree(&way->regex);
    if (asprintf(&whole, "^(%s)$", pattern) < 0)
        return -ENOMEM;
    failed = regcomp(&way->regex, whole, REG_EXTENDED | REG_NOSUB);
    free(whole);
    if (failed)
        return -ENOMEM;
    way->pattern = strdup(pattern);
    if (!way->pattern)
        regfree(&way->regex);
    return way->pattern ? 0 : -ENOMEM;
}

struct way *appup_add(struct appup *appup, enum appup_direction direction,
                      const char *vsn, const char *pattern, const char *where,
                      struct fault *why)
{
    struct ways *ways = &appup->ways[direction];
    struct way *way = grow(&ways->list, &ways->count, sizeof(*way));
    int error = way && (way->where = strdup(where)) ? 0 : -ENOMEM;

    if (!error && !vsn == !pattern)
        error = fault(why, -EINVAL, "%s: set vsn or pattern, one of them", where);
    if (!error && vsn && !(way->vsn = strdup(vsn)))
        error = -ENOMEM;
    if (!error && pattern)
        error = compile(way, pattern, why);
    if (error == -ENOMEM)
        fault(why, error, "no memory to load a plugin");
    return error ? NULL : way;
}

struct instruction *way_add(struct way *way, int32_t kind, const char *name,
                            const char *where)
{
    struct instruction *i = grow(&way->list, &way->count, sizeof(*i));

    if (!i)
        return NULL;
    i->kind = kind;
    i->name = strdup(name ? name : "");
    i->where = strdup(where);
    return i->name && i->where ? i : NULL;
}

static void release_instruction(struct instruction *i)
{
    free(i->name);
    free(i->extra);
    free(i->where);
    appspec_release_list(i->deps);
}

static void release_way(struct way *way)
{
    for (size_t i = 0; i < way->count; i++)
        release_instruction(&way->list[i]);
    if (way->pattern)
        regfree(&way->regex);
    free(way->list);
    free(way->vsn);
    free(way->pattern);
    free(way->where);
}

void appup_clear(struct appup *appup)
{
    for (int d = 0; d < 2; d++) {
        for (size_t i = 0; i < appup->ways[d].count; i++)
            release_way(&appup->ways[d].list[i]);
        free(appup->ways[d].list);
        appup->ways[d] = (struct ways){0};
    }
    appup->is_there = false;
}

void appup_release(struct appup *appup)
{
    appup_clear(appup);
    for (size_t i = 0; i < appup->function_count; i++)
        free(appup->functions[i].name);
    free(appup->functions);
    free(appup->module);
    *appup = (struct appup){0};
}

/* -- finding -- */

const struct way *appup_find(const struct appup *appup, enum appup_direction direction,
                             const char *vsn)
{
    const struct ways *ways = &appup->ways[direction];

    for (size_t i = 0; i < ways->count; i++) {
        const struct way *way = &ways->list[i];

        if (way->vsn ? strcmp(way->vsn, vsn) == 0
                     : regexec(&way->regex, vsn, 0, NULL, 0) == 0)
            return way;
    }
    return NULL;
}

const struct instruction *way_find(const struct way *way, const char *name)
{
    for (size_t i = 0; way && i < way->count; i++)
        if (instruction_is_module(&way->list[i]) &&
            strcmp(way->list[i].name, name) == 0)
            return &way->list[i];
    return NULL;
}

static bool has_kind(const struct way *way, int32_t kind)
{
    for (size_t i = 0; way && i < way->count; i++)
        if (way->list[i].kind == kind)
            return true;
    return false;
}

bool way_restarts(const struct way *way)
{
    return has_kind(way, MOULT_RESTART_APPLICATION) || way_reboots(way);
}

bool way_reboots(const struct way *way)
{
    return has_kind(way, MOULT_RESTART);
}

const struct function *appup_function(const struct appup *appup, const char *name)
{
    for (size_t i = 0; i < appup->function_count; i++)
        if (strcmp(appup->functions[i].name, name) == 0)
            return &appup->functions[i];
    return NULL;
}

/* -- checking -- */

static int check_deps(const struct way *way, const struct instruction *i,
                      struct fault *why)
{
    for (char **dep = i->deps; dep && *dep; dep++)
        if (!way_find(way, *dep))
            return fault(why, -EINVAL,
                         "%s relies on '%.64s', which has no instruction: give it one, "
                         "or leave it out of the deps",
                         i->where, *dep);
    return 0;
}

/* Of the two, only the application itself is restarted, and only others come and go. */
static int check_application(const struct way *way, const struct instruction *i,
                             const char *own, struct fault *why)
{
    bool restarts = i->kind == MOULT_RESTART_APPLICATION;

    if (i->change != MOULT_SOFT || i->extra || i->deps)
        return fault(why, -EINVAL, "%s: %s has no change, no extra and no deps",
                     i->where, kinds[i->kind]);
    if (!manifest_name_is_valid(i->name))
        return fault(why, -EINVAL, "%s: '%.64s' is not the name of an application",
                     i->where, i->name);
    if (restarts != (strcmp(i->name, own) == 0))
        return fault(why, -EINVAL,
                     restarts ? "%s: only '%s' itself can be restarted"
                              : "%s: '%s' itself is there in both: restart_application "
                                "starts it anew",
                     i->where, own);
    for (const struct instruction *k = way->list; k < i; k++)
        if (!instruction_is_module(k) && k->kind != MOULT_APPLY &&
            strcmp(k->name, i->name) == 0)
            return fault(why, -EINVAL,
                         "%s: application '%s' has an instruction already, %s",
                         i->where, i->name, k->where);
    return 0;
}

static int check_apply(const struct appup *appup, const struct instruction *i,
                       struct fault *why)
{
    if (i->change != MOULT_SOFT || i->deps)
        return fault(why, -EINVAL, "%s: apply has no change and no deps", i->where);
    return appup_function(appup, i->name)
               ? 0
               : fault(why, -EINVAL,
                       "%s: the appup of the plugin has no function '%.64s'", i->where,
                       i->name);
}

static int check_module(const struct way *way, const struct instruction *i,
                        struct fault *why)
{
    const struct instruction *first = way_find(way, i->name);

    if (i->change < MOULT_SOFT || i->change > MOULT_SUPERVISOR)
        return fault(why, -EINVAL,
                     "%s: its change is none: there are soft, advanced and supervisor",
                     i->where);
    if (i->kind != MOULT_UPDATE && (i->change != MOULT_SOFT || i->extra))
        return fault(why, -EINVAL,
                     "%s: %s has no change and no extra: update '%.64s' has", i->where,
                     kinds[i->kind], i->name);
    if (i->extra && i->change != MOULT_ADVANCED)
        return fault(why, -EINVAL,
                     "%s: only an advanced change gives extra to code_change",
                     i->where);
    if (!i->name[0] && (i->kind != MOULT_UPDATE || i->change != MOULT_SUPERVISOR))
        return fault(why, -EINVAL,
                     "%s names no module: only an update with change supervisor is for "
                     "the application's own",
                     i->where);
    if (first != i)
        return fault(why, -EINVAL, "%s: module '%.64s' has an instruction already, %s",
                     i->where, i->name, first->where);
    return check_deps(way, i, why);
}

/* About nothing in particular. */
static int check_bare(const struct instruction *i, struct fault *why)
{
    if (i->name[0] || i->change != MOULT_SOFT || i->extra || i->deps)
        return fault(why, -EINVAL, "%s: %s has no name and nothing else", i->where,
                     kinds[i->kind]);
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): all that there is to look at */
static int check_instruction(const struct appup *appup, const struct way *way,
                             const struct instruction *i, const char *own,
                             struct fault *why)
{
    if (i->kind == MOULT_APPLY)
        return check_apply(appup, i, why);
    if (i->kind == MOULT_RESTART)
        return check_bare(i, why);
    return instruction_is_module(i) ? check_module(way, i, why)
                                    : check_application(way, i, own, why);
}

int appup_check(const struct appup *appup, const char *own, struct fault *why)
{
    int error = 0;

    for (int d = 0; d < 2; d++)
        for (size_t w = 0; w < appup->ways[d].count; w++) {
            const struct way *way = &appup->ways[d].list[w];

            for (size_t i = 0; i < way->count && !error; i++)
                error = check_instruction(appup, way, &way->list[i], own, why);
        }
    return error;
}
