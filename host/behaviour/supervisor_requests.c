/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor_requests.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "ending.h"
#include "message.h"
#include "signals.h"
#include "starting.h"
#include "sys.h"

#define AT_A_TIME 256u /* children in a list before others run */

/* One request: what it says, and where the answer goes. */
struct request {
    struct process *p;
    struct supervisor *s;
    moult_in in;
    moult_out *out;
    int error; /* if it is refused; and why: */
    char text[512];
};

static int refuse(struct request *r, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct request *r, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->text, sizeof(r->text), format, args);
    va_end(args);
    r->error = error;
    return error;
}

static void put_pid(moult_out *out, moult_pid pid)
{
    if (pid.bits)
        moult_put_pid(out, pid);
    else
        moult_put_null(out);
}

/* -- finding the child that is meant -- */

static bool has_ids(const struct supervisor *s)
{
    return !branch_is_dynamic(&s->branch);
}

/* The child, or NULL and the request is refused; as the next two. */
static struct child *find_by_pid(struct request *r)
{
    moult_pid pid = moult_get_pid(&r->in);
    struct child *c = children_by_pid(&r->s->children, pid);
    char text[PID_TEXT];

    if (!c)
        refuse(r, -ENOENT, "'%s' has no child %s", r->s->id, pid_print(pid, text));
    return c;
}

static struct child *find_by_id(struct request *r)
{
    char id[NAME_MAX_LEN + 1];
    size_t len;
    const char *text = moult_get_text(&r->in, &len);
    struct child *c = NULL;

    snprintf(id, sizeof(id), "%.*s", (int)len, text);
    if (!has_ids(r->s))
        refuse(r, -ENOTSUP, "the children of '%s' have no ids: it is %s", r->s->id,
               supervisor_strategy_text(r->s->branch.strategy));
    else if (!(c = children_by_id(&r->s->children, id)))
        refuse(r, -ENOENT, "'%s' has no child '%s'", r->s->id, id);
    return c;
}

/* A child of that id that has no process. */
static struct child *find_stopped(struct request *r)
{
    struct child *c = find_by_id(r);

    char id[CHILD_ID];

    if (!c || c->state == CHILD_STOPPED)
        return c;
    if (c->state == CHILD_RUNNING)
        refuse(r, -EBUSY, "child '%s' runs", child_id(c, id));
    else
        refuse(r, -EINPROGRESS, "child '%s' is being restarted", child_id(c, id));
    return NULL;
}

/* -- listing -- */

static void put_null_at(moult_out *out, const char *key)
{
    moult_put_text(out, key);
    moult_put_null(out);
}

static void put_child(moult_out *out, const struct child *c)
{
    static const char *const states[] = {"stopped", "running", "restarting"};
    char name[NAME_MAX_LEN + 1], id[CHILD_ID];

    child_name(c, name);
    moult_put_map(out, child_is_supervisor(c) ? 8 : 7);
    if (child_has_id(c))
        moult_put_text_at(out, "id", child_id(c, id));
    else
        put_null_at(out, "id");
    moult_put_text_at(out, "name", name);
    moult_put_text(out, "pid");
    put_pid(out, c->state == CHILD_RUNNING ? c->pid : (moult_pid){0});
    moult_put_text_at(out, "type", child_is_supervisor(c) ? "supervisor" : "worker");
    moult_put_text_at(out, "status", states[c->state]);
    moult_put_int_at(out, "restarts", c->restarts);
    moult_put_text_at(out, "vsn", c->code->vsn);
    if (child_is_supervisor(c))
        moult_put_text_at(out, "strategy",
                          supervisor_strategy_text(c->code->branch->strategy));
}

/*
 * As an array: so many from the first on, or back from the last.  The list stays as it is
 * meanwhile, for nobody else changes it, but others run now and then.
 */
static void put_children(struct request *r, uint64_t left, bool backward)
{
    struct child *c = backward ? r->s->children.last : r->s->children.first;

    moult_put_array(r->out, left);
    for (; left > 0; left--) {
        put_child(r->out, c);
        c = backward ? c->previous : c->next;
        if (left % AT_A_TIME == 0)
            process_take_breath(r->p);
    }
}

