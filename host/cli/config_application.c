/* SPDX-License-Identifier: Apache-2.0 */
#include "config_application.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

/* "moult.conf:3: 'name'" */
static void name_origin(const config_setting_t *setting, const char *file,
                        char text[300])
{
    snprintf(text, 300, "%s:%u: '%s'", file, config_setting_source_line(setting),
             config_setting_name(setting));
}

/*
 * Bytes as text, which may end with K, M or G.  Not as an integer: libconfig cuts those
 * without an L to 32 bits, and does not say so.
 */
static int take_bytes(const config_setting_t *setting, const char *file, uint64_t *to,
                      struct fault *why)
{
    const char *text = config_setting_get_string(setting);
    long long bytes;
    char from[300], *end;
    unsigned shift = 0;

    errno = 0;
    bytes = strtoll(text ? text : "", &end, 10);
    if (*end && !end[1] && strchr("KMG", *end))
        shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30;
    else if (*end)
        bytes = 0; /* which is refused */
    if (errno || bytes <= 0 || (uint64_t)bytes > CONFIG_MAX_HEAP_MAX >> shift ||
        (uint64_t)bytes << shift < CONFIG_MAX_HEAP_MIN) {
        name_origin(setting, file, from);
        return fault(
            why, -EINVAL,
            "%s must be a number of bytes from \"4K\" to \"128G\", as \"64M\" or "
            "\"67108864\"",
            from);
    }
    *to = (uint64_t)bytes << shift;
    return 0;
}

static int take_start(const config_setting_t *setting, const char *file,
                      enum application_type *to, struct fault *why)
{
    const char *word = config_setting_get_string(setting);
    char from[300];

    for (int type = APPLICATION_TEMPORARY; word && type <= APPLICATION_PERMANENT;
         type++)
        if (strcmp(word, application_type_text((enum application_type)type)) == 0) {
            *to = (enum application_type)type;
            return 0;
        }
    name_origin(setting, file, from);
    return fault(why, -EINVAL,
                 "%s must be \"permanent\", \"transient\" or \"temporary\"", from);
}

static int take_key(struct config_application *a, const config_setting_t *setting,
                    const char *file, struct fault *why)
{
    struct config_env *env = &a->env[a->env_count++];
    int len;

    env->key = strdup(config_setting_name(setting));
    env->value = settings_json(setting);
    len = asprintf(&env->from, "%s:%u: '%s.%s'", file,
                   config_setting_source_line(setting), a->name,
                   config_setting_name(setting));
    if (len < 0)
        env->from = NULL;
    return env->key && env->value && env->from
               ? 0
               : fault(why, -ENOMEM, "no memory for the configuration");
}

/* libconfig would cut integers that it can't hold. */
static int check_file(const config_setting_t *setting, const char *path,
                      const char *file, struct fault *why)
{
    const char *in = config_setting_source_file(setting);
    char *text = settings_text(in ? in : path, file, why);
    int error = text ? settings_check_integers(text, file, why) : why->error;

    free(text);
    return error;
}

static int take_env(struct config_application *a, const config_setting_t *setting,
                    const struct config_source *source, struct fault *why)
{
    size_t count = (size_t)config_setting_length(setting);
    char from[300];
    int error;

    name_origin(setting, source->file, from);
    if (!config_setting_is_group(setting))
        return fault(why, -EINVAL, "%s must be a group, as { port = 80; }", from);
    error = check_file(setting, source->path, source->file, why);
    if (error)
        return error;
    a->env = calloc(count + 1, sizeof(*a->env));
    if (!a->env)
        return fault(why, -ENOMEM, "no memory for the configuration");
    for (unsigned i = 0; i < count && !error; i++)
        error = take_key(a, config_setting_get_elem(setting, i), source->file, why);
    return error;
}

int config_take_level(const config_setting_t *setting, const char *file, int *to,
                      struct fault *why)
{
    const char *word = config_setting_get_string(setting);
    enum event_level level;
    char from[300];

    if (word && event_level_of(word, &level) == 0) {
        *to = (int)level;
        return 0;
    }
    name_origin(setting, file, from);
    return fault(why, -EINVAL,
                 "%s must be \"debug\", \"info\", \"warn\", \"error\" or \"none\"",
                 from);
}

static int take_member(struct config_application *a, const config_setting_t *member,
                       const struct config_source *source, struct fault *why)
{
    const char *key = config_setting_name(member);
    char from[300];

    if (strcmp(key, "max_heap") == 0)
        return take_bytes(member, source->file, &a->max_heap, why);
    if (strcmp(key, "start") == 0)
        return take_start(member, source->file, &a->start, why);
    if (strcmp(key, "env") == 0)
        return take_env(a, member, source, why);
    if (strcmp(key, "log") == 0)
        return config_take_level(member, source->file, &a->log_level, why);
    name_origin(member, source->file, from);
    return fault(
        why, -EINVAL,
        "%s is no setting of an application: there are max_heap, start, env and "
        "log",
        from);
}

static int take_application(struct config_application *a,
                            const config_setting_t *setting,
                            const struct config_source *source, struct fault *why)
{
    char from[300];
    int error = 0;

    name_origin(setting, source->file, from);
    if (!config_setting_is_group(setting))
        return fault(why, -EINVAL, "%s must be a group, as { max_heap = \"64M\"; }",
                     from);
    a->log_level = -1;
    a->name = strdup(config_setting_name(setting));
    if (!a->name)
        return fault(why, -ENOMEM, "no memory for the configuration");
    for (unsigned i = 0; i < (unsigned)config_setting_length(setting) && !error; i++)
        error = take_member(a, config_setting_get_elem(setting, i), source, why);
    return error;
}

int config_take_applications(struct config *config, const config_setting_t *setting,
                             const struct config_source *source, struct fault *why)
{
    int count = config_setting_length(setting), error = 0;
    char from[300];

    name_origin(setting, source->file, from);
    if (!config_setting_is_group(setting))
        return fault(why, -EINVAL,
                     "%s must be a group of groups, as { counter = { max_heap = "
                     "\"64M\"; }; }",
                     from);
    config->applications = calloc((size_t)count + 1, sizeof(*config->applications));
    if (!config->applications)
        return fault(why, -ENOMEM, "no memory for the configuration");
    for (unsigned i = 0; i < (unsigned)count && !error; i++)
        error = take_application(&config->applications[config->application_count++],
                                 config_setting_get_elem(setting, i), source, why);
    return error;
}

void config_application_finish(struct config_application *a)
{
    for (size_t i = 0; i < a->env_count; i++) {
        free(a->env[i].key);
        free(a->env[i].from);
        json_decref(a->env[i].value);
    }
    free(a->env);
    free(a->name);
}
