/* SPDX-License-Identifier: Apache-2.0 */
#include "env.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env_check.h"
#include "json.h"
#include "out.h"

/* What was said of a key, be there such an application or not. */
struct given {
    struct given *next;
    enum env_level level;
    char *app, *key; /* of a variable NULL, and its name */
    char *from;
    char *word;  /* as it was said, to be read by its type; NULL: it is encoded */
    void *bytes; /* encoded */
    size_t len;
};

/* A key and what it has.  All its own: versions come and go. */
struct value {
    struct env_spec spec;
    char *from;
};

struct env {
    size_t count;
    struct value values[];
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER; /* guards all values */
static struct given *all; /* guarded by it; the last said comes first */

/* -- what is said -- */

static void given_destroy(struct given *g)
{
    free(g->app);
    free(g->key);
    free(g->from);
    free(g->word);
    free(g->bytes);
    free(g);
}

static struct given *given_create(enum env_level level, const char *app,
                                  const char *key, const char *from)
{
    struct given *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->level = level;
    g->app = app ? strdup(app) : NULL;
    g->key = strdup(key);
    g->from = strdup(from);
    if ((app && !g->app) || !g->key || !g->from) {
        given_destroy(g);
        return NULL;
    }
    return g;
}

static void add(struct given *g)
{
    pthread_rwlock_wrlock(&lock);
    g->next = all;
    all = g;
    pthread_rwlock_unlock(&lock);
}

static int encode(const json_t *value, void **bytes, size_t *len, struct fault *why)
{
    moult_out out;
    uint32_t given = 0;
    int error;

    out_init(&out, NULL, 0);
    error = json_to_cbor(value, &out, why);
    if (!error) {
        *bytes = out_give(&out, &given);
        *len = given;
        error = *bytes ? 0 : -ENOMEM;
    }
    out_release(&out);
    return error ? fault(why, error, "no memory for the configuration") : 0;
}

int env_give(enum env_level level, const char *app, const char *key,
             const json_t *value, const char *from, struct fault *why)
{
    struct given *g = given_create(level, app, key, from);
    int error = g ? encode(value, &g->bytes, &g->len, why)
                  : fault(why, -ENOMEM, "no memory for the configuration");

    if (!error)
        add(g);
    else if (g)
        given_destroy(g);
    return error;
}

static int give_word(enum env_level level, const char *app, const char *key,
                     const char *from, const char *word)
{
    struct given *g = given_create(level, app, key, from);

    if (!g)
        return -ENOMEM;
    g->word = strdup(word);
    if (!g->word) {
        given_destroy(g);
        return -ENOMEM;
    }
    add(g);
    return 0;
}

int env_give_variables(char *const *variables)
{
    int error = 0;

    for (; *variables && !error; variables++) {
        const char *equals = strchr(*variables, '=');
        char *name;

        if (strncmp(*variables, "MOULT_", 6) != 0 || !equals)
            continue;
        name = strndup(*variables, (size_t)(equals - *variables));
        error = name ? give_word(ENV_VARIABLE, NULL, name, name, equals + 1) : -ENOMEM;
        free(name);
    }
    return error;
}

int env_give_word(const char *word, struct fault *why)
{
    const char *dot = strchr(word, '.'), *equals = strchr(word, '=');
    char *app, *key, from[300];
    int error;

    if (!dot || !equals || dot > equals)
        return fault(why, -EINVAL,
                     "'--env' takes APP.KEY=VALUE, as web.port=80, not '%s'", word);
    app = strndup(word, (size_t)(dot - word));
    key = strndup(dot + 1, (size_t)(equals - dot - 1));
    snprintf(from, sizeof(from), "--env %.*s", (int)(equals - word), word);
    error =
        app && key ? give_word(ENV_COMMAND_LINE, app, key, from, equals + 1) : -ENOMEM;
    free(app);
    free(key);
    return error ? fault(why, error, "no memory for the configuration") : 0;
}

void env_forget_all(void)
{
    struct given *g;

    pthread_rwlock_wrlock(&lock);
    while ((g = all)) {
        all = g->next;
        given_destroy(g);
    }
    pthread_rwlock_unlock(&lock);
}

/* -- what a version has -- */

/* Is `name` the variable MOULT_<APP>_<KEY>? */
static bool is_variable(const char *name, const char *app, const char *key)
{
    const char *parts[] = {app, key};

    name += strlen("MOULT");
    for (int i = 0; i < 2; i++) {
        if (*name++ != '_')
            return false;
        for (const char *at = parts[i]; *at; at++)
            if (*name++ != toupper((unsigned char)*at))
                return false;
    }
    return !*name;
}

static bool is_of(const struct given *g, const char *app, const char *key)
{
    return g->app ? strcmp(g->app, app) == 0 && strcmp(g->key, key) == 0
                  : is_variable(g->key, app, key);
}

/* The one with the last word on `key`, or NULL.  With the lock held. */
static const struct given *last_word(const char *app, const char *key)
{
    const struct given *best = NULL;

    for (const struct given *g = all; g; g = g->next)
        if (is_of(g, app, key) && (!best || g->level > best->level))
            best = g;
    return best;
}

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
    error = g->word ? encode(json, &bytes, &len, why)
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
                struct fault *why)
{
    const struct given *g = last_word(app, spec->key);

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
static int check_keys(const char *app, const struct resource *r, struct fault *why)
{
    char keys[200] = "";

    for (size_t i = 0; i < r->env_count; i++)
        snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s",
                 i ? ", " : "", r->env[i].key);
    for (const struct given *g = all; g; g = g->next)
        if (g->app && g->level != ENV_PUT && strcmp(g->app, app) == 0 &&
            !find_spec(r, g->key))
            return fault(why, -EINVAL, "%s is no key of application '%s': it has %s",
                         g->from, app, keys[0] ? keys : "none");
    return 0;
}

