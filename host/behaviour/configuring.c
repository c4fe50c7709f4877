/* SPDX-License-Identifier: Apache-2.0 */
/*
 * configuring - the functions of abi/moult/application.h.
 */
#include <errno.h>

#include "controller.h"
#include "message.h"
#include "out.h"

static struct application *find(moult_ctx *ctx, const char *app)
{
    return app ? application_find(app) : process_of(ctx)->group->app;
}

/* A copy of the value, among the drafts, which go when the callback is over. */
int moult_fetch_env(moult_ctx *ctx, const char *app, const char *key, moult_in *value)
{
    struct application *a = find(ctx, app);
    moult_out *copy;
    int error;

    if (!a)
        return -ENOENT;
    copy = moult_draft(ctx);
    error = env_get(&a->env, key, copy);
    if (error)
        return error;
    moult_put_item(copy, "", 1); /* so that a text is ended by a zero */
    if (copy->error)
        return copy->error;
    *value = moult_in_over(copy->bytes, copy->len - 1);
    return 0;
}

moult_in moult_get_env(moult_ctx *ctx, const char *app, const char *key)
{
    moult_in value;

    return moult_fetch_env(ctx, app, key, &value) == 0 ? value
                                                       : moult_in_over("\xf6", 1);
}

int64_t moult_env_int(moult_ctx *ctx, const char *key, int64_t otherwise)
{
    moult_in value = moult_get_env(ctx, NULL, key);
    int64_t number = moult_get_int(&value);

    return value.error ? otherwise : number;
}

double moult_env_float(moult_ctx *ctx, const char *key, double otherwise)
{
    moult_in value = moult_get_env(ctx, NULL, key);
    double number = moult_get_float(&value);

    return value.error ? otherwise : number;
}

bool moult_env_bool(moult_ctx *ctx, const char *key, bool otherwise)
{
    moult_in value = moult_get_env(ctx, NULL, key);
    bool is = moult_get_bool(&value);

    return value.error ? otherwise : is;
}

const char *moult_env_text(moult_ctx *ctx, const char *key, const char *otherwise)
{
    moult_in value = moult_get_env(ctx, NULL, key);
    size_t len;
    const char *text = moult_get_text(&value, &len);

    return value.error ? otherwise : text;
}

int moult_put_env(moult_ctx *ctx, const char *app, const char *key, moult_out *value,
                  bool persistent)
{
    struct process *p = process_of(ctx);
    struct application *a = find(ctx, app);
    struct fault why = {0};
    int error = moult_out_error(value);

    if (!error && !a)
        error = fault(&why, -ENOENT, "there is no application '%s'", app ? app : "");
    if (!error)
        error = env_put(&a->env, a->name, key, out_read(value), persistent, &why);
    draft_drop(p, value);
    return error
               ? process_fail(p, error, why.text[0] ? why.text : moult_strerror(error))
               : 0;
}

int moult_ensure_all_started(moult_ctx *ctx, const char *app)
{
    return controller_ensure(process_of(ctx), app);
}
