/* SPDX-License-Identifier: Apache-2.0 */
#include "applications.h"

#include <errno.h>
#include <string.h>

#include "json.h"
#include "out.h"
#include "params.h"

/* -- apps -- */

const char *applications_status_text(const struct application *app)
{
    static const char *const texts[] = {"stopped", "running", "failed"};

    return texts[app->status];
}

static void count_server(struct process *p, void *context)
{
    json_int_t *servers = context;

    *servers += server_of(p) ? 1 : 0;
}

static json_t *names_json(char *const *names)
{
    json_t *list = json_array();

    for (; names && *names; names++)
        json_array_append_new(list, json_string(*names));
    return list;
}

static void add_application(struct application *app, void *context)
{
    const struct application_spec *spec = app->spec;
    const struct resource *r = application_resource(spec);
    json_int_t servers = 0;

    group_each(&app->group, count_server, &servers);
    json_array_append_new(
        context,
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:s*}",
                  "name", app->name, "vsn", spec ? spec->vsn : "", "status",
                  applications_status_text(app), "start",
                  application_type_text(app->type), "servers", servers, "restarts",
                  (json_int_t)atomic_load_explicit(&app->group.restarts,
                                                   memory_order_relaxed),
                  "description", spec ? spec->description : "", "applications",
                  names_json(r->applications), "optional_applications",
                  names_json(r->optional), "included_applications",
                  names_json(r->included), "registered", names_json(r->registered),
                  "modules", names_json(r->modules), "included_in",
                  app->owner ? app->owner->name : NULL));
}

void applications_list(struct request *request, void *context)
{
    struct params p = params_of(request);
    json_t *list;

    if (params_refused(&p, request))
        return;
    list = json_array();
    application_each(add_application, list);
    request_reply(request, list);
}

/* -- env -- */

static void refuse(struct request *request, int error, const char *app,
                   const char *text)
{
    struct fault why = {0};

    fault_where(&why, NULL, app, NULL, NULL);
    fault(&why, error, "%s", text);
    request_fault(request, &why);
}

static int put(struct application *app, const char *key, const json_t *value,
               struct fault *why)
{
    moult_out out;
    int error;

    out_init(&out, NULL, 0);
    error = json_to_cbor(value, &out, why);
    if (!error)
        error = env_put(&app->env, app->name, key, out_read(&out), true, why);
    out_release(&out);
    return error;
}

/* The entries of `list` (taken) that are `key`'s. */
static json_t *only(json_t *list, const char *key)
{
    for (size_t i = json_array_size(list); i-- > 0;) {
        const char *here =
            json_string_value(json_object_get(json_array_get(list, i), "key"));

        if (!here || strcmp(here, key) != 0)
            json_array_remove(list, i);
    }
    return list;
}

static void answer(struct request *request, struct application *app, const char *key)
{
    json_t *list = env_json(&app->env);
    struct fault why = {0};

    if (key && json_array_size(only(list, key)) == 0) {
        json_decref(list);
        fault(&why, -ENOENT, "application '%s' has no env '%s'", app->name, key);
        request_fault(request, &why);
        return;
    }
    request_reply(request,
                  json_pack("{s:s, s:o}", "application", app->name, "env", list));
}

void applications_env(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *name = params_text(&p, "application");
    const char *key = params_text_or(&p, "key", NULL);
    const json_t *value = params_find(&p, "value");
    struct application *app;
    struct fault why = {0};

    if (value && !key)
        params_wrong(&p, "'value' needs a 'key' that it is of");
    if (params_refused(&p, request))
        return;
    app = application_find(name);
    if (!app)
        refuse(request, -ENOENT, name, "there is no application of that name");
    else if (value && put(app, key, value, &why) < 0)
        request_fault(request, &why);
    else
        answer(request, app, key);
}

/* -- log -- */

static void add_level(struct application *app, void *context)
{
    json_object_set_new(context, app->name,
                        json_string(event_level_text(log_gate_level(&app->group.log))));
}

/* Of all: the host's own stands under its name, "kernel". */
static void answer_levels(struct request *request)
{
    json_t *levels = json_pack("{s:s}", "kernel", event_level_text(event_get_level()));

    application_each(add_level, levels);
    request_reply(request, levels);
}

void applications_log(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *name = params_text_or(&p, "application", NULL);
    const char *word = params_text_or(&p, "level", NULL);
    enum event_level level = EVENT_INFO;
    bool is_host = name && strcmp(name, "kernel") == 0;
    struct application *app;

    if (word && !name)
        params_wrong(&p, "'level' needs an 'application' that it is of");
    if (word && event_level_of(word, &level) < 0)
        params_wrong(
            &p, "'level' must be \"debug\", \"info\", \"warn\", \"error\" or \"none\"");
    if (params_refused(&p, request))
        return;
    app = name && !is_host ? application_find(name) : NULL;
    if (name && !is_host && !app) {
        refuse(request, -ENOENT, name, "there is no application of that name");
        return;
    }
    if (word && is_host)
        event_set_level(level);
    else if (word && app)
        log_gate_set(&app->group.log, level);
    if (!name)
        answer_levels(request);
    else
        request_reply(
            request,
            json_pack("{s:s}", name,
                      event_level_text(is_host ? event_get_level()
                                               : log_gate_level(&app->group.log))));
}
