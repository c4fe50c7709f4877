/* SPDX-License-Identifier: Apache-2.0 */
#include "controller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "ending.h"
#include "event.h"
#include "master.h"
#include "message.h"
#include "out.h"
#include "signals.h"

#define WORDS 512 /* bytes of a reason */

static moult_pid controller; /* set before anybody asks */

static const struct resource *resource_of(const struct application *app)
{
    return application_resource(app->spec);
}

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

static struct master_call call_of(struct application *app, enum master_callback what)
{
    return (struct master_call){.what = what,
                                .module = resource_of(app)->mod,
                                .group = &app->group,
                                .state = &app->state};
}

static int call_back(struct process *p, struct application *app,
                     enum master_callback what, const struct start_phase *phase)
{
    struct master_call call = call_of(app, what);

    call.phase = phase;
    return master_run(p, &call);
}

/* -- trees -- */

static int start_tree(struct process *p, struct application *app)
{
    struct supervisor_spec top = {
        .branch = app->spec->top, .app = app->name, .group = &app->group};
    moult_pid pid;
    int error = supervisor_start(p, &top, &pid);

    if (!error)
        application_set(app, APPLICATION_RUNNING, pid);
    return error;
}

/* The tree of `app` and then of what it includes; each is part of `owner` but itself. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as they include one another */
static int start_trees(struct process *p, struct application *app,
                       struct application *owner)
{
    char **included = resource_of(app)->included;
    int error = start_tree(p, app);

    app->owner = app == owner ? NULL : owner;
    for (; included && *included && !error; included++) {
        struct application *part = application_find(*included);

        error = part->status == APPLICATION_RUNNING
                    ? process_fail(p, -EALREADY, "what it includes runs already")
                    : start_trees(p, part, owner);
    }
    return error;
}

static void end_tree(struct process *p, struct application *app,
                     enum application_status status)
{
    moult_pid pid = app->supervisor;

    application_set(app, status, (moult_pid){0});
    if (pid.bits)
        end_process(p, pid, MOULT_INFINITY);
    application_kill(app);
}

struct last_part {
    const struct application *owner;
    struct application *found;
};

static void find_last_part(struct application *app, void *context)
{
    struct last_part *l = context;

    if (app->owner == l->owner)
        l->found = app;
}

/* End the trees of what `app` includes, the last first, and then its own. */
static void end_trees(struct process *p, struct application *app,
                      enum application_status status)
{
    struct last_part last = {.owner = app};

    for (;;) {
        last.found = NULL;
        application_each(find_last_part, &last);
        if (!last.found)
            break;
        end_tree(p, last.found, APPLICATION_STOPPED);
        last.found->owner = NULL;
    }
    end_tree(p, app, status);
}

/* -- starting -- */

static const struct start_phase *find_phase(const struct application *app,
                                            const char *name)
{
    const struct resource *r = resource_of(app);

    for (size_t i = 0; i < r->phase_count; i++)
        if (strcmp(r->phases[i].name, name) == 0)
            return &r->phases[i];
    return NULL;
}

/* One phase of `app`, if it has it, and then of what it includes, top down. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as they include one another */
static int run_phase(struct process *p, struct application *app, const char *name)
{
    const struct start_phase *phase = find_phase(app, name);
    char **included = resource_of(app)->included;
    int error = phase ? call_back(p, app, MASTER_START_PHASE, phase) : 0;

    for (; included && *included && !error; included++)
        error = run_phase(p, application_find(*included), name);
    return error;
}

static int start_up(struct process *p, struct application *app)
{
    const struct resource *r = resource_of(app);
    int error = start_trees(p, app, app);

    for (size_t i = 0; i < r->phase_count && !error; i++)
        error = run_phase(p, app, r->phases[i].name);
    return error;
}

/* Undo what start_up() did, and keep the words of what it failed with. */
static void take_back(struct process *p, struct application *app, char words[WORDS])
{
    snprintf(words, WORDS, "%s", moult_call_text(&p->ctx));
    end_trees(p, app, APPLICATION_FAILED);
    call_back(p, app, MASTER_STOP, NULL);
}

