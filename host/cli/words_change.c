/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words_change - the words of commands that change what runs.
 */
#include <errno.h>
#include <string.h>

#include "terms.h"
#include "words.h"

/* What is not given is left open. */
static int take_number(const struct args *args, const char *option, const char *key,
                       json_t *params, struct fault *why)
{
    const char *word = args_value(args, option);
    json_int_t number;

    if (!word)
        return 0;
    if (!words_number(word, 1, TERMS_MOST_MS, &number))
        return fault(why, -EINVAL, "'--%s' must be milliseconds from 1 to %u, not '%s'",
                     option, TERMS_MOST_MS, word);
    json_object_set_new(params, key, json_integer(number));
    return 0;
}

/* Seconds on the command line, milliseconds in the request. */
static int take_confirm(const struct args *args, json_t *params, struct fault *why)
{
    const char *word = args_value(args, "confirm-within");
    json_int_t seconds;

    if (!word)
        return 0;
    if (!words_number(word, 1, TERMS_MOST_S, &seconds))
        return fault(why, -EINVAL,
                     "'--confirm-within' must be seconds from 1 to %u, not '%s'",
                     TERMS_MOST_S, word);
    json_object_set_new(params, "confirm_within_ms", json_integer(seconds * 1000));
    return 0;
}

/* What is said besides what is to change; of `object` (taken). */
static int take_terms(const struct args *args, json_t *object, json_t **params,
                      struct fault *why)
{
    int error = object ? 0 : fault(why, -ENOMEM, "no memory for the request");

    if (!error && args_value(args, "plan"))
        json_object_set_new(object, "plan", json_true());
    if (!error && args_value(args, "brutal"))
        json_object_set_new(object, "brutal", json_true());
    if (!error)
        error = take_number(args, "max-pause", "max_pause_ms", object, why);
    if (!error)
        error = take_number(args, "max-move", "max_move_ms", object, why);
    if (!error)
        error = take_confirm(args, object, why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int words_release(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = json_object();

    if (args->count &&
        json_object_set_new(object, "release", json_string(args->words[0])) < 0) {
        json_decref(object);
        return fault(why, -EINVAL, "'%s' is not UTF-8", args->words[0]);
    }
    return take_terms(args, object, params, why);
}

int words_terms(const struct args *args, json_t **params, struct fault *why)
{
    return take_terms(args, json_object(), params, why);
}

/* "5%", or names with commas between, as an array. */
static int take_canary(const struct args *args, json_t *params, struct fault *why)
{
    const char *word = args_value(args, "canary");
    json_t *who = word ? json_array() : NULL;

    while (word && *word) {
        size_t len = strcspn(word, ",");

        if (json_array_append_new(who, json_stringn(word, len)) < 0) {
            json_decref(who);
            return fault(why, -EINVAL, "'--canary' is not UTF-8");
        }
        word += len + (word[len] == ',');
    }
    if (who)
        json_object_set_new(params, "canary", who);
    return 0;
}

int words_targets(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = json_object(), *targets = json_array();

    for (int i = 0; i < args->count; i++)
        json_array_append_new(targets, json_string(args->words[i]));
    json_object_set_new(object, "targets", targets);
    if (json_array_size(targets) == (size_t)args->count &&
        take_canary(args, object, why) == 0)
        return take_terms(args, object, params, why);
    json_decref(object);
    return fault(why, -EINVAL, "a target is not UTF-8");
}

int words_purge(const struct args *args, json_t **params, struct fault *why)
{
    *params = json_pack("{s:s, s:b}", "target", args->words[0], "brutal",
                        args_value(args, "brutal") != NULL);
    return *params ? 0 : fault(why, -ENOMEM, "no memory for the request");
}
