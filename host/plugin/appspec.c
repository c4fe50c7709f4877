/* SPDX-License-Identifier: Apache-2.0 */
#include "appspec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoded.h"
#include "env.h"
#include "manifest.h"
#include "master.h"
#include "utf8.h"

/* What the structs had at first; they have only grown since. */
#define ENV_SIZE_MIN    (offsetof(moult_env, most) + sizeof(int64_t))
#define PHASE_SIZE_MIN  (offsetof(moult_start_phase, args) + sizeof(char *))
#define MODULE_SIZE_MIN (offsetof(moult_application, config_change) + sizeof(void *))

static int no_memory(struct fault *why)
{
    return fault(why, -ENOMEM, "no memory to load a plugin");
}

/* -- lists of names -- */

static int take_list(const char *const *names, const char *what, char ***out,
                     struct fault *why)
{
    size_t count = 0;

    while (names && names[count])
        if (++count > APPSPEC_LIST_MAX)
            return fault(why, -EINVAL,
                         "its %s are more than %u: end the list with NULL", what,
                         APPSPEC_LIST_MAX);
    if (!count)
        return 0;
    *out = calloc(count + 1, sizeof(**out));
    for (size_t i = 0; *out && i < count; i++)
        if (!((*out)[i] = strdup(names[i])))
            return no_memory(why);
    return *out ? 0 : no_memory(why);
}

static int take_lists(const struct moult_plugin *p, struct resource *out,
                      struct fault *why)
{
    const struct {
        const char *what;
        const char *const *names;
        char ***to;
    } lists[] = {
        {"modules", p->modules, &out->modules},
        {"registered names", p->registered, &out->registered},
        {"applications", p->applications, &out->applications},
        {"included_applications", p->included_applications, &out->included},
        {"optional_applications", p->optional_applications, &out->optional},
    };
    int err = 0;

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists) && !err; i++)
        err = take_list(lists[i].names, lists[i].what, lists[i].to, why);
    return err;
}

/* -- env -- */

struct env_spec *appspec_key(struct resource *r, const char *key)
{
    struct env_spec *more;

    for (size_t i = 0; i < r->env_count; i++)
        if (strcmp(r->env[i].key, key) == 0)
            return &r->env[i];
    more = realloc(r->env, (r->env_count + 1) * sizeof(*more));
    if (!more)
        return NULL;
    r->env = more;
    more = &more[r->env_count];
    *more = (struct env_spec){.key = strdup(key)};
    if (!more->key)
        return NULL;
    r->env_count++;
    return more;
}

static int take_key(const moult_env *from, struct resource *out, struct fault *why)
{
    size_t before = out->env_count;
    struct env_spec *spec = appspec_key(out, from->key);
    char what[APPSPEC_TEXT_MAX + 32];

    if (!spec)
        return no_memory(why);
    if (out->env_count == before)
        return fault(why, -EINVAL, "its env has two keys '%.200s'", from->key);
    spec->type = from->type;
    spec->required = from->required != 0;
    spec->least = from->least;
    spec->most = from->most;
    snprintf(what, sizeof(what), "the contents of env '%.200s'", from->key);
    return from->value ? encoded_text(what, from->value, &spec->value, &spec->len, why)
                       : 0;
}

static int take_env(const struct moult_plugin *p, struct resource *out,
                    struct fault *why)
{
    int err = 0;

    if (p->env && p->env_size < ENV_SIZE_MIN)
        return fault(why, -EINVAL,
                     "it has an env and no env_size: define it with "
                     "MOULT_PLUGIN");
    for (size_t i = 0; p->env && !err; i++) {
        moult_env own = {0};

        memcpy(&own, (const char *)p->env + i * p->env_size,
               p->env_size < sizeof(own) ? p->env_size : sizeof(own));
        if (!own.key)
            break;
        if (i == APPSPEC_LIST_MAX)
            return fault(why, -EINVAL,
                         "its env has more than %u keys: end it with {.key = NULL}",
                         APPSPEC_LIST_MAX);
        err = take_key(&own, out, why);
    }
    return err;
}

/* -- start phases -- */

static int take_phase(const moult_start_phase *from, struct start_phase *to,
                      struct fault *why)
{
    char what[APPSPEC_TEXT_MAX + 32];

    to->name = strdup(from->name);
    if (!to->name)
        return no_memory(why);
    snprintf(what, sizeof(what), "the args of start phase '%.200s'", from->name);
    return encoded_text(what, from->args, &to->args, &to->len, why);
}