static void start(struct process *p, struct application *app)
{
    struct envelope *answer = prepare_answer(p);
    char words[WORDS];
    int error;

    if (!answer) {
        process_refuse(p, -ENOMEM, "no memory for the answer");
        return;
    }
    out_release(&app->state);
    error = call_back(p, app, MASTER_START, NULL);
    if (error)
        snprintf(words, sizeof(words), "%s", moult_call_text(&p->ctx));
    else if ((error = start_up(p, app)) < 0)
        take_back(p, app, words);
    if (!error) {
        process_send(p, p->current->from, answer);
        return;
    }
    out_release(&app->state);
    envelope_destroy(answer);
    process_refuse(p, error, words);
}

/* -- ending -- */

static void end(struct process *p, struct application *app,
                enum application_status status)
{
    call_back(p, app, MASTER_PREP_STOP, NULL);
    end_trees(p, app, status);
    call_back(p, app, MASTER_STOP, NULL);
    application_kill(app);
    out_release(&app->state);
}

static void stop(struct process *p, struct application *app)
{
    struct envelope *answer = prepare_answer(p);

    if (app->status == APPLICATION_RUNNING)
        end(p, app, APPLICATION_STOPPED);
    else
        end_tree(p, app, APPLICATION_STOPPED);
    event_emit(EVENT_INFO, "application.stop", "{s:s, s:s}", "app", app->name, "vsn",
               app->spec->vsn);
    if (answer)
        process_send(p, p->current->from, answer);
    else
        process_refuse(p, -ENOMEM, "it has stopped, but there was no memory to say so");
}

static void tell_exit(const struct application *app, const struct application *part,
                      const char *vsn, const char *reason)
{
    event_emit(EVENT_ERROR, "application.exit", "{s:s, s:s, s:s, s:s, s:s*}", "app",
               app->name, "vsn", vsn, "type", application_type_text(app->type),
               "reason", reason, "included", part == app ? NULL : part->name);
}

/*
 * `part` of `app`, or itself, has ended.  Until the stop callback has run its image stays,
 * although it does not run any more.  Release and acquire as of code_use().
 */
static void end_with(struct process *p, struct application *app,
                     struct application *part, const char *reason)
{
    const struct application_spec *spec = app->spec;
    const struct code whole = {.uses = spec->uses};

    code_use(&whole, 1);
    application_ending(app, true);
    application_ending(part, true);
    application_set(part, APPLICATION_FAILED, (moult_pid){0});
    end(p, app, APPLICATION_FAILED);
    tell_exit(app, part, spec->vsn, reason);
    application_ending(part, false);
    application_ending(app, false);
    code_use(&whole, -1);
}

static void handle_exit(struct process *p)
{
    const struct envelope *e = p->current;
    struct application *part = application_of(e->from),
                       *app = part && part->owner ? part->owner : part;
    const char *text = signal_text(e), *reason = *text ? text : moult_strerror(e->code);

    if (!app)
        return;
    end_with(p, app, part, reason);
    if (app->type == APPLICATION_PERMANENT ||
        (app->type == APPLICATION_TRANSIENT && e->code != MOULT_NORMAL))
        application_fatal(app, reason);
}

/* Unless it has ended meanwhile. */
static void call_and_answer(struct process *p, struct application *app,
                            struct master_call *call)
{
    int error = app->status == APPLICATION_RUNNING ? master_run(p, call) : 0;
    struct envelope *answer = error ? NULL : prepare_answer(p);

    if (answer)
        process_send(p, p->current->from, answer);
    else
        process_refuse(p, error ? error : -ENOMEM,
                       error ? moult_call_text(&p->ctx) : "no memory to say so");
}

static void change_config(struct process *p, struct application *app,
                          const struct config_change *change)
{
    struct master_call call = call_of(app, MASTER_CONFIG_CHANGE);

    if (change->asked) {
        call.what = MASTER_CONFIG_CHECK;
        call.module = application_resource(change->asked)->mod;
    }
    call.changed = &change->changed;
    call.added = &change->added;
    call.removed = &change->removed;
    call_and_answer(p, app, &call);
}

