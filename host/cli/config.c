/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <libconfig.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_application.h"
#include "pid.h"
#include "rehearse.h"
#include "settings.h"

#define PROCESSES_LEAST 100u               /* the host's own, and some */
#define REHEARSE_UNSAID (REHEARSE_ALL - 1) /* so many there can't be */

/* Where a value comes from. */
struct origin {
    char text[300];     /* for messages: "--workers" or "moult.conf:3: 'workers'" */
    const char *folder; /* what a path is relative to */
};

/* -- defaults -- */

/* The environment's folder `name` if it is absolute, as its specification asks. */
static const char *folder_from(const char *name)
{
    const char *path = getenv(name);

    return path && path[0] == '/' ? path : NULL;
}

static const char *home(void)
{
    const char *path = folder_from("HOME");
    const struct passwd *user = path ? NULL : getpwuid(geteuid());

    if (user && user->pw_dir && user->pw_dir[0] == '/')
        path = user->pw_dir;
    return path ? path : "/";
}

/* "<folder>/<name>", given. */
static char *below(const char *folder, const char *name)
{
    char *path;
    const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";

    return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

char *config_default_data(void)
{
    const char *states = folder_from("XDG_STATE_HOME");

    return states ? below(states, "moult") : below(home(), ".local/state/moult");
}

/* `data` is where the socket goes if there is no better place. */
static char *socket_for(const char *data)
{
    const char *given = getenv("MOULT_SOCKET"),
               *runtime = folder_from("XDG_RUNTIME_DIR");

    if (given && given[0])
        return strdup(given);
    return below(runtime ? runtime : data, "moult.sock");
}

char *config_default_socket(void)
{
    char *data = config_default_data(), *path = data ? socket_for(data) : NULL;

    free(data);
    return path;
}

/* As many processors as this process may use, which can be fewer than there are. */
static unsigned processors(void)
{
    cpu_set_t set;
    long count;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        count = CPU_COUNT(&set);
    else /* more than a cpu_set_t holds */
        count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1)
        return 1;
    return count > (long)WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

/* -- values -- */

/* Set `*to` unless it was set before. */
static int take_path(const char *path, char **to, const struct origin *from,
                     struct fault *why)
{
    if (!path[0])
        return fault(why, -EINVAL, "%s must not be empty", from->text);
    if (*to)
        return 0;
    *to = path[0] == '/' ? strdup(path) : below(from->folder, path);
    return *to ? 0 : fault(why, -ENOMEM, "no memory for the configuration");
}

static int take_workers(long long count, unsigned *to, const struct origin *from,
                        struct fault *why)
{
    if (count < 1 || count > (long long)WORKERS_MAX)
        return fault(why, -EINVAL, "%s must be an integer between 1 and %u", from->text,
                     WORKERS_MAX);
    if (*to == 0)
        *to = (unsigned)count;
    return 0;
}

static int take_processes(long long count, uint32_t *to, const struct origin *from,
                          struct fault *why)
{
    if (count < PROCESSES_LEAST || count > (long long)PID_INDEX_MAX)
        return fault(why, -EINVAL, "%s must be an integer between %u and %u",
                     from->text, PROCESSES_LEAST, PID_INDEX_MAX);
    *to = (uint32_t)count;
    return 0;
}

/* Words that a value may have; `*to` is -1 until it is set, then 0 or 1. */
static int take_word(const char *word, const char *const words[2], int *to,
                     const struct origin *from, struct fault *why)
{
    int choice = strcmp(word, words[1]) == 0;

    if (!choice && strcmp(word, words[0]) != 0)
        return fault(why, -EINVAL, "%s must be \"%s\" or \"%s\", not \"%s\"",
                     from->text, words[0], words[1], word);
    if (*to < 0)
        *to = choice;
    return 0;
}

/* "all", "off" or "sample N". */
static int take_rehearse(const char *text, size_t *to, const struct origin *from,
                         struct fault *why)
{
    size_t count = 0;
    char *end;

    if (strcmp(text, "all") == 0) {
        count = REHEARSE_ALL;
    } else if (strncmp(text, "sample ", 7) == 0 && text[7] >= '1' && text[7] <= '9') {
        errno = 0;
        count = strtoul(text + 7, &end, 10);
        if (errno || *end)
            count = 0;
    }
    if (count == 0 && strcmp(text, "off") != 0)
        return fault(why, -EINVAL,
                     "%s must be \"all\", \"sample N\" or \"off\", not \"%s\"",
                     from->text, text);
    if (*to == REHEARSE_UNSAID)
        *to = count;
    return 0;
}

static const char *const on_drop_words[] = {"upgrade", "stage"};
static const char *const permanent_words[] = {"auto", "manual"};
static const char *const log_words[] = {"text", "json"};

/* A config in the making. */
struct draft {
    struct config config;
    int on_drop, permanent, log, level; /* -1: not said yet */
    const char *path;                   /* of the file being read; borrowed */
};

static int take_text(struct draft *d, const char *key, const char *text,
                     const struct origin *from, struct fault *why)
{
    if (strcmp(key, "plugins") == 0)
        return take_path(text, &d->config.plugins, from, why);
    if (strcmp(key, "data") == 0)
        return take_path(text, &d->config.data, from, why);
    if (strcmp(key, "socket") == 0)
        return take_path(text, &d->config.socket, from, why);
    if (strcmp(key, "on_drop") == 0)
        return take_word(text, on_drop_words, &d->on_drop, from, why);
    if (strcmp(key, "rehearse") == 0)
        return take_rehearse(text, &d->config.rehearse, from, why);
    if (strcmp(key, "permanent") == 0)
        return take_word(text, permanent_words, &d->permanent, from, why);
    return take_word(text, log_words, &d->log, from, why);
}

/* -- the command line -- */

static int parse_workers(const char *text, struct draft *d, struct fault *why)
{
    const struct origin from = {"--workers", NULL};
    char *end;
    long long count;

    errno = 0;
    count = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        count = 0; /* which is refused */
    return take_workers(count, &d->config.workers, &from, why);
}

static int take_options(struct draft *d, const struct config_options *options,
                        const char *folder, struct fault *why)
{
    const struct {
        const char *option, *key, *text;
    } said[] = {
        {"--plugins", "plugins", options->plugins},
        {"--data", "data", options->data},
        {"--socket", "socket", options->socket},
        {"--on-drop", "on_drop", options->on_drop},
        {"--permanent", "permanent", options->permanent},
        {"--rehearse", "rehearse", options->rehearse},
        {"--log", "log", options->log},
    };
    int error = options->workers ? parse_workers(options->workers, d, why) : 0;

    for (size_t i = 0; !error && i < sizeof(said) / sizeof(*said); i++) {
        struct origin from = {.folder = folder};

        snprintf(from.text, sizeof(from.text), "%s", said[i].option);
        if (said[i].text)
            error = take_text(d, said[i].key, said[i].text, &from, why);
    }
    return error;
}

/* -- the file -- */

static const char *const keys[] = {"plugins",       "data",         "socket",
                                   "workers", /* so far as enum config_fixed */
                                   "max_processes", "on_drop",      "permanent",
                                   "rehearse",      "max_pause_ms", "max_move_ms",
                                   "log",           "applications"};

/* Is `name` one of them?  Where the file says it is noted. */
static bool is_key(const char *name, unsigned line, struct config *c)
{
    size_t i = 0;

    while (i < sizeof(keys) / sizeof(*keys) && strcmp(keys[i], name) != 0)
        i++;
    if (i < CONFIG_FIXED)
        c->lines[i] = line;
    return i < sizeof(keys) / sizeof(*keys);
}

/* log = { level = "debug"; format = "json"; } */
static int take_log(struct draft *d, const config_setting_t *group, const char *file,
                    struct fault *why)
{
    int error = 0;

    for (unsigned i = 0; i < (unsigned)config_setting_length(group) && !error; i++) {
        const config_setting_t *member = config_setting_get_elem(group, i);
        const char *name = config_setting_name(member),
                   *text = config_setting_get_string(member);
        struct origin from;

        snprintf(from.text, sizeof(from.text), "%s:%u: 'log.%s'", file,
                 config_setting_source_line(member), name);
        if (strcmp(name, "level") == 0)
            error = config_take_level(member, file, &d->level, why);
        else if (strcmp(name, "format") == 0)
            error = take_word(text ? text : "", log_words, &d->log, &from, why);
        else
            error = fault(why, -EINVAL, "%s is no setting: there are level and format",
                          from.text);
    }
    return error;
}

/* 0, which is refused, if it is none. */
static long long number_of(const config_setting_t *setting)
{
    return config_setting_is_number(setting) ? config_setting_get_int64(setting) : 0;
}

static int take_ms(const config_setting_t *setting, uint32_t *to,
                   const struct origin *from, struct fault *why)
{
    long long ms = number_of(setting);

    if (ms < 1 || ms > (long long)TERMS_MOST_MS)
        return fault(why, -EINVAL, "%s must be an integer between 1 and %u", from->text,
                     TERMS_MOST_MS);
    *to = (uint32_t)ms;
    return 0;
}

static int take_setting(struct draft *d, const config_setting_t *setting,
                        const char *file, const char *folder, struct fault *why)
{
    const char *name = config_setting_name(setting), *text;
    const char *in =
        config_setting_source_file(setting); /* NULL: not an included one */
    unsigned line = config_setting_source_line(setting);
    struct origin from = {.folder = folder};

    snprintf(from.text, sizeof(from.text), "%s:%u: '%s'", in ? in : file, line, name);
    if (!is_key(name, line, &d->config))
        return fault(
            why, -EINVAL,
            "%s is no setting: there are plugins, data, socket, workers, "
            "max_processes, on_drop, permanent, rehearse, max_pause_ms, max_move_ms, "
            "log and applications",
            from.text);
    if (strcmp(name, "applications") == 0)
        return config_take_applications(
            &d->config, setting,
            &(struct config_source){in ? in : file, in ? in : d->path}, why);
    if (strcmp(name, "workers") == 0)
        return take_workers(number_of(setting), &d->config.workers, &from, why);
    if (strcmp(name, "max_processes") == 0)
        return take_processes(number_of(setting), &d->config.max_processes, &from, why);
    if (strcmp(name, "max_pause_ms") == 0)
        return take_ms(setting, &d->config.terms.max_pause_ms, &from, why);
    if (strcmp(name, "max_move_ms") == 0)
        return take_ms(setting, &d->config.terms.max_move_ms, &from, why);
    if (strcmp(name, "log") == 0 && config_setting_is_group(setting))
        return take_log(d, setting, in ? in : file, why);
    text = config_setting_get_string(setting);
    if (!text)
        return fault(why, -EINVAL, "%s must be a string in double quotes", from.text);
    return take_text(d, name, text, &from, why);
}

static int take_settings(struct draft *d, const config_t *settings, const char *file,
                         const char *folder, struct fault *why)
{
    const config_setting_t *root = config_root_setting(settings);
    int error = 0;

    for (int i = 0; !error && i < config_setting_length(root); i++)
        error = take_setting(d, config_setting_get_elem(root, (unsigned)i), file,
                             folder, why);
    return error;
}

/* Paths in a file are relative to where it is, so that it may be used from anywhere. */
static int take_file(struct draft *d, const char *file, struct fault *why)
{
    char *path = realpath(file, NULL);
    FILE *in = path ? fopen(path, "re") : NULL;
    config_t settings;
    int error = 0;

    if (!in) {
        error = -errno;
        free(path);
        return fault(why, error, "unable to read '%s': %s", file, strerror(-error));
    }
    error = settings_reserve(in, file, why);
    if (error) {
        fclose(in);
        free(path);
        return error;
    }
    config_init(&settings);
    if (!config_read(&settings, in)) {
        const char *where = config_error_file(&settings);

        error = fault(why, -EINVAL, "%s:%d: %s", where ? where : file,
                      config_error_line(&settings), config_error_text(&settings));
    } else {
        d->path = file;
        *strrchr(path, '/') = 0;
        error = take_settings(d, &settings, file, path[0] ? path : "/", why);
    }
    config_destroy(&settings);
    fclose(in);
    free(path);
    return error;
}

/* -- together -- */

static int fill_in(struct draft *d, const char *folder, struct fault *why)
{
    struct config *c = &d->config;
    char *relative;

    if (!c->data)
        c->data = config_default_data();
    if (c->data && !c->plugins)
        c->plugins = below(c->data, "plugins");
    if (c->data && !c->socket)
        c->socket = socket_for(c->data);
    if (c->socket && c->socket[0] != '/') {
        relative = c->socket;
        c->socket = below(folder, relative);
        free(relative);
    }
    if (!c->data || !c->plugins || !c->socket)
        return fault(why, -ENOMEM, "no memory for the configuration");
    if (c->workers == 0)
        c->workers = processors();
    c->stage_only = d->on_drop == 1;
    c->manual = d->permanent == 1;
    if (c->rehearse == REHEARSE_UNSAID)
        c->rehearse = REHEARSE_SAMPLE;
    c->log_json = d->log == 1;
    c->log_level = d->level < 0 ? EVENT_INFO : (enum event_level)d->level;
    return 0;
}

int config_gather(const struct config_options *options, struct config *out,
                  struct fault *why)
{
    struct draft d = {.on_drop = -1,
                      .permanent = -1,
                      .config.rehearse = REHEARSE_UNSAID,
                      .log = -1,
                      .level = -1};
    char *folder = getcwd(NULL, 0);
    int error = 0;

    if (!folder)
        return fault(why, -errno, "unable to tell the current folder: %s",
                     strerror(errno));
    error = take_options(&d, options, folder, why);
    if (!error && options->file)
        error = take_file(&d, options->file, why);
    if (!error)
        error = fill_in(&d, folder, why);
    free(folder);
    if (error)
        config_finish(&d.config);
    *out = d.config;
    return error;
}

void config_finish(struct config *config)
{
    free(config->plugins);
    free(config->data);
    free(config->socket);
    for (size_t i = 0; i < config->application_count; i++)
        config_application_finish(&config->applications[i]);
    free(config->applications);
    *config = (struct config){0};
}