/* The first of its children, at most as many as were asked for, and how many there are. */
static int list_children(struct request *r)
{
    uint64_t left = moult_get_uint(&r->in);

    if (left > r->s->children.count)
        left = r->s->children.count;
    moult_put_map(r->out, 3);
    moult_put_int_at(r->out, "count", r->s->children.count);
    moult_put_text_at(r->out, "strategy",
                      supervisor_strategy_text(r->s->branch.strategy));
    moult_put_text(r->out, "children");
    put_children(r, left, false);
    return 0;
}

static int which_children(struct request *r)
{
    struct child *c;

    if (moult_peek(&r->in) == MOULT_TEXT) {
        c = find_by_id(r);
        if (c)
            put_child(r->out, c);
        return r->error;
    }
    put_children(r, r->s->children.count, true);
    return 0;
}

static int count_children(struct request *r)
{
    const struct children *all = &r->s->children;
    bool is_simple = r->s->branch.strategy == MOULT_SIMPLE_ONE_FOR_ONE;

    moult_put_array(r->out, 4);
    moult_put_uint(r->out, is_simple ? 1 : all->count);
    moult_put_uint(r->out, all->running);
    moult_put_uint(r->out, all->supervisors);
    moult_put_uint(r->out, all->count - all->supervisors);
    return 0;
}

static uint32_t shutdown_of(const struct child *c)
{
    uint64_t ms = child_shutdown_ms(c);

    if (child_spec(c)->shutdown_ms == MOULT_BRUTAL_KILL)
        return MOULT_BRUTAL_KILL;
    return ms == MOULT_INFINITY ? MOULT_SHUTDOWN_INFINITY : (uint32_t)ms;
}

static void put_spec(moult_out *out, const struct child *c)
{
    const moult_child *spec = child_spec(c);
    bool own_args = c->given && c->given->args;
    char name[NAME_MAX_LEN + 1], id[CHILD_ID];

    child_name(c, name);
    moult_put_map(out, 10);
    moult_put_text_at(out, "id", child_has_id(c) ? child_id(c, id) : spec->id);
    moult_put_text_at(out, "name", name);
    moult_put_int_at(out, "restart", spec->restart);
    moult_put_int_at(out, "shutdown_ms", shutdown_of(c));
    moult_put_text_at(out, "type", child_is_supervisor(c) ? "supervisor" : "worker");
    moult_put_bool_at(out, "significant", spec->significant);
    moult_put_text_at(out, "modules", c->code->id);
    moult_put_int_at(out, "backoff_ms", spec->backoff_ms);
    moult_put_int_at(out, "backoff_most_ms", spec->backoff_most_ms);
    moult_put_text(out, "args");
    if (own_args)
        moult_put_item(out, c->given->args, c->given->args_len);
    else if (c->code->args)
        moult_put_item(out, c->code->args, c->code->args_len);
    else
        moult_put_null(out);
}

static int child_spec_of(struct request *r)
{
    struct child *c = moult_peek(&r->in) == MOULT_TEXT ? find_by_id(r) : find_by_pid(r);

    if (c)
        put_spec(r->out, c);
    return r->error;
}

/* -- ending and starting those there are -- */

static int terminate_pid(struct request *r)
{
    bool is_simple = r->s->branch.strategy == MOULT_SIMPLE_ONE_FOR_ONE;
    moult_in in = r->in;
    moult_pid pid = moult_get_pid(&in);
    struct child *c;

    if (has_ids(r->s))
        return refuse(r, -ENOTSUP, "the children of '%s' are ended by id: it is %s",
                      r->s->id, supervisor_strategy_text(r->s->branch.strategy));
    c = find_by_pid(r);
    if (!c)
        return is_simple && !process_is_alive(pid) ? 0 : r->error;
    child_end(r->p, r->s, c);
    children_remove(&r->s->children, c);
    return 0;
}

static int terminate_child(struct request *r)
{
    struct child *c;

    moult_put_null(r->out);
    if (moult_peek(&r->in) != MOULT_TEXT)
        return terminate_pid(r);
    c = find_by_id(r);
    if (!c)
        return r->error;
    child_end(r->p, r->s, c);
    if (child_spec(c)->restart == MOULT_TEMPORARY)
        children_remove(&r->s->children, c);
    return 0;
}

static int delete_child(struct request *r)
{
    struct child *c = find_stopped(r);

    moult_put_null(r->out);
    if (c)
        children_remove(&r->s->children, c);
    return r->error;
}

static int did_not_start(struct request *r, const struct child *c)
{
    start_error_text(r->p, c, r->text, sizeof(r->text));
    return -ECHILD;
}

