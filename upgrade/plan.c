/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carry.h"
#include "manager.h"
#include "message_carry.h"

const char *plan_move_text(enum plan_move move)
{
    static const char *const texts[] = {
        "pointer", "schema", "code_change", "supervisor", "added", "removed", "anew"};

    return texts[move];
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Children with ids, of one spec, or of many: what one has, another can't take over. */
static int kind_of(const struct branch *branch)
{
    return branch_is_dynamic(branch) ? branch->strategy : MOULT_ONE_FOR_ONE;
}

static int check_kinds(const struct branch *a, const struct branch *b, const char *id,
                       const char *from, const char *to, struct fault *why)
{
    static const char *const kinds[] = {[MOULT_ONE_FOR_ONE] = "with a list of children",
                                        [MOULT_SIMPLE_ONE_FOR_ONE] =
                                            "simple_one_for_one",
                                        [MOULT_DYNAMIC] = "dynamic"};

    if (!a && !b)
        return 0;
    if (!a || !b)
        return fault(why, -ENOTSUP,
                     "'%s' is a %s in %s and a %s in %s: give the child another id", id,
                     a ? "supervisor" : "server", from, b ? "supervisor" : "server",
                     to);
    if (kind_of(a) != kind_of(b))
        return fault(why, -ENOTSUP,
                     "supervisor '%s' is %s in %s and %s in %s: give it another id", id,
                     kinds[kind_of(a)], from, kinds[kind_of(b)], to);
    return 0;
}

/* What a server is besides, which it stays for as long as it runs. */
static const char *sort_of(const struct code *code)
{
    if (code->server.statem)
        return "a statem";
    return code->server.manager ? "a manager of handlers" : "a server";
}

/* How the state of `a` becomes one of `b`, the same server or kind of handler. */
static int decide_move(const struct code *a, const struct code *b, enum plan_move *move,
                       struct fault *why)
{
    const struct code *newer = carry_translator(a, b);

    if (a->server.format == b->server.format) {
        *move = carry_hands_over(a, b) ? PLAN_POINTER : PLAN_SCHEMA;
        return 0;
    }
    *move = PLAN_CODE_CHANGE;
    if (newer->server.code_change)
        return 0;
    fault_where(why, NULL, NULL, NULL, "code_change");
    return fault(why, -ENOTSUP,
                 "server '%s' has format %u in %s and %u in %s, and %s has no "
                 "code_change to carry its state between them",
                 a->id, a->server.format, a->vsn, b->server.format, b->vsn, newer->vsn);
}

/* All handlers of a manager move in the way of the one that takes most. */
static int decide_handlers(const struct code *a, const struct code *b,
                           enum plan_move *most, struct fault *why)
{
    int error = 0;

    *most = PLAN_POINTER;
    for (size_t i = 0; i < a->kind_count && !error; i++) {
        const struct code *kind = &a->kinds[i];
        const struct code *same = manager_kind(b, kind->handler.name);
        enum plan_move move = PLAN_SCHEMA; /* gone: is one of it there? */

        if (same)
            error = decide_move(kind, same, &move, why);
        if (move > *most)
            *most = move;
    }
    return error;
}

static int check_counts(const struct code *a, const struct code *b, struct fault *why)
{
    if (!a->child->count == !b->child->count)
        return 0;
    return fault(why, -ENOTSUP,
                 "child '%s' has a count in %s and none in %s, and so other ids: give "
                 "it another id",
                 a->id, a->child->count ? a->vsn : b->vsn,
                 a->child->count ? b->vsn : a->vsn);
}

/* May what runs `a` run `b`, as what it is? */
static int check_pair(const struct code *a, const struct code *b, struct fault *why)
{
    int error = check_kinds(a->branch, b->branch, a->id, a->vsn, b->vsn, why);

    if (!error)
        error = check_counts(a, b, why);
    if (error)
        return error;
    if (strcmp(sort_of(a), sort_of(b)) != 0)
        return fault(why, -ENOTSUP,
                     "'%s' is %s in %s and %s in %s: give the child another id", a->id,
                     sort_of(a), a->vsn, sort_of(b), b->vsn);
    if (!same_text(a->child->name, b->child->name))
        return fault(
            why, -ENOTSUP,
            "server '%s' is registered as '%s' in %s and as '%s' in %s: a name "
            "can't change while it runs; give the child another id",
            a->id, a->child->name ? a->child->name : "", a->vsn,
            b->child->name ? b->child->name : "", b->vsn);
    return 0;
}

static int decide_leg(const struct passage *leg, enum plan_move *move,
                      struct fault *why)
{
    int error = check_pair(leg->from, leg->to, why);

    *move = PLAN_SUPERVISOR;
    if (!error)
        error = message_check(leg, why);
    if (error || leg->from->branch)
        return error;
    return leg->from->server.manager ? decide_handlers(leg->from, leg->to, move, why)
                                     : decide_move(leg->from, leg->to, move, why);
}

/* Over all its legs it moves in the way of the one that takes most. */
static int decide(struct plan *plan, struct plan_child *c, struct fault *why)
{
    struct passage *legs =
        plan->passages + (size_t)(c - plan->children) * plan->journey.count;
    int error = 0;

    fault_where(why, NULL, NULL, c->from->id, NULL);
    c->legs = legs;
    c->leg_count = journey_passages(&plan->journey, c->from->id, legs);
    c->move = PLAN_POINTER;
    for (size_t i = 0; i < c->leg_count && !error; i++) {
        enum plan_move move = PLAN_POINTER;

        error = decide_leg(&legs[i], &move, why);
        if (move > c->move)
            c->move = move;
    }
    if (!error && why) /* nothing was wrong */
        why->server[0] = 0;
    return error;
}

/* Only what it is to its supervisor has to be the same. */
static int decide_anew(struct plan_child *c, struct fault *why)
{
    const struct code *a = c->from, *b = c->to;
    int error = check_kinds(a->branch, b->branch, a->id, a->vsn, b->vsn, why);

    return error ? error : check_counts(a, b, why);
}

static int pair(struct plan *plan, const struct code *a, const struct code *b,
                struct fault *why)
{
    struct plan_child *c = &plan->children[plan->count++];
    bool anew = journey_stops(&plan->journey, a ? a->id : b->id);

    *c = (struct plan_child){a, b, b ? PLAN_ADDED : PLAN_REMOVED};
    if (anew)
        c->move = PLAN_ANEW;
    if (!a || !b)
        return 0;
    return anew ? decide_anew(c, why) : decide(plan, c, why);
}

static int pair_up(const struct image *from, const struct image *to, struct plan *plan,
                   struct fault *why)
{
    int error = 0;

    for (size_t i = 0; i < to->descriptor.count && !error; i++) {
        const struct code *code = &to->descriptor.codes[i];

        error = pair(plan, image_find_code(from, code->id), code, why);
    }
    for (size_t i = 0; i < from->descriptor.count && !error; i++) {
        const struct code *code = &from->descriptor.codes[i];

        if (!image_find_code(to, code->id))
            error = pair(plan, code, NULL, why);
    }
    return error;
}

bool plan_stops(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->children[i].move == PLAN_ANEW)
            return true;
    return false;
}

