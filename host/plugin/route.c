/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "appup.h"
#include "manager.h"
#include "version.h"

/* -- finding -- */

/* "'1.0.0', '1\.1\..*'", cut. */
static void list_ways(const struct ways *ways, char *text, size_t size)
{
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < ways->count && used < size; i++) {
        const struct way *way = &ways->list[i];

        used += (size_t)snprintf(text + used, size - used, "%s'%.64s'", i ? ", " : "",
                                 way->vsn ? way->vsn : way->pattern);
    }
}

/* Does each code_change that is needed know the formats that it is needed for? */
static int check_reach(const struct image *from, const struct image *to,
                       const struct way *way, struct fault *why)
{
    for (size_t i = 0; i < from->descriptor.count; i++) {
        const struct code *a = &from->descriptor.codes[i],
                          *b = image_find_code(to, a->id), *newer;

        if (!b || a->server.format == b->server.format || carry_reaches(a, b) ||
            way_stops(way, a->id))
            continue;
        newer = carry_translator(a, b);
        return fault(why, -ENOTSUP,
                     "there is no way from %s to %s: code_change of server '%s' in %s "
                     "goes no further back than format %u, and in %s it has %u",
                     from->vsn, to->vsn, a->id, newer->vsn, newer->server.format_least,
                     newer == a ? to->vsn : from->vsn,
                     newer == a ? b->server.format : a->server.format);
    }
    return 0;
}

static int find_way(const struct image *from, const struct image *to, struct route *out,
                    struct fault *why)
{
    bool up = version_compare(to->vsn, from->vsn) > 0;
    const struct image *newer = up ? to : from, *older = up ? from : to;
    const struct appup *appup = &newer->descriptor.appup;
    enum appup_direction direction = up ? APPUP_UP : APPUP_DOWN;
    char ways[256];

    *out = (struct route){from, to, NULL};
    if (!appup->is_there)
        return 0;
    out->way = appup_find(appup, direction, older->vsn);
    if (out->way)
        return 0;
    list_ways(&appup->ways[direction], ways, sizeof(ways));
    return fault(
        why, -ENOTSUP, "there is no way from %s to %s: %s in the appup of %s has %s",
        from->vsn, to->vsn, up ? "up" : "down", newer->vsn, ways[0] ? ways : "nothing");
}

int route_find(const struct image *from, const struct image *to, struct route *out,
               struct fault *why)
{
    int error = find_way(from, to, out, why);

    return error || way_restarts(out->way) ? error
                                           : check_reach(from, to, out->way, why);
}

struct passage route_passage(const struct route *route, const struct code *a,
                             const struct code *b)
{
    const struct instruction *i = way_find(route->way, a->id);

    return (struct passage){a, b, i ? i->extra : NULL, i ? i->extra_len : 0};
}

/* -- what changed -- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && (!a_len || memcmp(a, b, a_len) == 0);
}

static bool same_branch(const struct branch *a, const struct branch *b)
{
    return a->intensity == b->intensity && a->period_s == b->period_s &&
           a->strategy == b->strategy && a->auto_shutdown == b->auto_shutdown &&
           a->max_children == b->max_children &&
           same_bytes(a->args, a->args_len, b->args, b->args_len);
}

/* But for its id, name and server, which are what it is. */
static bool same_spec(const struct code *a, const struct code *b)
{
    const moult_child *x = a->child, *y = b->child;

    return x->restart == y->restart && x->shutdown_ms == y->shutdown_ms &&
           x->count == y->count && x->stack_size == y->stack_size &&
           x->significant == y->significant && x->backoff_ms == y->backoff_ms &&
           x->backoff_most_ms == y->backoff_most_ms &&
           x->mailbox_limit == y->mailbox_limit && x->max_heap == y->max_heap &&
           x->warn_callback_ms == y->warn_callback_ms &&
           x->max_callback_ms == y->max_callback_ms &&
           x->hibernate_after_ms == y->hibernate_after_ms && x->renew == y->renew &&
           same_text(x->name, y->name) &&
           same_bytes(a->args, a->args_len, b->args, b->args_len);
}

