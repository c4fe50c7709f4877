/* SPDX-License-Identifier: Apache-2.0 */
#include "processes.h"

#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "ask.h"
#include "name.h"
#include "params.h"
#include "server.h"
#include "sys.h"

#define LIST_MOST 1000u /* unless asked otherwise */

static const char *status_text(struct process *p)
{
    enum mailbox_state state =
        mailbox_state(atomic_load_explicit(&p->inbox, memory_order_relaxed));

    switch (state) {
    case MAILBOX_RUN:
        return "running";
    case MAILBOX_WAIT:
    case MAILBOX_RECEIVE:
        return "waiting";
    case MAILBOX_CLOSED:
        return "exiting";
    default:
        if (sys_is_suspended(p))
            return "suspended";
        return state == MAILBOX_HELD ? "held" : "idle";
    }
}

static json_int_t mailbox_length(struct process *p)
{
    uint64_t word = atomic_load_explicit(&p->inbox, memory_order_relaxed);

    return (json_int_t)mailbox_count(word) +
           (json_int_t)atomic_load_explicit(&p->backlog, memory_order_relaxed);
}

static json_int_t memory_of(struct process *p)
{
    return (json_int_t)sizeof(*p) +
           (json_int_t)atomic_load_explicit(&p->memory, memory_order_relaxed);
}

static json_int_t reductions_of(struct process *p)
{
    return (json_int_t)atomic_load_explicit(&p->handled, memory_order_relaxed);
}

/* Of a server its own, which may be another than its application's. */
static const char *vsn_of(const struct process *p, const char *vsn)
{
    const struct server *s = server_of(p);

    return s ? s->code->vsn : vsn;
}

/* With the lock of its group held. */
static json_t *describe(struct process *p, const char *app, const char *vsn)
{
    char pid[PID_TEXT], name[NAME_MAX_LEN + 1];

    name_of(process_pid(p), name);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "pid",
                     pid_print(process_pid(p), pid), "name", name, "application", app,
                     "id", process_label(p), "vsn", vsn_of(p, vsn), "status",
                     status_text(p), "mailbox", mailbox_length(p), "memory",
                     memory_of(p), "reductions", reductions_of(p));
}

json_t *processes_figures(moult_pid pid)
{
    struct process *p = process_find(pid);
    char text[PID_TEXT], name[NAME_MAX_LEN + 1];

    if (!p)
        return NULL;
    name_of(pid, name);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "pid", pid_print(pid, text),
                     "name", name, "status", status_text(p), "mailbox",
                     mailbox_length(p), "memory", memory_of(p), "reductions",
                     reductions_of(p));
}

/* -- the first so many of an order -- */

struct row {
    json_int_t key;
    json_t *json;
};

static const struct order {
    const char *name;
    json_int_t (*key)(struct process *p); /* the largest first; NULL: by name */
} orders[] = {
    {"memory", memory_of},
    {"mailbox", mailbox_length},
    {"reductions", reductions_of},
    {"name", NULL},
};

/* Once `count` is `limit` the rows are a heap: none is behind the first. */
struct listing {
    const struct order *order; /* NULL: as they come */
    const char *app, *vsn;
    struct row *rows;
    size_t count, room;
    uint64_t limit;
    bool failed; /* no memory */
};

static const char *name_in(const struct row *row)
{
    const char *name = json_string_value(json_object_get(row->json, "name"));

    return name ? name : "";
}

/* Above 0 if `a` comes behind `b`.  Those without a name come behind those with one. */
static int compare(const void *a, const void *b, void *order)
{
    const struct row *x = a, *y = b;
    const char *x_name, *y_name;

    if (((const struct order *)order)->key)
        return (x->key < y->key) - (x->key > y->key);
    x_name = name_in(x);
    y_name = name_in(y);
    if (!*x_name || !*y_name)
        return !*x_name - !*y_name;
    return strcmp(x_name, y_name);
}

static bool is_behind(const struct listing *l, size_t a, size_t b)
{
    return compare(&l->rows[a], &l->rows[b], (void *)l->order) > 0;
}

static void swap(struct row *a, struct row *b)
{
    struct row c = *a;

    *a = *b;
    *b = c;
}

static void sift_down(struct listing *l, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < l->count; at = child) {
        if (child + 1 < l->count && is_behind(l, child + 1, child))
            child++;
        if (!is_behind(l, child, at))
            return;
        swap(&l->rows[at], &l->rows[child]);
    }
}

static void make_heap(struct listing *l)
{
    for (size_t i = l->count / 2; i-- > 0;)
        sift_down(l, i);
}

static bool grow(struct listing *l)
{
    size_t room = l->room ? l->room * 2 : 64;
    struct row *rows = realloc(l->rows, room * sizeof(*rows));

    if (!rows)
        return false;
    l->rows = rows;
    l->room = room;
    return true;
}

static void append(struct listing *l, struct row row)
{
    if (l->count == l->room && !grow(l)) {
        json_decref(row.json);
        l->failed = true;
        return;
    }
    l->rows[l->count++] = row;
    if (l->count == l->limit && l->order)
        make_heap(l);
}

/* In the place of the one that is behind all others, if it comes before that. */
static void take_place(struct listing *l, struct row row)
{
    if (compare(&l->rows[0], &row, (void *)l->order) <= 0) {
        json_decref(row.json);
        return;
    }
    json_decref(l->rows[0].json);
    l->rows[0] = row;
    sift_down(l, 0);
}

static void add_process(struct process *p, void *context)
{
    struct listing *l = context;
    struct row row = {0};

    if (l->failed || (!l->order && l->count == l->limit))
        return;
    if (l->order && l->order->key) {
        row.key = l->order->key(p);
        if (l->count == l->limit && row.key <= l->rows[0].key)
            return;
    }
    row.json = describe(p, l->app, l->vsn);
    if (l->count < l->limit)
        append(l, row);
    else
        take_place(l, row);
}

static void add_processes(struct application *app, void *context)
{
    struct listing *l = context;

    l->app = app->name;
    l->vsn = app->spec ? app->spec->vsn : "";
    group_each(&app->group, add_process, l);
}

/* The rows, in order, as the answer; NULL: no memory.  They are freed. */
static json_t *finish(struct listing *l)
{
    json_t *list = l->failed ? NULL : json_array();

    if (l->order && l->count)
        qsort_r(l->rows, l->count, sizeof(*l->rows), compare, (void *)l->order);
    for (size_t i = 0; i < l->count; i++)
        if (list)
            json_array_append_new(list, l->rows[i].json);
        else
            json_decref(l->rows[i].json);
    free(l->rows);
    return list;
}

static const struct order *order_of(struct params *p)
{
    const char *word = params_text_or(p, "sort", "");

    for (size_t i = 0; word && i < sizeof(orders) / sizeof(*orders); i++)
        if (strcmp(orders[i].name, word) == 0)
            return &orders[i];
    if (word && *word)
        params_wrong(
            p, "'sort' must be \"memory\", \"mailbox\", \"reductions\" or \"name\"");
    return NULL;
}

void processes_list(struct request *request, void *context)
{
    struct params p = params_of(request);
    struct listing l = {.order = order_of(&p),
                        .limit = params_uint_or(&p, "limit", LIST_MOST, 1, UINT32_MAX)};

    if (params_refused(&p, request))
        return;
    application_each(add_processes, &l);
    l.app = "kernel";
    l.vsn = MOULT_HOST_VERSION;
    group_each(&ask_group, add_process, &l);
    request_reply(request, finish(&l));
}