static void put_started(struct request *r, int error, moult_pid pid)
{
    moult_put_array(r->out, 2);
    moult_put_int(r->out, error);
    put_pid(r->out, pid);
}

static int restart_child(struct request *r)
{
    struct child *c = find_stopped(r);

    if (!c)
        return r->error;
    if (child_start(r->p, r->s, c) < 0)
        return did_not_start(r, c);
    put_started(r, 0, c->pid);
    return 0;
}

/* -- starting others -- */

static char *take_text(moult_in *map, const char *key)
{
    moult_in value;
    const char *text;
    size_t len;

    if (!moult_find(map, key, &value) || moult_peek(&value) != MOULT_TEXT)
        return NULL;
    text = moult_get_text(&value, &len);
    return strndup(text, len);
}

static int take_args(struct given *given, const void *args, size_t len)
{
    given->args = malloc(len);
    if (!given->args)
        return -ENOMEM;
    memcpy(given->args, args, len);
    given->args_len = len;
    return 0;
}

static struct given *take_spec(moult_in *map)
{
    struct given *given = calloc(1, sizeof(*given));

    if (!given)
        return NULL;
    given->has_spec = true;
    given->spec = (moult_child){
        .id = take_text(map, "id"),
        .name = take_text(map, "name"),
        .restart = (int32_t)moult_int_at(map, "restart"),
        .shutdown_ms = (uint32_t)moult_int_at(map, "shutdown_ms"),
        .significant = (int32_t)moult_int_at(map, "significant"),
        .backoff_ms = (uint32_t)moult_int_at(map, "backoff_ms"),
        .backoff_most_ms = (uint32_t)moult_int_at(map, "backoff_most_ms"),
    };
    return given;
}

/* The code that a spec names, of the version that runs by now. */
static int find_code(struct request *r, moult_in *map, const struct code **code)
{
    char *app = take_text(map, "app"), *id = take_text(map, "code");
    int error = 0;

    *code = id ? code_find(r->s->branch.all, id) : NULL;
    if (!app || !id)
        error = refuse(r, -ENOMEM, "no memory for a child");
    else if (strcmp(app, r->s->app) != 0)
        error =
            refuse(r, -EXDEV, "'%s' is a supervisor of '%s' and runs nothing of '%s'",
                   r->s->id, r->s->app, app);
    else if (!*code)
        error = refuse(r, -EINVAL, "'%s' has no server '%s' any more", app, id);
    free(app);
    free(id);
    return error;
}

static int check_spec(struct request *r, const moult_child *spec)
{
    const struct branch *branch = &r->s->branch;

    if (spec->significant && branch->strategy == MOULT_DYNAMIC)
        return refuse(r, -EINVAL, "child '%s' is significant, which no dynamic one is",
                      spec->id);
    if (spec->significant && branch->auto_shutdown == MOULT_AUTO_SHUTDOWN_NEVER)
        return refuse(r, -EINVAL,
                      "child '%s' is significant, and its supervisor '%s' has no "
                      "auto_shutdown",
                      spec->id, r->s->id);
    return 0;
}

/* Is there one of that id?  Then that is the answer. */
static bool exists(struct request *r, const char *id)
{
    struct child *c = has_ids(r->s) ? children_by_id(&r->s->children, id) : NULL;

    if (c)
        put_started(r, c->state == CHILD_STOPPED ? -EEXIST : -EALREADY,
                    c->state == CHILD_RUNNING ? c->pid : (moult_pid){0});
    return c != NULL;
}

/* Start a child that is new, or forget it again. */
static int start_new(struct request *r, const struct code *code, struct given *given)
{
    bool has_id = has_ids(r->s) && given && given->has_spec;
    struct child *c = children_add(&r->s->children, code,
                                   has_id ? CHILD_ALONE : CHILD_NAMELESS, given);
    int error = 0;

    if (!c)
        return refuse(r, -ENOMEM, "no memory for a child");
    if (child_start(r->p, r->s, c) < 0)
        error = did_not_start(r, c);
    else
        put_started(r, 0, c->pid);
    if (error || (c->state == CHILD_STOPPED &&
                  (!has_ids(r->s) || child_spec(c)->restart == MOULT_TEMPORARY))) {
        children_remove(&r->s->children, c);
    } else if (c->given && child_spec(c)->restart == MOULT_TEMPORARY) {
        free(c->given->args); /* it is never started again */
        c->given->args = NULL;
    }
    return error;
}

