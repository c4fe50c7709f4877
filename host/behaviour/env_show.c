/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_show - what is told of envs: in what two differ, and all of one.
 */
#include <string.h>

#include "env_check.h"
#include "env_said.h"
#include "env_value.h"
#include "json.h"
#include "out.h"

/* -- comparing -- */

static const struct value *with_value(const struct env *env, const char *key)
{
    const struct value *v = env_find(env, key);

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
        if (!env_find(to, from->values[i].spec.key))
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
