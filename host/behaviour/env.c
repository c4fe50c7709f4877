/* SPDX-License-Identifier: Apache-2.0 */
#include "env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env_check.h"
#include "env_said.h"
#include "env_value.h"
#include "json.h"
#include "out.h"

/* -- what a version has -- */

/* A word as what a key of that type may have: text needs no quotes. */
static json_t *read_word(const struct env_spec *spec, const char *word)
{
    json_t *json = NULL;

    if (spec->type != MOULT_ENV_TEXT)
        json = json_loads(word, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return json ? json : json_string(word);
}

static int copy_bytes(const void *bytes, size_t len, void **copy, size_t *copy_len)
{
    void *own = malloc(len ? len : 1);

    if (!own)
        return -ENOMEM;
    memcpy(own, bytes, len);
    free(*copy);
    *copy = own;
    *copy_len = len;
    return 0;
}

static int no_memory(struct fault *why)
{
    return fault(why, -ENOMEM, "no memory for the configuration");
}

/* Give `v` what `g` says. */
static int take_given(struct value *v, const struct given *g, struct fault *why)
{
    json_t *json = g->word ? read_word(&v->spec, g->word) : NULL;
    void *bytes = NULL;
    size_t len = 0;
    int error;

    if (g->word && !json)
        return fault(why, -EINVAL, "%s is not UTF-8", g->from);
    error = g->word ? said_encode(json, &bytes, &len, why)
                    : copy_bytes(g->bytes, g->len, &bytes, &len);
    json_decref(json);
    if (!error)
        error = env_check_value(&v->spec, g->from, bytes, len, why);
    if (error) {
        free(bytes);
        return error == -ENOMEM ? no_memory(why) : error;
    }
    free(v->spec.value);
    free(v->from);
    v->spec.value = bytes;
    v->spec.len = len;
    v->from = strdup(g->from);
    return v->from ? 0 : no_memory(why);
}

static int fill(struct value *v, const char *app, const struct env_spec *spec,
                bool anew, struct fault *why)
{
    const struct given *g = said_last(app, spec->key, anew);

    v->spec = *spec;
    v->spec.value = NULL;
    v->spec.key = strdup(spec->key);
    v->from = strdup("default");
    if (!v->spec.key || !v->from ||
        (spec->value &&
         copy_bytes(spec->value, spec->len, &v->spec.value, &v->spec.len) < 0))
        return no_memory(why);
    if (g)
        return take_given(v, g, why);
    if (spec->required && !spec->value)
        return fault(why, -EINVAL,
                     "env '%s' of application '%s' has no value: set it in the "
                     "configuration file, or by MOULT_<APP>_<KEY> or --env",
                     spec->key, app);
    return 0;
}

static const struct env_spec *find_spec(const struct resource *r, const char *key)
{
    for (size_t i = 0; i < r->env_count; i++)
        if (strcmp(r->env[i].key, key) == 0)
            return &r->env[i];
    return NULL;
}

/* Was anything said of a key that it has not? */
static int check_keys(const char *app, const struct resource *r, bool anew,
                      struct fault *why)
{
    char keys[200] = "";

    for (size_t i = 0; i < r->env_count; i++)
        snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s",
                 i ? ", " : "", r->env[i].key);
    for (const struct given *g = said_first(anew); g; g = said_next(g, anew))
        if (g->app && g->level != ENV_PUT && strcmp(g->app, app) == 0 &&
            !find_spec(r, g->key))
            return fault(why, -EINVAL, "%s is no key of application '%s': it has %s",
                         g->from, app, keys[0] ? keys : "none");
    return 0;
}

/* For `former`, which hears of it, unless that is NULL. */
/* NOLINTNEXTLINE(readability-function-size): all that says what it has */
static int make(struct env **former, const char *app, const struct resource *r,
                bool anew, struct env **out, struct fault *why)
{
    struct env *env = calloc(1, sizeof(*env) + r->env_count * sizeof(struct value));
    int error;

    if (!env)
        return no_memory(why);
    pthread_rwlock_wrlock(&env_lock);
    error = check_keys(app, r, anew, why);
    for (size_t i = 0; i < r->env_count && !error; i++) {
        env->count++;
        error = fill(&env->values[i], app, &r->env[i], anew, why);
    }
    if (!error && former && *former)
        (*former)->next = env;
    pthread_rwlock_unlock(&env_lock);
    if (error)
        env_destroy(env);
    else
        *out = env;
    return error;
}

int env_make(const char *app, const struct resource *r, struct env **out,
             struct fault *why)
{
    return make(NULL, app, r, false, out, why);
}

