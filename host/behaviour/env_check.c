/* SPDX-License-Identifier: Apache-2.0 */
#include "env_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env.h"
#include "json.h"
#include "json_text.h"

#define SHOWN 80 /* bytes of a value that is repeated */

static const struct {
    const char *text, *words, *unit; /* of what there are `least` to `most` */
} types[] = {
    [MOULT_ENV_ANY] = {"any", "anything", ""},
    [MOULT_ENV_INT] = {"integer", "an integer", ""},
    [MOULT_ENV_FLOAT] = {"number", "a number", ""},
    [MOULT_ENV_BOOL] = {"boolean", "true or false", ""},
    [MOULT_ENV_TEXT] = {"text", "text", " bytes"},
    [MOULT_ENV_ARRAY] = {"array", "an array", " items"},
    [MOULT_ENV_MAP] = {"map", "a map", " pairs"},
};

const char *env_type_text(int32_t type)
{
    return types[type].text;
}

static bool is_key(const char *key)
{
    size_t len = strlen(key);

    return len && len <= ENV_KEY_MAX && key[0] >= 'a' && key[0] <= 'z' &&
           strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

int env_check_spec(const struct env_spec *spec, struct fault *why)
{
    char from[ENV_KEY_MAX + 32];
    bool ranged = spec->least || spec->most;

    if (!is_key(spec->key))
        return fault(
            why, -EINVAL,
            "'%.64s' of its env is no key: lower case letters, digits and '_', "
            "a letter first",
            spec->key);
    if (spec->type < MOULT_ENV_ANY || spec->type > MOULT_ENV_MAP)
        return fault(why, -EINVAL, "env '%s' has type %d: MOULT_ENV_INT and so on",
                     spec->key, spec->type);
    if (spec->least > spec->most)
        return fault(why, -EINVAL,
                     "env '%s' has least %" PRId64 ", more than most %" PRId64,
                     spec->key, spec->least, spec->most);
    if (ranged && (spec->type == MOULT_ENV_ANY || spec->type == MOULT_ENV_BOOL))
        return fault(why, -EINVAL,
                     "env '%s' has least or most, and is of a type that "
                     "has no size",
                     spec->key);
    if (!spec->value)
        return 0;
    snprintf(from, sizeof(from), "the default of env '%s'", spec->key);
    return env_check_value(spec, from, spec->value, spec->len, why);
}

static bool is_of_type(int32_t type, int32_t kind)
{
    switch (type) {
    case MOULT_ENV_INT:
        return kind == MOULT_INT;
    case MOULT_ENV_FLOAT:
        return kind == MOULT_INT || kind == MOULT_FLOAT;
    case MOULT_ENV_BOOL:
        return kind == MOULT_BOOL;
    case MOULT_ENV_TEXT:
        return kind == MOULT_TEXT;
    case MOULT_ENV_ARRAY:
        return kind == MOULT_ARRAY;
    case MOULT_ENV_MAP:
        return kind == MOULT_MAP;
    default:
        return true;
    }
}

static bool is_in_range(const struct env_spec *spec, moult_in in)
{
    double most = (double)spec->most, least = (double)spec->least, number;
    size_t size = 0;

    if (!spec->least && !spec->most)
        return true;
    switch (spec->type) {
    case MOULT_ENV_FLOAT:
        number = moult_get_float(&in);
        return number >= least && number <= most;
    case MOULT_ENV_TEXT:
        moult_get_text(&in, &size);
        break;
    case MOULT_ENV_ARRAY:
        size = moult_get_array(&in);
        break;
    case MOULT_ENV_MAP:
        size = moult_get_map(&in);
        break;
    default: {
        int64_t n = moult_get_int(&in);

        return n >= spec->least && n <= spec->most;
    }
    }
    return (int64_t)size >= spec->least && (int64_t)size <= spec->most;
}

int env_check_value(const struct env_spec *spec, const char *from, const void *bytes,
                    size_t len, struct fault *why)
{
    moult_in in = moult_in_over(bytes, len), shown = in;
    char range[64] = "";
    json_t *json;
    char *text;

    if (is_of_type(spec->type, moult_peek(&in)) && is_in_range(spec, in))
        return 0;
    if (spec->least || spec->most)
        snprintf(range, sizeof(range), " %s %" PRId64 " to %" PRId64 "%s",
                 types[spec->type].unit[0] ? "of" : "from", spec->least, spec->most,
                 types[spec->type].unit);
    json = json_from_cbor(&shown, NULL);
    text = json ? json_text(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    fault(why, -EINVAL, "%s must be %s%s, not %.*s", from, types[spec->type].words,
          range, SHOWN, text ? text : "what it is");
    free(text);
    json_decref(json);
    return -EINVAL;
}