/* Is the state itself described in another way? */
static bool same_layout(const struct code *a, const struct code *b)
{
    if (!a->schema != !b->schema || !a->server.save != !b->server.save)
        return false;
    return !a->schema || a->layout == b->layout;
}

/* Of what carries a state: a server, or one kind of handler. */
static enum route_difference compare_states(const struct code *a, const struct code *b)
{
    if (a->server.format != b->server.format)
        return ROUTE_FORMAT;
    return same_layout(a, b) ? ROUTE_SAME : ROUTE_LAYOUT;
}

enum route_difference route_compare(const struct code *a, const struct code *b)
{
    enum route_difference most = compare_states(a, b);

    for (size_t i = 0; i < a->kind_count; i++) {
        const struct code *same = manager_kind(b, a->kinds[i].handler.name);
        enum route_difference one =
            same ? compare_states(&a->kinds[i], same) : ROUTE_LAYOUT;

        if (one > most)
            most = one;
    }
    if (most == ROUTE_SAME && a->branch && b->branch &&
        !same_branch(a->branch, b->branch))
        return ROUTE_BRANCH;
    return most == ROUTE_SAME && !same_spec(a, b) ? ROUTE_SPEC : most;
}

/* -- checking -- */

/* Is there an instruction of that kind for the module `id`, or a supervisor above it? */
static bool is_said(const struct way *way, int32_t kind, const char *id)
{
    for (size_t i = 0; i < way->count; i++)
        if (way->list[i].kind == kind && instruction_covers(way->list[i].name, id))
            return true;
    return way_stops(way, id);
}

static int uncovered(const struct route *r, const char *id, const char *what,
                     const char *right, struct fault *why)
{
    fault_where(why, NULL, NULL, id[0] ? id : NULL, NULL);
    return fault(why, -EINVAL,
                 "%s, from %s to %s, does not cover that %s%.64s%s %s: add %s",
                 r->way->where, r->from->vsn, r->to->vsn, id[0] ? "'" : "", id,
                 id[0] ? "'" : "the application's own supervisor", what, right);
}

/* Has everything that came or went its instruction? */
static int check_presence(const struct route *r, const struct image *has,
                          const struct image *lacks, int32_t kind, const char *what,
                          struct fault *why)
{
    char right[128];

    for (size_t i = 0; i < has->descriptor.count; i++) {
        const char *id = has->descriptor.codes[i].id;

        if (image_find_code(lacks, id) || is_said(r->way, kind, id))
            continue;
        snprintf(right, sizeof(right), "%s \"%.80s\"", instruction_text(kind), id);
        return uncovered(r, id, what, right, why);
    }
    return 0;
}

static const char *difference_text(enum route_difference d)
{
    static const char *const texts[] = {
        [ROUTE_SPEC] = "has another child spec",
        [ROUTE_BRANCH] = "supervises otherwise",
        [ROUTE_LAYOUT] = "has a state of another layout",
        [ROUTE_FORMAT] = "has a state of another format",
    };

    return texts[d];
}

/* What would cover it; NULL: `i` does. */
static const char *wanted(const struct instruction *i, enum route_difference d)
{
    bool updates = i && i->kind == MOULT_UPDATE;

    switch (d) {
    case ROUTE_FORMAT:
        return updates && i->change == MOULT_ADVANCED
                   ? NULL
                   : "an update with change advanced";
    case ROUTE_LAYOUT:
        return updates ? NULL : "an update";
    case ROUTE_BRANCH:
        return updates && i->change == MOULT_SUPERVISOR
                   ? NULL
                   : "an update with change supervisor";
    case ROUTE_SPEC:
        return i ? NULL : "an update or load_module";
    default:
        return NULL;
    }
}

static int check_change(const struct route *r, const struct code *a,
                        const struct code *b, struct fault *why)
{
    enum route_difference d = route_compare(a, b);
    const char *right =
        way_stops(r->way, a->id) ? NULL : wanted(way_find(r->way, a->id), d);

    return right ? uncovered(r, a->id, difference_text(d), right, why) : 0;
}

