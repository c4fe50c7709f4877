/* SPDX-License-Identifier: Apache-2.0 */
#include "application.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "ending.h"
#include "event.h"
#include "message.h"
#include "signals.h"

#define STOP_MOST_MS 60000u /* for all that have an end to their patience */

/* How much memory an application may have, be it there yet or not. */
struct allowance {
    struct allowance *next;
    uint64_t bytes;
    char name[];
};

static struct {
    pthread_mutex_t lock; /* guards the list and what of an application changes */
    struct application *first;
    struct allowance *allowances;
    moult_pid controller;
} list = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct application *application_find(const char *name)
{
    struct application *app;

    pthread_mutex_lock(&list.lock);
    for (app = list.first; app && strcmp(app->name, name) != 0; app = app->next)
        ;
    pthread_mutex_unlock(&list.lock);
    return app;
}

void application_each(void (*visit)(struct application *app, void *context),
                      void *context)
{
    pthread_mutex_lock(&list.lock);
    for (struct application *app = list.first; app; app = app->next)
        visit(app, context);
    pthread_mutex_unlock(&list.lock);
}

/* It is the last that was started.  With the lock held. */
static void move_to_end(struct application *app)
{
    struct application **link = &list.first;

    while (*link != app)
        link = &(*link)->next;
    *link = app->next;
    while (*link)
        link = &(*link)->next;
    *link = app;
    app->next = NULL;
}

static void set(struct application *app, enum application_status status, moult_pid pid)
{
    pthread_mutex_lock(&list.lock);
    app->status = status;
    app->supervisor = pid;
    if (status == APPLICATION_RUNNING)
        move_to_end(app);
    pthread_mutex_unlock(&list.lock);
}

void application_became(struct application *app, const struct application_spec *spec)
{
    pthread_mutex_lock(&list.lock);
    app->spec = spec;
    pthread_mutex_unlock(&list.lock);
}

int application_allow(const char *name, uint64_t bytes)
{
    struct allowance *a = malloc(sizeof(*a) + strlen(name) + 1);

    if (!a)
        return -ENOMEM;
    a->bytes = bytes;
    strcpy(a->name, name);
    a->next = list.allowances;
    list.allowances = a;
    return 0;
}

static uint64_t allowed(const char *name)
{
    for (const struct allowance *a = list.allowances; a; a = a->next)
        if (strcmp(a->name, name) == 0)
            return a->bytes;
    return 0;
}

static struct application *application_get(const struct application_spec *spec)
{
    struct application *app = application_find(spec->name), **last;
    size_t size = strlen(spec->name) + 1;

    if (app)
        return app;
    app = calloc(1, sizeof(*app) + size);
    if (!app)
        return NULL;
    memcpy(app->name, spec->name, size);
    group_init(&app->group, app->name);
    app->group.quota.limit = allowed(app->name);
    pthread_mutex_lock(&list.lock);
    for (last = &list.first; *last; last = &(*last)->next)
        ;
    *last = app;
    pthread_mutex_unlock(&list.lock);
    return app;
}

/* -- the controller -- */

/* The answer, made before what it tells of is done: then it can't fail any more. */
static struct envelope *prepare_answer(struct process *p)
{
    struct envelope *e = envelope_create(ENVELOPE_REPLY);

    if (!e)
        return NULL;
    moult_put_null(&e->out);
    e->ref = p->current->ref;
    return e;
}

static void start(struct process *p, struct application *app)
{
    struct supervisor_spec top = {
        .branch = app->spec->top, .app = app->name, .group = &app->group};
    struct envelope *answer = prepare_answer(p);
    moult_pid pid;
    int error;

    if (!answer) {
        process_refuse(p, -ENOMEM, "no memory for the answer");
        return;
    }
    error = supervisor_start(p, &top, &pid);
    if (error) {
        envelope_destroy(answer);
        process_refuse(p, error, moult_call_text(&p->ctx));
        return;
    }
    set(app, APPLICATION_RUNNING, pid);
    process_send(p, p->current->from, answer);
}

static void kill_member(struct process *member, void *context)
{
    signal_exit(NULL, process_pid(member), MOULT_KILL, NULL);
}

static void stop(struct process *p, struct application *app)
{
    struct envelope *answer = prepare_answer(p);
    moult_pid pid = app->supervisor;

    set(app, APPLICATION_STOPPED, (moult_pid){0});
    if (pid.bits)
        end_process(p, pid, MOULT_INFINITY);
    group_each(&app->group, kill_member, NULL);
    event_emit(EVENT_INFO, "application.stop", "{s:s, s:s}", "app", app->name, "vsn",
               app->spec->vsn);
    if (answer)
        process_send(p, p->current->from, answer);
    else
        process_refuse(p, -ENOMEM, "it has stopped, but there was no memory to say so");
}

static void handle_exit(struct process *p)
{
    struct application *app;
    const char *text = signal_text(p->current);

    pthread_mutex_lock(&list.lock);
    for (app = list.first; app; app = app->next)
        if (moult_pid_equal(app->supervisor, p->current->from))
            break;
    pthread_mutex_unlock(&list.lock);
    if (!app)
        return;
    set(app, APPLICATION_FAILED, (moult_pid){0});
    group_each(&app->group, kill_member, NULL); /* who was busy when it was killed */
    event_emit(EVENT_ERROR, "application.exit", "{s:s, s:s, s:s}", "app", app->name,
               "vsn", app->spec->vsn, "reason",
               *text ? text : moult_strerror(p->current->code));
}