static int start_by_spec(struct request *r, moult_in *map, const void *args, size_t len)
{
    const struct code *code;
    struct given *given;
    int error = find_code(r, map, &code);

    if (error)
        return error;
    given = take_spec(map);
    if (!given || !given->spec.id || take_args(given, args, len) < 0)
        error = refuse(r, -ENOMEM, "no memory for a child");
    else
        error = check_spec(r, &given->spec);
    if (!error && !exists(r, given->spec.id))
        return start_new(r, code, given);
    given_destroy(given);
    return error;
}

static int start_simple(struct request *r, moult_in args)
{
    const struct code *code = r->s->branch.codes[0];
    struct given *given = NULL;
    moult_out joined;
    int error = 0;

    if (moult_peek(&args) == MOULT_NULL)
        return start_new(r, code, NULL);
    out_init(&joined, NULL, 0);
    error = args_join(moult_in_over(code->args, code->args_len), args, &joined);
    given = calloc(1, sizeof(*given));
    if (!error)
        error = given ? take_args(given, joined.bytes, joined.len) : -ENOMEM;
    out_release(&joined);
    if (!error)
        return start_new(r, code, given);
    free(given);
    return refuse(r, error, "those args are of another kind than the ones of '%s'",
                  code->id);
}

static int start_child(struct request *r)
{
    const struct branch *branch = &r->s->branch;
    bool is_simple = branch->strategy == MOULT_SIMPLE_ONE_FOR_ONE;
    moult_in map, args;
    const void *item;
    size_t len;

    moult_get_array(&r->in);
    map = r->in;
    moult_skip(&r->in);
    item = moult_get_item(&r->in, &len);
    args = moult_in_over(item, len);
    if (is_simple != (moult_peek(&map) == MOULT_NULL))
        return refuse(r, -ENOTSUP,
                      is_simple ? "'%s' is simple_one_for_one: give args, and no spec"
                                : "'%s' is not simple_one_for_one: give a spec",
                      r->s->id);
    if (branch->max_children && r->s->children.count >= branch->max_children)
        return refuse(r, -ENOSPC, "'%s' has %" PRIu32 " children, its max_children",
                      r->s->id, branch->max_children);
    return is_simple ? start_simple(r, args) : start_by_spec(r, &map, item, len);
}

/* -- sys -- */

static int status(struct request *r)
{
    const struct supervisor *s = r->s;

    moult_put_map(r->out, 9);
    moult_put_text_at(r->out, "id", s->id);
    moult_put_text_at(r->out, "application", s->app);
    moult_put_text_at(r->out, "behaviour", r->p->class->name);
    moult_put_text_at(r->out, "status",
                      sys_is_suspended(r->p) ? "suspended" : "running");
    moult_put_text(r->out, "parent");
    moult_put_pid(r->out, r->p->parent);
    moult_put_text_at(r->out, "strategy", supervisor_strategy_text(s->branch.strategy));
    moult_put_int_at(r->out, "intensity", intensity_of(s->branch.intensity));
    moult_put_int_at(r->out, "period_s", intensity_period_s(s->branch.period_s));
    moult_put_int_at(r->out, "children", s->children.count);
    return 0;
}

/* Its end answers who asked. */
static int end(struct request *r)
{
    int64_t reason = moult_get_int(&r->in);

    moult_put_null(r->out);
    if (r->in.error || reason < INT32_MIN || reason > INT32_MAX)
        return refuse(r, -EINVAL, "that is no reason to end for");
    children_end(r->p, r->s);
    process_exit(r->p, (int32_t)reason, NULL);
    return 0;
}

/* -- another version -- */

/* Add what an upgrade adds: what has no count must not be there, of a count the rest. */
static int add_new(struct request *r, const struct code *const *codes, size_t count)
{
    struct child *last = r->s->children.last;
    int error = 0;

    for (size_t i = 0; i < count && !error; i++) {
        const moult_child *spec = codes[i]->child;

        if (!spec->count && children_by_id(&r->s->children, spec->id))
            error =
                refuse(r, -EEXIST, "'%s' has a child '%s' already", r->s->id, spec->id);
        else if (children_add_missing(&r->s->children, codes[i]) < 0)
            error = refuse(r, -ENOMEM, "no memory for the children");
    }
    while (error && r->s->children.last != last)
        children_remove(&r->s->children, r->s->children.last);
    return error;
}

/* What add_new() has added has to be known from what came before of the same code. */
static void mark_new(struct child *c)
{
    for (; c; c = c->next)
        c->is_new = true;
}

