/* SPDX-License-Identifier: Apache-2.0 */
#include "application.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "application_setting.h"
#include "clock.h"
#include "controller.h"
#include "event.h"
#include "signals.h"

#define STOP_MOST_MS 60000u /* for all that have an end to their patience */

static struct {
    pthread_mutex_t lock; /* guards the list and what of an application changes */
    pthread_cond_t ended;
    struct application *first;
    void (*fatal)(void *context, const char *app, const char *reason);
    void *context; /* for `fatal` */
} list = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

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
        if (!app->is_hidden)
            visit(app, context);
    pthread_mutex_unlock(&list.lock);
}

int application_status(const char *name)
{
    const struct application *app = application_find(name);

    return app && !app->is_hidden ? (int)app->status : -1;
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

void application_ending(struct application *app, bool is_ending)
{
    pthread_mutex_lock(&list.lock);
    app->is_ending = is_ending;
    pthread_cond_broadcast(&list.ended);
    pthread_mutex_unlock(&list.lock);
}

void application_set(struct application *app, enum application_status status,
                     moult_pid supervisor)
{
    pthread_mutex_lock(&list.lock);
    app->status = status;
    app->supervisor = supervisor;
    app->is_hidden = false;
    if (status == APPLICATION_RUNNING)
        move_to_end(app);
    if (status == APPLICATION_RUNNING && !app->started_ns)
        atomic_store_explicit(&app->started_ns, clock_ns(), memory_order_relaxed);
    pthread_mutex_unlock(&list.lock);
    if (status == APPLICATION_FAILED)
        group_tell_trouble(&app->group, GROUP_END, NULL);
}

struct application *application_of(moult_pid supervisor)
{
    struct application *app;

    pthread_mutex_lock(&list.lock);
    for (app = list.first; app && !moult_pid_equal(app->supervisor, supervisor);)
        app = app->next;
    pthread_mutex_unlock(&list.lock);
    return app;
}

bool application_runs(const char *name)
{
    const struct application *app = application_find(name);

    return strcmp(name, "kernel") == 0 || (app && app->status == APPLICATION_RUNNING);
}

bool application_has(const char *name, const struct code_table *all)
{
    const struct application *app = application_find(name);
    bool has;

    pthread_mutex_lock(&list.lock);
    has = !app || !app->spec || app->spec->top.all == all;
    pthread_mutex_unlock(&list.lock);
    return has;
}

const struct resource *application_resource(const struct application_spec *spec)
{
    static const struct resource nothing;

    return spec && spec->resource ? spec->resource : &nothing;
}

bool resource_has(char *const *names, const char *name)
{
    while (names && *names && strcmp(*names, name) != 0)
        names++;
    return names && *names;
}

static void set_spec(struct application *app, const struct application_spec *spec)
{
    pthread_mutex_lock(&list.lock);
    app->spec = spec;
    pthread_mutex_unlock(&list.lock);
}

/* The same before it starts: what it ran before has come to its end. */
static void take_spec(struct application *app, const struct application_spec *spec)
{
    pthread_mutex_lock(&list.lock);
    while (app->is_ending)
        pthread_cond_wait(&list.ended, &list.lock);
    app->spec = spec;
    pthread_mutex_unlock(&list.lock);
}

struct env *application_became(struct application *app,
                               const struct application_spec *spec, struct env *env)
{
    set_spec(app, spec);
    return env_swap(&app->env, env);
}

void application_unload(struct application *app)
{
    set_spec(app, NULL);
}

const char *application_type_text(enum application_type type)
{
    static const char *const texts[] = {"temporary", "transient", "permanent"};

    return texts[type];
}

void applications_on_fatal(void (*hook)(void *context, const char *app,
                                        const char *reason),
                           void *context)
{
    list.fatal = hook;
    list.context = context;
}

static void tell_fatal(const char *name, enum application_type type, const char *reason)
{
    event_emit(EVENT_ERROR, "application.fatal", "{s:s, s:s, s:s}", "app", name, "type",
               application_type_text(type), "reason", reason);
    if (list.fatal)
        list.fatal(list.context, name, reason);
}

void application_fatal(const struct application *app, const char *reason)
{
    tell_fatal(app->name, app->type, reason);
}

void application_start_failed(const char *name, const char *reason)
{
    enum application_type type = application_setting_type(name);

    if (type != APPLICATION_TEMPORARY)
        tell_fatal(name, type, reason);
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
    app->group.app = app;
    application_setting_apply(app);
    pthread_mutex_lock(&list.lock);
    for (last = &list.first; *last; last = &(*last)->next)
        ;
    *last = app;
    pthread_mutex_unlock(&list.lock);
    return app;
}

static void kill_member(struct process *member, void *context)
{
    signal_exit(NULL, process_pid(member), MOULT_KILL, NULL);
}

void application_kill(struct application *app)
{
    group_each(&app->group, kill_member, NULL);
}

/* -- starting and stopping -- */

int applications_start(void)
{
    return controller_start();
}

static uint32_t count_servers(struct group *g)
{
    uint32_t count = group_count(g);

    return count ? count - 1 : 0; /* without the supervisor */
}

struct application *application_load(const struct application_spec *spec)
{
    struct application *app = application_get(spec);

    if (app && app->status != APPLICATION_RUNNING)
        take_spec(app, spec);
    return app;
}

/* All that it needs runs, and all that it includes is known? */
static int check_others(const struct application_spec *spec, struct fault *why)
{
    const struct resource *r = application_resource(spec);

    for (char **name = r->applications; name && *name; name++)
        if (!application_runs(*name) && !resource_has(r->optional, *name))
            return fault(why, -ENOENT,
                         "application '%s' needs '%s', which does not run", spec->name,
                         *name);
    for (char **name = r->included; name && *name; name++) {
        const struct application *part = application_find(*name);

        if (!part || !part->spec)
            return fault(why, -ENOENT,
                         "application '%s' includes '%s', which is not here",
                         spec->name, *name);
    }
    return 0;
}

/* What it and those that it includes have; as they start. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as they include one another */
static int configure(struct application *app, struct fault *why)
{
    struct env *env;
    int error = check_others(app->spec, why);

    if (!error)
        error = env_make(app->name, application_resource(app->spec), &env, why);

    if (error)
        return error;
    env_destroy(env_swap(&app->env, env));
    for (char **name = application_resource(app->spec)->included;
         name && *name && !error; name++)
        error = configure(application_find(*name), why);
    return error;
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
    take_spec(app, spec);
    error = configure(app, why);
    if (error) {
        fault_where(why, "start", spec->name, NULL, NULL);
        return error;
    }
    error = controller_ask(SYSTEM_START_APPLICATION, app, NULL, text, sizeof(text));
    if (error) {
        application_set(app, APPLICATION_FAILED, (moult_pid){0});
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
        controller_ask(SYSTEM_STOP_APPLICATION, app, NULL, text, sizeof(text));
}

/* Tell `app` of the difference, or ask the version `asked`, if there is any. */
static int tell_change(struct application *app, const struct application_spec *asked,
                       const struct env *from, const struct env *to, char text[512])
{
    struct config_change change = {.asked = asked};
    int error = 0;

    if (env_compare(from, to, &change.changed, &change.added, &change.removed))
        error = controller_ask(SYSTEM_CONFIG_CHANGE, app, &change, text, 512);
    out_release(&change.changed);
    out_release(&change.added);
    out_release(&change.removed);
    return error;
}

/* Who says no, or fails at it, ends what it was called in: for who asked it is a refusal. */
static int refusal(int error)
{
    return error == -EOWNERDEAD ? -EPERM : error;
}

int application_config_check(struct application *app,
                             const struct application_spec *spec, const struct env *env,
                             struct fault *why)
{
    char text[512] = "";
    int error = tell_change(app, spec, app->env, env, text);

    return error ? fault(why, refusal(error),
                         "config_check of '%s' %s does not allow it: %s", app->name,
                         spec->vsn, text)
                 : 0;
}

int application_apply(struct application *app, const struct apply *what,
                      struct fault *why)
{
    char text[512] = "";
    int error = controller_ask(SYSTEM_APPLY, app, what, text, sizeof(text));

    return error ? fault(why, refusal(error), "%s",
                         text[0] ? text : moult_strerror(error))
                 : 0;
}

void application_take_back(const char *name, int status)
{
    struct application *app = application_find(name);

    if (!app)
        return;
    application_stop(app);
    if (status == APPLICATION_FAILED)
        application_set(app, APPLICATION_FAILED, (moult_pid){0});
    pthread_mutex_lock(&list.lock);
    app->is_hidden = status < 0;
    pthread_mutex_unlock(&list.lock);
}

void application_config_changed(struct application *app, const struct env *former)
{
    char text[512] = "";

    if (tell_change(app, NULL, former, app->env, text) < 0)
        event_emit(EVENT_ERROR, "application.config_change_failed", "{s:s, s:s, s:s}",
                   "app", app->name, "vsn", app->spec->vsn, "reason", text);
}

/* Does one that runs need `app`?  With the lock held. */
static bool is_needed(const struct application *app)
{
    for (const struct application *a = list.first; a; a = a->next)
        if (a->status == APPLICATION_RUNNING &&
            resource_has(application_resource(a->spec)->applications, app->name))
            return true;
    return false;
}

/* The one to stop next: the last that was started of those that no other needs. */
static struct application *last_running(void)
{
    struct application *last = NULL, *needed = NULL;

    pthread_mutex_lock(&list.lock);
    for (struct application *app = list.first; app; app = app->next) {
        if (app->status != APPLICATION_RUNNING || app->owner)
            continue;
        needed = app;
        if (!is_needed(app))
            last = app;
    }
    pthread_mutex_unlock(&list.lock);
    return last ? last : needed;
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
    application_kill(app);
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
