/* SPDX-License-Identifier: Apache-2.0 */
#include "methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applications.h"
#include "ask.h"
#include "asking.h"
#include "changes.h"
#include "clock.h"
#include "crashes.h"
#include "event.h"
#include "info_method.h"
#include "json.h"
#include "params.h"
#include "processes.h"
#include "registry_method.h"
#include "rpc.h"
#include "sys_methods.h"
#include "telemetry_method.h"
#include "tracer.h"
#include "worker.h"

#define LIST_MOST 1000u /* children that are listed, unless asked otherwise */

/* -- calls and casts -- */

static struct envelope *encode(enum envelope_kind kind, const json_t *message,
                               struct request *request)
{
    struct envelope *e = envelope_create(kind);
    struct fault why = {0};

    if (!e) {
        fault(&why, -ENOMEM, "no memory for the message");
    } else if (json_to_cbor(message, &e->out, &why) == 0) {
        return e;
    }
    envelope_destroy(e);
    request_fault(request, &why);
    return NULL;
}

static void call(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *name = params_text(&p, "name");
    const json_t *message = params_value(&p, "message");
    uint64_t timeout_ms =
        params_uint_or(&p, "timeout_ms", MOULT_CALL_TIMEOUT_MS, 1, UINT32_MAX);
    struct envelope *e;

    if (params_refused(&p, request) || !(e = encode(ENVELOPE_CALL, message, request)))
        return;
    asking(request, name, e, timeout_ms, NULL);
}

static void cast(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *name = params_text(&p, "name");
    const json_t *message = params_value(&p, "message");
    struct envelope *e;
    char text[80];
    moult_pid pid;
    int error;

    if (params_refused(&p, request) || !(e = encode(ENVELOPE_CAST, message, request)))
        return;
    pid = asking_find(name);
    error = process_send(NULL, pid, e);
    if (error == -ESRCH)
        asking_nobody(request, name);
    else if (error)
        asking_failed(request, error, name,
                      process_refusal(pid, error, text, sizeof(text)));
    else
        request_reply(request, json_null());
}

/* -- what there is -- */

static void count_application(struct application *app, void *context)
{
    json_int_t *count = context;

    *count += app->status == APPLICATION_RUNNING ? 1 : 0;
}

static void status(struct request *request, void *context)
{
    const struct host_view *host = context;
    struct params p = params_of(request);
    json_int_t applications = 0;

    if (params_refused(&p, request))
        return;
    application_each(count_application, &applications);
    request_reply(request,
                  json_pack("{s:i, s:s, s:s, s:I, s:i, s:s, s:s, s:s, s:I, s:I, s:I}",
                            "pid", (int)getpid(), "version", MOULT_HOST_VERSION,
                            "state", "running", "uptime_ms",
                            (json_int_t)((clock_ns() - host->started_ns) / 1000000u),
                            "workers", (int)workers_count(), "plugins", host->plugins,
                            "data", host->data, "socket", host->socket, "applications",
                            applications, "processes", (json_int_t)process_count(),
                            "events", (json_int_t)event_next()));
}

/* -- the tree: every supervisor is asked for its children, and those of these -- */

struct tree {
    struct request *request;
    json_t *applications;
    uint64_t limit;       /* children of a supervisor */
    pthread_mutex_t lock; /* guards all: answers come from several workers */
    size_t waits;         /* answers that are missing, and one for who asks */
};

struct subtree {
    struct tree *tree;
    json_t *supervisor; /* borrowed from the tree */
};

static void tree_drop(struct tree *tree)
{
    bool last;

    pthread_mutex_lock(&tree->lock);
    last = --tree->waits == 0;
    pthread_mutex_unlock(&tree->lock);
    if (!last)
        return;
    request_reply(tree->request, json_pack("{s:s, s:o}", "host", "moult",
                                           "applications", tree->applications));
    pthread_mutex_destroy(&tree->lock);
    free(tree);
}

static void tree_wait(struct tree *tree, size_t answers)
{
    pthread_mutex_lock(&tree->lock);
    tree->waits += answers;
    pthread_mutex_unlock(&tree->lock);
}

static void ask_for_subtree(struct tree *tree, json_t *supervisor, moult_pid pid);

/* Ask for what is below those of `list`, as it came, that are supervisors themselves. */
static void ask_below(struct subtree *t, moult_in list)
{
    json_t *children = json_object_get(t->supervisor, "children");
    size_t count = moult_get_array(&list);
    moult_in value;

    for (size_t i = 0; i < count; i++, moult_skip(&list))
        if (moult_find(&list, "strategy", &value) && moult_find(&list, "pid", &value) &&
            moult_peek(&value) != MOULT_NULL)
            ask_for_subtree(t->tree, json_array_get(children, i),
                            moult_get_pid(&value));
}

