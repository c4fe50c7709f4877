/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "config.h"
#include "event.h"
#include "show.h"

#define PS_LIMIT 1000 /* processes, unless asked for more */

/* A whole number in a word; false if it is none between `least` and `most`. */
static bool read_number(const char *word, long long least, long long most,
                        json_int_t *out)
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

/* -- to the host and back -- */

static int open_host(const struct args *args, struct client **out, struct fault *why)
{
    char *path = args->socket ? strdup(args->socket) : config_default_socket();
    int error = path ? client_open(path, out, why)
                     : fault(why, -ENOMEM, "no memory for the socket's path");

    free(path);
    if (!error)
        client_catch_interrupt();
    return error;
}

/* Someone at the keyboard wants out: go as a program goes that does not catch it. */
static int interrupted(const struct args *args, const struct screen *screen)
{
    screen_complain(screen, "interrupted: the host goes on with it, and 'moult events' "
                            "tells what comes of it");
    fflush(NULL);
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
    return CLI_FAILED;
}

static int unable(const struct args *args, const struct screen *screen,
                  const struct fault *why)
{
    if (why->error == -EINTR)
        return interrupted(args, screen);
    screen_complain(screen, "%s", why->text);
    return CLI_FAILED;
}

static void on_progress(void *context, const char *method, const json_t *params)
{
    const struct screen *screen = context;
    struct screen there = {.out = screen->err};
    const char *text = show_text(params, "text");

    if (!screen->live || strcmp(method, "progress") != 0)
        return;
    fputs("  ", screen->err);
    screen_text(&there, PLAIN, text ? 10 : 0, show_text(params, "step"));
    if (text)
        screen_text(&there, PLAIN, 0, text);
    putc('\n', screen->err);
}

static void show(const struct args *args, const struct screen *screen,
                 const json_t *result)
{
    if (!args->json) {
        args->command->show(screen, result);
        return;
    }
    json_dumpf(result, screen->out, JSON_COMPACT | JSON_ENCODE_ANY);
    putc('\n', screen->out);
}

/* Ask, with `params` taken.  CLI_DONE and `*result` given; else it was told why. */
static int ask(struct client *client, const struct args *args,
               const struct screen *screen, json_t *params, json_t **result)
{
    struct fault why = {0};
    struct answer answer;

    if (client_ask(client, args->command->method, params, &answer, &why) != 0)
        return unable(args, screen, &why);
    if (answer.error) {
        show_error(screen, answer.error, args->json);
        answer_finish(&answer);
        return CLI_FAILED;
    }
    *result = answer.result;
    return CLI_DONE;
}

/* What all of these begin with: the parameters, then the host. */
static int prepare(const struct args *args, const struct screen *screen,
                   json_t **params, struct client **client)
{
    struct fault why = {0};

    *params = NULL;
    if (args->command->params && args->command->params(args, params, &why) != 0) {
        screen_complain(screen, "%s", why.text);
        return CLI_USAGE;
    }
    if (open_host(args, client, &why) == 0)
        return CLI_DONE;
    json_decref(*params);
    screen_complain(screen, "%s", why.text);
    return CLI_NO_HOST;
}

/* The whole way; CLI_DONE and `*result`, shown and given. */
static int talk(const struct args *args, const struct screen *screen, json_t **result)
{
    struct client *client;
    json_t *params;
    int status = prepare(args, screen, &params, &client);

    if (status != CLI_DONE)
        return status;
    client_on_notice(client, on_progress, (void *)(uintptr_t)screen);
    status = ask(client, args, screen, params, result);
    if (status == CLI_DONE)
        show(args, screen, *result);
    client_close(client);
    return status;
}

int talk_run(const struct args *args, const struct screen *screen)
{
    json_t *result;
    int status = talk(args, screen, &result);

    if (status == CLI_DONE)
        json_decref(result);
    return status;
}

int talk_ps(const struct args *args, const struct screen *screen)
{
    const char *limit = args_value(args, "limit");
    json_int_t most = PS_LIMIT;
    json_t *result;
    int status = talk(args, screen, &result);

    if (status != CLI_DONE)
        return status;
    if (limit)
        read_number(limit, 1, INT32_MAX, &most);
    fflush(screen->out);
    if ((json_int_t)json_array_size(result) == most)
        screen_complain(screen,
                        "there may be more than these %lld processes: --limit N "
                        "shows more",
                        (long long)most);
    json_decref(result);
    return CLI_DONE;
}

int talk_stop(const struct args *args, const struct screen *screen)
{
    struct client *client;
    json_t *params, *result;
    struct fault why = {0};
    int status = prepare(args, screen, &params, &client);

    if (status != CLI_DONE)
        return status;
    status = ask(client, args, screen, params, &result);
    if (status == CLI_DONE) {
        json_decref(result);
        if (client_listen(client, &why) != 0)
            status = unable(args, screen, &why);
    }
    client_close(client);
    return status;
}

/* -- events -- */

struct watcher {
    const struct args *args;
    const struct screen *screen;
};

static void print_missed(const struct screen *screen, json_int_t count)
{
    if (count > 0)
        screen_complain(screen,
                        "%lld events were missed: they came faster than they were "
                        "read",
                        (long long)count);
}