static int take_phases(const struct moult_plugin *p, struct resource *out,
                       struct fault *why)
{
    moult_start_phase own;
    size_t count = 0;
    int err = 0;

    if (p->start_phases && p->phase_size < PHASE_SIZE_MIN)
        return fault(why, -EINVAL,
                     "it has start phases and no phase_size: define it "
                     "with MOULT_PLUGIN");
    while (p->start_phases && !err) {
        struct start_phase *more;

        memcpy(&own, (const char *)p->start_phases + count * p->phase_size,
               sizeof(own));
        if (!own.name)
            break;
        if (++count > APPSPEC_LIST_MAX)
            return fault(why, -EINVAL,
                         "it has more than %u start phases: end them with "
                         "{.name = NULL}",
                         APPSPEC_LIST_MAX);
        more = realloc(out->phases, count * sizeof(*more));
        if (!more)
            return no_memory(why);
        out->phases = more;
        more[out->phase_count] = (struct start_phase){0};
        err = take_phase(&own, &more[out->phase_count++], why);
    }
    return err;
}

/* -- callbacks -- */

static int take_module(const struct moult_plugin *p, struct resource *out,
                       struct fault *why)
{
    struct module *m;

    if (!p->mod)
        return 0;
    if (p->mod->size < MODULE_SIZE_MIN)
        return fault(why, -EINVAL,
                     "its mod says it has %u bytes: begin it with .size = "
                     "sizeof(moult_application)",
                     p->mod->size);
    m = out->mod = calloc(1, sizeof(*m));
    if (!m)
        return no_memory(why);
    memcpy(&m->callbacks, p->mod,
           p->mod->size < sizeof(m->callbacks) ? p->mod->size : sizeof(m->callbacks));
    master_module(m, p->mod);
    return encoded_text("the args of its mod", m->callbacks.args, &m->args, &m->len,
                        why);
}

/* -- telemetry -- */

static int take_handler(const moult_telemetry_handler *from, struct resource *out,
                        struct fault *why)
{
    struct code_handler *more;

    if (!from->run)
        return fault(why, -EINVAL, "its telemetry handler '%.200s' has no function",
                     from->name);
    more = realloc(out->handlers, (out->handler_count + 1) * sizeof(*more));
    if (!more)
        return no_memory(why);
    out->handlers = more;
    more[out->handler_count] = (struct code_handler){strdup(from->name), from->run};
    if (!more[out->handler_count].name)
        return no_memory(why);
    out->handler_count++;
    return 0;
}

static int take_handlers(const struct moult_plugin *p, struct resource *out,
                         struct fault *why)
{
    int err = 0;

    if (p->telemetry && p->telemetry_size < sizeof(moult_telemetry_handler))
        return fault(why, -EINVAL,
                     "it has telemetry handlers and no telemetry_size: define it with "
                     "MOULT_PLUGIN");
    for (size_t i = 0; p->telemetry && !err; i++) {
        moult_telemetry_handler own;

        memcpy(&own, (const char *)p->telemetry + i * p->telemetry_size, sizeof(own));
        if (!own.name)
            break;
        if (i == APPSPEC_LIST_MAX)
            return fault(why, -EINVAL,
                         "it has more than %u telemetry handlers: end them with "
                         "{NULL, NULL}",
                         APPSPEC_LIST_MAX);
        err = take_handler(&own, out, why);
    }
    return err;
}

int appspec_take(const struct moult_plugin *plugin, struct resource *out,
                 struct fault *why)
{
    int err = take_lists(plugin, out, why);

    if (!err)
        err = take_env(plugin, out, why);
    if (!err)
        err = take_phases(plugin, out, why);
    if (!err)
        err = take_handlers(plugin, out, why);
    return err ? err : take_module(plugin, out, why);
}

void appspec_forget(struct moult_plugin *plugin)
{
    plugin->modules = plugin->registered = plugin->applications = NULL;
    plugin->included_applications = plugin->optional_applications = NULL;
    plugin->env = NULL;
    plugin->start_phases = NULL;
    plugin->mod = NULL;
    plugin->telemetry = NULL;
}

/* -- checking -- */

static bool is_application_name(const char *name)
{
    size_t len = strlen(name);

    return len && len <= MANIFEST_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static bool is_twice(char *const *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(list[i], list[at]) == 0)
            return true;
    return false;
}

