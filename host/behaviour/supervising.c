/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervising - the functions of abi/moult/supervisor.h: calls to a supervisor.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "message.h"
#include "name.h"
#include "plain.h"
#include "supervisor.h"
#include "utf8.h"
#include "via.h"
#include "worker.h"

moult_pid moult_parent(moult_ctx *ctx)
{
    return process_of(ctx)->parent;
}

/* Is `p` in its init, for which that supervisor waits? */
static bool would_deadlock(const struct process *p, moult_pid supervisor)
{
    const struct server *s = server_of(p);

    return s && !(s->flags & SERVER_STARTED) && moult_pid_equal(supervisor, p->parent);
}

/* Ask `e` (taken, NULL: no memory) of `supervisor`; `*reply` is at the answer. */
static int ask_it(moult_ctx *ctx, moult_pid supervisor, enum system_request what,
                  struct envelope *e, moult_in *reply)
{
    struct process *p = process_of(ctx);
    int error = e ? e->out.error : -ENOMEM;

    if (!error && would_deadlock(p, supervisor))
        error = -EDEADLK;
    if (error) {
        envelope_destroy(e);
        return process_fail(p, error, moult_strerror(error));
    }
    e->code = (int32_t)what;
    error = process_call(p, supervisor, e, MOULT_INFINITY);
    if (!error && reply)
        *reply = out_read(&p->answer->out);
    return error;
}

static struct envelope *request_null(void)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (e)
        moult_put_null(&e->out);
    return e;
}

static struct envelope *request_id(const char *id)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (e)
        moult_put_text(&e->out, id ? id : "");
    return e;
}

static struct envelope *request_pid(moult_pid pid)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (e)
        moult_put_pid(&e->out, pid);
    return e;
}

/* -- starting -- */

static bool is_text(const char *text, size_t most)
{
    size_t len = strnlen(text, most + 1);

    return len > 0 && len <= most && utf8_valid(text, len);
}

static const char *wrong_with_names(const moult_child *spec)
{
    if (!spec->id || !is_text(spec->id, NAME_MAX_LEN) || strchr(spec->id, '/'))
        return "its id is not UTF-8 text of 1 to 255 bytes without '/'";
    if (spec->name && !is_text(spec->name, NAME_MAX_LEN))
        return "its name is not UTF-8 text of 1 to 255 bytes";
    if (spec->name && via_is(spec->name) && !via_valid(spec->name))
        return "its name is not whole: via:REGISTRY:KEY";
    return NULL;
}

/* What is wrong with `spec`, or NULL; what only its supervisor knows, it says. */
static const char *wrong_with(const moult_child *spec)
{
    const char *wrong = wrong_with_names(spec);

    if (wrong)
        return wrong;
    if (!spec->server == !spec->supervisor)
        return "it needs a server or a supervisor, and not both";
    if (spec->restart < MOULT_PERMANENT || spec->restart > MOULT_TEMPORARY)
        return "its restart is not MOULT_PERMANENT, MOULT_TRANSIENT or MOULT_TEMPORARY";
    if (spec->significant != 0 && spec->significant != 1)
        return "its significant is neither 0 nor 1";
    if (spec->significant && spec->restart == MOULT_PERMANENT)
        return "it is significant and permanent: its end is never for good";
    if (spec->backoff_most_ms && spec->backoff_most_ms < spec->backoff_ms)
        return "its backoff_ms is more than its backoff_most_ms";
    if (spec->supervisor && spec->args)
        return "it is a supervisor and takes no args";
    if (spec->count)
        return "it has a count: start one at a time";
    return NULL;
}

static int put_json(moult_out *out, const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    int error = json ? json_to_cbor(json, out, NULL) : -EINVAL;

    json_decref(json);
    return error;
}

static void put_spec(moult_out *out, const moult_child *spec, const struct code *code)
{
    moult_put_map(out, spec->name ? 9 : 8);
    moult_put_text_at(out, "app", code->app);
    moult_put_text_at(out, "code", code->id);
    moult_put_text_at(out, "id", spec->id);
    if (spec->name)
        moult_put_text_at(out, "name", spec->name);
    moult_put_int_at(out, "restart", spec->restart);
    moult_put_int_at(out, "shutdown_ms", spec->shutdown_ms);
    moult_put_int_at(out, "significant", spec->significant != 0);
    moult_put_int_at(out, "backoff_ms", spec->backoff_ms);
    moult_put_int_at(out, "backoff_most_ms", spec->backoff_most_ms);
}

/* The spec, by its code's name: a pointer would be of this version only. */
static int put_checked(struct process *p, moult_out *out, const moult_child *spec)
{
    const struct code *own = plain_code(p);
    const void *declared = spec->server ? (const void *)spec->server : spec->supervisor;
    const char *wrong = wrong_with(spec);
    const struct code *code = own && !wrong ? code_declared(own->all, declared) : NULL;
    char text[320];

    if (!wrong && !code)
        wrong = "this plugin does not list what it runs: put it in `children` or "
                "`templates`";
    if (wrong) {
        snprintf(text, sizeof(text), "child '%.64s': %s", spec->id ? spec->id : "",
                 wrong);
        return process_fail(p, -EINVAL, text);
    }
    put_spec(out, spec, code);
    return 0;
}

