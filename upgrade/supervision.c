/* SPDX-License-Identifier: Apache-2.0 */
#include "supervision.h"

#include <errno.h>
#include <stdlib.h>

#include "supervisor.h"

/* -- which supervisors there are -- */

struct listed {
    moult_pid pid;
    const struct code *code;
};

struct listing {
    struct listed *supervisors;
    size_t count, room;
};

static void list(struct process *p, void *context)
{
    struct listing *l = context;
    const struct supervisor *s = supervisor_of(p);

    if (!s || l->count == l->room)
        return;
    l->supervisors[l->count++] = (struct listed){process_pid(p), s->code};
}

/* Those that run now; -ENOMEM.  `l->supervisors` is given. */
static int list_all(const struct supervision *s, struct listing *l)
{
    struct group *group = &s->app->group;

    pthread_mutex_lock(&group->lock);
    l->room = group->count + 1;
    pthread_mutex_unlock(&group->lock);
    l->supervisors = calloc(l->room, sizeof(*l->supervisors));
    if (!l->supervisors)
        return -ENOMEM;
    group_each(group, list, l);
    return 0;
}

/*
 * What the supervisor of `code` does in the new version; NULL if it has none, or if it is
 * of the new version as it is.
 */
static const struct branch *branch_to(const struct supervision *s,
                                      const struct code *code)
{
    const struct plan_child *c = code ? plan_find(s->plan, code) : NULL;

    if (!code)
        return s->top;
    return c && c->from == code && c->to ? c->to->branch : NULL;
}

/* How many children are new right below `branch`; they go to `codes` (may be NULL). */
static size_t new_below(const struct supervision *s, const struct branch *branch,
                        const struct code **codes)
{
    size_t count = 0;

    for (size_t i = 0; branch && !branch_is_dynamic(branch) && i < branch->count; i++) {
        const struct plan_child *c = plan_find(s->plan, branch->codes[i]);

        if (c && c->from && child_times(c->to->child) <= child_times(c->from->child))
            continue;
        if (c && c->move == PLAN_ANEW)
            continue; /* it comes with what it is below */
        if (codes)
            codes[count] = branch->codes[i];
        count++;
    }
    return count;
}

bool supervision_adds(const struct supervision *s)
{
    size_t count = new_below(s, s->top, NULL);

    for (size_t i = 0; i < s->plan->count && !count; i++)
        if (s->plan->children[i].from)
            count = new_below(s, branch_to(s, s->plan->children[i].from), NULL);
    return count > 0;
}

/* -- adding -- */

static int add_to(struct supervision *s, const struct listed *to, struct fault *why)
{
    const struct branch *branch = branch_to(s, to->code);
    size_t count = new_below(s, branch, NULL);
    struct addition *a;
    char text[512] = "";
    int error;

    if (count == 0)
        return 0;
    a = calloc(1, sizeof(*a) + count * sizeof(*a->codes));
    if (!a)
        return fault(why, -ENOMEM, "no memory for the children that are new");
    a->supervisor = to->pid;
    a->below = to->code;
    a->count = new_below(s, branch, a->codes);
    error = supervisor_ask(to->pid, SYSTEM_ADD, a->codes, count, text, sizeof(text));
    if (error) {
        free(a);
        return fault(why, error, "%s", text);
    }
    a->next = s->additions;
    s->additions = a;
    return 0;
}

int supervision_add(struct supervision *s, struct fault *why)
{
    struct listing all = {0};
    int error = list_all(s, &all);

    if (error)
        return fault(why, error, "no memory to list the supervisors");
    for (size_t i = 0; i < all.count && !error; i++)
        error = add_to(s, &all.supervisors[i], why);
    free(all.supervisors);
    if (error)
        supervision_undo(s);
    return error;
}

void supervision_undo(struct supervision *s)
{
    char text[256];

    for (const struct addition *a = s->additions; a; a = a->next)
        supervisor_ask(a->supervisor, SYSTEM_TAKE_BACK, a->codes, a->count, text,
                       sizeof(text));
    supervision_finish(s);
}

void supervision_finish(struct supervision *s)
{
    while (s->additions) {
        struct addition *a = s->additions;

        s->additions = a->next;
        free(a);
    }
}

/* -- at rest -- */

/* Is it one that was stopped, to be started anew? */
static bool is_old(const struct supervision *s, const struct process *p)
{
    const struct server *server = server_of(p);
    const struct supervisor *supervisor = supervisor_of(p);
    const struct code *code = server       ? server->code
                              : supervisor ? supervisor->code
                                           : NULL;
    const struct plan_child *c = code ? plan_find(s->plan, code) : NULL;

    return c && c->move == PLAN_ANEW && c->from == code;
}

struct checking {
    const struct supervision *supervision;
    const struct process *late, *again;
};

static void check(struct process *p, void *context)
{
    struct checking *c = context;
    const struct supervision *all = c->supervision;
    const struct supervisor *s = supervisor_of(p);
    const struct addition *a = all->additions;

    if (all->pausing && is_old(all, p))
        c->again = p;
    if (!s || new_below(all, branch_to(all, s->code), NULL) == 0)
        return;
    while (a && !moult_pid_equal(a->supervisor, process_pid(p)))
        a = a->next;
    if (!a)
        c->late = p;
}

