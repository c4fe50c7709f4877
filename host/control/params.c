/* SPDX-License-Identifier: Apache-2.0 */
#include "params.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void params_wrong(struct params *params, const char *format, ...)
{
    va_list args;

    if (params->problem[0])
        return;
    va_start(args, format);
    vsnprintf(params->problem, sizeof(params->problem), format, args);
    va_end(args);
}

struct params params_of(const struct request *request)
{
    struct params params = {.all = request_params(request)};

    if (json_is_array(params.all))
        params_wrong(&params,
                     "parameters are given by name: 'params' must be an object");
    return params;
}

json_t *params_find(struct params *params, const char *key)
{
    if (params->count < PARAMS_LIMIT)
        params->known[params->count++] = key;
    return params->problem[0] ? NULL : json_object_get(params->all, key);
}

json_t *params_value(struct params *params, const char *key)
{
    json_t *value = params_find(params, key);

    if (!value)
        params_wrong(params, "'%s' is missing", key);
    return value;
}

static const char *as_text(struct params *params, const char *key, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text && strlen(text) == json_string_length(value))
        return text;
    params_wrong(params, "'%s' must be a string%s", key,
                 text ? " without the character zero" : "");
    return NULL;
}

const char *params_text(struct params *params, const char *key)
{
    const json_t *value = params_value(params, key);

    return value ? as_text(params, key, value) : NULL;
}

const char *params_text_or(struct params *params, const char *key,
                           const char *otherwise)
{
    const json_t *value = params_find(params, key);

    return value ? as_text(params, key, value) : otherwise;
}

uint64_t params_uint_or(struct params *params, const char *key, uint64_t otherwise,
                        uint64_t least, uint64_t most)
{
    const json_t *value = params_find(params, key);
    json_int_t number = json_integer_value(value);

    if (!value)
        return otherwise;
    if (json_is_integer(value) && number >= 0 && (uint64_t)number >= least &&
        (uint64_t)number <= most)
        return (uint64_t)number;
    params_wrong(params, "'%s' must be an integer between %" PRIu64 " and %" PRIu64,
                 key, least, most);
    return otherwise;
}

bool params_flag(struct params *params, const char *key)
{
    const json_t *value = params_find(params, key);

    if (value && !json_is_boolean(value))
        params_wrong(params, "'%s' must be true or false", key);
    return json_is_true(value);
}

static json_t *as_texts(struct params *params, const char *key, json_t *value)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(value) || json_array_size(value) == 0) {
        params_wrong(params, "'%s' must be an array of at least one string", key);
        return NULL;
    }
    json_array_foreach(value, i, item)
    {
        if (!as_text(params, key, item)) {
            params->problem[0] = 0;
            params_wrong(params, "each item of '%s' must be a string", key);
            return NULL;
        }
    }
    return value;
}

json_t *params_texts(struct params *params, const char *key)
{
    json_t *value = params_value(params, key);

    return value ? as_texts(params, key, value) : NULL;
}

json_t *params_find_texts(struct params *params, const char *key)
{
    json_t *value = params_find(params, key);

    return value ? as_texts(params, key, value) : NULL;
}

static bool is_known(const struct params *params, const char *key)
{
    for (size_t i = 0; i < params->count; i++)
        if (strcmp(params->known[i], key) == 0)
            return true;
    return false;
}

/* "'name', 'message'" */
static void list_known(const struct params *params, char *text, size_t size)
{
    size_t len = 0;

    text[0] = 0;
    for (size_t i = 0; i < params->count && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s'%s'", i ? ", " : "",
                                params->known[i]);
}

static void look_for_unknown(struct params *params)
{
    char known[160];
    const char *key;
    json_t *value;

    json_object_foreach(params->all, key, value)
    {
        if (is_known(params, key))
            continue;
        list_known(params, known, sizeof(known));
        params_wrong(params, "there is no parameter '%.60s' here: %s%s", key,
                     known[0] ? "it takes " : "it takes none", known);
    }
}

bool params_refused(struct params *params, struct request *request)
{
    if (json_is_object(params->all))
        look_for_unknown(params);
    if (!params->problem[0])
        return false;
    request_refuse(request, RPC_INVALID_PARAMS, params->problem, NULL);
    return true;
}