/* NOLINTNEXTLINE(readability-function-size): as above */
int env_make_next(struct env **env, const char *app, const struct resource *r,
                  bool anew, struct env **out, struct fault *why)
{
    return make(env, app, r, anew, out, why);
}

void env_destroy(struct env *env)
{
    for (size_t i = 0; env && i < env->count; i++) {
        free(env->values[i].spec.key);
        free(env->values[i].spec.value);
        free(env->values[i].from);
        free(env->values[i].unfit);
    }
    free(env);
}

int env_settle(struct env *next, struct fault *why)
{
    int error = 0;

    pthread_rwlock_wrlock(&env_lock);
    for (size_t i = 0; i < next->count && !error; i++)
        if (next->values[i].unfit)
            error = fault(why, -EINVAL, "%s; that was put meanwhile",
                          next->values[i].unfit);
    next->settled = !error;
    pthread_rwlock_unlock(&env_lock);
    return error;
}

void env_drop(struct env **env, struct env *next)
{
    pthread_rwlock_wrlock(&env_lock);
    if (*env && (*env)->next == next)
        (*env)->next = NULL;
    pthread_rwlock_unlock(&env_lock);
    env_destroy(next);
}

struct env *env_swap(struct env **env, struct env *to)
{
    struct env *former;

    pthread_rwlock_wrlock(&env_lock);
    former = *env;
    if (former)
        former->next = NULL;
    *env = to;
    pthread_rwlock_unlock(&env_lock);
    return former;
}

/* -- reading and writing -- */

struct value *env_find(const struct env *env, const char *key)
{
    for (size_t i = 0; env && i < env->count; i++)
        if (strcmp(env->values[i].spec.key, key) == 0)
            return (struct value *)&env->values[i];
    return NULL;
}

int env_get(struct env *const *env, const char *key, moult_out *out)
{
    const struct value *v;
    int error = -ENOENT;

    pthread_rwlock_rdlock(&env_lock);
    v = env_find(*env, key);
    if (v && v->spec.value) {
        moult_put_item(out, v->spec.value, v->spec.len);
        error = moult_out_error(out);
    }
    pthread_rwlock_unlock(&env_lock);
    return error;
}

static int take_put(struct value *v, const struct given *g, struct fault *why)
{
    int error = take_given(v, g, why);
    char *from = error ? NULL : strdup("put");

    if (error || !from)
        return error ? error : no_memory(why);
    free(v->from);
    v->from = from;
    return 0;
}

/* May what is to come not have it, and it is too late to give that up? */
static int check_next(const struct env *next, const char *key, const struct given *g,
                      struct fault *why)
{
    const struct value *v = env_find(next, key);

    return v && next->settled
               ? env_check_value(&v->spec, g->from, g->bytes, g->len, why)
               : 0;
}

/* What is to come has it as well; or can't, which env_settle() says. */
static int put_next(struct env *next, const char *key, const struct given *g,
                    struct fault *why)
{
    struct value *v = env_find(next, key);
    struct fault unfit = {0};
    int error = v ? take_put(v, g, &unfit) : 0;

    if (!v)
        return 0;
    free(v->unfit);
    v->unfit = error ? strdup(unfit.text) : NULL;
    return error == -ENOMEM || (error && !v->unfit) ? no_memory(why) : 0;
}

/* It stays, also when another takes its place. */
static int keep(struct env *env, const char *app, const char *key,
                const struct given *g, struct fault *why)
{
    int error = put_next(env->next, key, g, why);

    if (!error && said_keep(app, key, g->bytes, g->len) < 0)
        error = no_memory(why);
    return error;
}

/* The lock is held. */
static int put(struct env *env, const char *app, const char *key, moult_in value,
               bool persist, struct fault *why)
{
    struct value *v = env_find(env, key);
    size_t len = (size_t)(value.end - value.at);
    char from[APP_KEY_TEXT];
    struct given g = {.from = from, .bytes = (void *)value.at, .len = len};
    int error;

    if (!v)
        return fault(why, -ENOENT, "application '%s' has no env '%s'", app, key);
    snprintf(from, sizeof(from), "env '%s' of application '%s'", key, app);
    error = persist ? check_next(env->next, key, &g, why) : 0;
    if (!error)
        error = take_put(v, &g, why);
    return error || !persist ? error : keep(env, app, key, &g, why);
}

int env_put(struct env **env, const char *app, const char *key, moult_in value,
            bool persist, struct fault *why)
{
    int error;

    pthread_rwlock_wrlock(&env_lock);
    error = put(*env, app, key, value, persist, why);
    pthread_rwlock_unlock(&env_lock);
    return error;
}