static int check_changes(const struct route *r, struct fault *why)
{
    const struct descriptor *from = &r->from->descriptor, *to = &r->to->descriptor;
    int error = 0;

    for (size_t i = 0; i < from->count && !error; i++) {
        const struct code *b = image_find_code(r->to, from->codes[i].id);

        error = b ? check_change(r, &from->codes[i], b, why) : 0;
    }
    if (!error && from->branches && to->branches &&
        !same_branch(from->branches, to->branches) && !way_find(r->way, ""))
        error = uncovered(r, "", difference_text(ROUTE_BRANCH),
                          "an update with change supervisor, without a name", why);
    return error;
}

/* It names what there is, and as what it is. */
static int check_update(const struct route *r, const struct instruction *i,
                        const struct code *a, const struct code *b, struct fault *why)
{
    bool is_supervisor = a->branch != NULL;

    if (is_supervisor && i->kind == MOULT_UPDATE && i->change != MOULT_SUPERVISOR)
        return fault(why, -EINVAL, "%s: '%.64s' is a supervisor: set change supervisor",
                     i->where, i->name);
    if (!is_supervisor && i->change == MOULT_SUPERVISOR)
        return fault(why, -EINVAL,
                     "%s: '%.64s' is no supervisor: set change soft or advanced",
                     i->where, i->name);
    if (i->change == MOULT_ADVANCED && route_compare(a, b) != ROUTE_FORMAT)
        return fault(why, -EINVAL,
                     "%s: '%.64s' has format %u in %s and in %s, so code_change is not "
                     "called: set change soft, or raise the format",
                     i->where, i->name, a->server.format, r->from->vsn, r->to->vsn);
    return 0;
}

static int check_instruction(const struct route *r, const struct instruction *i,
                             struct fault *why)
{
    const struct code *a = image_find_code(r->from, i->name),
                      *b = image_find_code(r->to, i->name);
    const char *right = a && b ? "update" : a ? "delete_module" : "add_module";
    bool fits = i->kind == MOULT_ADD_MODULE      ? !a && b
                : i->kind == MOULT_DELETE_MODULE ? a && !b
                                                 : a && b;

    if (!i->name[0])
        return 0;
    if (!a && !b)
        return fault(
            why, -EINVAL,
            "%s: neither %s nor %s has a module '%.64s': name the id of a child",
            i->where, r->from->vsn, r->to->vsn, i->name);
    if (!fits)
        return fault(why, -EINVAL, "%s: '%.64s' is in %s%s%s: use %s, and not %s",
                     i->where, i->name, a ? r->from->vsn : "", a && b ? " and in " : "",
                     b ? r->to->vsn : "", right, instruction_text(i->kind));
    return a && b ? check_update(r, i, a, b, why) : 0;
}

static int check_stop(const struct route *r, const struct instruction *i,
                      struct fault *why)
{
    if (image_find_code(r->from, i->name) && image_find_code(r->to, i->name))
        return 0;
    return fault(why, -EINVAL,
                 "%s: '%.64s' is not in both %s and %s, to be stopped and started: use "
                 "delete_module or add_module",
                 i->where, i->name, r->from->vsn, r->to->vsn);
}

int route_check(const struct route *r, struct fault *why)
{
    int error = 0;

    if (!r->way || way_restarts(r->way))
        return 0;
    for (size_t i = 0; i < r->way->count && !error; i++)
        if (instruction_is_module(&r->way->list[i]))
            error = check_instruction(r, &r->way->list[i], why);
        else if (r->way->list[i].kind == MOULT_STOP)
            error = check_stop(r, &r->way->list[i], why);
    if (!error)
        error = check_presence(r, r->to, r->from, MOULT_ADD_MODULE, "is new", why);
    if (!error)
        error =
            check_presence(r, r->from, r->to, MOULT_DELETE_MODULE, "is no more", why);
    return error ? error : check_changes(r, why);
}
