/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "config.h"
#include "event.h"
#include "refusal.h"
#include "show.h"
#include "words.h"

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
    refusal_complain(why, args->json, screen);
    return CLI_FAILED;
}

/* For whom notifications are printed. */
struct watcher {
    const struct args *args;
    const struct screen *screen;
};

static void on_progress(void *context, const char *method, const json_t *params)
{
    const struct watcher *watcher = context;
    const struct screen *screen = watcher->screen;
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

/* CLI_DONE and `*result` given; else it was told why.  `params` is taken. */
/* NOLINTNEXTLINE(readability-function-size): what talk() has, and what is asked */
static int ask_for(struct client *client, const struct args *args,
                   const struct screen *screen, const char *method, json_t *params,
                   json_t **result)
{
    struct fault why = {0};
    struct answer answer;

    if (client_ask(client, method, params, &answer, &why) != 0)
        return unable(args, screen, &why);
    if (answer.error) {
        show_error(screen, answer.error, args->json);
        answer_finish(&answer);
        return CLI_FAILED;
    }
    *result = answer.result;
    return CLI_DONE;
}

/* Ask the command's method, with `params` taken. */
static int ask(struct client *client, const struct args *args,
               const struct screen *screen, json_t *params, json_t **result)
{
    return ask_for(client, args, screen, args->command->method, params, result);
}

/* What all of these begin with: the parameters, then the host. */
static int prepare(const struct args *args, const struct screen *screen,
                   json_t **params, struct client **client)
{
    struct fault why = {0};

    *params = NULL;
    if (args->command->params && args->command->params(args, params, &why) != 0) {
        refusal_complain(&why, args->json, screen);
        return why.error == -EINVAL ? CLI_USAGE : CLI_FAILED;
    }
    if (open_host(args, client, &why) == 0)
        return CLI_DONE;
    json_decref(*params);
    refusal_complain(&why, args->json, screen);
    return why.error == -ENAMETOOLONG || why.error == -EINVAL ? CLI_USAGE : CLI_NO_HOST;
}

/* The whole way; CLI_DONE and `*result`, shown and given. */
static int talk(const struct args *args, const struct screen *screen, json_t **result)
{
    struct watcher watcher = {args, screen};
    struct client *client = NULL;
    json_t *params;
    int status = prepare(args, screen, &params, &client);

    if (status != CLI_DONE)
        return status;
    client_on_notice(client, on_progress, &watcher);
    status = ask(client, args, screen, params, result);
    if (status == CLI_DONE)
        show(args, screen, *result);
    client_close(client);
    return status;
}

int talk_run(const struct args *args, const struct screen *screen)
{
    json_t *result = NULL;
    int status = talk(args, screen, &result);

    if (status == CLI_DONE)
        json_decref(result);
    return status;
}

int talk_ask(const struct args *args, const struct screen *screen, const char *method,
             json_t *params, json_t **result)
{
    struct client *client = NULL;
    struct fault why = {0};
    int status;

    if (open_host(args, &client, &why) != 0) {
        json_decref(params);
        return CLI_NO_HOST;
    }
    status = ask_for(client, args, screen, method, params, result);
    client_close(client);
    return status;
}

int talk_ps(const struct args *args, const struct screen *screen)
{
    const char *limit = args_value(args, "limit");
    json_int_t most = WORDS_PS_LIMIT;
    json_t *result = NULL;
    int status = talk(args, screen, &result);

    if (status != CLI_DONE)
        return status;
    if (limit)
        words_number(limit, 1, INT32_MAX, &most);
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
    struct client *client = NULL;
    json_t *params, *result = NULL;
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

    if (last && !words_number(last, 1, EVENT_RING, &count)) {
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
    json_t *params, *result = NULL, *event;
    struct client *client = NULL;
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

/* -- a trace -- */

static void print_time(const struct screen *screen, json_int_t at_us)
{
    time_t when = (time_t)(at_us / 1000000);
    char text[32];
    struct tm utc;

    gmtime_r(&when, &utc);
    strftime(text, sizeof(text), "%H:%M:%S", &utc);
    fprintf(screen->out, "%s.%06d ", text, (int)(at_us % 1000000));
}

/* "12:04:05.678901 in  call    <0.9.1> {"add": 5}" */
static void print_note(const struct screen *screen, const json_t *note)
{
    json_int_t bytes = show_number(note, "bytes");
    const json_t *message = json_object_get(note, "message");
    const char *peer = show_text(note, "peer");

    print_time(screen, show_number(note, "at_us"));
    screen_text(screen, BOLD, 4, show_text(note, "event"));
    screen_text(screen, PLAIN, 8, show_text(note, "kind"));
    screen_text(screen, DIM, 0,
                peer && strcmp(peer, "<0.0.0>") == 0 ? "outside" : peer);
    putc(' ', screen->out);
    if (json_object_get(note, "reason"))
        fprintf(screen->out, "reason %" JSON_INTEGER_FORMAT,
                show_number(note, "reason"));
    else if (json_is_null(message) && bytes > 1)
        fprintf(screen->out, "(%" JSON_INTEGER_FORMAT " bytes)", bytes);
    else
        json_dumpf(message, screen->out, JSON_ENCODE_ANY);
    putc('\n', screen->out);
}

static void on_note(void *context, const char *method, const json_t *params)
{
    const struct watcher *watcher = context;
    const struct screen *screen = watcher->screen;
    json_int_t missed = show_number(params, "missed");

    if (strcmp(method, "trace") != 0)
        return;
    if (missed > 0 && !watcher->args->json)
        screen_complain(screen,
                        "%lld messages were dropped: they came faster than they were "
                        "read",
                        (long long)missed);
    if (watcher->args->json) {
        json_dumpf(params, screen->out, JSON_COMPACT);
        putc('\n', screen->out);
    } else {
        print_note(screen, params);
    }
    fflush(screen->out);
}

int talk_trace(const struct args *args, const struct screen *screen)
{
    struct watcher watcher = {args, screen};
    struct client *client = NULL;
    struct fault why = {0};
    struct answer answer;
    json_t *params;
    int status = prepare(args, screen, &params, &client), error;

    if (status != CLI_DONE)
        return status;
    client_on_notice(client, on_note, &watcher);
    error = client_ask(client, args->command->method, params, &answer, &why);
    client_close(client);
    if (error) /* who interrupts has seen enough */
        return why.error == -EINTR ? CLI_DONE : unable(args, screen, &why);
    if (answer.error) {
        show_error(screen, answer.error, args->json);
        status = CLI_FAILED;
    } else if (!args->json) {
        screen_complain(screen, "it has ended: %s", show_text(answer.result, "ended"));
    }
    answer_finish(&answer);
    return status;
}