static void on_event(void *context, const char *method, const json_t *params)
{
    const struct watcher *watcher = context;

    if (strcmp(method, "event") == 0) {
        event_print(params, watcher->args->json, watcher->screen->out);
        fflush(watcher->screen->out);
    } else if (strcmp(method, "events.missed") == 0) {
        print_missed(watcher->screen, show_number(params, "count"));
    }
}

static json_t *event_params(const struct args *args)
{
    const char *level = args_value(args, "level");
    json_t *params = json_object(), *names = json_array();

    if (level)
        json_object_set_new(params, "level", json_string(level));
    for (int i = 0; i < args->count; i++)
        json_array_append_new(names, json_string(args->words[i]));
    if (args->count > 0)
        json_object_set(params, "names", names);
    json_decref(names);
    return params;
}

static int recent(struct client *client, const struct args *args,
                  const struct screen *screen, json_t **result)
{
    const char *last = args_value(args, "last");
    json_t *params = event_params(args);
    json_int_t count = 100;

    if (last && !read_number(last, 1, EVENT_RING, &count)) {
        json_decref(params);
        screen_complain(screen,
                        "'--last' must be an integer between 1 and %u, not '%s'",
                        EVENT_RING, last);
        return CLI_USAGE;
    }
    json_object_set_new(params, "count", json_integer(count));
    return ask(client, args, screen, params, result);
}

/* What happens from `next` on, until the host or who watches ends it. */
static int follow(struct client *client, const struct args *args,
                  const struct screen *screen, json_int_t next)
{
    struct watcher watcher = {args, screen};
    json_t *params = event_params(args);
    struct fault why = {0};
    struct answer answer;
    int error;

    client_on_notice(client, on_event, &watcher);
    json_object_set_new(params, "since", json_integer(next));
    error = client_ask(client, "events.subscribe", params, &answer, &why);
    if (!error && answer.error) {
        show_error(screen, answer.error, args->json);
        answer_finish(&answer);
        return CLI_FAILED;
    }
    if (!error) {
        answer_finish(&answer);
        error = client_listen(client, &why);
    }
    if (error && error != -EINTR)
        return unable(args, screen, &why);
    return CLI_DONE;
}

int talk_events(const struct args *args, const struct screen *screen)
{
    json_t *params, *result, *event;
    struct client *client;
    size_t i;
    int status = prepare(args, screen, &params, &client);

    if (status != CLI_DONE)
        return status;
    status = recent(client, args, screen, &result);
    if (status == CLI_DONE) {
        json_int_t next = show_number(result, "next");

        json_array_foreach(json_object_get(result, "events"), i, event)
            event_print(event, args->json, screen->out);
        fflush(screen->out);
        json_decref(result);
        if (args_value(args, "follow"))
            status = follow(client, args, screen, next);
    }
    client_close(client);
    return status;
}

/* -- parameters -- */

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

int talk_name(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = json_object();
    int error = object ? set_text(object, "name", args->words[0], why) : no_memory(why);

    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int talk_limit(const struct args *args, json_t **params, struct fault *why)
{
    const char *word = args_value(args, "limit");
    json_int_t limit = PS_LIMIT;

    if (word && !read_number(word, 1, INT32_MAX, &limit))
        return fault(why, -EINVAL, "'--limit' must be an integer from 1 on, not '%s'",
                     word);
    *params = json_pack("{s:I}", "limit", limit);
    return *params ? 0 : no_memory(why);
}

int talk_file(const struct args *args, json_t **params, struct fault *why)
{
    char *path = realpath(args->words[0], NULL);
    json_t *object = path ? json_object() : NULL;
    int error;

    if (!path)
        return fault(why, -errno, "unable to read '%s': %s", args->words[0],
                     strerror(errno));
    error = object ? set_text(object, "file", path, why) : no_memory(why);
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

static int take_message(const char *word, json_t *params, struct fault *why)
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
    return json_object_set_new(params, "message", message) == 0 ? 0 : no_memory(why);
}

static int take_timeout(const struct args *args, json_t *params, struct fault *why)
{
    const char *word = args_value(args, "timeout");
    json_int_t ms;

    if (!word)
        return 0;
    if (!read_number(word, 1, INT32_MAX, &ms))
        return fault(why, -EINVAL,
                     "'--timeout' must be milliseconds between 1 and %d, not '%s'",
                     INT32_MAX, word);
    json_object_set_new(params, "timeout_ms", json_integer(ms));
    return 0;
}

int talk_message(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object;
    int error = talk_name(args, &object, why);

    if (error)
        return error;
    error = take_message(args->words[1], object, why);
    if (!error)
        error = take_timeout(args, object, why);
    if (error)
        json_decref(object);
    else
        *params = object;
    return error;
}

int talk_targets(const struct args *args, json_t **params, struct fault *why)
{
    json_t *object = json_object(), *targets = json_array();

    for (int i = 0; i < args->count; i++)
        json_array_append_new(targets, json_string(args->words[i]));
    json_object_set_new(object, "targets", targets);
    if (args_value(args, "plan"))
        json_object_set_new(object, "plan", json_true());
    if (json_array_size(targets) == (size_t)args->count) {
        *params = object;
        return 0;
    }
    json_decref(object);
    return fault(why, -EINVAL, "a target is not UTF-8");
}