int env_make(const char *app, const struct resource *r, struct env **out,
             struct fault *why)
{
    struct env *env = calloc(1, sizeof(*env) + r->env_count * sizeof(struct value));
    int error;

    if (!env)
        return no_memory(why);
    pthread_rwlock_rdlock(&lock);
    error = check_keys(app, r, why);
    for (size_t i = 0; i < r->env_count && !error; i++) {
        env->count++;
        error = fill(&env->values[i], app, &r->env[i], why);
    }
    pthread_rwlock_unlock(&lock);
    if (error)
        env_destroy(env);
    else
        *out = env;
    return error;
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

    pthread_rwlock_wrlock(&lock);
    former = *env;
    *env = to;
    pthread_rwlock_unlock(&lock);
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

    pthread_rwlock_rdlock(&lock);
    v = find(*env, key);
    if (v && v->spec.value) {
        moult_put_item(out, v->spec.value, v->spec.len);
        error = moult_out_error(out);
    }
    pthread_rwlock_unlock(&lock);
    return error;
}

/* What was put of `key` to stay is `v` now; the lock is held. */
static int remember(const char *app, const struct value *v)
{
    struct given *g = all;

    while (g && (g->level != ENV_PUT || !is_of(g, app, v->spec.key)))
        g = g->next;
    if (g)
        return copy_bytes(v->spec.value, v->spec.len, &g->bytes, &g->len);
    g = given_create(ENV_PUT, app, v->spec.key, "put");
    if (!g)
        return -ENOMEM;
    if (copy_bytes(v->spec.value, v->spec.len, &g->bytes, &g->len) < 0) {
        given_destroy(g);
        return -ENOMEM;
    }
    g->next = all;
    all = g;
    return 0;
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
    if (!error && persist && remember(app, v) < 0)
        error = no_memory(why);
    return error;
}

int env_put(struct env **env, const char *app, const char *key, moult_in value,
            bool persist, struct fault *why)
{
    int error;

    pthread_rwlock_wrlock(&lock);
    error = put(*env, app, key, value, persist, why);
    pthread_rwlock_unlock(&lock);
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

    pthread_rwlock_rdlock(&lock);
    others = put_pairs(from, to, false, NULL);
    news = put_pairs(from, to, true, NULL);
    gone = put_removed(from, to, NULL);
    moult_put_map(changed, others);
    put_pairs(from, to, false, changed);
    moult_put_map(added, news);
    put_pairs(from, to, true, added);
    moult_put_array(removed, gone);
    put_removed(from, to, removed);
    pthread_rwlock_unlock(&lock);
    return others + news + gone > 0;
}

/* -- showing -- */

static json_t *value_json(const struct value *v)
{
    moult_in in = moult_in_over(v->spec.value, v->spec.len);
    json_t *value = v->spec.value ? json_from_cbor(&in, NULL) : json_null();
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

    pthread_rwlock_rdlock(&lock);
    for (size_t i = 0; list && *env && i < (*env)->count; i++)
        json_array_append_new(list, value_json(&(*env)->values[i]));
    pthread_rwlock_unlock(&lock);
    return list;
}
