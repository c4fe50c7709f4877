/* SPDX-License-Identifier: Apache-2.0 */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>

struct fresh {
    struct application *app;
    struct env *env; /* what it will have; from the commit on, what it had */
    json_t *changes; /* as env_changes() has them */
};

static void count(struct application *app, void *context)
{
    size_t *n = context;

    *n += 1;
}

static void collect(struct application *app, void *context)
{
    struct reload *r = context;

    if (app->spec && app->status == APPLICATION_RUNNING)
        r->list[r->count++].app = app;
}

static int list_all(struct reload *r)
{
    size_t room = 0;

    application_each(count, &room); /* nobody else adds one */
    r->list = calloc(room + 1, sizeof(*r->list));
    if (!r->list)
        return -ENOMEM;
    application_each(collect, r);
    for (size_t i = 0; i < r->count / 2; i++) {
        struct fresh f = r->list[i];

        r->list[i] = r->list[r->count - 1 - i];
        r->list[r->count - 1 - i] = f;
    }
    return 0;
}

static int make(struct fresh *f, struct fault *why)
{
    struct application *app = f->app;
    int error = env_make_next(&app->env, app->name, application_resource(app->spec),
                              true, &f->env, why);

    if (!error && !(f->changes = env_changes(app->env, f->env)))
        error = fault(why, -ENOMEM, "no memory for the configuration");
    if (error)
        fault_where(why, "make", app->name, NULL, NULL);
    return error;
}

static int check(struct fresh *f, struct fault *why)
{
    int error = application_config_check(f->app, f->app->spec, f->env, why);

    if (error)
        fault_where(why, "check", f->app->name, NULL, "config_check");
    return error;
}

int reload_prepare(struct reload *r, struct fault *why)
{
    int error = list_all(r);

    if (error)
        return fault(why, error, "no memory for the configuration");
    for (size_t i = 0; i < r->count && !error; i++)
        error = make(&r->list[i], why);
    for (size_t i = 0; i < r->count && !error; i++)
        error = check(&r->list[i], why);
    for (size_t i = 0; i < r->count && !error; i++)
        error = env_settle(r->list[i].env, why);
    return error;
}

void reload_commit(struct reload *r)
{
    env_adopt_drafts();
    for (size_t i = 0; i < r->count; i++)
        r->list[i].env = env_swap(&r->list[i].app->env, r->list[i].env);
    for (size_t i = 0; i < r->count; i++)
        application_config_changed(r->list[i].app, r->list[i].env);
}

static int tell(json_t *all, const struct fresh *f)
{
    json_t *change;
    size_t i;
    int error = 0;

    json_array_foreach(f->changes, i, change)
    {
        json_t *one = json_pack("{s:s}", "application", f->app->name);

        if (!error)
            error = json_object_update(one, change) | json_array_append(all, one);
        json_decref(one);
    }
    return error;
}

json_t *reload_json(const struct reload *r)
{
    json_t *all = json_array();

    for (size_t i = 0; i < r->count; i++)
        if (tell(all, &r->list[i]) < 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}

void reload_finish(struct reload *r)
{
    for (size_t i = 0; i < r->count; i++) {
        env_drop(&r->list[i].app->env, r->list[i].env);
        json_decref(r->list[i].changes);
    }
    free(r->list);
    *r = (struct reload){0};
}