static int make_room(struct plan *plan)
{
    size_t count = plan->from->descriptor.count + plan->to->descriptor.count + 1;

    plan->children = calloc(count, sizeof(*plan->children));
    plan->passages = calloc(count * plan->journey.count, sizeof(*plan->passages));
    return plan->children && plan->passages ? 0 : -ENOMEM;
}

int plan_make_by(const struct image *const *stops, size_t count, struct plan *out,
                 struct fault *why)
{
    const struct image *from = stops[0], *to = stops[count - 1];
    const struct branch *a = from->descriptor.branches, *b = to->descriptor.branches;
    int error;

    *out = (struct plan){.from = from, .to = to};
    error = journey_find(stops, count, &out->journey, why);
    out->restarts = !error && journey_restarts(&out->journey);
    out->reboots = !error && journey_reboots(&out->journey);
    if (out->restarts)
        return 0;
    if (!error && a && b)
        error = check_kinds(a, b, "of the application", from->vsn, to->vsn, why);
    if (!error && make_room(out) < 0)
        error = fault(why, -ENOMEM, "no memory for a plan");
    if (!error)
        error = pair_up(from, to, out, why);
    if (error)
        plan_release(out);
    return error;
}

int plan_make(const struct image *from, const struct image *to, struct plan *out,
              struct fault *why)
{
    return plan_make_by((const struct image *[]){from, to}, 2, out, why);
}

void plan_release(struct plan *plan)
{
    free(plan->children);
    free(plan->passages);
    *plan = (struct plan){0};
}

const struct plan_child *plan_find(const struct plan *plan, const struct code *code)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->children[i].from == code || plan->children[i].to == code)
            return &plan->children[i];
    return NULL;
}

/* The supervisor that lists `code`; NULL: the application's top. */
static const struct code *above(const struct image *image, const struct code *code)
{
    for (size_t i = 0; i < image->descriptor.count; i++) {
        const struct branch *branch = image->descriptor.codes[i].branch;

        for (size_t n = 0; branch && n < branch->count; n++)
            if (branch->codes[n] == code)
                return &image->descriptor.codes[i];
    }
    return NULL;
}

uint64_t plan_servers_of(const struct image *image, const struct code *code)
{
    uint64_t count = 1;

    if (code->branch || code->is_template)
        return 0;
    for (; code; code = above(image, code))
        count *= child_times(code->child);
    return count;
}

bool plan_changes_args(const struct plan_child *c)
{
    const struct code *a = c->from, *b = c->to;

    return a && b && !b->branch && c->move != PLAN_ANEW &&
           (a->args_len != b->args_len ||
            (a->args_len && memcmp(a->args, b->args, a->args_len) != 0));
}

bool plan_renews(const struct plan_child *c)
{
    return plan_changes_args(c) && c->to->child->renew;
}

bool plan_carries_mail(const struct plan_child *child)
{
    return message_differs(child->legs, child->leg_count);
}

void plan_blame(struct fault *why, const char *id)
{
    struct fault told = {.error = why->error};
    char quoted[sizeof(why->server) + 2];

    fault_where(&told, why->step, why->app, id, why->field);
    snprintf(quoted, sizeof(quoted), "'%s'", told.server);
    if (strstr(why->text, quoted))
        fault(&told, why->error, "%s", why->text);
    else
        fault(&told, why->error, "server %s: %s", quoted, why->text);
    *why = told;
}