/* The names of other applications, each once. */
static int check_names(char *const *list, const char *what, const char *own,
                       struct fault *why)
{
    for (size_t i = 0; list && list[i]; i++) {
        if (!is_application_name(list[i]))
            return fault(why, -EINVAL,
                         "'%.64s' of its %s is not the name of an application", list[i],
                         what);
        if (strcmp(list[i], own) == 0)
            return fault(why, -EINVAL, "it is one of its own %s", what);
        if (is_twice(list, i))
            return fault(why, -EINVAL, "its %s have '%s' twice", what, list[i]);
    }
    return 0;
}

static int check_texts(char *const *list, const char *what, struct fault *why)
{
    for (size_t i = 0; list && list[i]; i++)
        if (!list[i][0] || strlen(list[i]) > APPSPEC_TEXT_MAX ||
            !utf8_valid(list[i], strlen(list[i])))
            return fault(why, -EINVAL,
                         "number %zu of its %s is not UTF-8 text of 1 to %u bytes", i,
                         what, APPSPEC_TEXT_MAX);
    return 0;
}

static int check_optional(const struct resource *r, struct fault *why)
{
    for (char **name = r->optional; name && *name; name++)
        if (!resource_has(r->applications, *name))
            return fault(why, -EINVAL,
                         "'%s' is one of its optional_applications and not of its "
                         "applications",
                         *name);
    for (char **name = r->included; name && *name; name++)
        if (resource_has(r->applications, *name))
            return fault(why, -EINVAL,
                         "'%s' is one of its applications and of its "
                         "included_applications",
                         *name);
    return 0;
}

static int check_phases(const struct resource *r, struct fault *why)
{
    for (size_t i = 0; i < r->phase_count; i++) {
        const char *name = r->phases[i].name;
        char *list[] = {r->phases[i].name, NULL};
        int err = check_texts(list, "start phases", why);

        if (err)
            return err;
        for (size_t k = 0; k < i; k++)
            if (strcmp(r->phases[k].name, name) == 0)
                return fault(why, -EINVAL, "it has two start phases '%s'", name);
    }
    if (r->phase_count && (!r->mod || !r->mod->callbacks.start_phase))
        return fault(why, -EINVAL,
                     "it has start phases, and its mod has no start_phase to call");
    return 0;
}

static int check_handlers(const struct resource *r, struct fault *why)
{
    for (size_t i = 0; i < r->handler_count; i++) {
        const char *name = r->handlers[i].name;
        size_t len = strlen(name);

        if (!len || len > APPSPEC_TEXT_MAX || !utf8_valid(name, len))
            return fault(why, -EINVAL,
                         "number %zu of its telemetry handlers has a name that is not "
                         "UTF-8 text of 1 to %u bytes",
                         i, APPSPEC_TEXT_MAX);
        for (size_t k = 0; k < i; k++)
            if (strcmp(r->handlers[k].name, name) == 0)
                return fault(why, -EINVAL, "it has two telemetry handlers '%s'", name);
    }
    return 0;
}

static int check_env(const struct resource *r, struct fault *why)
{
    int err = 0;

    for (size_t i = 0; i < r->env_count && !err; i++)
        err = env_check_spec(&r->env[i], why);
    return err;
}

int appspec_check(const struct resource *r, const char *name, struct fault *why)
{
    int err = check_names(r->applications, "applications", name, why);

    if (!err)
        err = check_names(r->included, "included_applications", name, why);
    if (!err)
        err = check_names(r->optional, "optional_applications", name, why);
    if (!err)
        err = check_texts(r->modules, "modules", why);
    if (!err)
        err = check_texts(r->registered, "registered names", why);
    if (!err)
        err = check_optional(r, why);
    if (!err)
        err = check_phases(r, why);
    if (!err)
        err = check_handlers(r, why);
    return err ? err : check_env(r, why);
}

/* -- releasing -- */

void appspec_release_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

void appspec_release(struct resource *r)
{
    char **const lists[] = {r->modules, r->registered, r->applications, r->included,
                            r->optional};

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        appspec_release_list(lists[i]);
    for (size_t i = 0; i < r->env_count; i++) {
        free(r->env[i].key);
        free(r->env[i].value);
    }
    for (size_t i = 0; i < r->phase_count; i++) {
        free(r->phases[i].name);
        free(r->phases[i].args);
    }
    for (size_t i = 0; i < r->handler_count; i++)
        free((char *)r->handlers[i].name);
    free(r->handlers);
    if (r->mod)
        free(r->mod->args);
    free(r->mod);
    free(r->env);
    free(r->phases);
    free(r->description);
    *r = (struct resource){0};
}
