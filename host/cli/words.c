/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool words_number(const char *word, long long least, long long most, json_int_t *out)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(word, &end, 10);
    if (end == word || *end || errno || number < least || number > most)
        return false;
    *out = number;
    return true;
}

static int no_memory(struct fault *why)
{
    return fault(why, -ENOMEM, "no memory for the request");
}

/* A word as JSON text; what is no UTF-8 can't be sent. */
static int set_text(json_t *params, const char *key, const char *word,
                    struct fault *why)
{
    json_t *text = json_string(word);

    if (text && json_object_set_new(params, key, text) == 0)
        return 0;
    return fault(why, -EINVAL, "'%s' is not UTF-8", word);
}

int words_name(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = json_object();
    int error = object ? set_text(object, "name", args->words[0], why) : no_memory(why);

    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int words_limit(const struct args *args, json_t **params, struct fault *why)
{
    const char *word = args_value(args, "limit");
    json_int_t limit = WORDS_PS_LIMIT;

    if (word && !words_number(word, 1, INT32_MAX, &limit))
        return fault(why, -EINVAL, "'--limit' must be an integer from 1 on, not '%s'",
                     word);
    *params = json_pack("{s:I}", "limit", limit);
    return *params ? 0 : no_memory(why);
}

int words_ps(const struct args *args, json_t **params, struct fault *why)
{
    const char *sort = args_value(args, "sort");
    json_t *object = NULL;
    int error = words_limit(args, &object, why);

    if (!error && sort)
        error = set_text(object, "sort", sort, why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int words_name_limit(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = NULL;
    int error = words_limit(args, &object, why);

    if (!error)
        error = set_text(object, "name", args->words[0], why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int words_registry(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = NULL;
    int error = words_limit(args, &object, why);

    if (!error && args->count > 0)
        error = set_text(object, "name", args->words[0], why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int words_telemetry(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = json_object();
    int error = args->count > 0 ? set_text(object, "prefix", args->words[0], why) : 0;

    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

static int add_path(json_t *files, const char *word, struct fault *why)
{
    char *path = realpath(word, NULL);
    json_t *text;

    if (!path)
        return fault(why, -errno, "unable to read '%s': %s", word, strerror(errno));
    text = json_string(path);
    free(path);
    return json_array_append_new(files, text) == 0
               ? 0
               : fault(why, -EINVAL, "'%s' is not UTF-8", word);
}

int words_files(const struct args *args, json_t **params, struct fault *why)
{
    json_t *files = json_array(), *object = json_pack("{s:o}", "files", files);
    int error = object ? 0 : no_memory(why);

    for (int i = 0; i < args->count && !error; i++)
        error = add_path(files, args->words[i], why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

/* `word` from here, absolute; given. */
static char *absolute(const char *word)
{
    char *folder = word[0] == '/' ? NULL : getcwd(NULL, 0), *path = NULL;

    if (word[0] == '/')
        return strdup(word);
    if (folder && asprintf(&path, "%s/%s", folder, word) < 0)
        path = NULL;
    free(folder);
    return path;
}

int words_snapshot(const struct args *args, json_t **params, struct fault *why)
{
    char *path = absolute(args->words[1]);
    json_t *object = path ? json_object() : NULL;
    int error =
        object ? set_text(object, "application", args->words[0], why) : no_memory(why);

    if (!error)
        error = set_text(object, "file", path, why);
    free(path);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

/* A word such as get is taken for the text "get", to spare the shell's quotes. */
static bool is_bare_word(const char *word)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char others[] = "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-.";

    return word[0] && strchr(letters, word[0]) && strspn(word, others) == strlen(word);
}

static json_t *read_message(const char *word, json_error_t *problem)
{
    const size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;

    if (strcmp(word, "-") == 0) /* a message may be longer than a word may */
        return json_loadf(stdin, flags, problem);
    return json_loads(word, flags, problem);
}

/* A word of the command line as JSON, under `key`. */
static int take_json(const char *word, json_t *params, const char *key,
                     struct fault *why)
{
    json_error_t problem;
    json_t *message = read_message(word, &problem);

    if (!message && is_bare_word(word))
        message = json_string(word);
    if (!message)
        return fault(
            why, -EINVAL,
            "'%.200s' is no JSON: %s; write for example get, 5 or '{\"add\": 5}'", word,
            problem.text);
    return json_object_set_new(params, key, message) == 0 ? 0 : no_memory(why);
}

static int take_timeout(const struct args *args, json_t *params, struct fault *why)
{
    const char *word = args_value(args, "timeout");
    json_int_t ms;

    if (!word)
        return 0;
    if (!words_number(word, 1, INT32_MAX, &ms))
        return fault(why, -EINVAL,
                     "'--timeout' must be milliseconds between 1 and %d, not '%s'",
                     INT32_MAX, word);
    json_object_set_new(params, "timeout_ms", json_integer(ms));
    return 0;
}

int words_message(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = NULL;
    int error = words_name(args, &object, why);

    if (error)
        return error;
    error = take_json(args->words[1], object, "message", why);
    if (!error)
        error = take_timeout(args, object, why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int words_env(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = json_object();
    int error =
        object ? set_text(object, "application", args->words[0], why) : no_memory(why);

    if (!error && args->count > 1)
        error = set_text(object, "key", args->words[1], why);
    if (!error && args->count > 2)
        error = take_json(args->words[2], object, "value", why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int words_log(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = json_object();
    int error = object ? 0 : no_memory(why);

    if (!error && args->count > 0)
        error = set_text(object, "application", args->words[0], why);
    if (!error && args->count > 1)
        error = set_text(object, "level", args->words[1], why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}