static void apply(struct process *p, struct application *app, const struct apply *what)
{
    struct master_call call = call_of(app, MASTER_APPLY);

    call.module = what->module;
    call.apply = what;
    call_and_answer(p, app, &call);
}

/* -- starting on request -- */

static int (*ensure_hook)(const char *name, void *whom); /* set before any starts */

void applications_on_ensure(int (*hook)(const char *name, void *whom))
{
    ensure_hook = hook;
}

void applications_ensured(void *whom, int error, const char *reason)
{
    moult_from *from = whom;
    moult_out *answer = error ? NULL : moult_draft_outside();

    if (answer) {
        moult_put_null(answer);
        moult_reply_to(NULL, from, answer);
    } else {
        moult_refuse_to(NULL, from, error, reason);
    }
    free(from);
}

/* The answer comes from applications_ensured(). */
static void ensure_started(struct process *p, moult_in *in)
{
    moult_from *whom = malloc(sizeof(*whom));
    size_t len;
    const char *text = moult_get_text(in, &len);
    char *name = strndup(text, len);
    int error = whom && name ? 0 : -ENOMEM;

    if (!error && application_runs(name)) {
        struct envelope *answer = prepare_answer(p);

        error = answer ? 0 : -ENOMEM;
        if (answer)
            process_send(p, p->current->from, answer);
        free(whom);
    } else if (!error) {
        *whom = (moult_from){p->current->from, process_pid(p), p->current->ref};
        error = ensure_hook ? ensure_hook(name, whom) : -ENOTSUP;
        if (error)
            free(whom);
    } else {
        free(whom);
    }
    free(name);
    if (error)
        process_refuse(p, error, moult_strerror(error));
}

int controller_ensure(struct process *p, const char *name)
{
    const struct server *s = server_of(p);
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (!e)
        return process_fail(p, -ENOMEM, "no memory to ask");
    if (s && !(s->flags & SERVER_STARTED)) {
        envelope_destroy(e);
        return process_fail(p, -EDEADLK,
                            "whoever would start it waits for this callback");
    }
    e->code = SYSTEM_ENSURE_STARTED;
    moult_put_text(&e->out, name);
    return process_call(p, controller, e, MOULT_INFINITY);
}

/* -- the process -- */

static void serve(struct process *p, const struct envelope *e)
{
    moult_in in = out_read(&e->out);
    struct application *app;

    if (e->code == SYSTEM_ENSURE_STARTED) {
        ensure_started(p, &in);
        return;
    }
    app = (struct application *)(uintptr_t)moult_get_uint(&in);
    if (e->code == SYSTEM_START_APPLICATION)
        start(p, app);
    else if (e->code == SYSTEM_STOP_APPLICATION)
        stop(p, app);
    else if (e->code == SYSTEM_APPLY)
        apply(p, app, (struct apply *)(uintptr_t)moult_get_uint(&in));
    else
        change_config(p, app, (struct config_change *)(uintptr_t)moult_get_uint(&in));
}

static void handle(struct process *p, struct envelope *e)
{
    p->current = e;
    if (e->kind == ENVELOPE_EXIT)
        handle_exit(p);
    else if (e->kind == ENVELOPE_SYSTEM)
        serve(p, e);
    envelope_destroy(p->current);
    p->current = NULL;
}

static const struct process_class controller_class = {"application_controller", handle,
                                                      NULL, true};

int controller_start(void)
{
    struct process_options options = {
        .class = &controller_class, .group = &ask_group, .is_hosts = true};
    struct process *p = process_create(&options);
    struct envelope *e = envelope_create(ENVELOPE_CAST);

    if (!p || !e) {
        envelope_destroy(e);
        return -ENOMEM;
    }
    p->flags |= PROCESS_TRAPS;
    controller = process_pid(p);
    e->to_generation = pid_generation(controller);
    process_launch(p, e);
    return 0;
}

int controller_ask(enum system_request what, struct application *app, const void *with,
                   char *text, size_t size)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (!e)
        return -ENOMEM;
    e->code = (int32_t)what;
    moult_put_uint(&e->out, (uintptr_t)app);
    moult_put_uint(&e->out, (uintptr_t)with);
    return ask_and_wait(controller, e, MOULT_INFINITY, NULL, text, size);
}