static int add_children(struct request *r, const struct code *const *codes,
                        size_t count)
{
    struct child *last = r->s->children.last, *failed;
    int error = add_new(r, codes, count);

    if (error)
        return error;
    mark_new(last ? last->next : r->s->children.first);
    error =
        children_start(r->p, r->s, last ? last->next : r->s->children.first, &failed);
    if (!error)
        return 0;
    start_error_text(r->p, failed, r->text, sizeof(r->text));
    children_end_new(r->p, r->s);
    return error;
}

static int change_children(struct request *r)
{
    const struct code *const *codes = (const void *)(uintptr_t)moult_get_uint(&r->in);
    size_t count = moult_get_uint(&r->in);

    moult_put_null(r->out);
    if (r->p->current->code == SYSTEM_ADD)
        return add_children(r, codes, count);
    switch (r->p->current->code) {
    case SYSTEM_TAKE_BACK:
        children_end_new(r->p, r->s);
        break;
    case SYSTEM_PAUSE:
        children_pause(r->p, r->s, codes, count);
        break;
    case SYSTEM_UNPAUSE:
        supervisor_unpause(r->p, r->s);
        break;
    case SYSTEM_RENEW:
        supervisor_renew(r->p, r->s, codes, count);
        break;
    default:
        children_end_of(r->p, r->s, codes, count);
    }
    return 0;
}

int supervisor_ask(moult_pid supervisor, enum system_request what,
                   const struct code *const *codes, size_t count, char *text,
                   size_t size)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (!e)
        return -ENOMEM;
    e->code = (int32_t)what;
    moult_put_uint(&e->out, (uintptr_t)codes);
    moult_put_uint(&e->out, count);
    return ask_and_wait(supervisor, e, MOULT_INFINITY, NULL, text, size);
}

/* -- all of them -- */

static int (*const answers[])(struct request *r) = {
    [SYSTEM_STATUS] = status,          [SYSTEM_TERMINATE] = end,
    [SYSTEM_CHILDREN] = list_children, [SYSTEM_ADD] = change_children,
    [SYSTEM_REMOVE] = change_children, [SYSTEM_TAKE_BACK] = change_children,
    [SYSTEM_PAUSE] = change_children,  [SYSTEM_UNPAUSE] = change_children,
    [SYSTEM_RENEW] = change_children,
};

static int (*const works[])(struct request *r) = {
    [SYSTEM_START_CHILD - SYS_WORK] = start_child,
    [SYSTEM_TERMINATE_CHILD - SYS_WORK] = terminate_child,
    [SYSTEM_RESTART_CHILD - SYS_WORK] = restart_child,
    [SYSTEM_DELETE_CHILD - SYS_WORK] = delete_child,
    [SYSTEM_WHICH_CHILDREN - SYS_WORK] = which_children,
    [SYSTEM_COUNT_CHILDREN - SYS_WORK] = count_children,
    [SYSTEM_CHILD_SPEC - SYS_WORK] = child_spec_of,
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static int do_as_asked(struct request *r, uint32_t what)
{
    if (r->p->current->kind == ENVELOPE_SYSTEM) {
        if (what < COUNT(answers) && answers[what])
            return answers[what](r);
        if (what >= SYS_WORK && what - SYS_WORK < COUNT(works))
            return works[what - SYS_WORK](r);
    }
    return refuse(r, -ENOSYS, "a supervisor has no such request");
}

void supervisor_answer(struct process *p, struct supervisor *s)
{
    struct request r = {.p = p, .s = s, .in = out_read(&p->current->out)};
    struct envelope *reply;
    int error;

    if (p->current->kind == ENVELOPE_SYSTEM && sys_answer(p))
        return;
    reply = s->busy = envelope_create(ENVELOPE_REPLY);
    if (!reply) {
        process_refuse(p, -ENOMEM, "no memory for the answer");
        return;
    }
    r.out = &reply->out;
    error = do_as_asked(&r, (uint32_t)p->current->code);
    if (p->flags & PROCESS_EXITING) /* that answers */
        return;
    if (error) {
        out_reset(&reply->out);
        reply->flags = ENVELOPE_ERROR;
        reply->code = error;
        signal_set_text(reply, r.text);
    }
    s->busy = NULL;
    reply->ref = p->current->ref;
    process_send_last(p, p->current->from, reply);
    p->current->kind = ENVELOPE_CAST; /* it is answered */
}