/* [error, pid or null] */
static int take_started(struct process *p, moult_in in, moult_pid *pid)
{
    int error;

    moult_get_array(&in);
    error = (int)moult_get_int(&in);
    if (pid)
        *pid = moult_peek(&in) == MOULT_NULL ? (moult_pid){0} : moult_get_pid(&in);
    if (!error)
        return 0;
    return process_fail(p, error,
                        error == -EALREADY
                            ? "there is a child of that id, and it runs"
                            : "there is a child of that id, and it does not run");
}

static int put_args(struct process *p, moult_out *out, const moult_child *spec,
                    const moult_out *args)
{
    if (args && args->error)
        return process_fail(p, args->error, moult_strerror(args->error));
    if (args && args->len)
        moult_put_item(out, args->bytes, args->len);
    else if (spec && spec->args && put_json(out, spec->args) < 0)
        return process_fail(p, -EINVAL, "the args of the child's spec are not JSON");
    else if (!spec || !spec->args)
        moult_put_null(out);
    return 0;
}

int moult_start_child(moult_ctx *ctx, moult_pid supervisor, const moult_child *spec,
                      moult_out *args, moult_pid *pid)
{
    struct process *p = process_of(ctx);
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    moult_in reply;
    int error = 0;

    if (e) {
        moult_put_array(&e->out, 2);
        if (spec)
            error = put_checked(p, &e->out, spec);
        else
            moult_put_null(&e->out);
        if (!error)
            error = put_args(p, &e->out, spec, args);
    }
    if (args)
        draft_drop(p, args);
    if (error) {
        envelope_destroy(e);
        return error;
    }
    error = ask_it(ctx, supervisor, SYSTEM_START_CHILD, e, &reply);
    return error ? error : take_started(p, reply, pid);
}

/* -- the others -- */

int moult_terminate_child(moult_ctx *ctx, moult_pid supervisor, const char *id)
{
    return ask_it(ctx, supervisor, SYSTEM_TERMINATE_CHILD, request_id(id), NULL);
}

int moult_terminate_pid(moult_ctx *ctx, moult_pid supervisor, moult_pid child)
{
    return ask_it(ctx, supervisor, SYSTEM_TERMINATE_CHILD, request_pid(child), NULL);
}

int moult_restart_child(moult_ctx *ctx, moult_pid supervisor, const char *id,
                        moult_pid *pid)
{
    moult_in reply;
    int error = ask_it(ctx, supervisor, SYSTEM_RESTART_CHILD, request_id(id), &reply);

    return error ? error : take_started(process_of(ctx), reply, pid);
}

int moult_delete_child(moult_ctx *ctx, moult_pid supervisor, const char *id)
{
    return ask_it(ctx, supervisor, SYSTEM_DELETE_CHILD, request_id(id), NULL);
}

int moult_which_children(moult_ctx *ctx, moult_pid supervisor, moult_in *list)
{
    return ask_it(ctx, supervisor, SYSTEM_WHICH_CHILDREN, request_null(), list);
}

int moult_which_child(moult_ctx *ctx, moult_pid supervisor, const char *id,
                      moult_in *child)
{
    return ask_it(ctx, supervisor, SYSTEM_WHICH_CHILDREN, request_id(id), child);
}

int moult_count_children(moult_ctx *ctx, moult_pid supervisor,
                         moult_children_count *count)
{
    moult_in in;
    int error = ask_it(ctx, supervisor, SYSTEM_COUNT_CHILDREN, request_null(), &in);

    if (error)
        return error;
    moult_get_array(&in);
    count->specs = (uint32_t)moult_get_uint(&in);
    count->active = (uint32_t)moult_get_uint(&in);
    count->supervisors = (uint32_t)moult_get_uint(&in);
    count->workers = (uint32_t)moult_get_uint(&in);
    return 0;
}

int moult_get_childspec(moult_ctx *ctx, moult_pid supervisor, const char *id,
                        moult_pid pid, moult_in *spec)
{
    return ask_it(ctx, supervisor, SYSTEM_CHILD_SPEC,
                  id ? request_id(id) : request_pid(pid), spec);
}

/* -- many of one spec -- */

uint32_t moult_instance(moult_ctx *ctx)
{
    const struct server *s = server_of(process_of(ctx));
    const char *number = s && s->code->child->count ? strrchr(s->id, '.') : NULL;

    return number ? (uint32_t)strtoul(number + 1, NULL, 10) : 0;
}

moult_pid moult_partition(const char *name, uint32_t count, uint64_t key)
{
    char text[NAME_MAX_LEN + 1];

    if (count == MOULT_ONE_PER_CORE)
        count = workers_count();
    snprintf(text, sizeof(text), "%s.%" PRIu64, name, count ? key % count : 0);
    return name_find(text);
}

uint64_t moult_key(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u;

    for (; len > 0; len--)
        hash = (hash ^ *at++) * 0x100000001b3u;
    return hash;
}