static void handle(struct process *p, struct envelope *e)
{
    p->current = e;
    if (e->kind == ENVELOPE_EXIT) {
        handle_exit(p);
    } else if (e->kind == ENVELOPE_SYSTEM) {
        moult_in in = out_read(&e->out);
        struct application *app = (struct application *)(uintptr_t)moult_get_uint(&in);

        if (e->code == SYSTEM_START_APPLICATION)
            start(p, app);
        else
            stop(p, app);
    }
    envelope_destroy(p->current);
    p->current = NULL;
}

static const struct process_class controller_class = {"application_controller", handle,
                                                      NULL, true};

int applications_start(void)
{
    struct process_options options = {.class = &controller_class,
                                      .group = &ask_group,
                                      .label = "application_controller"};
    struct process *p = process_create(&options);
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    if (!p || !e) {
        envelope_destroy(e);
        return -ENOMEM;
    }
    p->flags |= PROCESS_TRAPS;
    list.controller = process_pid(p);
    e->to_generation = pid_generation(list.controller);
    process_launch(p, e);
    return 0;
}

static uint32_t count_servers(struct group *g)
{
    uint32_t count = group_count(g);

    return count ? count - 1 : 0; /* without the supervisor */
}

static int ask_controller(struct application *app, enum system_request what, char *text,
                          size_t size)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (!e)
        return -ENOMEM;
    e->code = (int32_t)what;
    moult_put_uint(&e->out, (uintptr_t)app);
    return ask_and_wait(list.controller, e, MOULT_INFINITY, NULL, text, size);
}

int application_start(const struct application_spec *spec, struct application **out,
                      struct fault *why)
{
    struct application *app = application_get(spec);
    char text[512] = "";
    int error;

    if (!app)
        return fault(why, -ENOMEM, "no memory for application '%s'", spec->name);
    if (app->status == APPLICATION_RUNNING)
        return fault(why, -EALREADY, "application '%s' runs already", spec->name);
    application_became(app, spec);
    error = ask_controller(app, SYSTEM_START_APPLICATION, text, sizeof(text));
    if (error) {
        set(app, APPLICATION_FAILED, (moult_pid){0});
        fault_where(why, "start", spec->name, NULL, NULL);
        return fault(why, error, "application '%s' %s did not start: %s", spec->name,
                     spec->vsn, text);
    }
    event_emit(EVENT_INFO, "application.start", "{s:s, s:s, s:i}", "app", app->name,
               "vsn", spec->vsn, "servers", (int)count_servers(&app->group));
    *out = app;
    return 0;
}

void application_stop(struct application *app)
{
    char text[512];

    if (app->status != APPLICATION_STOPPED)
        ask_controller(app, SYSTEM_STOP_APPLICATION, text, sizeof(text));
}

static struct application *last_running(void)
{
    struct application *last = NULL;

    pthread_mutex_lock(&list.lock);
    for (struct application *app = list.first; app; app = app->next)
        if (app->status == APPLICATION_RUNNING)
            last = app;
    pthread_mutex_unlock(&list.lock);
    return last;
}

/* How long the children of `branch` may take to end, and what is below them. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as supervisors are nested */
static uint64_t branch_shutdown_ms(const struct branch *branch)
{
    uint64_t total_ms = 0;

    for (size_t i = 0; i < branch->count; i++) {
        const struct code *code = branch->codes[i];
        uint64_t times = child_times(code->child);
        struct child child = {.code = code};
        uint64_t ms = child_shutdown_ms(&child);

        if (code->child->shutdown_ms == MOULT_BRUTAL_KILL)
            continue;
        if (code->branch && ms == MOULT_INFINITY)
            ms = branch_shutdown_ms(code->branch);
        if (ms == MOULT_INFINITY)
            return ms;
        total_ms += times * ms;
    }
    return total_ms;
}

static void add_shutdown(struct application *app, void *context)
{
    uint64_t *total_ms = context, ms;

    if (app->status != APPLICATION_RUNNING || !app->spec)
        return;
    ms = branch_shutdown_ms(&app->spec->top);
    if (ms == MOULT_INFINITY || *total_ms == MOULT_INFINITY)
        *total_ms = MOULT_INFINITY;
    else
        *total_ms += ms;
}

uint64_t applications_shutdown_ms(void)
{
    uint64_t total_ms = 0;

    application_each(add_shutdown, &total_ms);
    return total_ms == MOULT_INFINITY || total_ms < STOP_MOST_MS ? total_ms
                                                                 : STOP_MOST_MS;
}

static void kill_members(struct application *app, void *unused)
{
    group_each(&app->group, kill_member, NULL);
}

void applications_kill(void)
{
    application_each(kill_members, NULL);
}

void applications_stop(void)
{
    struct application *app;

    while ((app = last_running()))
        application_stop(app);
}
