/* SPDX-License-Identifier: Apache-2.0 */
#include "env.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env_check.h"
#include "env_said.h"
#include "json.h"
#include "out.h"

/* A key and what it has.  All its own: versions come and go. */
struct value {
    struct env_spec spec;
    char *from;
};

struct env {
    size_t count;
    struct value values[];
};

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

static int make(const char *app, const struct resource *r, bool anew, struct env **out,
                struct fault *why)
{
    struct env *env = calloc(1, sizeof(*env) + r->env_count * sizeof(struct value));
    int error;

    if (!env)
        return no_memory(why);
    pthread_rwlock_rdlock(&env_lock);
    error = check_keys(app, r, anew, why);
    for (size_t i = 0; i < r->env_count && !error; i++) {
        env->count++;
        error = fill(&env->values[i], app, &r->env[i], anew, why);
    }
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
    return make(app, r, false, out, why);
}

int env_make_anew(const char *app, const struct resource *r, struct env **out,
                  struct fault *why)
{
    return make(app, r, true, out, why);
}

void env_destroy(struct env *env)
{
    for (size_t i = 0; env && i < env->count; i++) {
        free(env->values[i].spec.key);
        free(env->values[i].spec.value);
        free(env->values[i].from);
    }
    free(env);
}

struct env *env_swap(struct env **env, struct env *to)
{
    struct env *former;

    pthread_rwlock_wrlock(&env_lock);
    former = *env;
    *env = to;
    pthread_rwlock_unlock(&env_lock);
    return former;
}

/* -- reading and writing -- */

static struct value *find(const struct env *env, const char *key)
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
    v = find(*env, key);
    if (v && v->spec.value) {
        moult_put_item(out, v->spec.value, v->spec.len);
        error = moult_out_error(out);
    }
    pthread_rwlock_unlock(&env_lock);
    return error;
}

/* The lock is held. */
static int put(struct env *env, const char *app, const char *key, moult_in value,
               bool persist, struct fault *why)
{
    struct value *v = find(env, key);
    size_t len = (size_t)(value.end - value.at);
    char from[APP_KEY_TEXT];
    struct given g = {.from = from, .bytes = (void *)value.at, .len = len};
    int error;

    if (!v)
        return fault(why, -ENOENT, "application '%s' has no env '%s'", app, key);
    snprintf(from, sizeof(from), "env '%s' of application '%s'", key, app);
    error = take_given(v, &g, why);
    if (!error && !(free(v->from), v->from = strdup("put")))
        error = no_memory(why);
    if (!error && persist && said_keep(app, key, v->spec.value, v->spec.len) < 0)
        error = no_memory(why);
    return error;
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

/* -- comparing -- */

static const struct value *with_value(const struct env *env, const char *key)
{
    const struct value *v = find(env, key);

    return v && v->spec.value ? v : NULL;
}

static bool is_same(const struct value *a, const struct value *b)
{
    return a->spec.len == b->spec.len &&
           memcmp(a->spec.value, b->spec.value, a->spec.len) == 0;
}

/* Write the pairs of `to` that are new (or else that are others), and count them. */
static size_t put_pairs(const struct env *from, const struct env *to, bool is_new,
                        moult_out *out)
{
    size_t count = 0;

    for (size_t i = 0; to && i < to->count; i++) {
        const struct value *v = &to->values[i], *old = with_value(from, v->spec.key);

        if (!v->spec.value || is_new != !old || (old && is_same(old, v)))
            continue;
        count++;
        if (!out)
            continue;
        moult_put_text(out, v->spec.key);
        moult_put_item(out, v->spec.value, v->spec.len);
    }
    return count;
}

static size_t put_removed(const struct env *from, const struct env *to, moult_out *out)
{
    size_t count = 0;

    for (size_t i = 0; from && i < from->count; i++) {
        const struct value *v = &from->values[i];

        if (!v->spec.value || with_value(to, v->spec.key))
            continue;
        count++;
        if (out)
            moult_put_text(out, v->spec.key);
    }
    return count;
}

bool env_compare(const struct env *from, const struct env *to, moult_out *changed,
                 moult_out *added, moult_out *removed)
{
    size_t others, news, gone;

    pthread_rwlock_rdlock(&env_lock);
    others = put_pairs(from, to, false, NULL);
    news = put_pairs(from, to, true, NULL);
    gone = put_removed(from, to, NULL);
    moult_put_map(changed, others);
    put_pairs(from, to, false, changed);
    moult_put_map(added, news);
    put_pairs(from, to, true, added);
    moult_put_array(removed, gone);
    put_removed(from, to, removed);
    pthread_rwlock_unlock(&env_lock);
    return others + news + gone > 0;
}

/* -- showing -- */

static json_t *content_json(const struct value *v)
{
    moult_in in = {0};

    if (!v || !v->spec.value)
        return json_null();
    in = moult_in_over(v->spec.value, v->spec.len);
    return json_from_cbor(&in, NULL);
}

static int add_change(json_t *list, const char *key, const struct value *from,
                      const struct value *to)
{
    if ((!from && !to) || (from && to && is_same(from, to)))
        return 0;
    return json_array_append_new(list,
                                 json_pack("{s:s, s:o, s:o}", "key", key, "from",
                                           content_json(from), "to", content_json(to)));
}

json_t *env_changes(const struct env *from, const struct env *to)
{
    json_t *list = json_array();
    int error = 0;

    pthread_rwlock_rdlock(&env_lock);
    for (size_t i = 0; to && i < to->count && !error; i++) {
        const char *key = to->values[i].spec.key;

        error = add_change(list, key, with_value(from, key), with_value(to, key));
    }
    for (size_t i = 0; from && i < from->count && !error; i++)
        if (!find(to, from->values[i].spec.key))
            error = add_change(list, from->values[i].spec.key,
                               with_value(from, from->values[i].spec.key), NULL);
    pthread_rwlock_unlock(&env_lock);
    if (!error)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *value_json(const struct value *v)
{
    json_t *value = content_json(v);
    json_t *json = json_pack("{s:s, s:o, s:s, s:s}", "key", v->spec.key, "value", value,
                             "from", v->from, "type", env_type_text(v->spec.type));

    if (json && (v->spec.least || v->spec.most)) {
        json_object_set_new(json, "least", json_integer(v->spec.least));
        json_object_set_new(json, "most", json_integer(v->spec.most));
    }
    return json;
}

json_t *env_json(struct env *const *env)
{
    json_t *list = json_array();

    pthread_rwlock_rdlock(&env_lock);
    for (size_t i = 0; list && *env && i < (*env)->count; i++)
        json_array_append_new(list, value_json(&(*env)->values[i]));
    pthread_rwlock_unlock(&env_lock);
    return list;
}