int supervision_check(struct supervision *s, struct fault *why)
{
    struct process *top = process_find(s->app->supervisor);
    struct checking c = {.supervision = s};

    if (!top || !supervisor_of(top))
        return fault(why, -ESRCH, "application '%s' ended meanwhile", s->app->name);
    group_each(&s->app->group, check, &c);
    if (c.again) {
        fault_where(why, NULL, NULL, process_label(c.again), NULL);
        return fault(
            why, -EAGAIN,
            "'%s' was stopped, and started again by what it is below: try again",
            process_label(c.again));
    }
    if (!c.late)
        return 0;
    fault_where(why, NULL, NULL, process_label(c.late), NULL);
    return fault(why, -EAGAIN,
                 "supervisor '%s' was started again while its new children were: try "
                 "again",
                 process_label(c.late));
}

static void become(struct process *p, void *context)
{
    const struct supervision *all = context;
    struct supervisor *s = supervisor_of(p);
    const struct branch *branch = s ? branch_to(all, s->code) : NULL;

    if (branch)
        supervisor_became(s, branch,
                          s->code ? plan_find(all->plan, s->code)->to : NULL);
}

void supervision_become(struct supervision *s)
{
    group_each(&s->app->group, become, s);
}

struct placing {
    const struct plan *plan;
    const struct pick *pick;
};

/* The code that `c` is to run; NULL: as it does. */
static const struct code *place(const struct child *c, void *context)
{
    const struct placing *all = context;
    const struct plan_child *child = plan_find(all->plan, c->code);

    return child && child->from == c->code && !c->code->branch &&
                   pick_has(all->pick, c->pid)
               ? child->to
               : NULL;
}

static void place_below(struct process *p, void *context)
{
    struct supervisor *s = supervisor_of(p);

    if (s)
        supervisor_place(s, place, context);
}

void supervision_place(struct supervision *s, const struct pick *pick)
{
    struct placing all = {s->plan, pick};

    group_each(&s->app->group, place_below, &all);
}

/* -- what is only asked for: it can't fail -- */

static void ask_all(struct supervision *s, enum system_request what,
                    const struct code *const *codes, size_t count)
{
    struct listing all = {0};
    char text[256];

    if (list_all(s, &all) == 0)
        for (size_t i = 0; i < all.count; i++)
            supervisor_ask(all.supervisors[i].pid, what, codes, count, text,
                           sizeof(text));
    free(all.supervisors);
}

void supervision_remove(struct supervision *s)
{
    const struct code **codes = calloc(s->plan->count + 1, sizeof(*codes));
    size_t count = 0;
    bool is_less = false;

    for (size_t i = 0; codes && i < s->plan->count; i++) {
        const struct plan_child *c = &s->plan->children[i];

        if (!c->to)
            codes[count++] = c->from;
        else if (c->from)
            is_less |= child_times(c->to->child) < child_times(c->from->child);
    }
    if (count || is_less)
        ask_all(s, SYSTEM_REMOVE, codes, count);
    free(codes);
}

void supervision_renew(struct supervision *s)
{
    const struct code **codes = calloc(s->plan->count + 1, sizeof(*codes));
    size_t count = 0;

    for (size_t i = 0; codes && i < s->plan->count; i++)
        if (plan_renews(&s->plan->children[i]))
            codes[count++] = s->plan->children[i].to;
    if (count)
        ask_all(s, SYSTEM_RENEW, codes, count);
    free(codes);
}

/* -- starting anew -- */

static void count_old(struct process *p, void *context)
{
    struct supervision *s = context;

    s->paused += server_of(p) && is_old(s, p);
}

/* Whatever happens, they can be told to start these. */
static int prepare_unpausing(struct supervision *s)
{
    struct listing all = {0};
    int error = list_all(s, &all);

    if (!error && !(s->pausing = calloc(all.count + 1, sizeof(*s->pausing))))
        error = -ENOMEM;
    for (size_t i = 0; i < all.count && !error; i++) {
        struct pausing *p = &s->pausing[s->pausing_count++];

        *p = (struct pausing){all.supervisors[i].pid, supervisor_unpausing()};
        if (!p->unpause)
            error = -ENOMEM;
    }
    free(all.supervisors);
    return error;
}

/* One that ended meanwhile has taken what it had along. */
static int pause_all(struct supervision *s, const struct code *const *codes,
                     size_t count)
{
    char text[256];
    int error = 0;

    for (size_t i = 0; i < s->pausing_count && error != -ENOMEM; i++)
        error = supervisor_ask(s->pausing[i].supervisor, SYSTEM_PAUSE, codes, count,
                               text, sizeof(text));
    return error == -ENOMEM ? error : 0;
}

int supervision_pause(struct supervision *s, struct fault *why)
{
    const struct code **codes = calloc(s->plan->count + 1, sizeof(*codes));
    size_t count = 0;
    int error = codes ? prepare_unpausing(s) : -ENOMEM;

    for (size_t i = 0; i < s->plan->count && codes; i++)
        if (s->plan->children[i].move == PLAN_ANEW && s->plan->children[i].from)
            codes[count++] = s->plan->children[i].from;
    group_each(&s->app->group, count_old, s);
    if (!error)
        error = pause_all(s, codes, count);
    free(codes);
    return error ? fault(why, error, "no memory for what is started anew") : 0;
}

void supervision_unpause(struct supervision *s)
{
    char text[256];

    for (size_t i = 0; i < s->pausing_count; i++)
        if (s->pausing[i].unpause)
            process_send(NULL, s->pausing[i].supervisor, s->pausing[i].unpause);
    for (size_t i = 0; i < s->pausing_count; i++) /* and wait until they have */
        supervisor_ask(s->pausing[i].supervisor, SYSTEM_UNPAUSE, NULL, 0, text,
                       sizeof(text));
    free(s->pausing);
    s->pausing = NULL;
    s->pausing_count = 0;
}