static void subtree_done(void *context, int error, const char *text, moult_in *in)
{
    struct subtree *t = context;
    moult_in list, whole = error ? (moult_in){0} : *in;
    json_t *children = error ? NULL : json_from_cbor(in, NULL);

    pthread_mutex_lock(&t->tree->lock);
    if (children)
        json_object_update(t->supervisor, children);
    else
        json_object_set_new(t->supervisor, "error", rpc_text(text));
    pthread_mutex_unlock(&t->tree->lock);
    if (children && moult_find(&whole, "children", &list))
        ask_below(t, list);
    json_decref(children);
    tree_drop(t->tree);
    free(t);
}

static void ask_for_subtree(struct tree *tree, json_t *supervisor, moult_pid pid)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);
    struct subtree *t = malloc(sizeof(*t));

    if (!e || !t) {
        envelope_destroy(e);
        free(t);
        return;
    }
    *t = (struct subtree){tree, supervisor};
    e->code = SYSTEM_CHILDREN;
    moult_put_uint(&e->out, tree->limit);
    tree_wait(tree, 1);
    if (ask(pid, e, ASKING_MS, subtree_done, t) < 0) {
        tree_wait(tree, (size_t)-1); /* not the last: who asks waits too */
        free(t);
    }
}

static void add_tree(struct application *app, void *context)
{
    struct tree *tree = context;
    char pid[PID_TEXT];
    json_t *supervisor = json_pack(
        "{s:s, s:s, s:I, s:[]}", "pid", pid_print(app->supervisor, pid), "strategy",
        app->spec ? supervisor_strategy_text(app->spec->top.strategy) : "one_for_one",
        "restarts",
        (json_int_t)atomic_load_explicit(&app->group.restarts, memory_order_relaxed),
        "children");

    pthread_mutex_lock(&tree->lock);
    json_array_append_new(tree->applications,
                          json_pack("{s:s, s:s, s:s, s:o}", "name", app->name, "vsn",
                                    app->spec ? app->spec->vsn : "", "status",
                                    applications_status_text(app), "supervisor",
                                    supervisor));
    pthread_mutex_unlock(&tree->lock);
    if (app->status == APPLICATION_RUNNING)
        ask_for_subtree(tree, supervisor, app->supervisor);
}

static void tree(struct request *request, void *context)
{
    struct params p = params_of(request);
    uint64_t limit = params_uint_or(&p, "limit", LIST_MOST, 1, UINT32_MAX);
    struct tree *t;

    if (params_refused(&p, request))
        return;
    t = calloc(1, sizeof(*t));
    if (!t) {
        request_reply(request, NULL);
        return;
    }
    *t = (struct tree){
        .request = request, .applications = json_array(), .limit = limit, .waits = 1};
    pthread_mutex_init(&t->lock, NULL);
    application_each(add_tree, t);
    tree_drop(t);
}

/* -- the end -- */

static void stop(struct request *request, void *context)
{
    const struct host_view *host = context;
    struct params p = params_of(request);

    if (params_refused(&p, request))
        return;
    request_reply(request, json_null());
    host->stop(host->context);
}

/* clang-format off */
const struct method host_methods[] = {
    {"apps", applications_list},
    {"call", call},
    {"canary", changes_canary},
    {"cast", cast},
    {"children", sys_children},
    {"confirm", changes_confirm},
    {"crash.list", crashes_list},
    {"crash.show", crashes_show},
    {"downgrade", changes_downgrade},
    {"env", applications_env},
    {"info", info_method},
    {"install", changes_install},
    {"log", applications_log},
    {"permanent", changes_permanent},
    {"promote", changes_promote},
    {"ps", processes_list},
    {"purge", changes_purge},
    {"reboot-old", changes_reboot_old},
    {"registry", registry_method},
    {"rehearse", changes_rehearse},
    {"releases", changes_releases},
    {"reload", changes_reload},
    {"remove", changes_remove},
    {"resume", sys_resume},
    {"snapshot", changes_snapshot},
    {"state", sys_state},
    {"statistics", sys_statistics},
    {"status", status},
    {"stop", stop},
    {"suspend", sys_suspend},
    {"telemetry", telemetry_method},
    {"trace", tracer_method},
    {"tree", tree},
    {"unpack", changes_unpack},
    {"upgrade", changes_upgrade},
    {"withdraw", changes_withdraw},
    {NULL, NULL}};
/* clang-format on */
